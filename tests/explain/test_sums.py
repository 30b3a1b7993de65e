"""Groups, overhead and residual add up to the total difference, whatever was measured."""

import pytest

from ablatrix.explain.grouping import Group
from ablatrix.explain.sums import BlockTimes, SideTimes, add_up, least_times, spread

GROUPS = [Group(nodes=(0, 1), a=(0, 1), b=(0,)), Group(nodes=(2,), a=(2,), b=(1,))]


def block(a_total: float, b_total: float) -> BlockTimes:
    a = SideTimes(total=a_total, plain=a_total + 0.1, profiled=a_total + 1, kernels=(2.0, 1.0, 4.0))
    b = SideTimes(total=b_total, plain=b_total - 0.2, profiled=b_total + 1, kernels=(2.5, 4.0))
    return BlockTimes(a=a, b=b, twin=a_total + 0.05)


def test_add_up_parts_sum_to_the_total_difference() -> None:
    sums = add_up([block(8.0, 7.0), block(8.4, 7.2)], GROUPS)
    parts = sum(one[2].ms for one in sums.groups) + sums.overhead.ms + sums.residual.ms
    assert parts == pytest.approx(sums.difference.ms)
    assert sums.difference.ms == pytest.approx(-1.1)


def test_add_up_group_takes_its_kernels_of_both_sides() -> None:
    first, second, difference = add_up([block(8.0, 7.0)], GROUPS).groups[0]
    assert (first.ms, second.ms, difference.ms) == (3.0, 2.5, -0.5)


def test_add_up_residual_is_what_processes_differ_by() -> None:
    assert add_up([block(8.0, 7.0)], GROUPS).residual.ms == pytest.approx(0.3)


def test_spread_one_block_has_no_interval() -> None:
    assert spread([1.5]).model_dump() == {"ms": 1.5, "low": None, "high": None}


def test_spread_blocks_that_agree_decide() -> None:
    found = spread([1.0, 1.1, 0.9])
    assert found.is_decided
    assert found.low == pytest.approx(1.0 - 4.302653 * 0.1 / 3**0.5)


def test_least_times_disturbed_runs_do_not_count() -> None:
    runs = [(1.0, 9.0), (8.0, 2.0), (1.2, 2.2), (1.1, 7.0), (5.0, 2.4), (6.0, 6.0)]
    assert least_times(runs) == pytest.approx((1.05, 2.1))
