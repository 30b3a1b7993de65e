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
@given(st.integers(2, 30), st.integers(2, 12), st.integers(1, 12), st.integers(0, 1000))
def test_blocks_hold_the_baseline_and_all_others_equally_often(
    treatments: int, size: int, blocks: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    places = min(size, treatments) - 1
    if blocks * places < treatments - 1:
        with pytest.raises(ValueError, match=f"must hold {treatments} treatments"):
            incomplete_blocks(treatments, size, blocks, rng)
        return
    found = incomplete_blocks(treatments, size, blocks, rng)
    assert [len(set(block)) for block in found] == [places + 1] * blocks
    assert all(block[0] == 0 for block in found)
    counts = np.bincount([one for block in found for one in block], minlength=treatments)
    assert counts[0] == blocks
    assert counts[1:].max() - counts[1:].min() <= 1


def test_blocks_of_64_configurations_have_all_neighbours_meet() -> None:
    """2^6 corners, 16 to a block, in 13 blocks: about three times each, and each pair that differs in one knob."""
    neighbours = [(corner, corner | 1 << bit) for corner in range(64) for bit in range(6) if not corner >> bit & 1]
    found = incomplete_blocks(64, 16, 13, np.random.default_rng(1), neighbours)
    assert unmet_pairs(found, neighbours) == ()


def test_blocks_of_balanced_size_have_every_two_meet_equally_often() -> None:
    """7 treatments beside the baseline, 7 blocks of 3 of them: each two meet once (the Fano plane), or nearly."""
    found = incomplete_blocks(8, 4, 7, np.random.default_rng(2))
    met = [sum({one, other} <= set(block) for block in found) for one, other in combinations(range(1, 8), 2)]
    assert sum(met) == 21
    assert max(met) <= 2
    assert sum(count**2 for count in met) <= 27


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
