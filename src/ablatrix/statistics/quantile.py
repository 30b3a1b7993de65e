"""Summary of one trial's samples, and intervals of a quantile without assuming a distribution."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = Sequence[float] | NDArray[np.float64]
MANY_ROWS = 64
"""From so many rows on, adding up all at once takes less time than one by one."""


@dataclass(frozen=True)
class Summary:
    """Mean, percentiles and smallest value of samples, in their unit; unrounded.

    Attributes:
        percentiles: Percent -> value, for the percents that were asked for.
    """

    count: int
    mean: float
    percentiles: Mapping[float, float]
    min: float

    def value(self, statistic: float | Literal["mean", "min"]) -> float:
        """Return the mean, the smallest value or, by its percent, a percentile."""
        if statistic == "mean":
            return self.mean
        return self.min if statistic == "min" else self.percentiles[statistic]


def summarise(samples: Numbers, percents: Sequence[float]) -> Summary:
    """Return the summary of samples (1-D, at least one); percentiles by linear interpolation (type 7).

    Args:
        samples: 1-D, at least one.
        percents: Percentiles to find, from 0 to 100.

    Raises:
        ValueError: No sample, or one that is not finite.
    """
    values = finite_values(samples, at_least=1)
    found = np.quantile(values, [percent / 100.0 for percent in percents]).tolist()
    return Summary(values.size, float(values.mean()), dict(zip(percents, found, strict=True)), float(values.min()))


def median(samples: Numbers) -> float:
    """Return the median of samples (1-D, at least one).

    Raises:
        ValueError: No sample, or one that is not finite.
    """
    return float(np.quantile(finite_values(samples, at_least=1), 0.5))


def quantile_interval(samples: Numbers, quantile: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of a quantile by binomial order statistics, None when there are too few samples.

    The number of samples below the true quantile is binomial, so two order statistics enclose it with a known
    probability whatever the distribution; each side is given at most half of ``1 - confidence``
    (Hahn & Meeker 1991, section 5.2). Samples count as independent.

    Args:
        samples: 1-D.
        quantile: Strictly between 0 and 1.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: No sample, one that is not finite, or a probability outside its range.
    """
    values = np.sort(finite_values(samples, at_least=1))
    for name, probability in (("quantile", quantile), ("confidence", confidence)):
        if not 0.0 < probability < 1.0:
            raise ValueError(f"0 < {name} < 1 must hold, but got {name}={probability}")
    ranks = _interval_ranks(values.size, quantile, confidence)
    return None if ranks is None else (float(values[ranks[0] - 1]), float(values[ranks[1] - 1]))


@functools.lru_cache(maxsize=1024)
def _interval_ranks(count: int, quantile: float, confidence: float) -> tuple[int, int] | None:
    """Return the ranks of the two order statistics; thousands of groups share a few counts."""
    from scipy.special import bdtr, bdtrc  # the binomial distribution; importing scipy.stats costs half a second

    tail = (1.0 - confidence) / 2.0
    below = bdtr(np.arange(count + 1), count, quantile)
    # The lower end is the l-th smallest: it lies above the quantile when fewer than l samples are below it.
    lower = int(np.searchsorted(below, tail))
    upper = int(np.searchsorted(below, 1.0 - tail)) + 1
    while upper <= count and bdtrc(upper - 1, count, quantile) > tail:
        upper += 1
    return None if lower < 1 or upper > count else (lower, upper)


def row_sums(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the sum over columns of each row, rounded once: neither order nor the processor's vectors matter.

    Of many rows, all are added up at once, with what each addition loses (D. Knuth, "The Art of Computer Programming",
    volume 2, section 4.2.2, theorem B). Where that leaves a doubt on which side of the middle between two numbers the
    sum lies, and of few rows, each is added up by itself.

    Args:
        columns: At least one, of finite numbers, all of one length.
    """
    if columns[0].size < MANY_ROWS:
        return np.array([math.fsum(row) for row in zip(*(column.tolist() for column in columns), strict=True)])
    found, is_sure = _added_up(columns)
    rest = np.flatnonzero(~is_sure)
    if rest.size:
        rows = np.stack([column[rest] for column in columns], axis=1).tolist()
        found[rest] = np.fromiter(map(math.fsum, rows), np.float64, rest.size)
    return found


def _added_up(columns: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the sum of each row, and whether it is surely the number that is nearest to the exact sum."""
    total, lost, most_lost = columns[0] + 0.0, np.zeros(columns[0].size), np.zeros(columns[0].size)
    for column in columns[1:]:
        total, loss = _sum_and_loss(total, column)
        lost += loss
        most_lost += np.abs(loss)
    found, rest = _sum_and_loss(total, lost)
    # What is lost was added up with errors of its own, which are far smaller than this.
    error = 2.0 * len(columns) * np.finfo(np.float64).eps * most_lost
    is_near = np.abs(rest) < 0.5 * (1.0 - 1e-12) * np.spacing(np.abs(found)) - error
    is_power_of_two = np.abs(np.frexp(found)[0]) == 0.5  # below it numbers lie closer together
    return found, (most_lost == 0.0) | (is_near & ~is_power_of_two)


def _sum_and_loss(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sums as they are rounded, and exactly what is missing from each."""
    found = one + other
    share = found - one
    return found, (one - (found - share)) + (other - share)


def finite_values(samples: Numbers, at_least: int) -> NDArray[np.float64]:
    """Return samples as a 1-D array of float64.

    Raises:
        ValueError: Fewer than ``at_least``, not 1-D, or a value that is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if values.ndim != 1 or values.size < at_least:
        raise ValueError(f"at least {at_least} values in 1-D must be given, but got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"every value must be finite, but {int((~np.isfinite(values)).sum())} are not")
    return values
