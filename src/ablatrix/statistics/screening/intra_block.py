"""What each configuration takes, from blocks that do not hold all of them: least squares with an effect of each block.

    log y[b, i] = level[i] + block[b] + noise[b, i]

Blocks are as far apart as the machine likes, so only differences within a block count (the intra-block analysis of
Yates 1936, "Incomplete randomized blocks"; John & Williams 1995, "Cyclic and Computer Generated Designs", chapter 1).
Noise is assumed to have one variance. Where every block holds all, the estimates are plain means.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.ratio import Estimate

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class IntraBlock:
    """Estimates of treatments, each known up to a constant that they share.

    Attributes:
        levels: On the logarithm, relative to the first treatment that is measured; NaN where a treatment is not
            measured, or not comparable with that one through any chain of blocks.
        covariance: A matrix V (treatments x treatments; 0 for those without a level): the variance of a contrast w of
            sum 0 is ``variance * w V w``.
        variance: Of the noise; None where nothing is left to estimate it from.
        freedom: Its degrees of freedom.
        counts: In how many blocks each treatment was measured.
    """

    levels: Array
    covariance: Array
    variance: float | None
    freedom: int
    counts: NDArray[np.int_]

    def contrast(self, weights: Array) -> Estimate | None:
        """Return a weighted sum of levels; None where one with a weight has none.

        Args:
            weights: One for each treatment, of sum 0.
        """
        used = np.flatnonzero(weights)
        if np.isnan(self.levels[used]).any():
            return None
        mean = math.fsum((weights[used] * self.levels[used]).tolist())
        count = int(self.counts[used].min(initial=int(self.counts.max(initial=0))))
        if self.variance is None:
            return Estimate(mean, None, 1.0, count)
        spread = float(weights[used] @ self.covariance[np.ix_(used, used)] @ weights[used])
        return Estimate(mean, math.sqrt(max(0.0, spread) * self.variance), float(self.freedom), count)

    def against_first(self) -> tuple[Estimate | None, ...]:
        """Return each treatment minus the first one, which is the baseline; itself is an exact 0."""
        found: list[Estimate | None] = []
        for number in range(self.levels.size):
            weights: Array = np.zeros(self.levels.size)
            weights[0] -= 1.0
            weights[number] += 1.0
            found.append(self.contrast(weights))
        return tuple(found)


def intra_block_estimates(log_times: Array) -> IntraBlock:
    """Return the level of each treatment, with the exact covariance of all of them.

    Args:
        log_times: Blocks x treatments, NaN where a block does not hold a treatment, or it failed there.

    Raises:
        ValueError: Not a table, a value that is infinite, or not a single value.
    """
    if log_times.ndim != 2 or np.isinf(log_times).any() or np.isnan(log_times).all():
        raise ValueError(f"a table of finite logarithms must be given, but got shape {log_times.shape}")
    held = ~np.isnan(log_times)
    counts = held.sum(axis=0)
    known = _connected(held)
    rows = held[:, known].any(axis=1)
    values, present = log_times[rows][:, known], held[rows][:, known]
    blocks, treatments = values.shape
    if present.all():
        found = values.mean(axis=0) - values.mean()
        spread: Array = np.eye(treatments) / blocks
    else:
        # The reduced normal equations: blocks are taken out of both sides.
        sizes = present.sum(axis=1)
        incidence = present.astype(np.float64)
        totals = np.where(present, values, 0.0)
        information = np.diag(incidence.sum(axis=0)) - incidence.T @ (incidence / sizes[:, np.newaxis])
        right = totals.sum(axis=0) - incidence.T @ (totals.sum(axis=1) / sizes)
        spread = np.linalg.pinv(information, hermitian=True)
        found = spread @ right
    rest = np.where(present, values - found, np.nan)
    rest = rest - np.nanmean(rest, axis=1, keepdims=True)
    freedom = int(present.sum()) - blocks - treatments + 1
    squares = math.fsum((rest[present] ** 2).tolist())
    levels: Array = np.full(log_times.shape[1], math.nan)
    levels[known] = found - found[0]
    covariance: Array = np.zeros((log_times.shape[1], log_times.shape[1]))
    covariance[np.ix_(known, known)] = spread
    return IntraBlock(levels, covariance, squares / freedom if freedom > 0 else None, max(freedom, 1), counts)


def _connected(held: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Return the treatments that chains of blocks connect with the first one that is measured."""
    reached: NDArray[np.bool_] = np.zeros(held.shape[1], dtype=np.bool_)
    reached[np.argmax(held.any(axis=0))] = True
    while True:
        wider: NDArray[np.bool_] = np.any(held[np.any(held[:, reached], axis=1)], axis=0)
        if (wider == reached).all():
            return np.flatnonzero(reached)
        reached = wider


def filled_blocks(log_times: Array) -> Array:
    """Return the blocks (rows) that have a value at all."""
    found: Array = log_times[~np.isnan(log_times).all(axis=1)]
    return found


def block_values(log_times: Array, weights: Array) -> Array:
    """Return a contrast in each block (1-D), each rounded once.

    Args:
        log_times: Blocks x treatments, without gaps where there is a weight.
        weights: One for each treatment, of sum 0.
    """
    used = np.flatnonzero(weights)
    products: Sequence[Sequence[float]] = (log_times[:, used] * weights[used]).tolist()
    return np.fromiter(map(math.fsum, products), np.float64, len(products))
