"""Which configurations are worth having: none is shown to be better in compile time, run time and memory."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.diagnosis.configurations import Settings, Unit, by_blocks, units
from ablatrix.analysis.diagnosis.dominance import Array, Measured, Sides, exact_sides
from ablatrix.analysis.groups import Instrument
from ablatrix.analysis.reasons import Why, because
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC
from ablatrix.records.status import FAILURES

NAMED = 100
"""Configurations of those that dominate one that are named; of thousands, all would be millions."""


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
        dominated_by: Configurations that dominate it, those of the front first: at most ``NAMED`` of them.
        dominating: How many there are.
    """

    settings: Settings
    figures: Mapping[str, float]
    on_front: bool
    dominated_by: tuple[Settings, ...]
    dominating: int


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


def _front(unit: Unit, instrument: Instrument) -> Front:
    tables = {one: by_blocks(unit, one.column, one.mode) for one in OBJECTIVES}
    objectives = [one for one in OBJECTIVES if not np.isnan(tables[one]).all()]
    left_out: dict[Settings, Why] = {}
    kept: list[int] = []
    for column, (settings, rows) in enumerate(unit.rows.items()):
        failed = sorted(set(unit.table["status"][rows].unique().to_list()) & set(FAILURES))
        absent = [one.column for one in objectives if np.isnan(tables[one][:, column]).all()]
        if failed:
            left_out[settings] = Why.of(because("has_failures", statuses=tuple(failed)))
        elif absent:
            left_out[settings] = Why.of(because("no_figure", columns=tuple(absent)))
        else:
            kept.append(column)
    every = list(unit.rows)
    figures = {one: np.nanmedian(tables[one][:, kept], axis=0).tolist() if kept else [] for one in objectives}
    # Which configurations (columns) dominate each (rows).
    compared = objectives if kept else []
    above = _dominating([_sides(unit, one, tables[one], kept, figures[one], instrument) for one in compared], kept)
    top = _top_cycle(above)
    named = [every[column] for column in kept]
    order = sorted(range(len(kept)), key=lambda place: (not top[place], named[place]))
    points = []
    for place, settings in enumerate(named):
        by = [] if top[place] else np.flatnonzero(above[place, order]).tolist()
        points.append(
            Point(
                settings,
                {one.column: figures[one][place] for one in objectives},
                bool(top[place]),
                tuple(named[order[rank]] for rank in by[:NAMED]),
                len(by),
            )
        )
    return Front(
        workload=unit.workload,
        compiler=unit.compiler,
        baseline=unit.baseline,
        objectives=tuple(one.column for one in objectives),
        points=tuple(points),
        left_out=left_out,
    )


def _sides(
    unit: Unit,
    objective: Objective,
    values: Array,
    kept: Sequence[int],
    figures: Sequence[float],
    instrument: Instrument,
) -> Sides:
    """Return on which side each configuration that is kept (rows) lies of each other one."""
    if objective.exact:
        return exact_sides(figures)
    base = list(unit.rows).index(unit.baseline) if unit.baseline in unit.rows else None
    relative = np.full(values.shape, math.nan) if base is None else values / values[:, [base]]
    used = ~np.isnan(values[:, kept]).all(axis=1)
    offset = instrument.offset(objective.column, objective.mode, unit.identity)
    return Measured(objective.column, values[used][:, kept], relative[used][:, kept], offset).sides()


def _dominating(sides: Sequence[Sides], kept: Sequence[int]) -> NDArray[np.bool_]:
    """Return which configurations (columns) dominate each (rows)."""
    least, most = (np.zeros((len(kept), len(kept)), dtype=np.int8) for _ in range(2))
    for one in sides:
        np.minimum(least, one, out=least)
        np.maximum(most, one, out=most)
    found: NDArray[np.bool_] = ((most <= 0) & (least < 0)).T
    return found


def _top_cycle(above: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what is reached, going from dominated to dominating, only by paths that lead back as well.

    These are the strongly connected components that no path leaves.
    """
    from scipy.sparse import csr_array  # scipy is slow to import
    from scipy.sparse.csgraph import connected_components

    if not above.size:
        return np.zeros(0, dtype=np.bool_)
    count, component = connected_components(csr_array(above), directed=True, connection="strong")
    is_top = np.ones(count, dtype=np.bool_)
    low, high = np.nonzero(above)
    is_top[component[low[component[low] != component[high]]]] = False
    found: NDArray[np.bool_] = is_top[component]
    return found
