"""When blocks end: once the difference is shown and the residual small against it, or there is none worth the name."""

from __future__ import annotations

from ablatrix.explain.sums import Sums
from ablatrix.records.explanation import SAME, differs

LEAST, MOST = 3, 12
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
