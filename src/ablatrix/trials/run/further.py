"""Stages that follow from results: what a screening and its confirmation turn out to be, from the records so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

import numpy as np

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.statistics.rounds import paired_levels
from ablatrix.statistics.screening import ScreenedEffect, screened_effects
from ablatrix.statistics.screening.observed import ObservedDesign, found_factors
from ablatrix.study.activity import Activity, by_moved_knobs, find_activity
from ablatrix.study.design import Design, Trial
from ablatrix.study.further_stages import Changed, changes_of, lay_out
from ablatrix.study.named import baseline_of
from ablatrix.study.probes import moved_levels, screened_span
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import ChosenDesign, choose_design, full_factorial
from ablatrix.study.screen_cost import most_configurations
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice

CONFIDENCE = 0.95

Pair = tuple[str, str]
Known = Mapping[str, Record]


def extend_by_results(
    resolved: ResolvedStudy, design: Design, known: Known, max_live: int | None = None
) -> Design | None:
    """Return the design with the next stage that follows from results; None where none does, or none is due.

    Args:
        resolved: The study with its catalogue.
        design: The design so far.
        known: The final record of each finished trial.
        max_live: See `make_design`.
    """
    for stage, (workload, compiler) in _open_stages(resolved, design):
        of_screen = stage.name if stage.factorial_of is None else stage.factorial_of.stage
        trials = _trials_of(design, of_screen, (workload, compiler))
        if not trials or any(trial.trial_id not in known for trial in trials):
            continue
        if stage.screen is not None:
            return _with_screen(resolved, design, stage, (workload, compiler), trials, known, max_live)
        screen = design.choice(of_screen, workload, compiler)
        if screen is not None:
            return _with_confirmation(resolved, design, stage, screen, trials, known, max_live)
    return None


def _open_stages(resolved: ResolvedStudy, design: Design) -> Iterator[tuple[Stage, Pair]]:
    """Yield the stages that follow from results and are not laid out, with each workload and compiler."""
    study = resolved.study
    for stage in study.stages:
        for variant in study.variants if stage.is_adaptive else ():
            for compiler in (one.name for one in study.compilers):
                is_open = design.choice(stage.name, variant.name, compiler) is None
                if is_open and stage.is_about(variant.name, variant.base, compiler):
                    yield stage, (variant.name, compiler)


def _trials_of(design: Design, stage: str, pair: Pair) -> list[Trial]:
    """Return the trials of a stage for a workload on a compiler, without those of the reference."""
    cells = {cell.cell_id: cell for cell in design.cells if (cell.workload, cell.compiler) == pair}
    return [trial for trial in design.trials if trial.stage == stage and trial.cell_id in cells]


def _with_screen(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    pair: Pair,
    probes: Sequence[Trial],
    known: Known,
    max_live: int | None,
) -> Design:
    """Return the design with a screening, by what its untimed compiles showed."""
    study, catalogue = resolved
    workload, compiler = pair
    entry = catalogue.compiler(compiler)
    span, baseline = screened_span(resolved, stage, compiler), baseline_of(study, entry)
    moved = moved_levels(resolved, compiler, span)
    records = [known[trial.trial_id] for trial in probes]
    activity = find_activity(entry, moved, by_moved_knobs(records, moved, baseline))
    compile_s = median(record.wall_s for record in records)
    most = most_configurations(resolved, stage, workload, compile_s, max_live)
    numbers = {knob: span.levels[knob] for knob in activity.active}
    levels: dict[str, tuple[Level, ...]] = {knob: (baseline[knob], moved[knob]) for knob in activity.active}
    chosen = _choose(stage, levels, numbers, most)
    if chosen.design.kind == "definitive":
        levels = dict(numbers)
    choice = StageChoice(
        stage=stage.name,
        workload=workload,
        compiler=compiler,
        design=chosen.design.kind if levels else "none",
        resolution=chosen.design.resolution,
        levels=levels,
        configurations=len(chosen.design.runs) if levels else 0,
        blocks=study.protocol.hot.blocks,
        why=_why(activity, moved, chosen),
        idle=activity.idle,
        failed=activity.failed,
    )
    return lay_out(resolved, design, stage, choice, changes_of(chosen.design, levels) if levels else (), max_live)


def _choose(
    stage: Stage, levels: Mapping[str, Sequence[Level]], spans: Mapping[str, Sequence[Level]], most: int
) -> ChosenDesign:
    if not levels:
        return ChosenDesign(full_factorial(1), "")
    numeric = all(len(held) == 3 for held in spans.values())
    return choose_design(len(levels), most, numeric=numeric, wanted=stage.design)


def _why(activity: Activity, moved: Mapping[str, Level], chosen: ChosenDesign) -> str:
    """Return why a screening has the design that it has, in a sentence."""
    counted = f"{len(activity.active)} of {len(moved)} knobs may change something"
    if activity.failed:
        counted += f", {len(activity.failed)} fail by themselves"
    return f"{counted}; {chosen.why}" if activity.active else f"{counted}, so there is nothing to screen"


def _with_confirmation(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    screen: StageChoice,
    trials: Sequence[Trial],
    known: Known,
    max_live: int | None,
) -> Design:
    """Return the design with every combination of the knobs that a screening found, the largest ones."""
    assert stage.factorial_of is not None
    measured = [trial for trial in trials if trial.role == "measured"]
    effects = find_effects(screen, [known[trial.trial_id] for trial in measured]) if measured else ()
    found = found_factors(effects)
    kept = found[: stage.factorial_of.most]
    names = [knob for number, knob in enumerate(screen.levels) if number in kept]
    baseline = baseline_of(resolved.study, resolved.catalogue.compiler(screen.compiler))
    levels = {knob: _two_levels(screen.levels[knob], baseline[knob]) for knob in names}
    largest = f"the {len(kept)} largest of {len(found)}" if len(kept) < len(found) else f"all {len(found)}"
    why = f"{largest} knobs that '{screen.stage}' found among {len(screen.levels)} at a false discovery rate of 5 %"
    choice = StageChoice(
        stage=stage.name,
        workload=screen.workload,
        compiler=screen.compiler,
        design="full_factorial" if levels else "none",
        resolution=None,
        levels=levels,
        configurations=2 ** len(levels) if levels else 0,
        blocks=resolved.study.protocol.hot.blocks,
        why=why if levels else f"'{screen.stage}' found no knob at a false discovery rate of 5 %",
        of=screen.stage,
    )
    changes: list[Changed] = changes_of(full_factorial(len(levels)), levels) if levels else []
    return lay_out(resolved, design, stage, choice, changes, max_live)


def _two_levels(levels: Sequence[Level], base: Level) -> tuple[Level, ...]:
    return (base, next(level for level in reversed(levels) if level != base))


def find_effects(screen: StageChoice, records: Sequence[Record]) -> tuple[ScreenedEffect, ...]:
    """Return the effects of a screening's knobs on its hot times, or on its cold ones where it has no hot trials.

    Args:
        screen: What it was.
        records: Of its measured trials.
    """
    knobs = tuple(screen.levels)
    configurations = [tuple(record.config.knobs[knob] for knob in knobs) for record in records]
    observed = ObservedDesign.of(list(screen.levels.values()), configurations, screen.design, screen.resolution)
    mode = "hot" if any(record.mode == "hot" for record in records) else "cold"
    blocks = [
        {tuple(record.config.knobs[knob] for knob in knobs): value for record, value in block}
        for block in _values([record for record in records if record.mode == mode], mode)
    ]
    table = observed.table(blocks)
    return screened_effects(observed.design, table, CONFIDENCE) if np.isfinite(table).any() else ()


def _values(records: Iterable[Record], mode: str) -> Iterator[list[tuple[Record, float]]]:
    """Yield the logs of the times of each block."""
    blocks: dict[str, list[Record]] = {}
    for record in records:
        if record.status is Status.OK and record.runtime is not None:
            blocks.setdefault(record.block_id, []).append(record)
    for block in blocks.values():
        if mode == "cold":
            times = ((record, record.runtime.compile_first_run_ms) for record in block if record.runtime is not None)
            yield [(record, math.log(time)) for record, time in times if time]
            continue
        bursts = {
            record.trial_id: record.runtime.burst_ms_min
            for record in block
            if record.runtime is not None and record.runtime.burst_ms_min
        }
        levels = paired_levels(bursts)
        yield [(record, levels[record.trial_id]) for record in block if record.trial_id in levels]
