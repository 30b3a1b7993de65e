"""Rows as ranges: what a number follows from is a handful of them, even among a million records."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ranges = tuple[tuple[int, int], ...]
"""First and last row index of each stretch of neighbours, ascending, both included."""


def ranges_of(indices: Sequence[int] | pl.Series | NDArray[np.int64]) -> Ranges:
    """Return row indices, in any order, as stretches of neighbours."""
    held: NDArray[np.int64] = np.asarray(indices, dtype=np.int64)
    if not (held[1:] > held[:-1]).all():  # most are in order, and sorting a million again would take most of the time
        held = np.unique(held)
    if not held.size:
        return ()
    breaks = np.flatnonzero(np.diff(held) != 1)
    starts = held[np.concatenate(([0], breaks + 1))].tolist()
    ends = held[np.concatenate((breaks, [held.size - 1]))].tolist()
    return tuple(zip(starts, ends, strict=True))


def union(several: Iterable[Ranges]) -> Ranges:
    """Return the rows that are in any of several ranges."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(stretch for one in several for stretch in one):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def count_rows(ranges: Ranges) -> int:
    """Return how many rows ranges hold."""
    return sum(last - first + 1 for first, last in ranges)


def ranges_text(ranges: Ranges) -> str:
    """Return ranges as text: ``0-4,7``."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
