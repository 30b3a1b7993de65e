"""Which knobs can go: groups of them are left out of all on together, and those that matter are divided, in rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.statistics.screening import Group, LeftOut, first_groups, next_groups
from ablatrix.study.builds import ANCHORS
from ablatrix.study.design import Design
from ablatrix.study.further_stages import Changed, add_round, lay_out
from ablatrix.study.named import baseline_of
from ablatrix.study.probes import moved_levels, screened_span
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.spans import ON
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice
from ablatrix.trials.run.seen import observed

GROUPS = "groups"


def with_groups(
    resolved: ResolvedStudy, design: Design, stage: Stage, choice: StageChoice, most: int, max_live: int | None
) -> Design:
    """Return the design with the first round of a search by groups: as many groups as a hot block has places for.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        stage: The stage.
        choice: What is known of it: its idle knobs, and those that fail.
        most: Configurations that it may have.
        max_live: See `make_design`.
    """
    levels = _left_levels(resolved, stage, choice)
    found = replace(choice, design=GROUPS, levels=levels, configurations=most)
    groups = first_groups(_active(found), min(_places(resolved, max_live), most))
    size = max(map(len, groups))
    each, divided = "each knob is left out of all on", ""
    if size > 1:
        each = f"{len(groups)} groups of up to {size} knobs are left out of all on"
        divided = ", those that matter are divided"
    why = f"{choice.why}; {each}{divided}, and at the end all that can go is left out at once"
    return lay_out(resolved, design, stage, replace(found, why=why), _without(found, groups), max_live)


def next_group_round(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    choice: StageChoice,
    records: Sequence[Record],
    max_live: int | None,
) -> Design | None:
    """Return the design with the next round of a search by groups; None where it is done.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        stage: The stage.
        choice: What it is.
        records: Of its measured trials so far, all of them.
        max_live: See `make_design`.
    """
    found = observed(choice, records).groups
    if found is None:
        return None
    places = min(_places(resolved, max_live), choice.configurations - len(found.tests))
    issued = {_left_out(choice, record) for record in records}  # no group is left out in two rounds
    parts, together = (
        [one for one in several if one not in issued]
        for several in (next_groups(found, places), _together(found, choice))
    )
    groups = parts or together
    if not groups:
        return None
    return add_round(resolved, design, stage, choice, _without(choice, groups), max_live)


def _together(found: LeftOut, choice: StageChoice) -> tuple[Group, ...]:
    """Return all knobs that can go, as a group."""
    knobs = list(choice.levels)
    every = tuple(sorted({*found.free, *map(knobs.index, choice.idle)}))
    return (every,) if found.free else ()


def _left_out(choice: StageChoice, record: Record) -> Group:
    levels = enumerate(choice.levels.items())
    return tuple(number for number, (knob, held) in levels if record.config.knobs[knob] == held[-1])


def _places(resolved: ResolvedStudy, max_live: int | None) -> int:
    """Return how many groups a hot block holds beside its anchors and the configuration with all on."""
    return max(1, (max_live or resolved.study.protocol.hot.max_live) - ANCHORS - 1)


def _active(choice: StageChoice) -> list[int]:
    return [number for number, knob in enumerate(choice.levels) if knob not in choice.idle]


def _without(choice: StageChoice, groups: Iterable[Group]) -> list[Changed]:
    """Return the configuration with all on, and those without each group."""
    return [
        {knob: held[number in group] for number, (knob, held) in enumerate(choice.levels.items())}
        for group in ((), *groups)
    ]


def _left_levels(resolved: ResolvedStudy, stage: Stage, choice: StageChoice) -> dict[str, tuple[Level, ...]]:
    """Return for each knob the level at which it stays, which is on where it has that, and at which it is left out."""
    baseline = baseline_of(resolved.study, resolved.catalogue.compiler(choice.compiler))
    moved = moved_levels(resolved, choice.compiler, screened_span(resolved, stage, choice.compiler))
    return {
        knob: (base, level) if (base := baseline[knob]) == ON else (level, base)
        for knob, level in moved.items()
        if knob not in choice.failed
    }
