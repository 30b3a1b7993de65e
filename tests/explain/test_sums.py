"""Groups, overhead and residual add up to the total difference, whatever was measured."""

from dataclasses import replace

import pytest

from ablatrix.explain.grouping import Group
from ablatrix.explain.sums import (
    BlockTimes,
    SideTimes,
    add_up,
    at_one_speed,
    changes_at_one_speed,
    cost_inside,
    least_times,
    spread,
)

GROUPS = [Group(nodes=(0, 1), a=(0, 1), b=(0,)), Group(nodes=(2,), a=(2,), b=(1,))]


def block(a_total: float, b_total: float) -> BlockTimes:
    a = SideTimes(total=a_total, plain=a_total + 0.1, profiled=a_total + 1, kernels=(2.0, 1.0, 4.0))
    b = SideTimes(total=b_total, plain=b_total - 0.2, profiled=b_total + 1, kernels=(2.5, 4.0))
    return BlockTimes(a=a, b=b, twin=a_total + 0.05)


def test_add_up_parts_sum_to_the_total_difference() -> None:
    sums = add_up([block(8.0, 7.0), block(8.4, 7.2)], GROUPS)
    parts = sum(one[2].ms for one in sums.groups) + sums.overhead.ms + sums.residual.ms
    assert parts == pytest.approx(sums.difference.ms)
    assert sums.difference.ms == pytest.approx(-1.1, abs=0.01)


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
    assert not spread([1.0, 1.4, 0.6]).is_decided
    assert found.low == pytest.approx(1.0 - 9.924843 * 0.1 / 3**0.5)


def test_least_times_disturbed_runs_do_not_count() -> None:
    runs = [(1.0, 9.0), (8.0, 2.0), (1.2, 2.2), (1.1, 7.0), (5.0, 2.4), (6.0, 6.0)]
    assert least_times(runs) == pytest.approx((1.05, 2.1))


def test_add_up_error_of_the_residual_falls_with_blocks() -> None:
    a = [block(8.0, 7.0), block(8.4, 7.2)]
    assert add_up([a[0], a[0]], GROUPS).residual_error == pytest.approx(0.0, abs=1e-12)
    apart = replace(a[1], b=replace(a[1].b, plain=a[1].b.plain - 0.2))
    assert add_up([a[0], apart], GROUPS).residual_error == pytest.approx(0.1, abs=0.01)


def test_cost_inside_known_part_of_what_the_profiler_adds_a_kernel() -> None:
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=5.0, part=0.5) == 0.25
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=5.0, part=0.0) == 0.0


def test_cost_inside_kernels_are_no_longer_than_a_plain_run() -> None:
    assert cost_inside([2.0, 2.6], plain=4.0, profiled=6.0, part=0.1) == pytest.approx(0.3)


def test_cost_inside_run_that_is_no_longer_has_none() -> None:
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=3.9, part=1.0) == 0.0
    assert cost_inside([], plain=4.0, profiled=5.0, part=1.0) == 0.0


def test_at_one_speed_block_that_was_slower_as_a_whole_says_the_same() -> None:
    first, second = block(8.0, 7.0), block(8.4, 7.2)
    doubled = replace(
        first,
        a=SideTimes(total=16.0, plain=16.2, profiled=18.0, kernels=(4.0, 2.0, 8.0)),
        b=SideTimes(total=14.0, plain=13.6, profiled=16.0, kernels=(5.0, 8.0)),
        twin=16.1,
    )
    one, same, _ = at_one_speed([first, doubled, second])
    assert same.a.total == pytest.approx(one.a.total)
    assert same.b.kernels == pytest.approx(one.b.kernels)
    assert same.twin == pytest.approx(one.twin)


def test_changes_at_one_speed_are_those_of_the_middle_pair() -> None:
    assert changes_at_one_speed([(1.0, 1.1), (2.0, 2.2), (4.0, 4.4)]) == pytest.approx([0.2, 0.2, 0.2])
