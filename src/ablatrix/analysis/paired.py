"""The column ``run_ms_paired``: what a hot trial takes in an undisturbed round of its block."""

import json
import math
from typing import Any

import polars as pl

from ablatrix.statistics.rounds import paired_levels

HOT_METRIC = "run_ms_paired"
BLOCK = ("run", "block_id")


def with_paired_times(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the table with ``run_ms_paired``, made of the burst medians of all ok trials of a block together.

    Ratios of it within a block are the ratios of run times; see `statistics.rounds`. It is null for a trial that is
    not ok, for a cold one, and for one that lacks a burst which others of its block have.
    """
    hot = trials.select(*BLOCK, "burst_ms_p50", "status").with_row_index("row")
    hot = hot.filter((pl.col("status") == "ok") & pl.col("burst_ms_p50").is_not_null())
    values: list[float | None] = [None] * trials.height
    for _, block in hot.group_by(BLOCK, maintain_order=True):
        bursts: dict[int, list[Any]] = {
            row: json.loads(text) for row, text in block.select("row", "burst_ms_p50").iter_rows()
        }
        rounds = max(map(len, bursts.values()))
        whole = {row: series for row, series in bursts.items() if len(series) == rounds and min(series) > 0}
        for row, level in paired_levels(whole).items():
            values[row] = math.exp(level)
    return trials.with_columns(pl.Series(HOT_METRIC, values, pl.Float64()))
