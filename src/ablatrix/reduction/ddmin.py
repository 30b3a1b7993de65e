"""Delta debugging: the smallest part of a list that still passes a test.

Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002 (``ddmin``); by levels, coarse groups
first, as Misherghi and Su, HDD: Hierarchical Delta Debugging, 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
Test = Callable[[tuple[T, ...]], bool]


def ddmin(units: Sequence[T], test: Test[T]) -> tuple[T, ...]:
    """Return a part that passes and from which no single unit can be removed.

    Parts are in the order of ``units``, and never empty. Of a test that is not monotone it is one such part of many.

    Args:
        units: All of it; that it passes is known.
        test: Whether a part does; asked of no part twice in a row, and of equal parts by whoever keeps answers.
    """
    held, pieces = tuple(units), 2
    while len(held) > 1:
        pieces = min(pieces, len(held))
        parts = split(held, pieces)
        rests = [_joined(parts[:at] + parts[at + 1 :]) for at in range(pieces)] if pieces > 2 else []
        found = next((part for part in parts if test(part)), None)
        if found is not None:
            held, pieces = found, 2
            continue
        rest = next((one for one in rests if test(one)), None)
        if rest is not None:
            held, pieces = rest, max(pieces - 1, 2)
        elif pieces >= len(held):
            break
        else:
            pieces *= 2
    return held


def ddmin_by_levels(levels: Sequence[Sequence[Sequence[T]]], test: Test[T]) -> tuple[T, ...]:
    """Return a part that passes and from which no single unit can be removed, by removing groups first.

    Args:
        levels: Partitions of the same units, coarse ones first; the last one has each unit by itself.
        test: Whether a part passes.
    """
    held = {unit for group in levels[-1] for unit in group}
    for level in levels:
        groups = [kept for group in level if (kept := tuple(unit for unit in group if unit in held))]
        found = ddmin(groups, lambda some: test(tuple(unit for group in some for unit in group)))
        held = {unit for group in found for unit in group}
    return tuple(unit for group in levels[-1] for unit in group if unit in held)


def split(units: Sequence[T], pieces: int) -> list[tuple[T, ...]]:
    """Return a list in so many neighbouring parts of nearly equal size, none of them empty."""
    bounds = [len(units) * number // pieces for number in range(pieces + 1)]
    return [tuple(units[low:high]) for low, high in pairwise(bounds)]


def _joined(parts: Sequence[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(unit for part in parts for unit in part)
