"""Rows of a table as whole numbers: a million rows are grouped and paired by them in a fraction of the time of text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

LARGEST = 2**62
Whole = NDArray[np.int64]


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


def numbered(frame: pl.DataFrame, columns: Sequence[str]) -> Numbered:
    """Number the rows of a table by the values of some columns, nulls being a value as well."""
    codes: Whole = np.zeros(frame.height, np.int64)
    size = 1
    for column in frame.select(columns).iter_columns():
        own, count = _codes(column)
        if size * count > LARGEST:
            codes, own = (_close(one) for one in (codes, own))
            size, count = (int(one.max(initial=0)) + 1 for one in (codes, own))
        codes, size = codes * count + own, size * count
    return numbered_codes(codes)


def numbered_codes(codes: Whole) -> Numbered:
    """Number rows by a whole number of each."""
    _, first, numbers = np.unique(codes, return_index=True, return_inverse=True)
    return Numbered(numbers, first)


def _close(codes: Whole) -> Whole:
    numbers: Whole = np.unique(codes, return_inverse=True)[1]
    return numbers


def _codes(column: pl.Series) -> tuple[Whole, int]:
    """Return a whole number for each value, from 0 on, and a number that is larger than any."""
    if column.dtype == pl.Categorical:
        codes = column.to_physical()
    elif column.dtype.is_integer() or column.dtype == pl.Boolean:
        whole = column.cast(pl.Int64)
        codes = whole - int(whole.min() or 0)  # type: ignore[arg-type]
    else:
        held = pl.DataFrame([column.alias("value")])
        distinct = held.unique().with_row_index("number")
        codes = held.join(distinct, on="value", how="left", nulls_equal=True, maintain_order="left")["number"]
    found: Whole = codes.cast(pl.Int64).fill_null(-1).to_numpy() + 1
    return found, int(found.max(initial=0)) + 1
