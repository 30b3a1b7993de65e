"""Is the matrix of the primary knobs whole: all that the study spans with them, ok in every block of both modes?

In a factorial stage that is every combination of their levels; in a stage around a configuration, each level by itself;
in a screening, each run of its design. A screening and its confirmation count by their own blocks.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ablatrix.analysis.diagnosis import Setting, Settings, Unit, described
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import PLAN, StagePlan, plans_of
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


_Statuses = Mapping[tuple[str, str | None], Mapping[Settings, Counter[str]]]
"""How trials of each configuration ended, by mode and stage."""


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
        _matrix(unit, primary[unit.compiler], mode, counts)
        for unit in findings.units
        for counts in [_statuses(unit)]
        for mode in MODES
    ]


def _matrix(unit: Unit, primary: Sequence[str], mode: str, known: _Statuses) -> PrimaryMatrix:
    plans = _plans(unit)
    left = {knob for plan in plans.values() if plan.chosen for knob in (*plan.chosen.idle, *plan.chosen.failed)}
    levels = {knob: unit.levels[knob] for knob in primary if knob in unit.levels}
    gaps = [because("one_level", knob=knob) for knob in primary if knob not in levels and knob not in left]
    apart = {stage: plan for stage, plan in plans.items() if plan.chosen is not None}
    shared = [plan for stage, plan in plans.items() if stage not in apart]
    parts = []
    if shared or not plans:
        ended = [held for (held_mode, stage), held in known.items() if held_mode == mode and stage not in apart]
        parts.append(_counted(unit, _spanned(unit, levels, shared), ended))
    for stage, plan in apart.items():
        counted = _counted(unit, _spanned_apart(unit, stage, plan, known), [known.get((mode, stage), {})])
        parts.append(replace(counted, in_rounds=plan.kind == "screen"))
    repeats = max((part.repeats for part in parts), default=0)
    if repeats == 0:
        gaps.append(because("no_trial_of_matrix", mode=mode))
    unsupported, whole = [], 0
    for part in parts if repeats else ():
        for one, count in part.counts.items():
            name = described(held for held in one if held.knob in levels)
            if count[Status.UNSUPPORTED] and count[Status.UNSUPPORTED] == count.total():
                unsupported.append(name)
            elif count[Status.OK] < (count.total() if part.in_rounds else part.repeats):
                others = tuple(f"{number} {status}" for status, number in sorted(count.items()) if status != Status.OK)
                gaps.append(because("not_whole", name=name, ok=count[Status.OK], repeats=part.repeats, others=others))
            else:
                whole += 1
    return PrimaryMatrix(
        workload=unit.workload,
        compiler=unit.compiler,
        mode=mode,
        levels=levels,
        configurations=sum(len(part.counts) for part in parts),
        repeats=repeats,
        whole=whole,
        unsupported=tuple(unsupported),
        gaps=tuple(gaps),
    )


@dataclass(frozen=True)
class _Counted:
    """The configurations of stages that share blocks, with how their trials ended.

    Attributes:
        in_rounds: Whether it is a screening, of which some configurations are issued more often than others.
    """

    counts: Mapping[Settings, Counter[str]]
    repeats: int
    in_rounds: bool = False


def _counted(unit: Unit, grid: Sequence[Settings], ended: Sequence[Mapping[Settings, Counter[str]]]) -> _Counted:
    """Return how the trials of configurations ended, of those in some blocks."""
    counts = {one: sum((held.get(one, Counter()) for held in ended), Counter[str]()) for one in grid}
    # A split block has the baseline in each of its parts.
    repeats = max((count.total() for one, count in counts.items() if one != unit.baseline), default=0)
    return _Counted(counts, repeats)


def _spanned_apart(unit: Unit, stage: str, plan: StagePlan, known: _Statuses) -> list[Settings]:
    """Return the configurations of a stage with blocks of its own: of a screening those that were issued."""
    if plan.kind == "screen":
        issued = {one for (_, of_stage), held in known.items() if of_stage == stage for one in held}
        return [one for one in unit.rows if one in issued]
    base = {held.knob: held.level for held in unit.baseline}
    changes = _combined({knob: held for knob, held in plan.levels.items() if knob in base})
    return [_changed(unit, change) for change in changes]


def _spanned(unit: Unit, levels: Mapping[str, tuple[str, ...]], plans: Sequence[StagePlan]) -> list[Settings]:
    """Return the configurations of the matrix, in the order of a unit's settings; other knobs are at the baseline.

    They are what the stages span that leave all other knobs there; where records do not say what stages span, every
    combination.
    """
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
    return list(dict.fromkeys(_changed(unit, change) for change in changes))


def _changed(unit: Unit, change: Mapping[str, str]) -> Settings:
    return tuple(Setting(held.knob, change.get(held.knob, held.level)) for held in unit.baseline)


def _plans(unit: Unit) -> dict[str, StagePlan]:
    """Return what the stages of a unit span, by their names, in the order of the study; none in old records."""
    if PLAN not in unit.table.columns:
        return {}
    return plans_of(unit.trials("stage", PLAN).unique().iter_rows())


def _combined(levels: Mapping[str, Sequence[str]]) -> list[Mapping[str, str]]:
    return [dict(zip(levels, chosen, strict=True)) for chosen in itertools.product(*levels.values())]


def _statuses(unit: Unit) -> _Statuses:
    """Return how many trials of each configuration have each status, by mode and stage."""
    number = pl.Series(_NUMBER, unit.numbers())
    keys = ("mode", "stage", _NUMBER, "status")
    counts = unit.trials("mode", "stage", "status").with_columns(number).group_by(keys).len()
    settings = list(unit.rows)
    found: dict[tuple[str, str | None], dict[Settings, Counter[str]]] = {}
    for mode, stage, place, status, count in counts.iter_rows():
        found.setdefault((mode, stage), {}).setdefault(settings[place], Counter())[status] += count
    return found
