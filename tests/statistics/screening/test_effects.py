"""Screened effects: exact where there is no noise, t over blocks where there is, and what gaps do."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.attribution import interactions, main_effects
from ablatrix.statistics.ratio import Allowance, paired_ratio
from ablatrix.statistics.screening import (
    ScreenedEffect,
    ScreeningDesign,
    definitive_screening,
    fractional_factorial,
    one_at_a_time,
    plackett_burman_folded,
    screened_effects,
)
from ablatrix.statistics.screening.design import Array, word_columns

NO_NOISE = 1e-12


def times(design: ScreeningDesign, effects: dict[tuple[int, ...], float], blocks: int = 2) -> Array:
    """Logarithms of a model in coded levels, blocks far apart: a main effect of b is 2 b, an interaction 4 b."""
    words = list(effects)
    row = word_columns(design, words) @ np.array([effects[word] for word in words])
    return np.stack([row + 3.0 * block for block in range(blocks)])


def noisy(design: ScreeningDesign, effects: dict[tuple[int, ...], float], blocks: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    clean = times(design, effects, blocks)
    return clean + rng.normal(0.0, 0.005, clean.shape)


def logs(effects: tuple[ScreenedEffect, ...], order: int = 1) -> list[float | None]:
    return [one.log_effect for one in effects if len(one.word) == order]


@settings(max_examples=20, deadline=None)
@given(st.integers(6, 20), st.integers(0, 10**6))
def test_main_effects_are_exact_whatever_pairs_do(factors: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    design = plackett_burman_folded(factors)
    mains = rng.normal(0.0, 0.1, factors).tolist()
    effects: dict[tuple[int, ...], float] = {(i,): b for i, b in enumerate(mains)}
    effects |= {pair: rng.normal(0.0, 0.1) for pair in combinations(range(factors), 2)}
    found = screened_effects(design, times(design, effects))
    assert [one.word for one in found] == [(factor,) for factor in range(factors)]
    assert logs(found) == pytest.approx([2.0 * b for b in mains], abs=NO_NOISE)


def test_effects_of_full_factorial_are_those_of_attribution() -> None:
    design = fractional_factorial(3, 5, 8)
    assert design is not None
    values = np.random.default_rng(1).normal(0.0, 1.0, (2, 8))
    found = screened_effects(design, values)
    grids = [
        {
            frozenset("abc"[factor] for factor, level in enumerate(run) if level): value
            for run, value in zip(design.runs, block.tolist(), strict=True)
        }
        for block in values
    ]
    for one in found:
        names = tuple("abc"[factor] for factor in one.word)
        parts = [
            (main_effects(grid, "abc")[names[0]] if len(names) == 1 else interactions(grid, "abc")[names[0], names[1]])
            for grid in grids
        ]
        assert one.log_effect == pytest.approx(sum(parts) / 2, abs=NO_NOISE)
    assert len(found) == 6


def test_effect_interval_is_student_over_contrasts_of_blocks() -> None:
    design = plackett_burman_folded(7)
    values = noisy(design, {(0,): 0.02}, blocks=4, seed=3)
    found = screened_effects(design, values, 0.9, Allowance(offset=0.001))
    signs = np.array(design.runs)[:, 0] * 2 - 1
    expected = paired_ratio(values @ signs / (len(signs) / 2), 0.9, Allowance(offset=0.001))
    ratio = found[0].ratio
    assert ratio is not None
    assert [ratio.low, ratio.high] == pytest.approx([expected.low, expected.high])
    assert (ratio.count, ratio.widened) == (4, 0.001)
    assert found[0].q_value == pytest.approx(7 * (expected.p_value or 0.0))
    assert found[0].stands_out


def test_effects_of_one_block_have_no_interval_but_stand_out() -> None:
    design = plackett_burman_folded(8)
    found = screened_effects(design, noisy(design, {(2,): 0.1}, blocks=1, seed=4))
    assert [one.q_value for one in found] == [None] * 8
    assert all(one.ratio is not None and one.ratio.low is None for one in found)
    assert [one.stands_out for one in found] == [factor == 2 for factor in range(8)]


def test_pairs_among_few_factors_are_estimated_in_folded_design() -> None:
    design = plackett_burman_folded(10)
    effects = {(0,): 0.1, (3,): 0.2, (7,): -0.1, (0, 3): 0.05, (3, 7): -0.02}
    found = screened_effects(design, times(design, effects), among=[7, 0, 3])
    pairs = {one.word: one.log_effect for one in found if len(one.word) == 2}
    assert pairs == {
        (0, 3): pytest.approx(0.2, abs=NO_NOISE),
        (0, 7): pytest.approx(0.0, abs=NO_NOISE),
        (3, 7): pytest.approx(-0.08, abs=NO_NOISE),
    }


def test_pairs_among_too_many_factors_have_no_estimate() -> None:
    """45 pairs in the 11 dimensions that the runs' even half has beside the mean."""
    design = plackett_burman_folded(10)
    found = screened_effects(design, times(design, {(0,): 0.1}), among=range(10))
    assert logs(found, 2) == [None] * 45
    assert logs(found)[0] == pytest.approx(0.2)


def test_curves_and_pairs_of_definitive_design_are_estimated() -> None:
    design = definitive_screening(6)
    effects = {(0,): 0.1, (1,): -0.2, (0, 0): 0.03, (0, 1): 0.05}
    found = screened_effects(design, times(design, effects), among=[0, 1])
    assert {one.word: one.log_effect for one in found if len(one.word) == 2} == {
        (0, 0): pytest.approx(0.03, abs=NO_NOISE),
        (1, 1): pytest.approx(0.0, abs=NO_NOISE),
        (0, 1): pytest.approx(0.2, abs=NO_NOISE),
    }
    assert logs(found)[:3] == pytest.approx([0.2, -0.4, 0.0], abs=NO_NOISE)


def test_aliased_pairs_of_fraction_are_one_sum_that_names_them() -> None:
    design = fractional_factorial(8, 4, 16)
    assert design is not None
    found = {one.word: one for one in screened_effects(design, times(design, {(0, 1): 0.05, (2, 3): 0.01}))}
    pairs = [word for word in found if len(word) == 2]
    assert len(pairs) == 7
    assert found[0, 1].aliases == design.aliased_with((0, 1))
    expected = 4 * 0.06 if (2, 3) in found[0, 1].aliases else 4 * 0.05
    assert found[0, 1].log_effect == pytest.approx(expected, abs=NO_NOISE)


def test_one_at_a_time_gives_effects_at_its_centre() -> None:
    values = np.log(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]))
    found = screened_effects(one_at_a_time(2, "baseline"), values)
    assert [round(math.exp(one.log_effect or 0.0), 9) for one in found] == [2.0, 3.0]
    left_out = screened_effects(one_at_a_time(2, "all_on"), values)
    assert [round(math.exp(one.log_effect or 0.0), 9) for one in left_out] == [0.5, round(1 / 3, 9)]


def test_run_that_always_fails_leaves_main_effects_clear_of_pairs() -> None:
    design = plackett_burman_folded(9)
    effects: dict[tuple[int, ...], float] = {(i,): 0.01 * i for i in range(9)}
    effects |= dict.fromkeys(combinations(range(9), 2), 0.02)
    values = times(design, effects)
    values[:, [4]] = math.nan
    found = screened_effects(design, values)
    assert logs(found) == pytest.approx([0.02 * i for i in range(9)], abs=1e-9)


def test_effects_that_left_runs_cannot_tell_have_no_ratio() -> None:
    design = one_at_a_time(3, "baseline")
    values = times(design, {(0,): 0.1, (1,): 0.2, (2,): 0.3})
    values[:, 2] = math.nan
    assert logs(screened_effects(design, values)) == [pytest.approx(0.2), None, pytest.approx(0.6)]
    half = plackett_burman_folded(6)
    values = times(half, {(0,): 0.1})
    values[:, 12:] = math.nan
    assert logs(screened_effects(half, values)) == [None] * 6


def test_effects_of_incomplete_blocks_are_exact_and_have_intervals() -> None:
    design = plackett_burman_folded(7)
    values = times(design, {(0,): 0.1, (3,): -0.2}, blocks=6)
    for block in range(6):
        values[block, 1 + block : 24 : 3] = math.nan
    found = screened_effects(design, values)
    assert logs(found) == pytest.approx([0.2, 0.0, 0.0, -0.4, 0.0, 0.0, 0.0], abs=1e-9)
    assert all(one.ratio is not None and one.ratio.low is not None for one in found)


def test_times_of_other_shape_or_infinite_are_refused() -> None:
    design = plackett_burman_folded(6)
    with pytest.raises(ValueError, match="a column for each of 24 runs"):
        screened_effects(design, np.zeros((2, 23)))
    for wrong in (math.inf, math.nan):
        with pytest.raises(ValueError, match="finite or missing"):
            screened_effects(design, np.full((2, 24), wrong))


def found_of(rng: np.random.Generator, heavy: bool, interact: bool) -> tuple[int, int]:
    """How many effects are called, and how many of these are false, with 6 of 24 factors that do 2 %."""
    design = plackett_burman_folded(24)
    effects: dict[tuple[int, ...], float] = {(factor,): 0.01 for factor in range(6)}
    if interact:
        effects |= dict.fromkeys(combinations(range(6), 2), 0.005)
    clean = times(design, effects, 6)
    noise = rng.standard_t(3.0, clean.shape) / math.sqrt(3.0) if heavy else rng.normal(0.0, 1.0, clean.shape)
    found = screened_effects(design, clean + 0.01 * noise)
    called = [one.word[0] for one in found if one.q_value is not None and one.q_value <= 0.05]
    return len(called), sum(factor >= 6 for factor in called)


@pytest.mark.parametrize("interact", [False, True])
def test_false_discoveries_are_few_and_planted_effects_are_found(interact: bool) -> None:
    """Of 30 screenings; the long form is benchmarks/screening_coverage.py."""
    rng = np.random.default_rng(5)
    rates = [found_of(rng, heavy=index % 2 == 0, interact=interact) for index in range(30)]
    assert sum(false / max(1, called) for called, false in rates) / 30 < 0.08
    assert sum(called - false for called, false in rates) / 30 > 0.95 * 6
