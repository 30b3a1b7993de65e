"""When blocks end: once the difference is shown and the residual small against it, or there is none worth the name.

A block in which something stopped one of the processes is measured again: it shows in processes of one configuration.
"""

from __future__ import annotations

from ablatrix.explain.sums import BlockTimes, Sums

LEAST, MOST = 3, 12
"""Blocks that are measured in any case, and at most."""
RESIDUAL = 0.10
"""Part of the difference that two standard errors of the residual may be: it is noise, and falls with blocks."""
SAME = 0.01
"""Part of the first one's time below which a difference is looked for no longer."""

APART = 0.1
"""Part of its time by which a process takes longer than another of the same configuration where that is no noise."""


def is_disturbed(block: BlockTimes) -> bool:
    """Whether processes of one configuration differ by too much."""
    alike = ((block.a.total, block.twin, block.a.plain), (block.b.total, block.b.plain))
    return any(max(times) > (1.0 + APART) * min(times) for times in alike)


def is_clear(sums: Sums) -> bool:
    """Whether further blocks would say nothing more."""
    difference = sums.difference
    if difference.low is None or difference.high is None:
        return False
    if difference.is_decided:
        return 2 * sums.residual_error <= RESIDUAL * abs(difference.ms)
    return max(-difference.low, difference.high) <= SAME * sums.a["total"].ms
