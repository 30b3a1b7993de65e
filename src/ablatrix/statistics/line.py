"""A straight line through points by least squares, with intervals (Draper and Smith 1998, chapter 1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

FEWEST_POINTS = 3
"""Through two points there is always a line."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimated:
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """The line ``y = start + slope x``.

    Attributes:
        slope, start: With Student's t intervals, from the scatter of the points about the line.
        r_squared: Share of the variation of the points that lies on the line; None where they do not vary.
        points: How many there are.
    """

    slope: Estimated
    start: Estimated
    r_squared: float | None
    points: int


def fit_line(points: Sequence[tuple[float, float]]) -> Line | None:
    """Return the line through points (x, y), each weighing the same; None with fewer than three different x.

    The points should not share errors: where a value was measured several times at one x, give its median.
    """
    places = {x for x, _ in points}
    if len(places) < FEWEST_POINTS:
        return None
    count = len(points)
    mean_x, mean_y = (math.fsum(values) / count for values in zip(*points, strict=True))
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    slope = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    start = mean_y - slope * mean_x
    rest = math.fsum((y - start - slope * x) ** 2 for x, y in points)
    whole = math.fsum((y - mean_y) ** 2 for _, y in points)
    reach = float(stdtrit(count - 2, (1 + CONFIDENCE) / 2)) * math.sqrt(rest / (count - 2))
    return Line(
        slope=_around(slope, reach / math.sqrt(spread)),
        start=_around(start, reach * math.sqrt(1 / count + mean_x**2 / spread)),
        r_squared=max(0.0, 1 - rest / whole) if whole > 0 else None,
        points=count,
    )


def _around(value: float, reach: float) -> Estimated:
    return Estimated(value, value - reach, value + reach)
