"""Tables and factorial_grids with values that were thought out by hand."""

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from ablatrix.analysis.effects.grid import FactorialGrid
from ablatrix.analysis.reasons.absence import Absence
from ablatrix.analysis.reasons.knob_levels import KnobLevels
from ablatrix.records.model import Record
from ablatrix.statistics.precision import Comparison, Configuration
from tests.synthetic import PRIMARY, Plant, make_records, tidied

Values = Callable[[Mapping[str, str], int], float]
ALL_ON = {knob: levels[1] for knob, levels in PRIMARY.items()}


def table(records: Sequence[Record]) -> pl.DataFrame:
    return tidied(records).trials


def two_knobs(values: Values, blocks: int = 2, plants: Sequence[Plant] = ()) -> pl.DataFrame:
    """The hot trials of `encoder` in which only fusion and partition vary; times by (levels of all knobs, block)."""
    trials = table(make_records(workloads=["encoder"], modes=["hot"], blocks=blocks, noise=0.0, plants=plants))
    kept = (pl.col("role") != "measured") | (pl.col("knob_reuse") == "keep") & (pl.col("knob_memory_plan") == "off")
    return with_times(trials.filter(kept), values)


def with_times(trials: pl.DataFrame, values: Values) -> pl.DataFrame:
    """The same trials with other times, where there was one. The twin gets what the baseline gets."""
    times = []
    for row in trials.iter_rows(named=True):
        levels = {name.removeprefix("knob_"): row[name] for name in trials.columns if name.startswith("knob_")}
        known = row["run_ms_p50"] is not None and row["role"] != "reference"
        times.append(values(levels, row["block"]) if known else row["run_ms_p50"])
    return trials.with_columns(pl.Series("run_ms_p50", times, pl.Float64()))


def grid_of(knobs: Mapping[str, Sequence[str]], blocks: Sequence[Mapping[Configuration, float]]) -> FactorialGrid:
    """A factorial grid of knobs with their levels, the baseline's first."""
    grid: list[Configuration] = [()]
    for levels in knobs.values():
        grid = [(*one, level) for one in grid for level in levels]
    absent = {
        one: Absence.of({"crashed": gone}, len(blocks))
        for one in grid
        if (gone := sum(one not in block for block in blocks))
    }
    return FactorialGrid(
        origin=(),
        workload="encoder",
        digest="d",
        compiler="tvm",
        mode="hot",
        metric="run_ms_p50",
        stage="primary",
        kind="factorial",
        comparison=Comparison(tuple(knobs), tuple(knobs), grid[0], tuple(grid)),
        centre=KnobLevels(),
        blocks=tuple(blocks),
        blocks_empty=0,
        absent=absent,
    )
