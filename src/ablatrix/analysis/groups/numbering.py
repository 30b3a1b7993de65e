"""Rows of a table as whole numbers: a million rows are grouped and paired by them in a fraction of the time of text."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

LARGEST = 2**62
SPARSEST = 8  # numbers that leave out more than this many for each row are sorted, and not looked up
Whole = NDArray[np.int64]
Real = NDArray[np.float64]


@dataclass(frozen=True)
class Numbered:
    """The distinct values of some columns together, numbered from 0.

    Attributes:
        numbers: Which of them each row has.
        first: The first row that has each of them.
    """

    numbers: Whole
    first: Whole

    @property
    def count(self) -> int:
        """How many there are."""
        return self.first.size

    def rows(self) -> list[Whole]:
        """Return the rows that have each of them, ascending."""
        ends = np.cumsum(np.bincount(self.numbers, minlength=self.count))
        return np.split(np.argsort(self.numbers, kind="stable"), ends[:-1]) if self.count else []


def numbered(frame: pl.DataFrame, columns: Sequence[str]) -> Numbered:
    """Number the rows of a table by the values of some columns, nulls being a value as well."""
    if not columns:
        return numbered_codes(np.zeros(frame.height, np.int64))
    return numbered_codes(combined([_codes(frame[name]) for name in columns]))


def combined(columns: Sequence[tuple[Whole, int]]) -> Whole:
    """Return one whole number a row for several, which are equal where all of them are.

    Args:
        columns: The numbers of a row in each column, from 0 on, and one that is larger than any of them.
    """
    codes, size = columns[0]
    for own, count in columns[1:]:
        if count == 1:  # most columns of a table have one value
            continue
        if size * count > LARGEST:
            codes, size = _close(codes)
            own, count = _close(own)  # noqa: PLW2901
        codes, size = codes * count + own, size * count
    return codes


def numbered_codes(codes: Whole) -> Numbered:
    """Number rows by a whole number of each, from 0 on."""
    numbers, count = _close(codes)
    if count == 1:
        return Numbered(numbers, np.zeros(1, np.int64))
    first = np.empty(count, np.int64)
    first[numbers[::-1]] = np.arange(numbers.size - 1, -1, -1)  # of several rows the one that is written last stays
    return Numbered(numbers, first)


def means_by(keys: Whole, values: Real) -> tuple[Whole, Real]:
    """Return the distinct keys, sorted, and the mean of the values of each: sums are rounded once, in any order."""
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    if starts.size == keys.size:  # most often: a trial a block and configuration
        return keys, values
    ends = [*starts[1:].tolist(), keys.size]
    held = values.tolist()
    means = [statistics.fmean(held[start:end]) for start, end in zip(starts.tolist(), ends, strict=True)]
    return keys[starts], np.array(means)


def _close(codes: Whole) -> tuple[Whole, int]:
    """Return the numbers from 0 on without those that no row has, in the same order, and how many there are."""
    span = int(codes.max(initial=-1)) + 1
    if span < 2:
        return codes, span
    if span > SPARSEST * codes.size:
        distinct, numbers = np.unique(codes, return_inverse=True)
        return np.asarray(numbers, np.int64), distinct.size
    there = np.zeros(span, np.bool_)  # each number is looked up: sorting a million of them takes ten times as long
    there[codes] = True
    places = np.cumsum(there) - 1
    return places[codes], int(np.count_nonzero(there))


def _codes(column: pl.Series) -> tuple[Whole, int]:
    """Return a whole number for each value, from 0 on, and a number that is larger than any."""
    if column.dtype == pl.Categorical:
        column = column.to_physical()
    elif not (column.dtype.is_integer() or column.dtype == pl.Boolean):
        held = pl.DataFrame([column.alias("value")])
        distinct = held.unique().with_row_index("number")
        column = held.join(distinct, on="value", how="left", nulls_equal=True, maintain_order="left")["number"]
    whole = column.cast(pl.Int64)
    if whole.null_count():
        whole = whole.fill_null(int(whole.min() or 0) - 1)  # type: ignore[arg-type]
    codes: Whole = whole.to_numpy()
    if not codes.size:
        return codes, 1
    # Numbers of labels have gaps, as all columns share them; without these, several columns stay small together.
    return _close(codes - codes.min())
