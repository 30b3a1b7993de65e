"""Where a series of iterations becomes steady: change points and a class, after Barrett et al. 2017 (OOPSLA)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import Numbers, finite_values

Classification = Literal["flat", "warmed_up", "slowing", "unsteady"]

# The search takes 0.1 s for this many and grows faster than their number.
MAX_ITERATIONS = 150
# A variance needs two samples; a first slow iteration and its neighbour are the shortest phase there is.
MIN_SEGMENT = 2
# As in the paper: a change in the last 500 of 2,000 iterations leaves too little to call the end steady.
STEADY_SHARE = 0.25
# The paper's window is 200 of 2,000 iterations; this is the least in which a tenth is three samples.
OUTLIER_WINDOW = 30


@dataclass(frozen=True)
class SteadyState:
    """What a series of iterations looked like.

    Attributes:
        iterations: Iterations that were looked at.
        steady_from: First iteration of the steady part, None when unsteady.
        classification: ``flat``: one level from the start. ``warmed_up``: every other level before the last was
            slower. ``slowing``: an earlier level was faster. ``unsteady``: the level still changed in the last
            quarter, or the series is too short to decide.
        outliers: Iterations that stand alone far from their neighbours. They are labels: nothing was removed.
    """

    iterations: int
    steady_from: int | None
    classification: Classification
    outliers: tuple[int, ...]


def classify_warm_up(samples_ms: Numbers, tolerance: float = 0.01) -> SteadyState:
    """Return where a continuous series of iterations becomes steady, and its class.

    The method of Barrett et al. 2017, "Virtual Machine Warmup Blows Hot and Cold":

    1. Outliers are those outside median +- 3 (90th - 10th percentile) of the window around them. As in the paper,
       the start of the series, which has no full window, has none, and outliers take no part in the next steps.
    2. Change points of mean and variance: PELT (Killick et al. 2012) with the cost of a normal distribution and a
       penalty of 15 ln n. No spread counts as less than a tenth of the tolerance, which decides nothing below;
       without that floor two equal readings of the clock would be a segment of infinite merit.
    3. A segment is equivalent to the last one, s_f, when its mean lies within mean(s_f) +- max(variance(s_f),
       tolerance), after all times were divided by mean(s_f). The paper's iterations take about one second and its
       tolerance is 1 ms; the division makes its rule hold in any unit. The authors' program also widens the other
       segment by its own variance. This is omitted here: one iteration 100 x slower than the rest gives the first
       segment a variance that reaches over any distance, and the series would be flat.
    4. The steady part is the longest run of equivalent segments up to the end. A segment that is not equivalent and
       reaches into the last quarter makes the series unsteady; one that is faster makes it slowing.

    A series too short for two segments is flat when all its samples are within the tolerance, else unsteady.

    Args:
        samples_ms: Times of consecutive iterations, the first one first (1-D, at least one). Of more than
            ``MAX_ITERATIONS`` the first ones are looked at.
        tolerance: Relative difference of means that does not matter.

    Raises:
        ValueError: No sample, one that is negative or not finite, or a tolerance that is not positive.
    """
    series = finite_values(samples_ms, at_least=1)[:MAX_ITERATIONS]
    if (series < 0).any():
        raise ValueError(f"every time must be at least 0, but the smallest is {series.min()}")
    if not tolerance > 0:
        raise ValueError(f"tolerance > 0 must hold, but got tolerance={tolerance}")
    count, low, high = series.size, float(series.min()), float(series.max())
    if high - low <= tolerance * low:
        return SteadyState(count, 0, "flat", ())
    if count < 2 * MIN_SEGMENT:
        return SteadyState(count, None, "unsteady", ())
    outliers = find_outliers(series)
    kept = np.setdiff1d(np.arange(count), outliers)
    starts = [0, *(int(kept[point]) for point in _change_points(series[kept], tolerance))]
    segments = [series[part] for part in _split(kept, starts)]
    classification, steady = _classify(segments, starts, count, tolerance)
    return SteadyState(count, steady, classification, outliers)


def find_outliers(series: NDArray[np.float64]) -> tuple[int, ...]:
    """Return the indices of samples outside median +- 3 (90th - 10th percentile) of the window around them.

    What fills a tenth of a window or more is no outlier: the percentile has moved there.
    """
    half = OUTLIER_WINDOW // 2
    found = []
    for index in range(half, series.size):
        window = series[index - half : index + half + 1]
        tenth, median, ninetieth = np.percentile(window, (10, 50, 90))
        if abs(series[index] - median) > 3 * (ninetieth - tenth):
            found.append(index)
    return tuple(found)


def _change_points(series: NDArray[np.float64], tolerance: float) -> list[int]:
    """Return the first index of each segment but the first."""
    from ruptures import Pelt  # it imports half of scipy
    from ruptures.base import BaseCost

    deviation = float(series.std())
    if deviation == 0.0:
        return []
    floor = (tolerance / 10 * float(np.median(series)) / deviation) ** 2
    least = max(floor, np.finfo(np.float64).eps)

    class NormalCost(BaseCost):  # type: ignore[misc]
        """Twice the negative log likelihood of a normal distribution, but for constants, with a least variance."""

        model = "normal"
        min_size = MIN_SEGMENT

        def fit(self, signal: NDArray[np.float64]) -> Any:
            self.signal = signal
            # The search asks for thousands of variances: sums up to each index give one in constant time.
            self.sums = [0.0, *np.cumsum(signal).tolist()]
            self.squares = [0.0, *np.cumsum(signal**2).tolist()]
            return self

        def error(self, start: int, end: int) -> float:
            count = end - start
            mean = (self.sums[end] - self.sums[start]) / count
            variance = (self.squares[end] - self.squares[start]) / count - mean * mean
            return count * math.log(max(variance, least))

    search = Pelt(custom_cost=NormalCost(), min_size=MIN_SEGMENT, jump=1)
    standardised = (series - series.mean()) / deviation
    ends = search.fit(standardised).predict(pen=15.0 * math.log(series.size))
    return [int(end) for end in ends[:-1]]


def _split(kept: NDArray[np.int64], starts: Sequence[int]) -> list[NDArray[np.int64]]:
    return np.split(kept, np.searchsorted(kept, starts[1:]))


def _classify(
    segments: Sequence[NDArray[np.float64]], starts: Sequence[int], count: int, tolerance: float
) -> tuple[Classification, int | None]:
    means = [math.fsum(segment) / segment.size for segment in segments]
    last = means[-1]
    variance = float(segments[-1].var()) / last if last else 0.0  # relative variance x mean, hence in the unit of time
    reach = max(variance, tolerance * last)
    others = [index for index, mean in enumerate(means) if abs(mean - last) > reach]
    if not others:
        return "flat", 0
    steady = starts[others[-1] + 1]
    if steady > count - STEADY_SHARE * count:
        return "unsteady", None
    return ("slowing" if any(means[index] < last for index in others) else "warmed_up"), steady
