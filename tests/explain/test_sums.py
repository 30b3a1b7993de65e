"""Groups, overhead and residual add up to the total difference, whatever was measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.explain.grouping import Group
from ablatrix.explain.sums import (
    BlockTimes,
    SideTimes,
    add_up,
    change,
    combine,
    cost_inside,
    least_times,
)
from ablatrix.records.explanation import SpreadMs

GROUPS = [Group(nodes=(0, 1), a=(0, 1), b=(0,)), Group(nodes=(2,), a=(2,), b=(1,))]


def block(a_total: float, b_total: float) -> BlockTimes:
    a = SideTimes(total=a_total, plain=a_total, profiled=a_total + 1, kernels=(2.0, 1.0, 4.0))
    b = SideTimes(total=b_total, plain=b_total - 0.2, profiled=b_total + 1, kernels=(2.5, 4.0))
    return BlockTimes(a=a, twin=a, b=b)


def test_add_up_parts_sum_to_the_total_difference() -> None:
    sums = add_up([block(8.0, 7.0), block(8.4, 7.2)], GROUPS)
    parts = sum(one[2].ms for one in sums.groups) + sums.overhead.ms + sums.residual.ms
    assert parts == pytest.approx(sums.difference.ms)
    assert sums.difference.ms == pytest.approx(-1.1, abs=0.01)


def test_overhead_that_rounding_left_is_none_and_a_small_one_stays() -> None:
    kernels = (0.1, 0.2, 0.3)
    assert SideTimes(total=1.0, plain=0.1 + 0.2 + 0.3, profiled=1.0, kernels=kernels).overhead == 0.0
    assert SideTimes(total=1.0, plain=0.6 + 1e-9, profiled=1.0, kernels=kernels).overhead == pytest.approx(1e-9)


def test_add_up_group_takes_its_kernels_of_both_sides() -> None:
    first, second, difference = add_up([block(8.0, 7.0)], GROUPS).groups[0]
    assert (first.ms, second.ms, difference.ms) == (3.0, 2.5, -0.5)


def test_add_up_residual_is_what_runs_before_and_after_the_profiler_differ_by() -> None:
    assert add_up([block(8.0, 7.0)], GROUPS).residual.ms == pytest.approx(0.2)


def test_combine_one_block_has_no_interval() -> None:
    assert combine((1.0, np.array([1.5]))) == (SpreadMs(ms=1.5), np.inf)


def test_combine_blocks_that_agree_decide() -> None:
    found, error = combine((1.0, np.array([1.0, 1.1, 0.9])))
    assert found.is_decided
    assert error == pytest.approx(0.1 / 3**0.5)
    assert not combine((1.0, np.array([1.0, 1.4, 0.6])))[0].is_decided
    assert found.low == pytest.approx(1.0 - 9.924843 * 0.1 / 3**0.5)


def test_combine_what_blocks_share_cancels() -> None:
    times = np.array([1.0, 2.0, 4.0])
    found, error = combine((1.0, times + 0.5), (-1.0, times))
    assert (found.ms, error) == pytest.approx((0.5, 0.0))


def test_combine_without_a_value_is_the_mean_of_the_others() -> None:
    found, error = combine((1.0, np.array([1.0, np.nan, 1.2])), (-1.0, np.array([0.5, 0.5, 0.5])))
    assert found.ms == pytest.approx(0.6)
    assert error == pytest.approx(0.1 / 2**0.5 * (3 / 2) ** 0.5)


@given(st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(0.1, 10.0)), min_size=2, max_size=12))
def test_combine_with_all_values_is_the_paired_t_interval(pairs: list[tuple[float, float]]) -> None:
    first, second = np.array(pairs).T
    found, error = combine((1.0, second), (-1.0, first))
    differences = second - first
    assert found.ms == pytest.approx(differences.mean(), abs=1e-9)
    assert error == pytest.approx(differences.std(ddof=1) / len(pairs) ** 0.5, abs=1e-9)


def test_least_times_disturbed_runs_do_not_count() -> None:
    runs = [(1.0, 9.0), (8.0, 2.0), (1.2, 2.2), (1.1, 7.0), (5.0, 2.4), (6.0, 6.0)]
    assert least_times(runs) == pytest.approx((1.05, 2.1))


def test_add_up_interval_of_the_residual_is_that_of_two_blocks() -> None:
    a = [block(8.0, 7.0), block(8.4, 7.2)]
    assert add_up([a[0], a[0]], GROUPS).residual_half == pytest.approx(0.0, abs=1e-12)
    assert add_up(a[:1], GROUPS).residual_half == np.inf
    apart = replace(a[1], b=replace(a[1].b, plain=a[1].b.plain - 0.2))
    assert add_up([a[0], apart], GROUPS).residual_half == pytest.approx(12.706 * 0.1, rel=0.1)


def test_cost_inside_known_part_of_what_the_profiler_adds_a_kernel() -> None:
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=5.0, part=0.5) == 0.25
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=5.0, part=0.0) == 0.0


def test_cost_inside_kernels_are_no_longer_than_a_plain_run() -> None:
    assert cost_inside([2.0, 2.6], plain=4.0, profiled=6.0, part=0.1) == pytest.approx(0.3)


def test_cost_inside_run_that_is_no_longer_has_none() -> None:
    assert cost_inside([1.0, 2.0], plain=4.0, profiled=3.9, part=1.0) == 0.0
    assert cost_inside([], plain=4.0, profiled=5.0, part=1.0) == 0.0


def doubled(one: BlockTimes) -> BlockTimes:
    def side(times: SideTimes) -> SideTimes:
        kernels = tuple(2 * kernel for kernel in times.kernels)
        return SideTimes(total=2 * times.total, plain=2 * times.plain, profiled=2 * times.profiled, kernels=kernels)

    return BlockTimes(a=side(one.a), twin=side(one.twin), b=side(one.b))


def test_add_up_block_that_was_slower_as_a_whole_says_the_same() -> None:
    blocks = [block(8.0, 7.0), block(8.04, 7.05), block(8.02, 7.02)]
    slow = add_up([blocks[0], doubled(blocks[1]), blocks[2]], GROUPS)
    same = add_up(blocks, GROUPS)
    assert slow.difference.ms == pytest.approx(same.difference.ms, abs=0.02)
    assert slow.groups[0][2].ms == pytest.approx(same.groups[0][2].ms, abs=0.02)


def test_add_up_process_that_is_slow_by_itself_is_in_no_sum() -> None:
    blocks = [block(8.0 + step, 7.0 + step) for step in (0.0, 0.01, 0.02, 0.03, 0.04)]
    usual = add_up(blocks, GROUPS)
    slow = replace(blocks[1], b=replace(blocks[1].b, total=10.0))
    found = add_up([blocks[0], slow, *blocks[2:]], GROUPS)
    assert found.left_out == ((), ("b",), (), (), ())
    assert found.difference.ms == pytest.approx(usual.difference.ms, abs=0.01)
    twin = replace(blocks[2], twin=SideTimes(total=8.02, plain=12.1, profiled=13.0, kernels=(3.0, 1.5, 6.0)))
    found = add_up([*blocks[:2], twin, *blocks[3:]], GROUPS)
    assert found.left_out[2] == ("twin_plain",)
    assert found.kernels.ms == pytest.approx(usual.kernels.ms, abs=0.01)
    parts = sum(one[2].ms for one in found.groups) + found.overhead.ms + found.residual.ms
    assert parts == pytest.approx(found.difference.ms)


def test_add_up_what_a_process_takes_by_itself_is_in_the_sum_and_not_in_the_residual() -> None:
    """Where its memory lies makes a process slower as a trial and under the profiler."""

    def slower(one: SideTimes, factor: float) -> SideTimes:
        kernels = tuple(factor * kernel for kernel in one.kernels)
        return SideTimes(total=factor * one.total, plain=factor * one.total, profiled=9.0, kernels=kernels)

    base = block(8.0, 7.0)
    blocks = [
        BlockTimes(a=slower(base.a, a), twin=slower(base.twin, twin), b=slower(base.b, b))
        for a, twin, b in ((1.0, 1.01, 0.99), (1.02, 0.99, 1.0), (1.0, 0.98, 1.03))
    ]
    found = add_up(blocks, GROUPS)
    assert found.residual.ms == pytest.approx(0.0, abs=1e-12)
    assert found.residual_half == pytest.approx(0.0, abs=1e-12)
    assert found.difference.high is not None and found.difference.low is not None
    assert found.difference.high - found.difference.low > 0.1


def test_change_of_blocks_at_several_speeds_is_that_of_the_middle_one() -> None:
    pairs = [((1.0, 1.0), (1.1, 1.1)), ((2.0, 2.0), (2.2, 2.2)), ((4.0, 4.0), (4.4, 4.4))]
    assert change(pairs).ms == pytest.approx(0.2)


def test_change_process_that_is_slow_by_itself_does_not_count() -> None:
    pairs = [((2.0, 2.01), (2.2, 2.21)), ((2.01, 3.0), (2.21, 2.2)), ((2.0, 2.0), (2.19, 2.2))]
    found = change(pairs)
    assert found.ms == pytest.approx(0.2, abs=0.01)
    assert found.is_decided
