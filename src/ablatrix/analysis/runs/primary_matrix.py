"""Is the matrix of the primary knobs whole: all that the study spans with them, ok in every block of both modes?

In a factorial stage that is every combination of their levels; in a stage around a configuration, each level by itself.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.diagnosis import Setting, Settings, Unit, described
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import PLAN, StagePlan, plan_texts
from ablatrix.analysis.reasons import Reason, because
from ablatrix.analysis.table import Tidy
from ablatrix.records.status import Status

MODES = ("cold", "hot")
_NUMBER = " number"  # no column of a record begins with a space


@dataclass(frozen=True, kw_only=True)
class PrimaryMatrix:
    """The matrix of one workload and compiler in one mode.

    Attributes:
        levels: Levels of each primary knob, the baseline's first; all other knobs are at the baseline's level.
        configurations: Combinations of these levels that the study spans.
        repeats: Blocks in which the most often run combination was run.
        whole: Combinations that are ok in every block.
        unsupported: Combinations that the compiler does not have, by name. They are not gaps.
        gaps: What is missing.
    """

    workload: str
    compiler: str
    mode: str
    levels: Mapping[str, tuple[str, ...]]
    configurations: int
    repeats: int
    whole: int
    unsupported: tuple[str, ...]
    gaps: tuple[Reason, ...]


def primary_matrices(trials: pl.DataFrame, findings: Findings | None = None) -> list[PrimaryMatrix]:
    """Return the matrix of each workload and compiler, in both modes.

    A primary knob that has one level, and a mode without trials, are gaps. What the results do not name cannot
    be missed here: only the design has it.

    Args:
        trials: The table of trials.
        findings: What is estimated from these trials, where it is known already.
    """
    findings = findings or Findings(Tidy(trials, {}, ()))
    primary = findings.primary_knobs
    return [
        _matrix(unit, primary[unit.compiler], mode, counts.get(mode, {}))
        for unit in findings.units
        for counts in [_statuses(unit)]
        for mode in MODES
    ]


def _matrix(unit: Unit, primary: Sequence[str], mode: str, known: Mapping[Settings, Counter[str]]) -> PrimaryMatrix:
    levels = {knob: unit.levels[knob] for knob in primary if knob in unit.levels}
    grid = _spanned(unit, levels)
    counts = {one: known.get(one, Counter[str]()) for one in grid}
    # A split block has the baseline in each of its parts.
    repeats = max((count.total() for one, count in counts.items() if one != unit.baseline), default=0)
    gaps = [because("one_level", knob=knob) for knob in primary if knob not in levels]
    unsupported, whole = [], 0
    if repeats == 0:
        gaps.append(because("no_trial_of_matrix", mode=mode))
    for one, count in counts.items() if repeats else ():
        name = described(held for held in one if held.knob in levels)
        if count[Status.UNSUPPORTED] and count[Status.UNSUPPORTED] == count.total():
            unsupported.append(name)
        elif count[Status.OK] < repeats:
            others = tuple(f"{number} {status}" for status, number in sorted(count.items()) if status != Status.OK)
            gaps.append(because("not_whole", name=name, ok=count[Status.OK], repeats=repeats, others=others))
        else:
            whole += 1
    return PrimaryMatrix(
        workload=unit.workload,
        compiler=unit.compiler,
        mode=mode,
        levels=levels,
        configurations=len(grid),
        repeats=repeats,
        whole=whole,
        unsupported=tuple(unsupported),
        gaps=tuple(gaps),
    )


def _spanned(unit: Unit, levels: Mapping[str, tuple[str, ...]]) -> list[Settings]:
    """Return the configurations of the matrix, in the order of a unit's settings; other knobs are at the baseline.

    They are what the stages span that leave all other knobs there; where records do not say what stages span, every
    combination.
    """
    plans = _plans(unit)
    changes: list[Mapping[str, str]] = [{}]
    if not plans:
        changes += _combined(levels)
    base = {held.knob: held.level for held in unit.baseline}
    for plan in plans:
        own = {knob: held for knob, held in plan.levels.items() if knob in levels}
        centre = {knob: plan.centre.get(knob, level) for knob, level in base.items()}
        apart = {knob: level for knob, level in centre.items() if level != base[knob]}
        others = {knob: held for knob, held in plan.levels.items() if knob not in levels}
        stays = all(base.get(knob, held[0]) in held for knob, held in others.items())
        if plan.kind == "factorial" and stays:
            changes += _combined(own)
        elif plan.kind == "around" and apart.keys() <= levels.keys() and own:
            changes += [apart, *({**apart, knob: level} for knob, held in own.items() for level in held)]
    configurations = [
        tuple(Setting(held.knob, change.get(held.knob, held.level)) for held in unit.baseline) for change in changes
    ]
    return list(dict.fromkeys(configurations))


def _plans(unit: Unit) -> list[StagePlan]:
    texts = plan_texts(unit.trials(PLAN)) if PLAN in unit.table.columns else []
    return sorted(map(StagePlan.read, texts), key=lambda plan: plan.number)


def _combined(levels: Mapping[str, Sequence[str]]) -> list[Mapping[str, str]]:
    return [dict(zip(levels, chosen, strict=True)) for chosen in itertools.product(*levels.values())]


def _statuses(unit: Unit) -> Mapping[str, Mapping[Settings, Counter[str]]]:
    """Return how many trials of each configuration have each status, by mode."""
    number = pl.Series(_NUMBER, unit.numbers())
    counts = unit.trials("mode", "status").with_columns(number).group_by("mode", _NUMBER, "status").len()
    settings = list(unit.rows)
    found: dict[str, dict[Settings, Counter[str]]] = {}
    for mode, place, status, count in counts.iter_rows():
        found.setdefault(mode, {}).setdefault(settings[place], Counter())[status] += count
    return found
