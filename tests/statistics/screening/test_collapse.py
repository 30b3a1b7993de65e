"""Figures over all corners from distinct programs, against attribution on the full grid."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.attribution import interactions, main_effects, over_blocks, shapley, total
from ablatrix.statistics.ratio import Ratio
from ablatrix.statistics.screening import collapsed

NAMES = "abcde"


def log_of(ratio: Ratio | None) -> float:
    assert ratio is not None
    return math.log(ratio.value)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 32), st.integers(0, 10**6))
def test_collapsed_figures_are_those_of_the_full_grid(factors: int, programs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mapping = rng.integers(0, programs, 1 << factors)
    values = rng.normal(0.0, 1.0, (3, programs))
    found = collapsed(mapping, values)
    names = NAMES[:factors]
    grids = [
        {
            frozenset(name for bit, name in enumerate(names) if corner >> bit & 1): block[mapping[corner]]
            for corner in range(1 << factors)
        }
        for block in values.tolist()
    ]
    main, shares = over_blocks(grids, names, main_effects), over_blocks(grids, names, shapley)
    for number, name in enumerate(names):
        for ratio, expected in ((found.main[number], main[name]), (found.shares[number], shares[name])):
            assert ratio is not None
            assert ratio.value == pytest.approx(expected.value, rel=1e-12)
            assert ratio.high == pytest.approx(expected.high, rel=1e-9)
    pairs = over_blocks(grids, names, interactions)
    for one, other in combinations(range(factors), 2):
        assert log_of(found.interactions[one, other]) == pytest.approx(
            math.log(pairs[names[one], names[other]].value), abs=1e-12
        )
    assert log_of(found.total) == pytest.approx(sum(total(grid, names) for grid in grids) / 3, abs=1e-12)
    assert found.programs == len(set(mapping.tolist()))


def test_factor_that_acts_in_some_corners_counts_over_all_of_them() -> None:
    """b changes the program only while a is off: corners (b a) 00, 01, 10, 11 are the programs 0, 1, 2, 1."""
    mapping = np.array([0, 1, 2, 1])
    found = collapsed(mapping, np.array([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0]]))
    assert found.acts == (2, 1)
    assert [log_of(one) for one in found.main] == pytest.approx([(1.0 - 2.0) / 2, 1.5])
    assert [log_of(one) for one in found.shares] == pytest.approx([-0.5, 1.5])
    assert log_of(found.interactions[0, 1]) == pytest.approx(-3.0)
    assert log_of(found.total) == pytest.approx(1.0)


def test_factor_that_changes_no_program_does_exactly_nothing() -> None:
    rng = np.random.default_rng(2)
    mapping = np.concatenate([np.arange(16), np.arange(16)])  # the fifth factor changes nothing
    found = collapsed(mapping, rng.normal(0.0, 1.0, (3, 16)))
    for one in (found.main[4], found.shares[4], *(found.interactions[other, 4] for other in range(4))):
        assert one is not None
        assert (one.value, one.low, one.high, one.p_value) == (1.0, 1.0, 1.0, 1.0)
    assert found.acts == (16, 16, 16, 16, 0)


def test_program_without_time_leaves_what_does_not_need_it() -> None:
    mapping = np.array([0, 1, 2, 1])
    found = collapsed(mapping, np.array([[0.0, 1.0, math.nan], [0.5, 1.5, math.nan]]))
    assert found.main == (None, None)
    assert log_of(found.total) == pytest.approx(1.0)


def test_programs_of_incomplete_blocks_are_compared_within_blocks() -> None:
    values = np.array([[0.0, 1.0, math.nan], [5.0, math.nan, 8.0], [9.0, 10.0, 12.0], [2.0, 3.0, 5.0]])
    found = collapsed(np.array([0, 1, 2, 1]), values)
    assert [log_of(one) for one in found.main] == pytest.approx([-0.5, 1.5])


@pytest.mark.parametrize(
    ("corners", "columns"),
    [(np.arange(3), 3), (np.arange(4).reshape(2, 2), 4), (np.arange(4), 3), (np.array([-1, 0]), 2)],
)
def test_corners_that_are_no_power_of_two_or_lack_a_column_are_refused(corners: np.ndarray, columns: int) -> None:
    with pytest.raises(ValueError, match="must"):
        collapsed(corners, np.zeros((2, columns)))
