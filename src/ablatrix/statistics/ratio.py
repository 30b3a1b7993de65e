"""Ratios of two configurations' times, with intervals and tests over repeats; everything happens on logarithms.

An interval over repeats knows of what scatters between them, and of nothing else. What it cannot know is given as an
`Allowance`: it widens the interval at both ends, and the test asks whether the ratio is farther from 1 than that.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ablatrix.statistics.quantile import Numbers, finite_values

ROUNDING = 1e-12
"""Smaller than this on a logarithm is arithmetic (a logarithm of a time is exact to about 1e-15), and no spread."""


FEW = 64
"""Of fewer values than this, an array takes longer to make than it saves."""


@dataclass(frozen=True)
class Allowance:
    """What an interval must allow for beyond the scatter of repeats; both on the logarithm.

    Attributes:
        offset: How far the instrument is off.
        step: The smallest difference that the figure can show. Repeats that are equal may differ by less than a step,
            so the standard error is at least that of a value rounded to steps: ``step / sqrt(12 n)``.
    """

    offset: float = 0.0
    step: float = 0.0

    @property
    def reach(self) -> float:
        """How much wider the interval is, at each end."""
        return self.offset + self.step


NO_ALLOWANCE = Allowance()


@dataclass(frozen=True)
class Estimate:
    """A mean of logarithms with its error.

    Attributes:
        error: Standard error; None where a group has one repeat.
        freedom: Degrees of freedom of the error; 1 where it is None or 0.
        count: Repeats that it is made of: the fewest of a group.
    """

    mean: float
    error: float | None
    freedom: float
    count: int


@dataclass(frozen=True)
class Ratio:
    """A ratio and its interval.

    Attributes:
        value: The ratio: exp of the mean (difference of) logarithms, hence a geometric mean.
        low, high: Ends of the confidence interval, None where the repeats are too few for an interval (one block).
        count: Repeats that it is made of: blocks when paired, the smaller side when not.
        p_value: Two-sided, of the ratio being 1, by the same t as the interval: it is below 5 % where the interval
            at 95 % excludes 1. Repeats without any spread are not evidence of a difference: their t has nothing
            to divide by. Then it is 1 where the ratio is 1, and None where it is not: a figure that is exact
            (planned bytes) needs no test, and times that never vary come from too coarse a clock. None also with
            one block.
        widened: By how much the interval was widened at each end, on the logarithm; then ``p_value`` is of the ratio
            being nearer to 1 than that.
    """

    value: float
    low: float | None
    high: float | None
    count: int
    p_value: float | None = None
    widened: float = 0.0

    @property
    def half_width(self) -> float | None:
        """Half the interval's width on the logarithm: 0.01 is about 1 %. None without an interval."""
        if self.low is None or self.high is None:
            return None
        return (math.log(self.high) - math.log(self.low)) / 2.0

    @property
    def inverse(self) -> "Ratio":
        """The ratio of the other way round."""
        low, high = (None if end is None else 1.0 / end for end in (self.high, self.low))
        return replace(self, value=1.0 / self.value, low=low, high=high)

    @property
    def side(self) -> int:
        """On which side of 1 the whole interval lies: -1 below, 1 above; 0 when it holds 1, or without an interval."""
        if self.low is None or self.high is None:
            return 0
        return (self.low > 1.0) - (self.high < 1.0)


def paired_ratio(log_ratios: Numbers, confidence: float = 0.95, allowance: Allowance = NO_ALLOWANCE) -> Ratio:
    """Return the ratio from one log ratio a block, with Student's t interval over blocks.

    Args:
        log_ratios: For each block, the log of a trial's mean minus the log of its partner's mean in the same
            block (1-D). What disturbs a whole block falls out of the difference.
        confidence: Strictly between 0 and 1.
        allowance: What the interval must allow for beyond the scatter of blocks.

    Raises:
        ValueError: No block, or a value that is not finite.
    """
    return ratio_of(paired_estimate(log_ratios), confidence, allowance)


def paired_half_width(log_ratios: Numbers, confidence: float = 0.95) -> float | None:
    """Return half the width of `paired_ratio`'s interval, to the last bit, without its test: a third of the time.

    Raises:
        ValueError: No block, or a value that is not finite.
    """
    estimate = paired_estimate(log_ratios)
    if estimate.error is None:
        return None
    half = _t_quantile((1.0 + confidence) / 2.0, estimate.freedom) * estimate.error
    return (math.log(math.exp(estimate.mean + half)) - math.log(math.exp(estimate.mean - half))) / 2.0


def paired_estimate(log_ratios: Numbers) -> Estimate:
    """Return the mean of one log ratio a block; see `paired_ratio`."""
    mean, error, count = mean_and_error(log_ratios)
    return Estimate(mean, error, max(count - 1, 1), count)


def ratio_of(estimate: Estimate, confidence: float = 0.95, allowance: Allowance = NO_ALLOWANCE) -> Ratio:
    """Return an estimate as a ratio, with Student's t interval.

    Raises:
        ValueError: A confidence outside its range.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"0 < confidence < 1 must hold, but got confidence={confidence}")
    mean, count, reach = estimate.mean, estimate.count, allowance.reach
    error = least_error(estimate, allowance)
    if error is None:
        return Ratio(math.exp(mean), None, None, count)
    half = _t_quantile((1.0 + confidence) / 2.0, estimate.freedom) * error + reach
    ends = math.exp(mean - half), math.exp(mean + half)
    beyond = max(0.0, abs(mean) - reach)
    return Ratio(math.exp(mean), *ends, count, _p_value(beyond, error, estimate.freedom), reach)


def least_error(estimate: Estimate, allowance: Allowance) -> float | None:
    """Return the standard error of an estimate, and at least that of a value rounded to steps."""
    if estimate.error is None:
        return None
    return max(estimate.error, allowance.step / math.sqrt(12.0 * estimate.count))


def welch_ratio(
    numerators: Numbers, denominators: Numbers, confidence: float = 0.95, allowance: Allowance = NO_ALLOWANCE
) -> Ratio:
    """Return the ratio of two unpaired groups of trial means, with Welch's t interval on their logarithms.

    Args:
        numerators: Mean of each trial of one group (1-D, positive).
        denominators: Mean of each trial of the other group.
        confidence: Strictly between 0 and 1.
        allowance: What the interval must allow for beyond the scatter of trials.

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
    freedom = satterthwaite(parts, [group.size for group in groups]) if error else 1.0
    return ratio_of(Estimate(mean, error, freedom, count), confidence, allowance)


def mean_ratio(
    groups: Sequence[Numbers], confidence: float = 0.95, allowances: Sequence[Allowance] | None = None
) -> Ratio:
    """Return the geometric mean of several groups' ratios, each group weighing the same: a mean over workloads.

    The groups are fixed and measured independently of each other, so their errors add up by squares, with
    Welch-Satterthwaite's degrees of freedom (Welch 1947, "The generalization of Student's problem when several
    different population variances are involved"). How far instruments are off does not: its mean is allowed for.

    Args:
        groups: For each group the log ratio of each of its blocks.
        confidence: Strictly between 0 and 1.
        allowances: What the interval of each group must allow for; none by default.

    Returns:
        The mean; ``count`` is the fewest blocks of a group, and one block leaves it without an interval.

    Raises:
        ValueError: No group, a group without a block, or a value that is not finite.
    """
    return ratio_of(mean_estimate(groups), confidence, mean_allowance(allowances or ()))


def mean_estimate(groups: Sequence[Numbers]) -> Estimate:
    """Return the mean over groups of the mean of each; see `mean_ratio`."""
    if not groups:
        raise ValueError("at least one group must be given, but got none")
    found = [mean_and_error(group) for group in groups]
    mean = math.fsum(one for one, _, _ in found) / len(found)
    count = min(size for _, _, size in found)
    errors = [error for _, error, _ in found if error is not None]
    if len(errors) < len(found):
        return Estimate(mean, None, 1.0, count)
    squares = [error**2 for error in errors]
    whole = math.fsum(squares)
    if whole == 0.0:
        return Estimate(mean, 0.0, 1.0, count)
    return Estimate(mean, math.sqrt(whole) / len(found), satterthwaite(squares, [size for *_, size in found]), count)


def combined_estimate(estimates: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """Return a weighted sum of estimates that were measured independently of each other.

    Errors add up by squares, with Welch-Satterthwaite's degrees of freedom; ``count`` is the fewest repeats of one.

    Args:
        estimates: At least one.
        weights: By what each is multiplied.
    """
    mean = math.fsum(weight * one.mean for weight, one in zip(weights, estimates, strict=True))
    count = min(one.count for one in estimates)
    if any(one.error is None for one in estimates):
        return Estimate(mean, None, 1.0, count)
    parts = [(weight * (one.error or 0.0)) ** 2 for weight, one in zip(weights, estimates, strict=True)]
    whole = math.fsum(parts)
    if whole == 0.0:
        return Estimate(mean, 0.0, 1.0, count)
    shares = zip(parts, estimates, strict=True)
    return Estimate(mean, math.sqrt(whole), 1.0 / sum((part / whole) ** 2 / one.freedom for part, one in shares), count)


def nested_mean_estimate(families: Sequence[Sequence[Numbers]], shared: bool = False) -> Estimate:
    """Return the mean over families of the mean over the groups of each: groups of one family share one weight.

    Args:
        families: For each family, for each of its groups the log ratio of each of its blocks; see `mean_ratio`.
        shared: All groups have the same hosts in place of blocks, in one order. What is odd about a host may be so in
            every group, so that groups are not independent: their mean is taken on each host first.

    Raises:
        ValueError: No family, one without a group, a group without a block, or a value that is not finite.
    """
    if shared:
        means = [np.mean([np.asarray(group, np.float64) for group in family], axis=0) for family in families]
        return paired_estimate(np.mean(means, axis=0))
    if all(len(family) == 1 for family in families):
        return mean_estimate([group for family in families for group in family])
    return combined_estimate([mean_estimate(family) for family in families], [1.0 / len(families)] * len(families))


def nested_allowance(families: Sequence[Sequence[Allowance]]) -> Allowance:
    """Return what such a mean must allow for; see `mean_allowance`."""
    return mean_allowance([mean_allowance(family) for family in families])


def mean_allowance(allowances: Sequence[Allowance]) -> Allowance:
    """Return what a mean of estimates must allow for: the mean of theirs, as all may be off to the same side."""
    count = len(allowances) or 1
    return Allowance(
        math.fsum(one.offset for one in allowances) / count, math.fsum(one.step for one in allowances) / count
    )


def satterthwaite(parts: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the degrees of freedom of a variance that is the sum of parts, each estimated from its own group.

    Welch-Satterthwaite, in shares of the whole, so that small variances do not underflow when squared.

    Args:
        parts: Not all of them 0.
        sizes: Values of each group, at least 2.
    """
    whole = math.fsum(parts)
    return 1.0 / sum((part / whole) ** 2 / (size - 1) for part, size in zip(parts, sizes, strict=True))


def mean_and_error(values: Numbers) -> tuple[float, float | None, int]:
    """Return the mean of one value a block, its standard error (None with one block), and the number of blocks.

    Raises:
        ValueError: No block, or a value that is not finite.
    """
    held = _few_values(values)
    if held is None:
        held = finite_values(values, at_least=1).tolist()
    # fsum rounds once, so neither the order of the blocks nor the processor's vector width matters.
    count = len(held)
    mean = math.fsum(held) / count
    if count < 2:
        return mean, None, 1
    off = [value - mean for value in held]
    return mean, math.sqrt(math.fsum([one * one for one in off]) / (count - 1) / count), count


def _few_values(values: Numbers) -> Sequence[float] | None:
    """Return the values of few blocks as they are: an array of them would take longer than all that follows."""
    if not isinstance(values, (list, tuple)) or not 0 < len(values) < FEW:
        return None
    return values if all(type(one) is float and math.isfinite(one) for one in values) else None


def _logarithms(values: Numbers) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    array = finite_values(values, at_least=1)
    if not (array > 0).all():
        raise ValueError(f"every time must be positive (it has a logarithm), but the smallest is {array.min()}")
    return np.log(array)


@functools.lru_cache(maxsize=1024)
def _t_quantile(probability: float, freedom: float) -> float:
    # Thousands of groups share a few counts of blocks.
    from scipy.special import stdtrit  # what scipy.stats.t.ppf returns; importing scipy.stats costs half a second

    return float(stdtrit(freedom, probability))


def _p_value(mean: float, error: float, freedom: float) -> float | None:
    from scipy.special import stdtr  # the distribution of t, 20 times as fast as scipy.stats.t

    if error > ROUNDING:
        return 2.0 * float(stdtr(freedom, -abs(mean) / error))
    return 1.0 if abs(mean) <= ROUNDING else None
