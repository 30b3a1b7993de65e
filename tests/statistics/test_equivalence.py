"""Two one-sided tests against scipy's, by their interval, and where they cannot tell."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ablatrix.statistics.equivalence import blocks_to_settle, judge_equivalence, minimal_margin
from ablatrix.statistics.ratio import Allowance, Estimate, Ratio, paired_ratio

LOGS = st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=20)
MARGINS = st.floats(0.001, 0.1)


@given(LOGS, MARGINS)
def test_equivalence_p_is_larger_of_scipy_one_sided_tests(logs: list[float], margin: float) -> None:
    assume(np.std(logs) > 1e-6)
    end = math.log1p(margin)
    expected = max(
        stats.ttest_1samp(logs, -end, alternative="greater").pvalue,
        stats.ttest_1samp(logs, end, alternative="less").pvalue,
    )
    assert judge_equivalence(logs, margin).p_value == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(LOGS, MARGINS, st.sampled_from([0.01, 0.05, 0.2]))
def test_equivalence_holds_where_1_minus_2_alpha_interval_is_in_margin(
    logs: list[float], margin: float, alpha: float
) -> None:
    found = judge_equivalence(logs, margin, alpha)
    assert found.ratio == paired_ratio(logs, 1 - 2 * alpha)
    needed = minimal_margin(found.ratio)
    assert needed is not None
    assume(abs(needed - margin) > 1e-9)
    assert found.holds == (needed < margin)


@given(LOGS, MARGINS)
def test_equivalence_with_sides_swapped_is_unchanged(logs: list[float], margin: float) -> None:
    assume(np.std(logs) > 1e-6)
    one, other = judge_equivalence(logs, margin), judge_equivalence([-value for value in logs], margin)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_equivalence_with_wide_interval_around_one_fails() -> None:
    found = judge_equivalence([0.05, -0.04, 0.01, -0.03, 0.02], 0.02)
    assert found.ratio.low is not None
    assert found.ratio.high is not None
    assert found.ratio.low < 1.0 < found.ratio.high
    assert not found.holds


def test_equivalence_within_margin_holds_for_real_difference() -> None:
    logs = [0.0040, 0.0050, 0.0060, 0.0045, 0.0055]
    p_value = paired_ratio(logs).p_value
    assert p_value is not None
    assert p_value < 0.01
    assert judge_equivalence(logs, 0.02).holds


def test_equivalence_with_one_block_fails() -> None:
    found = judge_equivalence([0.0], 0.5)
    assert (found.p_value, found.holds) == (None, False)
    assert minimal_margin(found.ratio) is None


def test_equivalence_without_spread_is_decided_by_value() -> None:
    same, twice = judge_equivalence([0.0] * 5, 0.01), judge_equivalence([math.log(2)] * 5, 0.01)
    assert (same.p_value, same.holds, minimal_margin(same.ratio)) == (None, True, 0.0)
    assert (twice.p_value, twice.holds) == (None, False)
    assert minimal_margin(twice.ratio) == pytest.approx(1.0)


def test_equivalence_smallest_margin_is_interval_end_farther_from_one() -> None:
    assert minimal_margin(Ratio(1.0, 0.995, 1.012, 5)) == pytest.approx(0.012)
    assert minimal_margin(Ratio(1.0, 0.98, 1.01, 5)) == pytest.approx(1 / 0.98 - 1)


@pytest.mark.parametrize(("margin", "alpha"), [(0.0, 0.05), (math.inf, 0.05), (math.nan, 0.05), (0.01, 0.5)])
def test_equivalence_with_margin_or_alpha_out_of_range_is_refused(margin: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="must hold"):
        judge_equivalence([0.0, 0.1], margin, alpha)


def test_equivalence_at_edge_of_margin_keeps_its_level() -> None:
    # A true ratio of exactly 1 + margin, five blocks; the standard error of the share is 0.7 %.
    logs = np.random.default_rng(4).normal(math.log1p(0.02), 0.005, (1000, 5))
    share = sum(judge_equivalence(row, 0.02).holds for row in logs) / 1000
    assert 0.03 <= share <= 0.07


def settled_with(spread: float, margin: float, tests: int = 1) -> int | None:
    return blocks_to_settle(Estimate(0.0, spread / math.sqrt(10), 9, 10), margin, tests)


@pytest.mark.parametrize("spread", [0.005, 0.01, 0.02])
def test_blocks_to_settle_settle_equality_and_a_margin_as_often_as_said(spread: float) -> None:
    blocks = settled_with(spread, 0.01)
    assert blocks is not None
    rng = np.random.default_rng(17)
    logs = rng.normal(0.0, spread, (600, blocks))
    equal = sum(judge_equivalence(one, 0.01).holds for one in logs)
    moved = sum((paired_ratio(one + math.log1p(0.01)).p_value or 1.0) <= 0.05 for one in logs)
    assert equal >= 0.76 * 600
    assert moved >= 0.76 * 600


@given(spread=st.floats(0.0005, 0.1), margin=st.floats(0.002, 0.2), tests=st.integers(1, 50))
def test_blocks_to_settle_fall_with_the_margin_and_rise_with_scatter(spread: float, margin: float, tests: int) -> None:
    many = 200_000
    found = settled_with(spread, margin, tests) or many
    assert found >= 2
    assert (settled_with(spread, 2 * margin, tests) or many) <= found
    assert (settled_with(2 * spread, margin, tests) or many) >= found
    assert (settled_with(spread, margin, tests + 1) or many) >= found


def test_blocks_to_settle_are_unknown_where_none_would_do() -> None:
    estimate = Estimate(0.0, 0.001, 9, 10)
    assert blocks_to_settle(estimate, 0.01, allowance=Allowance(offset=0.01)) is None
    assert blocks_to_settle(Estimate(0.0, None, 1, 1), 0.01) is None
    assert blocks_to_settle(Estimate(0.0, 5.0, 9, 10), 0.01) is None
    with pytest.raises(ValueError, match="margin > 0 must hold, but got margin=0"):
        blocks_to_settle(estimate, 0.0)
    with pytest.raises(ValueError, match="tests=0"):
        blocks_to_settle(estimate, 0.01, tests=0)
