"""One figure measured on several hosts: how far hosts differ, whether that is more than noise, and which of them do.

A study over hosts wants to know what holds on hosts like these, so hosts are a random factor and the *host* is what
repeats: its value is the mean over its own blocks, and the figure is the plain mean of the hosts' values with Student's
t over hosts (`ablatrix.statistics.ratio.paired_ratio` of one value a host). Each value is normal with a variance of its
own, as hosts differ in noise and in blocks. For such values the t-test keeps its level at 8.3 % and below, and at 10 %
with at most 14 of them, whatever the variances (Bakirov & Székely 2006, "Student's t-test for Gaussian scale
mixtures"; Ibragimov & Müller 2010, "t-statistic based correlation and heterogeneity robust inference"). Weights by
estimated variances, as in DerSimonian & Laird 1986, have no such guarantee: with few hosts and few blocks their
intervals miss up to 23 % of the time, with the Hartung-Knapp-Sidik-Jonkman correction too
(``benchmarks/host_coverage.py``, docs/decisions/0018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.multiplicity import ALPHA
from ablatrix.statistics.quantile import Numbers
from ablatrix.statistics.ratio import ROUNDING, mean_and_error

FEWEST = 2
"""Hosts, and blocks of a host, from which on anything is known about their spread."""


@dataclass(frozen=True)
class HostMean:
    """What one host says.

    Attributes:
        mean: Over its blocks.
        error: Standard error; None with one block.
        blocks: How many there are.
    """

    mean: float
    error: float | None
    blocks: int


@dataclass(frozen=True)
class HostSpread:
    """How much a figure differs from host to host.

    Attributes:
        hosts: Each host, in the order given.
        tau: Standard deviation of the true values between hosts, by moments (Hedges & Olkin 1985, "Statistical methods
            for meta-analysis", the estimator that goes with equal weights): the variance of the hosts' means, less the
            mean of their squared errors, and 0 where that is negative. None with one host, or where no host has two
            blocks.
        p_value: Of all hosts having one value; None where it is not tested.
    """

    hosts: tuple[HostMean, ...]
    tau: float | None
    p_value: float | None


def spread_over_hosts(groups: Sequence[Numbers]) -> HostSpread:
    """Return how much hosts differ.

    Args:
        groups: For each host the value of each of its blocks, as a log ratio (1-D, finite, at least one).

    Raises:
        ValueError: A host without a block, or a value that is not finite.
    """
    held = [HostMean(*mean_and_error(group)) for group in groups]
    return HostSpread(tuple(held), _tau(held), same_value_p(groups))


def same_value_p(groups: Sequence[Numbers]) -> float | None:
    """Return the p-value of all hosts having one true value, whatever their noise.

    It is the larger of two: of Welch's problem by Alexander & Govern 1994 ("A new and simpler approximation for ANOVA
    under variance heterogeneity", a sum of squared deviations weighted as in Cochran's Q, but of normalised t), and of
    the analysis of variance, which trusts no single host's variance. Cochran's Q itself takes estimated variances for
    known: with 2 to 5 blocks a host it calls equal hosts different in 10 to 95 % of cases at a nominal 5 %. Each of the
    two used here is too liberal somewhere (the first with 2 or 3 blocks, the second with one noisy host); both together
    stay at 6 % and below for 2 to 16 hosts of 2 blocks or more (9 % for two hosts of two blocks, one of a tenth
    of the noise), and at 0.1 % within four times of it.

    Returns:
        None with fewer than two hosts of two blocks or more; hosts of one block are no part of it. Without any spread
        within hosts it is 1 where all means are equal, and None where they are not: then there is nothing to divide by,
        and the difference is exact.
    """
    from scipy.special import chdtrc, fdtrc  # scipy is slow to import

    held = [np.asarray(group, np.float64) for group in groups if len(group) >= FEWEST]
    if len(held) < FEWEST:
        return None
    sizes = np.array([group.size for group in held])
    means = np.array([group.mean() for group in held])
    variances = np.array([group.var(ddof=1) for group in held])
    if not (variances > ROUNDING**2).any():
        return 1.0 if np.ptp(means) <= ROUNDING else None
    # A host whose values are all equal has no noise that anyone believes in: it gets that of the others.
    freedom = sizes - 1
    within = float((variances * freedom).sum() / freedom.sum())
    own = np.where(variances > ROUNDING**2, variances, within)
    normal = _normalised(means, own / sizes, freedom)
    by_deviates = float(chdtrc(len(held) - 1, float((normal**2).sum())))
    grand = float((means * sizes).sum() / sizes.sum())
    between = float((sizes * (means - grand) ** 2).sum()) / (len(held) - 1)
    by_variances = float(fdtrc(len(held) - 1, int(freedom.sum()), between / within))
    return max(by_deviates, by_variances)


def disagreeing_hosts(groups: Sequence[Numbers], level: float = ALPHA) -> tuple[int, ...]:
    """Return which hosts have another value than the rest, by their places; none where they may all have one.

    The host that is farthest from the mean of the others, in its standard errors, is taken out until those that are
    left may have one value. Where no more than half are left, or two hosts differ, nothing says which of them are the
    odd ones: then all are returned.

    Args:
        groups: For each host the value of each of its blocks.
        level: Of each test, `same_value_p`.
    """
    left = [place for place, group in enumerate(groups) if len(group) >= FEWEST]
    tested = len(left)
    out: list[int] = []
    while len(left) >= FEWEST:
        p_value = same_value_p([groups[place] for place in left])
        if p_value is not None and p_value > level:
            break
        if len(left) == FEWEST:
            return tuple(sorted([*out, *left]))
        distances = _distances([groups[place] for place in left])
        out.append(left.pop(max(range(len(left)), key=distances.__getitem__)))
    return tuple(sorted(out)) if 2 * len(out) < tested else tuple(sorted([*out, *left]))


def _tau(held: Sequence[HostMean]) -> float | None:
    squares = [one.error**2 * one.blocks * (one.blocks - 1) for one in held if one.error is not None]
    freedom = sum(one.blocks - 1 for one in held)
    if len(held) < FEWEST or not squares:
        return None
    within = math.fsum(squares) / freedom  # of a block; a host of one block has the noise of the others
    errors = [within / one.blocks if one.error is None else one.error**2 for one in held]
    mean = math.fsum(one.mean for one in held) / len(held)
    between = math.fsum((one.mean - mean) ** 2 for one in held) / (len(held) - 1)
    excess = between - math.fsum(errors) / len(errors)
    return math.sqrt(excess) if excess > ROUNDING**2 else 0.0


def _normalised(
    means: NDArray[np.float64], squares: NDArray[np.float64], freedom: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each mean's distance from the weighted mean as a normal deviate (Hill 1970, as in Alexander & Govern).

    Args:
        means: Of each host.
        squares: Of their standard errors.
        freedom: Degrees of freedom of these.
    """
    weights = 1.0 / squares
    t = (means - (weights * means).sum() / weights.sum()) / np.sqrt(squares)
    a = freedom - 0.5
    b = 48.0 * a**2
    c = np.sqrt(a * np.log1p(t**2 / freedom))
    found: NDArray[np.float64] = (
        c
        + (c**3 + 3.0 * c) / b
        - (4.0 * c**7 + 33.0 * c**5 + 240.0 * c**3 + 855.0 * c) / (10.0 * b**2 + 8.0 * b * c**4 + 1000.0 * b)
    )
    return found


def _distances(groups: Sequence[Numbers]) -> list[float]:
    """Return how far each host is from the mean of the others, in standard errors of that difference."""
    held = [mean_and_error(group) for group in groups]
    found = []
    for place, (mean, error, _) in enumerate(held):
        others = [one for other, one in enumerate(held) if other != place]
        rest = math.fsum(one for one, *_ in others) / len(others)
        square = (error or 0.0) ** 2 + math.fsum((one or 0.0) ** 2 for _, one, _ in others) / len(others) ** 2
        found.append(abs(mean - rest) / math.sqrt(square) if square > 0.0 else (math.inf if mean != rest else 0.0))
    return found
