"""Designs: what makes them what they are, by their matrices; and examples by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.screening import (
    ScreeningDesign,
    correlated_words,
    definitive_screening,
    fractional_factorial,
    one_at_a_time,
    plackett_burman_folded,
)
from ablatrix.statistics.screening.design import Array, coded, mirrored_runs, word_columns, words_of
from ablatrix.statistics.screening.matrices import conference_matrix, hadamard_matrix

FACTORS = st.integers(6, 60)


def products(design: ScreeningDesign, order: int) -> Array:
    """Sums of products of main effects' columns with those of effects of two factors, or with each other."""
    words = [word for word in words_of(design) if len(word) == order]
    if not words:
        return np.zeros(0)
    columns = word_columns(design, words)
    found: Array = coded(design).T @ (columns - columns.mean(axis=0))
    return found


def test_matrices_of_all_orders_are_orthogonal() -> None:
    hadamard = [order for order in range(4, 201, 4) if hadamard_matrix(order) is not None]
    for order in (1, 2, *hadamard):
        matrix = hadamard_matrix(order)
        assert matrix is not None
        assert set(np.unique(matrix)) <= {-1, 1}
        assert (matrix[0] == 1).all()
        assert (matrix.T @ matrix == order * np.eye(order)).all()
    assert sorted(set(range(4, 201, 4)) - set(hadamard)) == [92, 116, 156, 172, 184, 188]
    conference = [order for order in range(4, 64, 2) if conference_matrix(order) is not None]
    for order in conference:
        matrix = conference_matrix(order)
        assert matrix is not None
        assert (matrix.T @ matrix == (order - 1) * np.eye(order)).all()
        assert (np.diagonal(matrix) == 0).all()
    assert conference == [4, 6, 8, 10, 12, 14, 18, 20, 24, 26, 30, 32, 38, 42, 44, 48, 50, 54, 60, 62]
    assert hadamard_matrix(6) is None


@settings(max_examples=20, deadline=None)
@given(FACTORS)
def test_folded_design_has_mirrors_and_main_effects_clear_of_pairs(factors: int) -> None:
    design = plackett_burman_folded(factors)
    runs = len(design.runs)
    assert (coded(design).T @ coded(design) == runs * np.eye(factors)).all()
    assert not products(design, 2).any()
    assert design.runs[0] == (0,) * factors
    assert (1,) * factors in design.runs
    assert len(set(design.runs)) == runs
    mirrored = mirrored_runs(design)
    assert mirrored is not None
    assert len(mirrored) == runs // 2
    assert design.resolution == 4
    assert 2 * (factors + 2) <= runs <= max(24, 2 * (factors + 14))


@pytest.mark.parametrize(("factors", "runs"), [(6, 24), (10, 24), (12, 40), (24, 56), (48, 104), (55, 120), (100, 208)])
def test_folded_design_has_two_columns_to_spare_and_no_power_of_two(factors: int, runs: int) -> None:
    assert len(plackett_burman_folded(factors).runs) == runs


def test_folded_design_aliases_pairs_with_each_other_in_part() -> None:
    design = plackett_burman_folded(10)
    assert design.aliases == ()
    beside = correlated_words(design, (0, 1))
    assert {round(abs(value), 6) for value in beside.values()} == {0.333333}
    assert all(len(word) == 2 and not {0, 1} & set(word) for word in beside)
    assert correlated_words(design, (4,)) == {}


@settings(max_examples=20, deadline=None)
@given(FACTORS)
def test_definitive_design_has_main_effects_clear_of_pairs_and_curves(factors: int) -> None:
    design = definitive_screening(factors)
    levels = coded(design)
    assert not (levels.T @ levels - np.diag((levels**2).sum(axis=0))).any()
    assert np.abs(products(design, 2)).max() < 1e-9
    assert design.runs[-1] == (0,) * factors
    assert (levels.sum(axis=0) == 0.0).all()
    assert ((levels == 0.0).sum(axis=0) == 3).all()
    assert len(design.runs) <= 2 * factors + 21


def test_definitive_design_of_six_factors_has_seventeen_runs() -> None:
    assert len(definitive_screening(6).runs) == 17


def shortest_by_trying(design: ScreeningDesign) -> int | None:
    levels = coded(design)
    for size in range(1, design.factors + 1):
        for word in combinations(range(design.factors), size):
            if abs(levels[:, list(word)].prod(axis=1).sum()) == len(levels):
                return size
    return None


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(3, 5))
def test_fraction_has_stated_resolution_and_starts_all_off(factors: int, resolution: int) -> None:
    design = fractional_factorial(factors, resolution, 1 << factors)
    assert design is not None
    shortest = shortest_by_trying(design)
    assert design.resolution == shortest
    assert design.kind == ("full_factorial" if shortest is None else "regular_fraction")
    assert shortest is None or shortest >= resolution
    assert design.runs[0] == (0,) * factors
    assert len(set(design.runs)) == len(design.runs)
    assert (coded(design).T @ coded(design) == len(design.runs) * np.eye(factors)).all()


@pytest.mark.parametrize(
    ("factors", "resolution", "runs"),
    [(15, 3, 16), (16, 3, 32), (8, 4, 16), (16, 4, 32), (48, 4, 128), (5, 5, 16), (6, 5, 32), (8, 5, 64), (11, 5, 128)],
)
def test_fraction_has_as_few_runs_as_tables_say(factors: int, resolution: int, runs: int) -> None:
    """The largest fractions of Box, Hunter & Hunter 2005, table 6.22, and of the known codes of distance 5."""
    design = fractional_factorial(factors, resolution, 1 << 12)
    assert design is not None
    assert len(design.runs) == runs
    assert fractional_factorial(factors, resolution, runs - 1) is None


def test_fraction_of_eight_factors_names_pairs_that_are_one_sum() -> None:
    """2^(8-4) of resolution 4: the 28 pairs are 7 groups of 4, and no main effect is in one."""
    design = fractional_factorial(8, 4, 16)
    assert design is not None
    assert [len(group) for group in design.aliases] == [4] * 7
    assert sorted(word for group in design.aliases for word in group) == list(combinations(range(8), 2))
    assert design.aliased_with((0, 1)) == tuple(one for one in design.aliases[0] if one != (0, 1))
    assert design.aliased_with((0,)) == ()


def test_fraction_of_resolution_three_aliases_main_effects_with_pairs() -> None:
    design = fractional_factorial(3, 3, 4)
    assert design is not None
    assert design.runs == ((0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 0))
    assert design.aliases == (((0,), (1, 2)), ((1,), (0, 2)), ((2,), (0, 1)))


def test_one_at_a_time_changes_each_factor_around_its_centre() -> None:
    assert one_at_a_time(2, "baseline").runs == ((0, 0), (1, 0), (0, 1))
    assert one_at_a_time(2, "all_on").runs == ((1, 1), (0, 1), (1, 0))
    assert one_at_a_time(2, "baseline").aliases == ()


@pytest.mark.parametrize("factors", [1, 1001])
def test_design_of_impossible_number_of_factors_is_refused(factors: int) -> None:
    with pytest.raises(ValueError, match=f"but got factors={factors}"):
        plackett_burman_folded(factors)
    with pytest.raises(ValueError, match=f"but got factors={factors}"):
        definitive_screening(factors)
    with pytest.raises(ValueError, match="resolution >= 3"):
        fractional_factorial(4, 2, 16)
