"""Which of several configurations may be the best: simultaneous intervals against the best of the others.

The smallest of many means is small partly by luck. Multiple comparisons with the best (Hsu 1984, "Constrained
simultaneous confidence intervals for multiple comparisons with the best"; Hsu 1996, "Multiple Comparisons", chapter 4)
give for each configuration the interval of its distance from the best of the others, all of them at once at 95 %. What
may have distance 0 or less may be the best, and is not distinguishable from the one that looks so.

Each configuration is measured in the same blocks, which are a random factor: log y[i, b] = level[i] + block[b] + noise.
The differences of a configuration to the others share its noise, hence their correlation is 1/2, and the critical value
is Dunnett's, one-sided (Dunnett 1955).
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import row_sums
from ablatrix.statistics.ratio import ROUNDING

NODES = 64  # of the quadrature in each dimension; the critical value is right to about 1e-4


@dataclass(frozen=True)
class AgainstBest:
    """One configuration against the best of the others, on the logarithm.

    Attributes:
        low, high: Ends of the interval of its distance from the best other one; not above 0, and not below 0.
        may_be_best: Whether the distance may be 0 or less.
    """

    low: float
    high: float
    may_be_best: bool


def compare_with_best(
    logs: NDArray[np.float64], confidence: float = 0.95, offset: float = 0.0
) -> tuple[AgainstBest, ...]:
    """Return each configuration against the best, which is the smallest.

    Args:
        logs: Logarithms (configurations x blocks), without gaps.
        confidence: Of all intervals at once, strictly between 0 and 1.
        offset: How far the instrument is off, by which intervals are wider.

    Raises:
        ValueError: Fewer than two configurations or blocks, or a value that is not finite.
    """
    count, blocks = logs.shape
    if count < 2 or blocks < 2:
        raise ValueError(f"at least 2 configurations and 2 blocks must be given, but got {count} and {blocks}")
    if not np.isfinite(logs).all():
        raise ValueError("every logarithm must be finite")
    means = row_sums(list(logs.T)) / blocks
    rest = logs - means[:, np.newaxis]
    rest = rest - rest.mean(axis=0)
    freedom = (count - 1) * (blocks - 1)
    variance = math.fsum((rest**2).ravel().tolist()) / freedom
    width = dunnett_quantile(confidence, count - 1, freedom) * math.sqrt(2.0 * variance / blocks) + offset
    found = []
    for index, mean in enumerate(means.tolist()):
        distance = mean - min(value for other, value in enumerate(means.tolist()) if other != index)
        low, high = distance - width, distance + width
        found.append(AgainstBest(min(0.0, low), max(0.0, high), low <= ROUNDING))
    return tuple(found)


@functools.lru_cache(maxsize=256)
def dunnett_quantile(probability: float, comparisons: int, freedom: int) -> float:
    """Return the quantile of the largest of several t statistics that are correlated by 1/2 (one-sided Dunnett).

    Args:
        probability: Strictly between 0.5 and 1.
        comparisons: Number of statistics.
        freedom: Degrees of freedom of their common variance.
    """
    from scipy.optimize import brentq  # scipy is slow to import
    from scipy.special import gammaincinv, ndtr

    shared, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    ranks, shares = np.polynomial.legendre.leggauss(NODES)
    # What scipy.stats.chi2.ppf returns; importing scipy.stats costs half a second.
    scales = np.sqrt(2.0 * gammaincinv(freedom / 2.0, (ranks + 1.0) / 2.0) / freedom)
    shares = shares / 2.0

    def excess(bound: float) -> float:
        inner = ndtr(math.sqrt(2.0) * bound * scales[:, np.newaxis] - shared[np.newaxis, :]) ** comparisons
        return float(shares @ inner @ weights) - probability

    return float(brentq(excess, 0.0, 1000.0, xtol=1e-9))
