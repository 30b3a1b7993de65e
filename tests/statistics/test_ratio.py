"""Ratios and their intervals, against scipy's own tests and by their laws."""

import math
import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.ratio import (
    Allowance,
    Ratio,
    combined_estimate,
    mean_estimate,
    mean_ratio,
    nested_allowance,
    nested_mean_estimate,
    paired_estimate,
    paired_half_width,
    paired_ratio,
    welch_ratio,
)

LOGS = st.lists(st.floats(-3, 3), min_size=2, max_size=30)
TIMES = st.lists(st.floats(0.01, 1e4), min_size=2, max_size=30)


def varied(values: list[float]) -> bool:
    return float(np.std(np.log(np.abs(values) + 1.0))) > 1e-6 and float(np.std(values)) > 1e-6


@given(LOGS)
def test_paired_ratio_interval_is_student(logs: list[float]) -> None:
    assume(varied(logs))
    found = paired_ratio(logs)
    expected = stats.ttest_1samp(logs, 0.0).confidence_interval(0.95)
    assert found.low is not None
    assert found.high is not None
    assert math.isclose(math.log(found.low), expected.low, rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(math.log(found.high), expected.high, rel_tol=1e-9, abs_tol=1e-9)
    assert found.low <= found.value <= found.high


@given(LOGS)
def test_paired_ratio_with_sides_swapped_is_inverted(logs: list[float]) -> None:
    one, other = paired_ratio(logs), paired_ratio([-value for value in logs])
    assert math.isclose(one.value * other.value, 1.0, rel_tol=1e-9)
    assert one.low is not None
    assert other.high is not None
    assert math.isclose(one.low * other.high, 1.0, rel_tol=1e-6)


@given(TIMES, TIMES)
def test_unpaired_ratio_interval_is_welch(first: list[float], second: list[float]) -> None:
    logs = np.log(first), np.log(second)
    assume(all(np.std(side) > 1e-6 for side in logs))
    found = welch_ratio(first, second)
    expected = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    assert found.low is not None
    assert found.high is not None
    assert math.isclose(math.log(found.low), expected.low, rel_tol=1e-6, abs_tol=1e-9)
    assert math.isclose(math.log(found.high), expected.high, rel_tol=1e-6, abs_tol=1e-9)


@given(LOGS)
def test_paired_ratio_p_is_student_and_agrees_with_interval(logs: list[float]) -> None:
    assume(varied(logs))
    found = paired_ratio(logs)
    assert found.p_value == pytest.approx(stats.ttest_1samp(logs, 0.0).pvalue, rel=1e-6, abs=1e-12)
    assert found.p_value is not None
    assert found.low is not None
    assert found.high is not None
    assume(abs(found.p_value - 0.05) > 1e-9)
    assert (found.p_value < 0.05) == (not found.low <= 1.0 <= found.high)


@given(TIMES, TIMES)
def test_unpaired_ratio_p_is_welch_and_agrees_with_interval(first: list[float], second: list[float]) -> None:
    logs = np.log(first), np.log(second)
    assume(all(np.std(side) > 1e-6 for side in logs))
    found = welch_ratio(first, second)
    assert found.p_value == pytest.approx(stats.ttest_ind(*logs, equal_var=False).pvalue, rel=1e-6, abs=1e-12)
    assert found.p_value is not None
    assert found.low is not None
    assert found.high is not None
    assume(abs(found.p_value - 0.05) > 1e-9)
    assert (found.p_value < 0.05) == (not found.low <= 1.0 <= found.high)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=100))
def test_half_width_alone_is_that_of_the_ratio_to_the_bit(logs: list[float]) -> None:
    assert paired_half_width(logs) == paired_ratio(logs).half_width
    assert paired_ratio(logs) == paired_ratio(np.array(logs))


def test_ratio_of_one_block_has_no_interval() -> None:
    found = paired_ratio([math.log(2.0)])
    assert (found.value, found.low, found.high, found.count, found.half_width) == (2.0, None, None, 1, None)
    assert found.p_value is None
    assert welch_ratio([2.0], [1.0, 1.0]).low is None


@pytest.mark.parametrize("constant", [0.0, 1e-16])
def test_ratio_of_equal_constant_repeats_is_not_different(constant: float) -> None:
    assert paired_ratio([constant] * 5).p_value == 1.0
    assert paired_ratio([constant, 2 * constant, constant]).p_value == 1.0
    assert welch_ratio([3.0] * 4, [3.0 + constant] * 5).p_value == 1.0


def test_ratio_of_different_constant_repeats_is_not_tested() -> None:
    assert paired_ratio([0.25] * 4).p_value is None
    assert paired_ratio([math.log(3 * n) - math.log(2 * n) for n in range(1, 9)]).p_value is None
    assert welch_ratio([3.0, 3.0], [2.0, 2.0]).p_value is None


def test_ratio_of_equal_repeats_has_interval_of_no_width() -> None:
    found = paired_ratio([0.25] * 4)
    assert found.low == found.value == found.high
    assert found.half_width == 0.0
    assert welch_ratio([3.0, 3.0], [2.0, 2.0]).half_width == 0.0


def test_ratio_half_width_is_on_log_scale() -> None:
    found = paired_ratio([0.00, 0.02], confidence=0.5)
    assert found.half_width == pytest.approx(0.01)  # t of one degree of freedom at 50 % is 1


def test_ratio_of_times_without_logarithm_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the smallest is 0\.0"):
        welch_ratio([0.0, 1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least 1"):
        paired_ratio([])


def test_mean_ratio_weighs_groups_equally_and_adds_squared_errors() -> None:
    """Means 0.1 and 0.3, errors 0.1 / sqrt(2) and 0.2 / sqrt(2), 1 degree of freedom each.

    Mean 0.2; error sqrt(0.005 + 0.02) / 2 = sqrt(0.025) / 2; freedom 0.025^2 / (0.005^2 + 0.02^2) = 1.470588.
    """
    low, high = 0.1 / math.sqrt(2), 0.2 / math.sqrt(2)
    ratio = mean_ratio([[0.1 - low, 0.1 + low], [0.3 - high, 0.3 + high]])
    half = stats.t.ppf(0.975, 0.025**2 / (0.005**2 + 0.02**2)) * math.sqrt(0.025) / 2
    assert math.log(ratio.value) == pytest.approx(0.2)
    assert ratio.half_width == pytest.approx(half)
    assert ratio.count == 2


def test_mean_ratio_of_one_group_is_its_paired_ratio() -> None:
    logs = [0.1, 0.2, 0.15, 0.05]
    one, other = mean_ratio([logs]), paired_ratio(logs)
    assert (one.value, one.low, one.high, one.p_value) == pytest.approx(
        (other.value, other.low, other.high, other.p_value)
    )


def test_mean_ratio_of_one_block_or_no_spread_has_no_interval_or_width() -> None:
    assert mean_ratio([[0.1, 0.2], [0.3]]) == Ratio(math.exp((0.15 + 0.3) / 2), None, None, 1)
    flat = mean_ratio([[0.5, 0.5], [0.5, 0.5]])
    assert (flat.low, flat.high, flat.p_value) == (flat.value, flat.value, None)
    with pytest.raises(ValueError, match="at least one group"):
        mean_ratio([])


def test_nested_mean_weighs_families_equally_whatever_their_size() -> None:
    """Means 0.1 and 0.3 of one family, 0.6 of the other: (0.2 + 0.6) / 2."""
    one, other, alone = [0.05, 0.15], [0.2, 0.4], [0.5, 0.7]
    found = nested_mean_estimate([[one, other], [alone]])
    parts = [0.25**2 * 0.0025, 0.25**2 * 0.01, 0.5**2 * 0.01]  # squared weight times variance over the count
    whole = sum(parts)
    assert found.mean == pytest.approx(0.4)
    assert found.error == pytest.approx(math.sqrt(whole))
    assert found.freedom == pytest.approx(whole**2 / sum(part**2 for part in parts))
    allowed = nested_allowance([[Allowance(0.1), Allowance(0.3)], [Allowance(0.6)]])
    assert allowed.offset == pytest.approx(0.4)


@given(st.lists(LOGS, min_size=1, max_size=6))
def test_nested_mean_of_families_of_one_is_the_plain_mean_to_the_bit(groups: list[list[float]]) -> None:
    assert nested_mean_estimate([[group] for group in groups]) == mean_estimate(groups)


@given(st.lists(LOGS, min_size=2, max_size=6).filter(lambda groups: all(map(varied, groups))), st.randoms())
def test_nested_mean_depends_on_no_order_within_a_family(groups: list[list[float]], rng: random.Random) -> None:
    shuffled = rng.sample(groups, len(groups))
    one, other = (nested_mean_estimate([held, [[0.5, 0.6]]]) for held in (groups, shuffled))
    assert (one.mean, one.error, one.freedom) == pytest.approx((other.mean, other.error, other.freedom))


def test_combined_estimate_of_one_block_has_no_error() -> None:
    found = combined_estimate([paired_estimate([0.1, 0.2]), paired_estimate([0.3])], [1.0, -1.0])
    assert found.mean == pytest.approx(-0.15)
    assert (found.error, found.count) == (None, 1)
