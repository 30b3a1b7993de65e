"""Ratios of two configurations' times, with intervals over repeats; everything happens on logarithms."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from ablatrix.statistics.quantile import Numbers, finite_values


@dataclass(frozen=True)
class Ratio:
    """A ratio and its interval.

    Attributes:
        value: The ratio: exp of the mean (difference of) logarithms, hence a geometric mean.
        low, high: Ends of the confidence interval, None where the repeats are too few to tell (one block).
        count: Repeats that it is made of: blocks when paired, the smaller side when not.
    """

    value: float
    low: float | None
    high: float | None
    count: int

    @property
    def half_width(self) -> float | None:
        """Half the interval's width on the logarithm: 0.01 is about 1 %. None without an interval."""
        if self.low is None or self.high is None:
            return None
        return (math.log(self.high) - math.log(self.low)) / 2.0


def paired_ratio(log_ratios: Numbers, confidence: float = 0.95) -> Ratio:
    """Return the ratio from one log ratio a block, with Student's t interval over blocks.

    Args:
        log_ratios: For each block, the log of a trial's mean minus the log of its partner's mean in the same
            block (1-D). What disturbs a whole block falls out of the difference.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: No block, or a value that is not finite.
    """
    values = finite_values(log_ratios, at_least=1)
    # fsum rounds once, so neither the order of the blocks nor the processor's vector width has a say.
    mean = math.fsum(values) / values.size
    if values.size < 2:
        return Ratio(math.exp(mean), None, None, 1)
    error = math.sqrt(math.fsum((values - mean) ** 2) / (values.size - 1) / values.size)
    return _with_interval(mean, error, values.size - 1, values.size, confidence)


def welch_ratio(numerators: Numbers, denominators: Numbers, confidence: float = 0.95) -> Ratio:
    """Return the ratio of two unpaired groups of trial means, with Welch's t interval on their logarithms.

    Args:
        numerators: Mean of each trial of one group (1-D, positive).
        denominators: Mean of each trial of the other group.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: A group without a value, or a value that is not finite and positive.
    """
    groups = [_logarithms(numerators), _logarithms(denominators)]
    mean = float(groups[0].mean() - groups[1].mean())
    count = min(group.size for group in groups)
    if count < 2:
        return Ratio(math.exp(mean), None, None, count)
    parts = [float(group.var(ddof=1)) / group.size for group in groups]
    error = math.sqrt(sum(parts))
    if error == 0.0:
        return Ratio(math.exp(mean), math.exp(mean), math.exp(mean), count)
    # Welch-Satterthwaite, in shares of the whole so that small variances do not underflow when squared.
    shares = [part / sum(parts) for part in parts]
    freedom = 1.0 / sum(share**2 / (group.size - 1) for share, group in zip(shares, groups, strict=True))
    return _with_interval(mean, error, freedom, count, confidence)


def _logarithms(values: Numbers) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    array = finite_values(values, at_least=1)
    if not (array > 0).all():
        raise ValueError(f"every time must be positive (it has a logarithm), but the smallest is {array.min()}")
    return np.log(array)


def _with_interval(mean: float, error: float, freedom: float, count: int, confidence: float) -> Ratio:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"0 < confidence < 1 must hold, but got confidence={confidence}")
    reach = _t_quantile((1.0 + confidence) / 2.0, freedom) * error
    return Ratio(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), count)


@functools.lru_cache(maxsize=1024)
def _t_quantile(probability: float, freedom: float) -> float:
    # 0.1 ms a call, and thousands of groups share a few counts of blocks.
    from scipy.stats import t  # importing scipy.stats costs half a second

    return float(t.ppf(probability, freedom))
