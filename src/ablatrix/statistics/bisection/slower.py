"""The belief over commits where the trouble is a slow-down: a change of level in noisy values.

A value is the log ratio of a commit's build to the good one in one block. With culprit c,

    value[k, block] = offset + step [k >= c] + layout[k] + noise[k, block]

``layout[k]`` is what the build of commit k adds by where its code and data happen to lie: it is the same in all of its
blocks, so that more blocks of one commit do not average it out, and other commits do (Mytkowicz et al. 2009, "Producing
wrong data without doing anything obviously wrong!"). ``offset`` is that of the good build, which is in all ratios. All
are normal around 0, the step as far as it is at least what counts as a trouble. How much noise and layouts scatter is
not known: both spreads are integrated over a grid, and step and offset exactly. So the likelihood of a culprit is that
of all values together, whatever else may hold (a change point with random effects; Smith 1975, "A Bayesian approach to
inference about a change-point in a sequence of random variables").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ablatrix.statistics.bisection.belief import Belief, Real, binary_entropy, posterior, prior

_NOISES: Real = np.geomspace(2e-4, 0.2, 31)
_LAYOUTS: Real = np.geomspace(2e-4, 0.06, 19)
SPREADS: Real = np.array([(noise, layout) for noise in _NOISES for layout in _LAYOUTS])
"""Pairs of spreads, of blocks and of layouts, that are thought possible: each factor of noise alike."""
LAYOUT_SCALE = 0.004
"""Of the half-Cauchy distribution that spreads of layouts are weighed by (Gelman 2006)."""
STEP_SCALE = 0.1
"""Standard deviation of the step before any look, on the logarithm: 0.1 is about 10 %. Where a commit was seen to
be slower by more, it is that."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_SHARES: Real = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class _Seen:
    """What blocks have shown, by commit.

    Attributes:
        counts, means: Blocks of each commit from 1 on, and the mean of their values; 0 where there is none.
        squares: Sum of squares of all values around the mean of their commit.
    """

    counts: Real
    means: Real
    squares: float

    @property
    def within(self) -> float:
        """Degrees of freedom of the squares."""
        return float(self.counts.sum() - np.count_nonzero(self.counts))

    @property
    def step_scale(self) -> float:
        """Standard deviation of the step."""
        return max(STEP_SCALE, float(np.abs(self.means).max()))


def slower_belief(values: Mapping[int, Sequence[float]], commits: int, blocks: int, least: float) -> Belief:
    """Return the belief over commits from the log ratios of their builds to the good one.

    Args:
        values: For each commit that was measured, from 1 on, a log ratio for each block, positive where it is slower.
        commits: Number of the bad commit.
        blocks: How many blocks a further look would measure.
        least: The smallest step that counts as a trouble, on the logarithm; smaller ones count as none.

    Raises:
        ValueError: A commit that is not on the line, one without a value, a value that is not finite, no block, or a
            least step that is negative.
    """
    seen = _seen(values, commits)
    if blocks < 1 or not least >= 0.0:
        raise ValueError(f"blocks >= 1 and least >= 0 must hold, but got blocks={blocks}, least={least}")
    logs, _ = _fits(seen, SPREADS, least)
    logs += _log_weights(seen)[:, np.newaxis]
    top = logs.max()
    likelihoods = np.exp(logs - top)
    culprits = posterior(commits, np.log(likelihoods.sum(axis=0) + np.finfo(np.float64).tiny))
    weights = likelihoods @ prior(commits)
    middle = np.exp(weights / weights.sum() @ np.log(SPREADS))
    _, squares = _fits(seen, middle[np.newaxis, :], least)
    return Belief(culprits, _gains(seen, culprits, squares[0], middle, blocks))


def _seen(values: Mapping[int, Sequence[float]], commits: int) -> _Seen:
    counts, means, squares = np.zeros(commits), np.zeros(commits), 0.0
    for commit, held in values.items():
        array = np.asarray(held, np.float64)
        if not 1 <= commit <= commits:
            raise ValueError(f"commit {commit} is not on the line from 1 to {commits}")
        if not array.size or not np.isfinite(array).all():
            raise ValueError(f"commit {commit}: at least one value is needed, and all must be finite, but got {held}")
        counts[commit - 1], means[commit - 1] = array.size, array.mean()
        squares += float(((array - array.mean()) ** 2).sum())
    return _Seen(counts, means, squares)


def _log_weights(seen: _Seen) -> Real:
    """Return what each pair of spreads weighs by the scatter within commits, and a priori; the means come later."""
    noise, layout = SPREADS.T
    scatter = -seen.within * np.log(noise) - seen.squares / (2.0 * noise**2)
    # The grid is even in logarithms, so that a density is multiplied by the spread itself.
    found: Real = scatter + np.log(layout / (1.0 + (layout / LAYOUT_SCALE) ** 2))
    return found


def _fits(seen: _Seen, spreads: Real, least: float) -> tuple[Real, Real]:
    """Return the log likelihood of the commits' means, and the mean square of the step, at each pair of spreads.

    Both are under each culprit, and last under none. Offset and step are integrated out, under every culprit at once:
    sums over the commits from it on are cumulative.
    """
    noise, layout, scale = spreads[:, :1], spreads[:, 1:], seen.step_scale
    is_seen = seen.counts > 0
    weights = np.where(is_seen, 1.0 / (layout**2 + noise**2 / np.where(is_seen, seen.counts, 1.0)), 0.0)
    pulls = weights * seen.means
    whole, pull = weights.sum(axis=1, keepdims=True), pulls.sum(axis=1, keepdims=True)
    behind, behind_pull = _from_each_on(weights), _from_each_on(pulls)
    first, second = layout**-2 + whole, scale**-2 + behind  # the precision is [[first, behind], [behind, second]]
    determinants = first * second - behind**2
    offsets = (second * pull - behind * behind_pull) / determinants
    steps = (first * behind_pull - behind * pull) / determinants
    # What depends neither on the culprit nor on the spreads is left out.
    alone = np.log(np.where(is_seen, weights, 1.0)) - weights * seen.means**2
    constant = alone.sum(axis=1, keepdims=True) - 2.0 * np.log(layout) - 2.0 * math.log(scale)
    logs = 0.5 * (constant + offsets * pull + steps * behind_pull - np.log(determinants))
    kept, squares = _above(least, steps, np.sqrt(first / determinants))
    before, _ = _above(least, np.zeros(1), np.full(1, scale))
    logs[:, :-1] += kept[:, :-1] - before
    return logs, squares


def _above(least: float, means: Real, deviations: Real) -> tuple[Real, Real]:
    """Return the log of the probability that a normal value is at least so large, and its mean square if it is."""
    from scipy.special import log_ndtr

    start = (least - means) / deviations
    kept = log_ndtr(-start)
    hazard = np.exp(-0.5 * start**2 - 0.5 * math.log(2.0 * math.pi) - kept)
    middle = means + deviations * hazard
    variance = np.maximum(deviations**2 * (1.0 + hazard * (start - hazard)), 0.0)
    return kept, middle**2 + variance


def _from_each_on(values: Real) -> Real:
    """Return the sum from each commit to the last one; last, of none."""
    sums = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([sums, np.zeros((values.shape[0], 1))], axis=1)


def _gains(seen: _Seen, culprits: Real, squares: Real, spreads: Real, blocks: int) -> Real:
    """Return what further blocks of each commit tell about the culprit, in bits: whether it is before or behind.

    The blocks' mean is normal around one of two levels, by whether the commit has the trouble. How far the levels are
    apart in units of its scatter, and how probable each is, make the information (of a binary input over a channel with
    normal noise). What is known already of the commit's layout, by its earlier blocks, brings the levels together.
    """
    noise, layout = spreads
    believed = float(culprits[:-1].sum())
    step = math.sqrt(float(culprits[:-1] @ squares[:-1]) / believed) if believed else 0.0
    counts = np.maximum(seen.counts, 1.0)
    known = np.where(seen.counts > 0, layout**2 / (layout**2 + noise**2 / counts), 0.0)
    scatter = np.sqrt(layout**2 * (1.0 - known) + noise**2 / blocks)
    return _information(np.minimum(np.cumsum(culprits[:-1]), 1.0), step * (1.0 - known) / scatter)


def _information(shares: Real, apart: Real) -> Real:
    """Return the mutual information of a yes of such a probability and a value around 0 or ``apart``, in bits."""
    left = np.zeros_like(shares)
    with np.errstate(divide="ignore", over="ignore"):
        odds = np.log(shares) - np.log1p(-shares)
        for weight, level in ((shares, apart), (1.0 - shares, np.zeros_like(apart))):
            drawn = level[:, np.newaxis] + _NODES[np.newaxis, :]
            evidence = apart[:, np.newaxis] * (drawn - 0.5 * apart[:, np.newaxis])  # log likelihood, yes over no
            left += weight * (binary_entropy(1.0 / (1.0 + np.exp(-odds[:, np.newaxis] - evidence))) @ _SHARES)
    return np.maximum(binary_entropy(shares) - left, 0.0)
