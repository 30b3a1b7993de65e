"""The rows behind numbers, in an order that keeps together what belongs together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.groups import IN_RUN, PLAN, Whole, is_in_run_order, numbered
from ablatrix.analysis.table import BLOCK, IS_OK
from ablatrix.provenance.ranges import Ranges, ranges_of

ROW = "row"
OWNER = "block_compiler"
KEYS = (
    *("workload", "workload_digest", "compiler", "mode", "role", "status", "is_baseline", "cell_id"),
    *("run", "block_id", "position", "trial_id", "record_id"),
)
"""What rows are sorted and found by."""
LARGEST = 2**62
_FAILED = " failed"  # no column of a record begins with a space
FEW = 64  # stretches that are put together faster than their rows are gathered


@dataclass(frozen=True)
class Rows:
    """The final trials without cache-priming runs, each with its index in the canonical order.

    Attributes:
        trials: The columns that are read, sorted; ``row`` is the index, ``block_compiler`` the compiler of a trial's
            block, which the reference of the block shares.
    """

    trials: pl.DataFrame

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The record's id by index; after ``<run>:`` where there are several inputs, whose ids may be the same."""
        named = self.trials["record_id"]
        if self.trials["run"].n_unique() > 1:
            named = self.trials.select(pl.format("{}:{}", "run", "record_id")).to_series()
        return tuple(named.to_list())

    def at(self, indices: Whole, *columns: str) -> pl.DataFrame:
        """Return rows by their indices: these, and those of the columns that the records have."""
        return self.trials.select(ROW, *(name for name in columns if name in self.trials.columns))[indices]

    def where(self, condition: pl.Expr) -> Ranges:
        """Return the rows that meet a condition."""
        return ranges_of(self.trials.lazy().filter(condition).select(ROW).collect()[ROW])

    def part(self, condition: pl.Expr, *columns: str) -> pl.DataFrame:
        """Return the rows that meet a condition: their indices, and the columns that are read of them.

        Of a million rows each copy of all columns takes a second.
        """
        return self.trials.lazy().filter(condition).select(ROW, *columns).collect()

    def parts(self, by: Sequence[str], condition: pl.Expr) -> dict[tuple[Any, ...], pl.DataFrame]:
        """Return the rows that meet a condition, every column, by the values of some columns, in order.

        In the canonical order what belongs together is a few stretches, of which nothing is copied.
        """
        groups = self.trials.lazy().filter(condition).group_by(list(by), maintain_order=True).agg(ROW).collect()
        keys = groups.select(by).rows()
        return {key: self._at(held) for key, held in zip(keys, groups[ROW], strict=True)}

    def _at(self, indices: pl.Series) -> pl.DataFrame:
        ranges = ranges_of(indices)
        if len(ranges) > FEW:
            return self.trials[indices]
        return pl.concat(self.trials.slice(first, last - first + 1) for first, last in ranges)

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
    wanted = {*KEYS, "stage", PLAN, *METRICS, *columns}
    chosen = [name for name in trials.columns if name in wanted or name.startswith(("knob_", "baseline_"))]
    unsorted = trials.select(chosen).with_columns(_owners(trials), (~IS_OK).alias(_FAILED))
    first = ("workload", "workload_digest", OWNER, "mode", _FAILED, "status", "role", "compiler")
    groups = _groups(unsorted.select(*first, *(name for name in chosen if name.startswith("knob_"))))
    if is_in_run_order(trials):
        order = np.argsort(groups, kind="stable")
    else:
        keys = unsorted.select(pl.Series(" group", groups), *IN_RUN, "record_id")
        order = keys.select(pl.arg_sort_by(keys.columns, nulls_last=False)).to_series().to_numpy()
    return Rows(unsorted.drop(_FAILED)[order].with_row_index(ROW))


def _owners(trials: pl.DataFrame) -> pl.Series:
    """Return the compiler of each trial's block: the first by name that is no reference's; without one its own."""
    names, ranks = _ranked(trials, "compiler")
    blocks = numbered(trials, BLOCK)
    is_own = trials.select((pl.col("role") != "reference") & pl.col("compiler").is_not_null()).to_series().to_numpy()
    least = np.full(blocks.count, len(names), np.int64)
    np.minimum.at(least, blocks.numbers[is_own], ranks[is_own])
    own = least[blocks.numbers]
    return names[np.where(own < len(names), own, ranks)].alias(OWNER)


def _groups(labels: pl.DataFrame) -> Whole:
    """Return a number for each row that orders rows as all columns do, one after the other, as text, nulls first.

    One number is sorted in a tenth of the time that many columns of text take.
    """
    found, size = np.zeros(labels.height, np.int64), 1
    for name in labels.columns:
        names, ranks = _ranked(labels, name)
        if size * len(names) > LARGEST:
            values, found = np.unique(found, return_inverse=True)
            size = values.size
        found = found * len(names) + ranks
        size *= len(names)
    return found


def _ranked(frame: pl.DataFrame, column: str) -> tuple[pl.Series, Whole]:
    """Return the distinct values of a column, by their text with null first, and the place of each row among them."""
    found = numbered(frame, [column])
    names = frame[column][found.first]
    order = names.cast(pl.String).arg_sort(nulls_last=False).to_numpy()
    places = np.empty(found.count, np.int64)
    places[order] = np.arange(found.count)
    return names[order], places[found.numbers]
