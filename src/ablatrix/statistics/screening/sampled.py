"""What each factor contributes to the total, from a sample of orders in which factors are switched on.

A Shapley share is the mean, over all orders, of what a factor does when it is switched on. A sample of orders has an
error of its own beside that of measuring; the intervals here cover both. The replicate of sampling is a pair of orders
(an order and its reverse), that of measuring is a block.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ablatrix.statistics.quantile import row_sums
from ablatrix.statistics.ratio import NO_ALLOWANCE, ROUNDING, Allowance, Estimate, Ratio, ratio_of
from ablatrix.statistics.screening.design import Array
from ablatrix.statistics.screening.intra_block import IntraBlock, block_values, filled_blocks, intra_block_estimates
from ablatrix.statistics.screening.permutations import Order, coalitions

POOLED = 0.25
"""Level of the test by which a component of variance counts at all."""
LEAST_PAIRS = 4
"""Of fewer pairs it is not asked what their places explain."""


@dataclass(frozen=True)
class SampledShare:
    """The estimated Shapley share of one factor.

    Attributes:
        ratio: Its share, as a factor of the time, with an interval that covers sampling and measuring; without one
            where there is one pair of orders, or one block.
        sampling: Standard error on the logarithm that would remain if measuring were exact; None as for the interval.
        pairs: Pairs of orders that it is made of.
    """

    factor: int
    ratio: Ratio
    sampling: float | None
    pairs: int


def sampled_shapley(
    orders: Sequence[Order], log_times: Array, confidence: float = 0.95, allowance: Allowance = NO_ALLOWANCE
) -> tuple[SampledShare, ...]:
    """Return the share of each factor; the shares add up to the total of the blocks (on the logarithm).

    Where every block holds the same configurations, pairs and blocks are crossed, both random: of the mean squares P of
    pairs, B of blocks and E of the rest, the variance of the mean is (P + B - E) / (pairs x blocks), with
    Satterthwaite's degrees of freedom (Satterthwaite 1946, "An approximate distribution of estimates of variance
    components"); where one of P and B is not even at 25 % larger than E, it is the other one alone (pooling after a
    preliminary test at that level, Bozivich, Bancroft & Hartley 1956, "Power of analysis of variance test procedures
    for certain incompletely specified models"). It covers factors that do more in one block than in another. Where
    blocks hold different ones, levels are estimated within blocks (`intra_block_estimates`), and the variance is that
    between pairs, plus what pairs share: the noise of configurations that several go through.

    A pair of which a configuration has no value in any block is omitted, so that all pairs count alike.

    Args:
        orders: Pairs as `antithetic_permutations` gives them.
        log_times: Blocks x configurations in the order of `coalitions`, NaN where there is no value.
        confidence: Strictly between 0 and 1.
        allowance: What each interval must allow for beyond sampling and scatter.

    Raises:
        ValueError: Another number of configurations than the orders go through, an odd number of orders, or no pair
            of which every configuration has a value.
    """
    places = {row: number for number, row in enumerate(coalitions(orders))}
    if len(orders) % 2:
        raise ValueError(f"orders must come in pairs, but got {len(orders)}")
    if log_times.ndim != 2 or log_times.shape[1] != len(places):
        raise ValueError(f"a column for each of {len(places)} configurations is needed, but got {log_times.shape}")
    log_times = filled_blocks(log_times)
    weights = [
        (_weights(one, places) + _weights(other, places)) / 2.0
        for one, other in zip(orders[::2], orders[1::2], strict=True)
    ]
    there = ~np.isnan(log_times)
    known = [one for one in weights if there[:, one.any(axis=0)].any(axis=0).all()]
    levels = None
    if known and not all(there[:, one.any(axis=0)].all() for one in known):
        levels = intra_block_estimates(log_times)
        known = [one for one in known if not np.isnan(levels.levels[one.any(axis=0)]).any()]
    if not known:
        raise ValueError(f"a pair with a value for each configuration is needed, but of {len(weights)} none has them")
    factors = range(len(orders[0]))
    if levels is None:
        steps = [np.stack([block_values(log_times, pair[factor]) for pair in known]) for factor in factors]
        left = _left_by_places(np.stack([own.mean(axis=1) for own in steps]), _places(orders, weights, known))
        made = [_crossed(own, left) for own in steps]
    else:
        found = levels.levels
        values = np.stack([[np.nansum(pair[factor] * found) for pair in known] for factor in factors])
        left = _left_by_places(values, _places(orders, weights, known))
        made = [_within(levels, np.stack([pair[factor] for pair in known]), left) for factor in factors]
    return tuple(
        SampledShare(factor, ratio_of(estimate, confidence, allowance), sampling, len(known))
        for factor, (estimate, sampling) in enumerate(made)
    )


def _weights(order: Order, places: dict[tuple[int, ...], int]) -> Array:
    """Return which configurations each factor's step is the difference of (factors x configurations)."""
    weights: Array = np.zeros((len(order), len(places)))
    levels = [0] * len(order)
    before = places[tuple(levels)]
    for factor in order:
        levels[factor] = 1
        after = places[tuple(levels)]
        weights[factor, after] += 1.0
        weights[factor, before] -= 1.0
        before = after
    return weights


def _places(orders: Sequence[Order], weights: Sequence[Array], known: Sequence[Array]) -> Array:
    """Return how far each factor is from the middle of each pair's order (factors x pairs)."""
    kept = [order for order, own in zip(orders[::2], weights, strict=True) if any(own is one for one in known)]
    middle = (len(orders[0]) - 1) / 2.0
    found: Array = np.abs(np.argsort(np.array(kept), axis=1).T - middle)
    return found


def _left_by_places(values: Array, places: Array) -> float:
    """Return which part of the variance between pairs their places leave, in the mean over factors.

    Orders are stratified by places, so that what depends on a factor's own place is nearly the same in every sample and
    no part of its error (as in Latin hypercube sampling, Stein 1987, "Large sample properties of simulations using
    Latin hypercube sampling"). It is what a parabola over the place explains.

    Args:
        values: Step of each factor in each pair (factors x pairs).
        places: Distance of its place from the middle.
    """
    pairs = values.shape[1]
    if pairs < LEAST_PAIRS:
        return 1.0
    curves = places**2 - (places**2).mean(axis=1, keepdims=True)
    rest = values - values.mean(axis=1, keepdims=True)
    whole, spread = (rest**2).sum(axis=1), (curves**2).sum(axis=1)
    used = (whole > ROUNDING**2) & (spread > 0.0)
    if not used.any():
        return 1.0
    explained = (rest[used] * curves[used]).sum(axis=1) ** 2 / spread[used] / whole[used]
    return float(min(1.0, float((1.0 - explained).mean()) * (pairs - 1) / (pairs - 2)))


def _crossed(steps: Array, left: float) -> tuple[Estimate, float | None]:
    """Return the mean of pairs x blocks, both random, and the error of sampling alone.

    Args:
        steps: Pairs x blocks.
        left: Which part of the variance between pairs is an error.
    """
    pairs, blocks = steps.shape
    of_pairs, of_blocks = row_sums(list(steps.T)) / blocks, row_sums(list(steps)) / pairs
    mean = math.fsum(of_pairs.tolist()) / pairs
    if pairs < 2 or blocks < 2:
        return Estimate(mean, None, 1.0, blocks), None
    rest = steps - of_pairs[:, np.newaxis] - of_blocks + mean
    freedoms = (pairs - 1, blocks - 1, (pairs - 1) * (blocks - 1))
    sizes = (blocks * _squares(of_pairs - mean), pairs * _squares(of_blocks - mean), _squares(rest.ravel()))
    between_pairs, between_blocks, residual = (one / own for one, own in zip(sizes, freedoms, strict=True))
    in_error = max(residual, left * between_pairs)
    if _is_noise(between_pairs, residual, freedoms[0], freedoms[2]):
        variance, freedom = between_blocks, float(freedoms[1])
    elif _is_noise(between_blocks, residual, freedoms[1], freedoms[2]):
        variance, freedom = in_error, float(freedoms[0])
    else:
        variance = in_error + between_blocks - residual
        parts = zip((in_error, between_blocks, residual), freedoms, strict=True)
        freedom = max(1.0, variance**2 / sum(one**2 / own for one, own in parts))
    sampling = math.sqrt((in_error - residual) / steps.size)
    return Estimate(mean, math.sqrt(variance / steps.size), freedom, blocks), sampling


def _is_noise(square: float, residual: float, freedom: int, freedom_of_rest: int) -> bool:
    """Return whether a mean square is not even vaguely larger than that of the rest."""
    from scipy.special import fdtrc  # the upper tail of the F distribution; importing scipy.stats costs half a second

    if residual <= 0.0:
        return square <= 0.0
    return float(fdtrc(freedom, freedom_of_rest, square / residual)) > POOLED


def _within(levels: IntraBlock, weights: Array, left: float) -> tuple[Estimate, float | None]:
    """Return the mean of pairs from levels with a covariance, and the error of sampling alone.

    Args:
        levels: The levels.
        weights: Pairs x configurations.
        left: Which part of the variance between pairs is an error.
    """
    pairs = len(weights)
    held = [levels.contrast(row) for row in weights]
    values = np.array([one.mean for one in held if one is not None])
    mean = math.fsum(values.tolist()) / pairs
    count = min((one.count for one in held if one is not None), default=0)
    if pairs < 2 or levels.variance is None:
        return Estimate(mean, None, 1.0, count), None
    noise = weights @ levels.covariance @ weights.T * levels.variance
    own = float(np.trace(noise)) / pairs
    shared = (float(noise.sum()) - own * pairs) / (pairs * (pairs - 1))
    between = left * _squares(values - mean) / (pairs - 1)
    parts = [(between / pairs, pairs - 1), (max(0.0, shared), levels.freedom)]
    variance = sum(size for size, _ in parts)
    sampling = math.sqrt(max(0.0, between - own + shared) / pairs)
    if variance == 0.0:
        return Estimate(mean, 0.0, 1.0, count), sampling
    freedom = variance**2 / sum(size**2 / own_freedom for size, own_freedom in parts)
    return Estimate(mean, math.sqrt(variance), freedom, count), sampling


def _squares(values: Array) -> float:
    return math.fsum((values**2).tolist())
