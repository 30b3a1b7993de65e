"""Which configurations are worth having: none is shown to be better in compile time, run time and memory."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.diagnosis.configurations import Settings, Unit, by_block, units
from ablatrix.analysis.groups import Instrument, step_of
from ablatrix.analysis.reasons import Why, because
from ablatrix.analysis.table import BLOCK
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC
from ablatrix.records.status import FAILURES
from ablatrix.statistics.ratio import Allowance, paired_ratio, welch_ratio


@dataclass(frozen=True)
class Objective:
    """What is to be small.

    Attributes:
        exact: The figure is planned, not measured: two values are compared as they are.
    """

    column: str
    mode: str
    exact: bool = False


OBJECTIVES = (
    Objective(COLD_METRIC, "cold"),
    Objective(HOT_METRIC, "hot"),
    Objective("planned_bytes", "cold", exact=True),
    Objective("peak_rss_delta_bytes", "cold"),
)


@dataclass(frozen=True)
class Point:
    """One configuration.

    Attributes:
        figures: Median over its trials, by objective. They say where it lies; the ratios decide.
        on_front: Whether no other configuration rules it out.
        dominated_by: Configurations that dominate it, those of the front first.
    """

    settings: Settings
    figures: Mapping[str, float]
    on_front: bool
    dominated_by: tuple[Settings, ...]


@dataclass(frozen=True, kw_only=True)
class Front:
    """The configurations of one workload and compiler.

    Attributes:
        objectives: Columns that are compared: those that any configuration has values of.
        points: Configurations with a value of each and without a failure.
        left_out: Why each other configuration is not compared.
    """

    workload: str
    compiler: str
    baseline: Settings
    objectives: tuple[str, ...]
    points: tuple[Point, ...]
    left_out: Mapping[Settings, Why]


def find_fronts(trials: pl.DataFrame, instrument: Instrument | None = None) -> list[Front]:
    """Return the Pareto front of each workload and compiler.

    A configuration dominates another when it is smaller in one objective at least and larger in none. Of a measured
    objective, smaller and larger mean that the 95 % interval of the ratio of the two lies on one side of 1: paired
    over the blocks that they share, else (parts of a split block) Welch's over their ratios to the baseline. What
    intervals do not distinguish counts neither for nor against. This relation need not be transitive, so the front is
    its *top cycle* (T. Schwartz, "Rationality and the myth of the maximum", Nous 6, 1972): whatever is dominated,
    through any number of steps, only by what it dominates in the same way. It is never empty. The intervals are not
    corrected for the number of comparisons: of two configurations that are equal in all, one may rule out the other by
    chance, and then nothing is lost.
    """
    instrument = instrument or Instrument(trials)
    return [_front(unit, instrument) for unit in units(trials)]


@dataclass(frozen=True)
class _Readings:
    values: Mapping[Objective, Mapping[tuple[object, ...], float]]
    relative: Mapping[Objective, tuple[float, ...]]
    offsets: Mapping[Objective, float]


def _front(unit: Unit, instrument: Instrument) -> Front:
    read = ("mode", "status", *BLOCK, *dict.fromkeys(one.column for one in OBJECTIVES))
    parts = {settings: unit.part(settings, *read) for settings in unit.rows}
    objectives = [one for one in OBJECTIVES if any(by_block(part, one.column, one.mode) for part in parts.values())]
    base = {one: by_block(unit.part(unit.baseline, *read), one.column, one.mode) for one in objectives}
    offsets = {one: instrument.offset(one.column, one.mode, unit.identity) for one in objectives}
    left_out: dict[Settings, Why] = {}
    readings: dict[Settings, _Readings] = {}
    for settings, part in parts.items():
        values = {one: by_block(part, one.column, one.mode) for one in objectives}
        failed = sorted(set(part["status"].to_list()) & set(FAILURES))
        absent = [one.column for one in objectives if not values[one]]
        if failed:
            left_out[settings] = Why.of(because("has_failures", statuses=tuple(failed)))
        elif absent:
            left_out[settings] = Why.of(because("no_figure", columns=tuple(absent)))
        else:
            relative = {
                one: tuple(value / base[one][block] for block, value in values[one].items() if block in base[one])
                for one in objectives
            }
            readings[settings] = _Readings(values, relative, offsets)
    above = {
        low: {high for high in readings if high != low and _dominates(readings[high], readings[low])}
        for low in readings
    }
    top = _top_cycle(above)
    points = tuple(
        Point(
            settings,
            {one.column: statistics.median(held.values[one].values()) for one in objectives},
            settings in top,
            () if settings in top else tuple(sorted(above[settings], key=lambda one: (one not in top, one))),
        )
        for settings, held in readings.items()
    )
    return Front(
        workload=unit.workload,
        compiler=unit.compiler,
        baseline=unit.baseline,
        objectives=tuple(one.column for one in objectives),
        points=points,
        left_out=left_out,
    )


def _dominates(one: _Readings, other: _Readings) -> bool:
    smaller = False
    # Exact figures first: they cost nothing and end most comparisons.
    for objective in sorted(one.values, key=lambda objective: not objective.exact):
        side = _side(one, other, objective)
        if side > 0:
            return False
        smaller |= side < 0
    return smaller


def _side(one: _Readings, other: _Readings, objective: Objective) -> int:
    """Return -1 where the first is shown to be smaller, 1 where it is shown to be larger, else 0."""
    here, there = one.values[objective], other.values[objective]
    if objective.exact:
        a, b = statistics.median(here.values()), statistics.median(there.values())
        return (a > b) - (a < b)
    shared = sorted(here.keys() & there.keys())
    step = max(step_of(objective.column, *map(math.log, side.values())) for side in (here, there))
    allowance = Allowance(one.offsets[objective], step)
    if shared:
        ratio = paired_ratio([math.log(here[block] / there[block]) for block in shared], allowance=allowance)
    elif one.relative[objective] and other.relative[objective]:
        ratio = welch_ratio(one.relative[objective], other.relative[objective], allowance=allowance)
    else:
        return 0
    return ratio.side


def _top_cycle(above: Mapping[Settings, set[Settings]]) -> set[Settings]:
    """Return what is reached, going from dominated to dominating, only by paths that lead back as well."""
    reach = {start: _reached(start, above) for start in above}
    return {start for start in above if all(start in reach[other] for other in reach[start])}


def _reached(start: Settings, above: Mapping[Settings, set[Settings]]) -> set[Settings]:
    found: set[Settings] = set()
    waiting = [start]
    while waiting:
        new = above[waiting.pop()] - found
        found |= new
        waiting += new
    return found
