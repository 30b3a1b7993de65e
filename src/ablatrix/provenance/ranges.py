"""Rows as ranges: what a number follows from is a handful of them, even among a million records."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import Numbered

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


def ranges_by(groups: Numbered, rows: NDArray[np.int64]) -> list[Ranges]:
    """Return some rows, in order, as stretches of neighbours of each group: all groups in one pass.

    Args:
        groups: The group of every row.
        rows: Which of them are meant, ascending.
    """
    numbers = groups.numbers[rows]
    order = np.argsort(numbers, kind="stable")
    numbers, held = numbers[order], rows[order]
    is_first = np.ones(held.size, np.bool_)
    is_first[1:] = (np.diff(held) != 1) | (np.diff(numbers) != 0)
    starts = np.flatnonzero(is_first)
    ends = np.append(starts[1:], held.size) - 1 if starts.size else starts
    stretches = list(zip(held[starts].tolist(), held[ends].tolist(), strict=True))
    parts = np.searchsorted(numbers[starts], np.arange(groups.count + 1)).tolist()
    return [tuple(stretches[first:last]) for first, last in itertools.pairwise(parts)]


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
