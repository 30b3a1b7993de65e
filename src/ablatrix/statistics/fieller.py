"""The interval of a ratio of raw means (not of logarithms), which need not be an interval at all.

A ratio r is compatible with the data when the mean of x - r y is not distinguishable from 0, by Student's t:

    (mx - r my)^2 <= t^2 (vx - 2 r vxy + r^2 vy)      vx, vy, vxy: variances and covariance of the means

This is a quadratic inequality in r. While my is distinguishable from 0 its solution is an interval. When it is not, r
may be as large as it likes, in either direction: the solution excludes a gap, or nothing.
Fieller 1954, "Some problems in interval estimation"; drawn in Franz 2007, "Ratios: A short guide to
confidence limits and proper use".
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import Numbers, finite_values
from ablatrix.statistics.ratio import ROUNDING, satterthwaite


class Extent(StrEnum):
    """What kind of set the compatible ratios are."""

    BOUNDED = "bounded"
    """From ``low`` to ``high``."""
    EXCLUSIVE = "exclusive"
    """Up to ``low``, and from ``high`` on; the gap between them is excluded."""
    UNBOUNDED = "unbounded"
    """All: the data say nothing about the ratio."""


@dataclass(frozen=True)
class MeanRatio:
    """A ratio of means, and which ratios are compatible with the data.

    Attributes:
        value: Mean of the numerators over mean of the denominators, None where the latter is 0.
        extent: What kind of set it is. One repeat says nothing, nor does a denominator that is always 0.
        low, high: Its ends, None when unbounded. One of them is None, too, for an exclusive set with one side only.
        count: Repeats that it is made of: blocks when paired, the smaller side when not.
    """

    value: float | None
    extent: Extent
    low: float | None
    high: float | None
    count: int

    def contains(self, ratio: float) -> bool:
        """Return whether a ratio is compatible with the data."""
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if self.extent is Extent.EXCLUSIVE:
            return ratio <= low or ratio >= high
        return low <= ratio <= high


def paired_mean_ratio(numerators: Numbers, denominators: Numbers, confidence: float = 0.95) -> MeanRatio:
    """Return the ratio of the means of two figures that are measured in the same blocks.

    It suits figures that may be 0 or negative, such as differences, and have no logarithm; for times
    ``paired_ratio`` says more.

    Args:
        numerators: One a block (1-D).
        denominators: One a block, in the same order.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: No block, a value that is not finite, or sides of different length.
    """
    x, y = finite_values(numerators, at_least=1), finite_values(denominators, at_least=1)
    if x.size != y.size:
        raise ValueError(f"both sides must have a value for each block, but got {x.size} and {y.size}")
    return _solve(x, y, True, confidence)


def unpaired_mean_ratio(numerators: Numbers, denominators: Numbers, confidence: float = 0.95) -> MeanRatio:
    """Return the ratio of the means of two groups that were measured apart, with variances of their own.

    The degrees of freedom are Satterthwaite's at the estimated ratio (Tamhane & Logan 2004, "Finding the maximum safe
    dose level for heteroscedastic data"), as in R's ``mratios::ttestratio``.

    Args:
        numerators: One group (1-D).
        denominators: The other group.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: A group without a value, or a value that is not finite.
    """
    return _solve(finite_values(numerators, at_least=1), finite_values(denominators, at_least=1), False, confidence)


def _solve(x: NDArray[np.float64], y: NDArray[np.float64], paired: bool, confidence: float) -> MeanRatio:
    from scipy.special import stdtrit  # what scipy.stats.t.ppf returns; importing scipy.stats costs half a second

    if not 0.0 < confidence < 1.0:
        raise ValueError(f"0 < confidence < 1 must hold, but got confidence={confidence}")
    count = min(x.size, y.size)
    # In units of the largest values, so that neither bytes nor nanoseconds overflow or underflow when multiplied.
    units = float(np.abs(x).max()) or 1.0, float(np.abs(y).max()) or 1.0
    x, y = x / units[0], y / units[1]
    mx, my = math.fsum(x) / x.size, math.fsum(y) / y.size
    scale = units[0] / units[1]
    value = None if my == 0.0 else mx / my * scale
    if count < 2:
        return MeanRatio(value, Extent.UNBOUNDED, None, None, count)
    dx, dy = x - mx, y - my
    vx = math.fsum(dx**2) / (x.size - 1) / x.size
    vy = math.fsum(dy**2) / (y.size - 1) / y.size
    vxy = math.fsum(dx * dy) / (count - 1) / count if paired else 0.0
    freedom = count - 1.0 if paired else _satterthwaite(my**2 * vx, mx**2 * vy, x.size, y.size)
    t2 = float(stdtrit(freedom, (1.0 + confidence) / 2.0)) ** 2
    # The inequality as a r^2 - 2 b r + c <= 0. Its discriminant without the terms that cancel:
    a, b, c = my**2 - t2 * vy, mx * my - t2 * vxy, mx**2 - t2 * vx
    if abs(a) <= ROUNDING * my**2:  # the far end lies beyond what arithmetic can resolve
        a = 0.0
    spread = my**2 * vx - 2.0 * mx * my * vxy + mx**2 * vy
    discriminant = t2 * (max(0.0, spread) - t2 * max(0.0, vx * vy - vxy**2))
    extent, low, high = _solutions(a, b, c, discriminant)
    return MeanRatio(value, extent, None if low is None else low * scale, None if high is None else high * scale, count)


def _solutions(a: float, b: float, c: float, discriminant: float) -> tuple[Extent, float | None, float | None]:
    """Solve a r^2 - 2 b r + c <= 0, with the discriminant b^2 - a c."""
    if a == 0.0:
        if b == 0.0:
            return Extent.UNBOUNDED, None, None
        end = c / (2.0 * b)
        return (Extent.EXCLUSIVE, None, end) if b > 0.0 else (Extent.EXCLUSIVE, end, None)
    if a < 0.0 and discriminant <= 0.0:
        return Extent.UNBOUNDED, None, None
    # The root of larger size first; the other by their product c / a, as a difference would cancel.
    far = b + math.copysign(math.sqrt(max(0.0, discriminant)), b)
    roots = sorted((far / a, c / far)) if far != 0.0 else [0.0, 0.0]
    return (Extent.BOUNDED if a > 0.0 else Extent.EXCLUSIVE), roots[0], roots[1]


def _satterthwaite(share_x: float, share_y: float, count_x: int, count_y: int) -> float:
    """Return the degrees of freedom for two parts of a variance; those of the sizes alone where both are 0."""
    if share_x + share_y == 0.0:
        return count_x + count_y - 2.0
    return satterthwaite((share_x, share_y), (count_x, count_y))
