"""Orders in which factors are switched on, and the configurations that these orders go through."""

from collections.abc import Sequence

import numpy as np

Order = tuple[int, ...]


def antithetic_permutations(factors: int, pairs: int, rng: np.random.Generator) -> tuple[Order, ...]:
    """Return random orders in pairs: each odd one is the one before it, backwards.

    An order and its reverse switch a factor on once before and once after every other one, so that the mean of the two
    is exact where at most two factors interact (antithetic sampling: Castro et al. 2009, "Polynomial calculation of the
    Shapley value based on sampling"; Mitchell et al. 2022, "Sampling permutations for Shapley value estimation"). The
    pairs are stratified: each takes the order in which factors have places, from either end, that they had most rarely
    before, ties by chance (places as strata are from Castro et al. 2017, "Improving polynomial estimation of the
    Shapley value by stratified random sampling"). Each order by itself is uniformly random, as factors are treated
    alike.

    Args:
        factors: At least 1.
        pairs: At least 1.
        rng: Where chance comes from.

    Raises:
        ValueError: A number below 1.
    """
    from scipy.optimize import linear_sum_assignment  # scipy is slow to import

    if factors < 1 or pairs < 1:
        raise ValueError(f"factors >= 1 and pairs >= 1 must hold, but got factors={factors}, pairs={pairs}")
    places = np.arange(factors)
    strata = np.minimum(places, places[::-1])
    had = np.zeros((factors, factors))  # factors x strata
    orders: list[Order] = []
    for _ in range(pairs):
        # Chance is less than one place, even summed over all factors.
        cost = had[:, strata] + rng.random((factors, factors)) / (factors + 1)
        chosen, taken = linear_sum_assignment(cost)
        had[chosen, strata[taken]] += 1.0
        order = tuple(chosen[np.argsort(taken)].tolist())
        orders += [order, order[::-1]]
    return tuple(orders)


def coalitions(orders: Sequence[Order]) -> tuple[tuple[int, ...], ...]:
    """Return the configurations that some orders go through, each once: a row of 0 and 1, a column for each factor.

    All off is the first, all on the second.
    """
    count = len(orders[0])
    found: dict[tuple[int, ...], None] = {(0,) * count: None, (1,) * count: None}
    for order in orders:
        levels = [0] * count
        for factor in order:
            levels[factor] = 1
            found.setdefault(tuple(levels))
    return tuple(found)
