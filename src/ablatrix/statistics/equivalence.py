"""When "no effect" may be said: the interval of a ratio must lie within a margin, and not merely hold 1.

  1/(1+m)            1            1+m
----[----------------+-------------]----
        |------x-----|--|                equivalent: the interval lies within the margin
    |---------x-------------------|      neither: it holds 1, and ends beyond the margin
"""

import math
from dataclasses import dataclass

from ablatrix.statistics.multiplicity import ALPHA
from ablatrix.statistics.quantile import Numbers
from ablatrix.statistics.ratio import (
    NO_ALLOWANCE,
    ROUNDING,
    Allowance,
    Estimate,
    Ratio,
    least_error,
    paired_estimate,
    ratio_of,
)


@dataclass(frozen=True)
class Equivalence:
    """The verdict of two one-sided tests.

    Attributes:
        ratio: The ratio with its interval at 1 - 2 alpha.
        margin: Largest difference that counts as none: 0.01 lets the ratio lie between 1 / 1.01 and 1.01.
        alpha: Level of each of both tests, and of the verdict.
        p_value: The larger of both tests. None with one block, and without any spread.
        holds: Whether the ratio lies within the margin: p < alpha, or, what is the same, the interval within it. An
            interval without any width (a figure that is exact, such as planned bytes) is taken by its value.
    """

    ratio: Ratio
    margin: float
    alpha: float
    p_value: float | None
    holds: bool


def judge_equivalence(
    log_ratios: Numbers, margin: float, alpha: float = ALPHA, allowance: Allowance = NO_ALLOWANCE
) -> Equivalence:
    """Return whether a paired ratio lies within a margin around 1; see `equivalence_of`.

    Args:
        log_ratios: One a block, as for ``paired_ratio``.
        margin: Positive, relative: 0.01 is 1 %. On the logarithm both sides are equally far.
        alpha: Strictly between 0 and 0.5.
        allowance: What the interval must allow for beyond the scatter of blocks.

    Raises:
        ValueError: No block, a value that is not finite, or a margin or alpha outside its range.
    """
    return equivalence_of(paired_estimate(log_ratios), margin, alpha, allowance)


def equivalence_of(
    estimate: Estimate, margin: float, alpha: float = ALPHA, allowance: Allowance = NO_ALLOWANCE
) -> Equivalence:
    """Return whether an estimated ratio lies within a margin around 1, by two one-sided t-tests.

    Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach for assessing the
    equivalence of average bioavailability": both "the ratio is too small" and "the ratio is too large" must be
    refused at ``alpha``. As both cannot be true, the level needs no correction.

    Raises:
        ValueError: A margin or alpha outside its range.
    """
    from scipy.special import stdtr  # scipy is slow to import

    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"margin > 0 must hold, but got margin={margin}")
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"0 < alpha < 0.5 must hold, but got alpha={alpha}")
    ratio = ratio_of(estimate, 1.0 - 2.0 * alpha, allowance)
    error = least_error(estimate, allowance)
    if error is None:
        return Equivalence(ratio, margin, alpha, None, False)
    room = math.log1p(margin) - abs(estimate.mean) - allowance.reach  # to the nearer end, whose test has the larger p
    if error <= ROUNDING:
        return Equivalence(ratio, margin, alpha, None, room > 0.0)
    p_value = float(stdtr(estimate.freedom, -room / error))
    return Equivalence(ratio, margin, alpha, p_value, p_value < alpha)


def minimal_margin(ratio: Ratio) -> float | None:
    """Return the smallest margin within which the interval lies: the x of "not distinguishable (+-x)".

    It is the end of the interval that is farther from 1, as a relative difference: 0.012 for an interval from
    0.995 to 1.012, and 1 / 0.98 - 1 for one from 0.98 to 1.01. With the interval at 1 - 2 alpha of
    ``judge_equivalence`` every margin above it would hold. None without an interval.
    """
    if ratio.low is None or ratio.high is None:
        return None
    return max(ratio.high, 1.0 / ratio.low) - 1.0


POWER = 0.8
"""The chance that a question is settled with the blocks that `blocks_to_settle` returns."""
MOST_BLOCKS = 100_000
"""Of more nobody asks."""


def blocks_to_settle(
    estimate: Estimate, margin: float, tests: int = 1, alpha: float = ALPHA, allowance: Allowance = NO_ALLOWANCE
) -> int | None:
    """Return how many blocks settle whether a ratio differs, if blocks scatter as they did.

    With as many, two equal things are shown to be within the margin with a chance of 80 % (two one-sided tests), and
    a difference of the margin is found with at least that chance by the first step of Holm's test over a family. A
    true difference just inside the margin is never settled by blocks, and one far beyond it sooner. The formulas are
    those of the power of a t-test (J. Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988), and, for
    equivalence, of K. Phillips, "Power of the two one-sided tests procedure in bioequivalence", 1990, both with
    quantiles of t in place of the noncentral distribution.

    Args:
        estimate: Made of blocks.
        margin: Positive, relative.
        tests: Members of the family.
        alpha: Level of the tests.
        allowance: What the interval must allow for beyond the scatter of blocks.

    Returns:
        None where no number of blocks settles it: the instrument is off by the margin or more, or it needs more than
        100,000 of them; and with one block, whose scatter is not known.

    Raises:
        ValueError: A margin, level or number of tests outside its range.
    """
    from scipy.special import stdtrit  # scipy is slow to import

    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"margin > 0 must hold, but got margin={margin}")
    if not 0.0 < alpha < 0.5 or tests < 1:
        raise ValueError(f"0 < alpha < 0.5 and tests >= 1 must hold, but got alpha={alpha}, tests={tests}")
    error, room = least_error(estimate, allowance), math.log1p(margin) - allowance.reach
    if error is None or room <= 0.0:
        return None
    spread = error * math.sqrt(estimate.count)

    def settles(blocks: int) -> bool:
        freedom = blocks - 1
        equal = stdtrit(freedom, 1.0 - alpha) + stdtrit(freedom, (1.0 + POWER) / 2.0)
        differs = stdtrit(freedom, 1.0 - alpha / (2.0 * tests)) + stdtrit(freedom, POWER)
        return bool(max(equal, differs) * spread / math.sqrt(blocks) <= room)

    few, many = 1, 2
    while not settles(many):
        if many >= MOST_BLOCKS:
            return None
        few, many = many, min(2 * many, MOST_BLOCKS)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if settles(middle) else (middle, many)
    return many
