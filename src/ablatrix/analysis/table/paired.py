"""The column ``run_ms_paired``: what a hot trial takes in an undisturbed round of its block."""

import math

import numpy as np
import polars as pl

from ablatrix.analysis.table.outcomes import IS_OK
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.statistics.rounds import levels_of_blocks, twin_levels

BLOCK = ("run", "block_id")
FASTEST, MEDIANS = "burst_ms_min", "burst_ms_p50"


def with_paired_times(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the table with ``run_ms_paired``; the fastest iterations are omitted: it has no other use for them."""
    return trials.drop(FASTEST).with_columns(paired_times(trials))


def paired_times(trials: pl.DataFrame) -> pl.Series:
    """Return the column ``run_ms_paired``, made from the bursts of all ok trials of a block together.

    Its ratios within a block are the ratios of run times; see `ablatrix.statistics.rounds`. A burst counts by its
    fastest iteration, or by its median in a block of which some record does not have that. A trial that has a twin in
    its block is what both took, and the twin is as far from that as it was from the trial. It is null for a trial that
    is not ok, for a cold one, and for one that lacks a burst which others of its block have.
    """
    rounds, fastest = pl.col(MEDIANS).list.len(), pl.col(FASTEST).list.len()
    hot = trials.select(*BLOCK, "cell_id", "role", MEDIANS, FASTEST, "status").with_row_index("row")
    hot = hot.filter(IS_OK & (pl.col(MEDIANS).list.min() > 0))
    hot = hot.filter(rounds == rounds.max().over(BLOCK))
    has_all = ((fastest == rounds) & (pl.col(FASTEST).list.min() > 0)).fill_null(value=False).all().over(BLOCK)
    times = pl.when(has_all).then(pl.col(FASTEST)).otherwise(pl.col(MEDIANS))
    twins = _twins(hot)
    hot = hot.select("row", *BLOCK, times.alias("times"), rounds.alias("rounds"), pl.len().over(BLOCK).alias("size"))
    found: dict[int, float] = {}
    for (size, count), part in hot.sort("run", "block_id", "row").group_by("size", "rounds", maintain_order=True):
        bursts = part["times"].explode().to_list()
        # libm's logarithm, so that the same records give the same bytes on every processor
        logs = np.fromiter(map(math.log, bursts), np.float64, part.height * count)
        levels = levels_of_blocks(logs.reshape(-1, size, count))
        found.update(zip(part["row"].to_list(), levels.ravel().tolist(), strict=True))
    for row, twin in twins:
        found[row], found[twin] = twin_levels(found[row], found[twin])
    values: list[float | None] = [None] * trials.height
    for row, level in found.items():
        values[row] = math.exp(level)
    return pl.Series(HOT_METRIC, values, pl.Float64())


def _twins(hot: pl.DataFrame) -> list[tuple[int, int]]:
    """Return the rows of trials that have a twin in their block, and those of the twins."""
    keys = [*BLOCK, "cell_id"]
    measured, twins = (
        hot.lazy().filter(pl.col("role") == role).select(*keys, pl.col("row").alias(role)).unique(keys, keep="none")
        for role in ("measured", "twin")
    )
    return measured.join(twins, on=keys).select("measured", "twin").collect().rows()
