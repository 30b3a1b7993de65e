"""When blocks end: once the difference is shown and the residual small against it, or there is none worth the name."""

from __future__ import annotations

from collections.abc import Callable

from ablatrix.explain.sums import Sums
from ablatrix.records.explanation import SAME, differs

LOOKS = (3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
"""Numbers of blocks after which it is asked whether they are clear: ten, as intervals are looked at."""
LEAST, MOST = LOOKS[0], LOOKS[-1]
"""Blocks that are measured in any case, and at most."""
RESIDUAL = 0.10
"""Part of the difference that half of the residual's 95 % interval may be: it is noise, and falls with blocks."""


def is_clear(sums: Sums) -> bool:
    """Whether further blocks would say nothing more."""
    difference = sums.difference
    if difference.low is None or difference.high is None:
        return False
    if differs(difference, sums.a["total"]):
        return sums.residual_half <= RESIDUAL * abs(difference.ms)
    return max(-difference.low, difference.high) <= SAME * sums.a["total"].ms


def is_end(blocks: int, most: int, clear: Callable[[], bool]) -> bool:
    """Whether blocks end.

    Args:
        blocks: How many there are.
        most: How many there may be; there are `LEAST` in any case.
        clear: Whether further ones would say nothing more; asked at `LOOKS` alone.
    """
    return blocks >= LEAST and (blocks >= most or (blocks in LOOKS and clear()))
