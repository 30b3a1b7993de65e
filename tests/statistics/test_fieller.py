"""Ratios of raw means: the set is where a t-test of x - r y does not refuse r, whatever its shape."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.fieller import Extent, MeanRatio, paired_mean_ratio, unpaired_mean_ratio

VALUES = st.floats(-10, 10).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=12)
RATIOS = st.floats(-20, 20)


@given(PAIRS, RATIOS)
def test_fieller_set_holds_ratios_that_paired_test_does_not_reject(
    pairs: list[tuple[float, float]], ratio: float
) -> None:
    x, y = np.array(pairs).T
    differences = x - ratio * y
    assume(differences.std() > 1e-6)
    assume(y.any())  # over a denominator that is always 0 nothing is known
    p_value = stats.ttest_1samp(differences, 0.0).pvalue
    assume(abs(p_value - 0.05) > 1e-6)
    assert paired_mean_ratio(x, y).contains(ratio) == (p_value > 0.05)


@given(st.lists(st.floats(5, 20), min_size=2, max_size=9), st.lists(st.floats(5, 20), min_size=2, max_size=9))
def test_fieller_unpaired_ends_are_where_t_test_turns(x: list[float], y: list[float]) -> None:
    assume(min(np.std(x), np.std(y)) > 1e-3)
    found = unpaired_mean_ratio(x, y)
    parts = np.var(x, ddof=1) / len(x), found.value**2 * np.var(y, ddof=1) / len(y)  # type: ignore[operator]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(x) - 1) + parts[1] ** 2 / (len(y) - 1))
    for end in (found.low, found.high):
        if end is not None:
            error = math.sqrt(np.var(x, ddof=1) / len(x) + end**2 * np.var(y, ddof=1) / len(y))
            statistic = abs(np.mean(x) - end * np.mean(y)) / error
            assert statistic == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-6)


@given(PAIRS, st.integers(-60, 60), st.integers(-60, 60))
def test_fieller_set_scales_with_units_and_keeps_shape(
    pairs: list[tuple[float, float]], x_power: int, y_power: int
) -> None:
    x, y = np.array(pairs).T
    one, other = paired_mean_ratio(x, y), paired_mean_ratio(x * 2.0**x_power, y * 2.0**y_power)
    unit = 2.0 ** (x_power - y_power)
    assert (one.extent, one.low is None, one.high is None) == (other.extent, other.low is None, other.high is None)
    for end, scaled in ((one.low, other.low), (one.high, other.high), (one.value, other.value)):
        if end is not None:
            assert scaled == pytest.approx(end * unit, rel=1e-9, abs=1e-300)


def test_fieller_with_denominator_far_from_zero_gives_interval() -> None:
    found = paired_mean_ratio([2.0, 2.2, 1.9, 2.1], [1.0, 1.05, 0.98, 1.02])
    assert found.extent is Extent.BOUNDED
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(8.2 / 4.05)


def test_fieller_with_indistinct_denominator_gives_no_interval() -> None:
    noise = [1.0, -1.2, 0.3, -0.4, 0.5]
    far = paired_mean_ratio([9.0, 10.0, 11.0, 10.5, 9.5], noise)
    assert far.extent is Extent.EXCLUSIVE  # large ratios of either sign; small ones are refused
    assert not far.contains(0.0)
    assert far.contains(1e9)
    assert far.contains(-1e9)
    nothing = paired_mean_ratio([-0.3, 0.9, 0.2, -1.0, 0.4], noise)
    assert (nothing.extent, nothing.low, nothing.high) == (Extent.UNBOUNDED, None, None)
    assert nothing.contains(0.0)


def test_fieller_with_one_block_or_zero_denominator_gives_nothing() -> None:
    assert paired_mean_ratio([2.0], [1.0]) == MeanRatio(2.0, Extent.UNBOUNDED, None, None, 1)
    assert paired_mean_ratio([2.0, 2.0], [0.0, 0.0]) == MeanRatio(None, Extent.UNBOUNDED, None, None, 2)


def test_fieller_without_spread_gives_interval_of_no_width() -> None:
    assert paired_mean_ratio([3.0] * 4, [2.0] * 4) == MeanRatio(1.5, Extent.BOUNDED, 1.5, 1.5, 4)
    assert unpaired_mean_ratio([0.0] * 4, [2.0] * 3) == MeanRatio(0.0, Extent.BOUNDED, 0.0, 0.0, 3)


def test_fieller_with_denominator_exactly_at_t_reach_has_one_end() -> None:
    # Two blocks at 50 %: t is 1, and so are mean and standard error of the denominators. (1 - r)^2 <= r^2.
    found = paired_mean_ratio([1.0, 1.0], [0.0, 2.0], 0.5)
    assert (found.extent, found.low) == (Extent.EXCLUSIVE, None)
    assert found.high == pytest.approx(0.5)
    assert [found.contains(ratio) for ratio in (-1e9, 0.4, 0.6, 1e9)] == [False, False, True, True]
    turned = paired_mean_ratio([-1.0, -1.0], [0.0, 2.0], 0.5)
    assert turned.low == pytest.approx(-0.5)
    assert turned.high is None


def test_fieller_with_sides_of_different_length_is_not_paired() -> None:
    with pytest.raises(ValueError, match="got 2 and 3"):
        paired_mean_ratio([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="0 < confidence < 1"):
        unpaired_mean_ratio([1.0, 2.0], [1.0, 2.0], 1.0)


def test_fieller_set_covers_true_ratio_as_often_as_promised() -> None:
    # Blocks that disturb both sides, a denominator that is three standard errors from 0 only.
    rng = np.random.default_rng(11)
    x, y = rng.normal(2.0, 0.5, (1000, 8)), rng.normal(1.0, 1.0, (1000, 8))
    covered = sum(paired_mean_ratio(*pair).contains(2.0) for pair in zip(x, y, strict=True))
    assert 0.93 <= covered / 1000 <= 0.97
