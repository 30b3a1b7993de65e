"""Orders, the configurations they go through, and shares with intervals that cover sampling and measuring."""

import math
from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.attribution import shapley
from ablatrix.statistics.screening import antithetic_permutations, coalitions, sampled_shapley
from ablatrix.statistics.screening.design import Array


def game(factors: int, rng: np.random.Generator, order: int) -> dict[tuple[int, ...], float]:
    """Values of all configurations: a random sum of products of at most so many factors."""
    rows = np.array(list(product((0, 1), repeat=factors)), dtype=float)
    values = np.zeros(len(rows))
    for _ in range(3 * factors):
        chosen = rng.choice(factors, rng.integers(1, order + 1), replace=False)
        values += rng.normal(0.0, 0.05) * rows[:, chosen].prod(axis=1)
    return dict(zip(product((0, 1), repeat=factors), values.tolist(), strict=True))


def shares_of(values: dict[tuple[int, ...], float]) -> list[float]:
    names = [str(number) for number in range(len(next(iter(values))))]
    grid = {frozenset(name for name, level in zip(names, row, strict=True) if level): v for row, v in values.items()}
    return list(shapley(grid, names).values())


def column_values(orders: tuple[tuple[int, ...], ...], values: dict[tuple[int, ...], float], blocks: int) -> Array:
    return np.tile([values[row] for row in coalitions(orders)], (blocks, 1)) + np.arange(blocks)[:, np.newaxis]


@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 1000))
def test_orders_come_in_pairs_of_reverses_with_places_in_turn(factors: int, pairs: int, seed: int) -> None:
    orders = antithetic_permutations(factors, pairs, np.random.default_rng(seed))
    assert len(orders) == 2 * pairs
    assert all(sorted(order) == list(range(factors)) for order in orders)
    assert all(one == other[::-1] for one, other in zip(orders[::2], orders[1::2], strict=True))


def test_orders_give_each_factor_each_place_from_the_ends_once() -> None:
    orders = antithetic_permutations(8, 4, np.random.default_rng(3))
    places = Counter((factor, min(place, 7 - place)) for order in orders[::2] for place, factor in enumerate(order))
    assert set(places.values()) == {1}
    assert len(places) == 32


def test_orders_are_uniformly_random() -> None:
    """Each place in a series of pairs: 6 orders, 3,000 draws, chi squared of 5 degrees below its 99.99 % quantile."""
    rng = np.random.default_rng(4)
    drawn = [antithetic_permutations(3, 2, rng) for _ in range(3000)]
    for place in (0, 2):
        counts = Counter(orders[place] for orders in drawn)
        assert sum((counts[one] - 500) ** 2 / 500 for one in permutations(range(3))) < 25.7


def test_coalitions_are_the_steps_of_orders_once_each() -> None:
    assert coalitions([(0, 1, 2), (2, 1, 0)]) == (
        (0, 0, 0),
        (1, 1, 1),
        (1, 0, 0),
        (1, 1, 0),
        (0, 0, 1),
        (0, 1, 1),
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 3), st.integers(0, 10**6))
def test_sampled_shares_are_exact_where_two_factors_interact_at_most(factors: int, pairs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = game(factors, rng, 2)
    orders = antithetic_permutations(factors, pairs, rng)
    found = sampled_shapley(orders, column_values(orders, values, 2))
    assert [math.log(one.ratio.value) for one in found] == pytest.approx(shares_of(values), abs=1e-12)


def test_sampled_shares_add_up_to_total_and_all_orders_are_exact() -> None:
    rng = np.random.default_rng(6)
    values = game(4, rng, 4)
    orders = antithetic_permutations(4, 3, rng)
    found = sampled_shapley(orders, column_values(orders, values, 3))
    total = values[1, 1, 1, 1] - values[0, 0, 0, 0]
    assert math.fsum(math.log(one.ratio.value) for one in found) == pytest.approx(total)
    half = [order for order in permutations(range(4)) if order < order[::-1]]
    every = tuple(one for order in half for one in (order, order[::-1]))
    exact = sampled_shapley(every, column_values(every, values, 2))
    assert [math.log(one.ratio.value) for one in exact] == pytest.approx(shares_of(values), abs=1e-12)
    assert exact[0].pairs == 12


def test_sampled_share_of_one_pair_or_one_block_has_no_interval() -> None:
    rng = np.random.default_rng(7)
    values = game(3, rng, 3)
    for pairs, blocks in ((1, 4), (4, 1)):
        orders = antithetic_permutations(3, pairs, rng)
        found = sampled_shapley(orders, column_values(orders, values, blocks))
        assert [(one.ratio.low, one.sampling) for one in found] == [(None, None)] * 3


def test_pair_without_a_configuration_is_omitted() -> None:
    rng = np.random.default_rng(8)
    values = game(5, rng, 2)
    orders = antithetic_permutations(5, 4, rng)
    table = column_values(orders, values, 3)
    last = coalitions(orders)[-1]
    table[:, coalitions(orders).index(last)] = math.nan
    found = sampled_shapley(orders, table)
    assert {one.pairs for one in found} == {3}
    assert [math.log(one.ratio.value) for one in found] == pytest.approx(shares_of(values), abs=1e-12)


def split_over_blocks(orders: tuple[tuple[int, ...], ...], table: Array) -> Array:
    """Each block holds the configurations of one pair of orders, and both ends."""
    places = {row: number for number, row in enumerate(coalitions(orders))}
    found = np.full((len(orders) // 2, table.shape[1]), math.nan)
    for block in range(len(found)):
        columns = [places[row] for row in coalitions(orders[2 * block : 2 * block + 2])]
        found[block, columns] = table[block, columns]
    return found


def test_pairs_in_blocks_of_their_own_are_estimated_within_blocks() -> None:
    rng = np.random.default_rng(9)
    values = game(5, rng, 2)
    orders = antithetic_permutations(5, 4, rng)
    found = sampled_shapley(orders, split_over_blocks(orders, column_values(orders, values, 4)))
    assert [math.log(one.ratio.value) for one in found] == pytest.approx(shares_of(values), abs=1e-9)
    assert all(one.ratio.low is not None and one.pairs == 4 for one in found)


def test_sampled_shares_of_wrong_tables_are_refused() -> None:
    orders = antithetic_permutations(3, 2, np.random.default_rng(1))
    count = len(coalitions(orders))
    with pytest.raises(ValueError, match=f"a column for each of {count} configurations"):
        sampled_shapley(orders, np.zeros((2, count - 1)))
    with pytest.raises(ValueError, match="must come in pairs"):
        sampled_shapley(orders[:3], np.zeros((2, len(coalitions(orders[:3])))))
    table = np.zeros((2, count))
    table[:, 0] = math.nan
    with pytest.raises(ValueError, match="of 2 none"):
        sampled_shapley(orders, table)
    with pytest.raises(ValueError, match="pairs=0"):
        antithetic_permutations(3, 0, np.random.default_rng(1))


@pytest.mark.parametrize("apart", [False, True])
def test_intervals_of_sampled_shares_hold_the_truth(apart: bool) -> None:
    """240 intervals at 95 %, with noise and three factors that interact; benchmarks/screening_coverage.py is long."""
    rng = np.random.default_rng(11)
    values = game(6, rng, 4)
    truth, hits = shares_of(values), 0
    for _ in range(40):
        orders = antithetic_permutations(6, 8, rng)
        table = column_values(orders, values, 8)
        table += rng.normal(0.0, 0.02, table.shape)
        found = sampled_shapley(orders, split_over_blocks(orders, table) if apart else table)
        hits += sum(
            math.log(one.ratio.low or 0.0) <= share <= math.log(one.ratio.high or 0.0)
            for one, share in zip(found, truth, strict=True)
        )
    assert 0.90 <= hits / 240 <= 0.99
