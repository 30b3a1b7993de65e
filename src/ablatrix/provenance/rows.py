"""The rows behind numbers, in an order that keeps together what belongs together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.provenance.ranges import Ranges, ranges_of

ROW = "row"
OWNER = "block_compiler"
KEYS = (
    *("workload", "workload_digest", "compiler", "mode", "role", "status", "is_baseline"),
    *("run", "block_id", "position", "trial_id", "record_id"),
)
"""What rows are sorted and found by."""


@dataclass(frozen=True)
class Rows:
    """The final trials without cache-priming runs, each with its index in the canonical order.

    Attributes:
        trials: The columns that are read, sorted; ``row`` is the index, ``block_compiler`` the compiler of a trial's
            block, which the reference of the block shares.
        ids: The record's id by index; after ``<run>:`` where there are several inputs, whose ids may be the same.
    """

    trials: pl.DataFrame
    ids: tuple[str, ...]

    def where(self, condition: pl.Expr) -> Ranges:
        """Return the rows that meet a condition."""
        return ranges_of(self.trials.lazy().filter(condition).select(ROW).collect()[ROW])

    def of_records(self, record_ids: Sequence[str]) -> Ranges:
        """Return the rows of records by their own ids; in several inputs an id may occur more than once."""
        wanted = pl.DataFrame({"record_id": list(record_ids)}, {"record_id": pl.String})
        return ranges_of(self.trials.join(wanted, on="record_id", how="semi")[ROW])

    def knobs(self) -> list[str]:
        """Return the knobs that any compiler has, by name."""
        return [
            name.removeprefix("knob_")
            for name in self.trials.columns
            if name.startswith("knob_") and f"baseline_{name.removeprefix('knob_')}" in self.trials.columns
        ]


def canonical_rows(trials: pl.DataFrame, columns: Iterable[str]) -> Rows:
    """Return trials in canonical order.

    They are sorted by workload (and its digest), compiler of the block, mode, ok before other statuses, status, role,
    compiler, knobs, and position in the run: the ok trials of a workload on a compiler in one mode, and those of a
    configuration, are one stretch.

    Args:
        trials: The table of trials, without cache-priming runs.
        columns: Columns that are read beside `KEYS`, the metrics of effects and claims, and levels with baselines.
    """
    wanted = {*KEYS, *METRICS, *columns}
    chosen = [name for name in trials.columns if name in wanted or name.startswith(("knob_", "baseline_"))]
    lazy = trials.lazy().select(chosen)
    labels = [name for name, kind in lazy.collect_schema().items() if kind == pl.Categorical]
    owners = pl.col("compiler").filter(pl.col("role") != "reference").min().over(BLOCK)
    table = (
        # Categories are sorted as text: their own order is the one in which they first occurred.
        lazy.with_columns(pl.col(labels).cast(pl.String))
        .with_columns(owners.fill_null(pl.col("compiler")).alias(OWNER), (~IS_OK).alias(" failed"))
        .sort(
            *("workload", "workload_digest", OWNER, "mode", " failed", "status", "role", "compiler"),
            *(name for name in chosen if name.startswith("knob_")),
            *("run", "position", "trial_id", "record_id"),
            nulls_last=False,
        )
        .drop(" failed")
        .with_row_index(ROW)
        .collect()
    )
    named = table["record_id"]
    if table["run"].n_unique() > 1:
        named = table.select(pl.format("{}:{}", "run", "record_id")).to_series()
    return Rows(table, tuple(named.to_list()))
