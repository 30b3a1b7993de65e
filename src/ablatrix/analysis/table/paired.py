"""The column ``run_ms_paired``: what a hot trial takes in an undisturbed round of its block."""

import math

import numpy as np
import polars as pl

from ablatrix.analysis.table.outcomes import IS_OK
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.statistics.rounds import levels_of_blocks

BLOCK = ("run", "block_id")
FASTEST, MEDIANS = "burst_ms_min", "burst_ms_p50"


def with_paired_times(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the table with ``run_ms_paired``; the fastest iterations are omitted: it has no other use for them."""
    return trials.drop(FASTEST).with_columns(paired_times(trials))


def paired_times(trials: pl.DataFrame) -> pl.Series:
    """Return the column ``run_ms_paired``, made from the bursts of all ok trials of a block together.

    Its ratios within a block are the ratios of run times; see `ablatrix.statistics.rounds`. A burst counts by its
    fastest iteration, or by its median in a block of which some record does not have that. It is null for a trial
    that is not ok, for a cold one, and for one that lacks a burst which others of its block have.
    """
    rounds, fastest = pl.col(MEDIANS).list.len(), pl.col(FASTEST).list.len()
    hot = trials.select(*BLOCK, MEDIANS, FASTEST, "status").with_row_index("row")
    hot = hot.filter(IS_OK & (pl.col(MEDIANS).list.min() > 0))
    hot = hot.filter(rounds == rounds.max().over(BLOCK))
    has_all = ((fastest == rounds) & (pl.col(FASTEST).list.min() > 0)).fill_null(value=False).all().over(BLOCK)
    times = pl.when(has_all).then(pl.col(FASTEST)).otherwise(pl.col(MEDIANS))
    hot = hot.select("row", *BLOCK, times.alias("times"), rounds.alias("rounds"), pl.len().over(BLOCK).alias("size"))
    values: list[float | None] = [None] * trials.height
    for (size, count), part in hot.sort("run", "block_id", "row").group_by("size", "rounds", maintain_order=True):
        bursts = part["times"].explode().to_list()
        # libm's logarithm, so that the same records give the same bytes on every processor
        logs = np.fromiter(map(math.log, bursts), np.float64, part.height * count)
        levels = levels_of_blocks(logs.reshape(-1, size, count))
        for row, level in zip(part["row"].to_list(), levels.ravel().tolist(), strict=True):
            values[row] = math.exp(level)
    return pl.Series(HOT_METRIC, values, pl.Float64())
