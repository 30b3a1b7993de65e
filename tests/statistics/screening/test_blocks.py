"""Incomplete blocks: who meets whom, and what least squares make of it."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.ratio import paired_estimate
from ablatrix.statistics.screening import incomplete_blocks, intra_block_estimates, unmet_pairs
from ablatrix.statistics.screening.design import Array


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 1000), st.data())
def test_repeat_holds_the_baseline_in_each_block_and_all_others_once(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    others = list(range(1, 1 + sum(sizes)))
    paired = data.draw(st.permutations(others))[: 2 * data.draw(st.integers(0, len(others) // 2))]
    together = list(zip(paired[::2], paired[1::2], strict=True))
    found = incomplete_blocks(sizes, np.random.default_rng(seed), together=together)
    assert [len(block) - 1 for block in found] == sizes
    assert all(block[0] == 0 for block in found)
    assert sorted(one for block in found for one in block[1:]) == others


def test_pairs_stay_together_in_every_repeat_where_blocks_have_room() -> None:
    together = [(number, number + 20) for number in range(1, 21)]
    before: list[tuple[int, ...]] = []
    for seed in range(3):
        found = incomplete_blocks((14, 12, 14), np.random.default_rng(seed), together=together, before=before)
        assert unmet_pairs(found, together) == ()
        assert not {*found} & {*before}
        before += found


def test_pair_that_fits_into_no_block_is_parted() -> None:
    found = incomplete_blocks((1, 1), np.random.default_rng(1), together=[(1, 2)])
    assert sorted(found) == [(0, 1), (0, 2)]


def test_neighbours_of_64_configurations_meet_within_three_repeats() -> None:
    """2^6 corners in 4 blocks a repeat: each pair that differs in one knob, of 192 that are not the baseline's."""
    neighbours = [(corner, corner | 1 << bit) for corner in range(1, 64) for bit in range(6) if not corner >> bit & 1]
    rng = np.random.default_rng(1)
    before: list[tuple[int, ...]] = []
    for _ in range(3):
        before += incomplete_blocks((15, 16, 16, 16), rng, neighbours, before=before)
    assert unmet_pairs(before, neighbours) == ()


def test_two_treatments_meet_about_equally_often() -> None:
    """16 treatments in 4 blocks of 4, five times: in a balanced lattice each two meet once."""
    rng = np.random.default_rng(2)
    before: list[tuple[int, ...]] = []
    for _ in range(5):
        before += incomplete_blocks((4, 4, 4, 4), rng, before=before)
    met = [sum({one, other} <= set(block) for block in before) for one, other in combinations(range(1, 17), 2)]
    assert sum(met) == 120
    assert max(met) <= 2
    assert sum(count**2 for count in met) <= 170  # by chance about 220


def test_block_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="a place beside the baseline"):
        incomplete_blocks((3, 0), np.random.default_rng(1))


def test_unmet_pairs_are_named() -> None:
    assert unmet_pairs([(0, 1, 2), (0, 3)], [(1, 2), (2, 3), (3, 0)]) == ((2, 3),)


@st.composite
def tables(draw: st.DrawFn) -> Array:
    blocks, treatments = draw(st.integers(2, 6)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    table = rng.normal(0.0, 1.0, (blocks, treatments)) + 10.0 * rng.normal(0.0, 1.0, (blocks, 1))
    gaps = rng.random(table.shape) < 0.3
    gaps[:, 0] = False  # the baseline is in each
    table[gaps] = math.nan
    return table


@settings(max_examples=50, deadline=None)
@given(tables())
def test_estimates_are_least_squares_with_blocks(table: Array) -> None:
    blocks, treatments = table.shape
    found = intra_block_estimates(table)
    there = ~np.isnan(table)
    rows = [
        np.concatenate([np.eye(blocks)[block], np.eye(treatments)[one]]) for block, one in np.argwhere(there).tolist()
    ]
    model = np.array(rows)[:, [*range(blocks), *(blocks + one for one in range(1, treatments))]]
    known = model.any(axis=0)
    model, values = model[:, known], table[there]
    solution, *_ = np.linalg.lstsq(model, values, rcond=None)
    freedom = len(values) - model.shape[1]
    variance = float(((values - model @ solution) ** 2).sum()) / freedom if freedom else None
    covariance = np.linalg.inv(model.T @ model)
    place = blocks
    for one, estimate in enumerate(found.against_first()):
        if not there[:, one].any():
            assert estimate is None
        elif one:
            assert estimate is not None
            assert estimate.mean == pytest.approx(solution[place], abs=1e-9)
            if variance is None:
                assert estimate.error is None
            else:
                assert estimate.error == pytest.approx(math.sqrt(variance * covariance[place, place]), abs=1e-9)
                assert estimate.freedom == freedom
            place += 1


def test_estimates_of_whole_blocks_are_means() -> None:
    table = np.array([[1.0, 2.0, 4.0], [11.0, 12.5, 13.5]])
    found = intra_block_estimates(table)
    assert found.levels == pytest.approx([0.0, 1.25, 2.75])
    one = found.against_first()[1]
    assert one is not None
    assert one.mean == pytest.approx(paired_estimate([1.0, 1.5]).mean)
    assert (one.count, one.freedom) == (2, 2.0)


def test_estimates_without_a_chain_of_blocks_are_missing() -> None:
    table = np.array([[1.0, 2.0, math.nan, math.nan], [math.nan, math.nan, 3.0, 5.0]])
    found = intra_block_estimates(table)
    assert found.levels[:2] == pytest.approx([0.0, 1.0])
    assert np.isnan(found.levels[2:]).all()
    assert found.against_first()[3] is None
    assert found.variance is None


@pytest.mark.parametrize("wrong", [np.zeros(3), np.full((2, 2), math.nan), np.full((2, 2), math.inf)])
def test_estimates_of_no_table_are_refused(wrong: Array) -> None:
    with pytest.raises(ValueError, match="a table of finite logarithms"):
        intra_block_estimates(wrong)
