"""The timed loop times what it is given, as often as asked, and nothing else."""

from __future__ import annotations

import gc
import math
from functools import partial
from time import perf_counter_ns, sleep
from typing import Any, Literal

import pytest

from ablatrix.trials.worker.timing import loop_cost_ns, rewarm_count, time_burst, time_iterations, timer_of, warm_up


class Work:
    """Takes so many milliseconds a run, by the wall, and counts its runs."""

    def __init__(self, *milliseconds: float) -> None:
        self.runs = 0
        self._milliseconds = milliseconds or (0.0,)

    def __call__(self) -> None:
        milliseconds = self._milliseconds[min(self.runs, len(self._milliseconds) - 1)]
        self.runs += 1
        end = perf_counter_ns() + milliseconds * 1e6
        while perf_counter_ns() < end:
            pass


def test_samples_are_one_per_run_in_milliseconds_and_in_order() -> None:
    quickest = [math.inf] * 3
    for _ in range(20):  # a neighbour that takes the CPU lengthens a run, and never shortens one
        work = Work(1, 4, 2)
        samples = time_iterations(work, 3)
        assert work.runs == 3
        for sample, least in zip(samples, (1, 4, 2), strict=True):
            assert sample >= least
        quickest = [min(pair) for pair in zip(quickest, samples, strict=True)]
    assert quickest[1] > quickest[2] > quickest[0]


def test_sample_of_sleeping_run_is_wall_time() -> None:
    assert time_iterations(lambda: sleep(0.005), 1)[0] >= 5


def test_garbage_collection_is_off_inside_and_restored_after() -> None:
    seen: list[bool] = []
    assert gc.isenabled()
    time_iterations(lambda: seen.append(gc.isenabled()), 2)
    assert seen == [False, False]
    assert gc.isenabled()
    gc.disable()
    try:
        time_iterations(lambda: None, 1)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_garbage_collection_is_restored_after_run_that_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        time_iterations(lambda: 1 / 0, 3)
    assert gc.isenabled()


def test_burst_counts_only_after_re_warming() -> None:
    work = Work(5, 5, 0.5)
    rewarming, counted = time_burst(partial(time_iterations, work), rewarm=3, min_ms=2, max_iterations=100)
    assert len(rewarming) == 3
    assert min(rewarming[:2]) >= 5
    assert len(counted) >= 2
    assert work.runs == len(rewarming) + len(counted)


def test_burst_ends_at_max_iterations() -> None:
    rewarming, counted = time_burst(partial(time_iterations, Work()), rewarm=1, min_ms=1000, max_iterations=7)
    assert (len(rewarming), len(counted)) == (1, 7)


def test_burst_with_long_iteration_counts_at_least_one() -> None:
    rewarming, counted = time_burst(partial(time_iterations, Work(3)), rewarm=1, min_ms=0.001, max_iterations=20)
    assert (len(rewarming), len(counted)) == (1, 1)


def test_burst_without_re_warming_has_none() -> None:
    rewarming, counted = time_burst(partial(time_iterations, Work(1)), rewarm=0, min_ms=2, max_iterations=20)
    assert rewarming == []
    assert counted


@pytest.mark.parametrize(
    ("most", "burst_ms", "iteration_ms", "count"),
    [
        (3, 5, 0.1, 3),  # short iterations: as many as asked for
        (3, 5, 2.5, 2),
        (3, 5, 30, 1),  # long ones: one
        (3, 5, 0, 3),
        (0, 5, 30, 0),  # none asked for
    ],
)
def test_re_warming_with_long_iterations_needs_fewer(
    most: int, burst_ms: float, iteration_ms: float, count: int
) -> None:
    assert rewarm_count(most, burst_ms, iteration_ms) == count


def test_warm_up_lasts_requested_time_and_at_least_two_runs() -> None:
    assert sum(warm_up(partial(time_iterations, Work(1)), min_ms=10, max_iterations=1000)) >= 10
    assert len(warm_up(partial(time_iterations, Work(1)), min_ms=0, max_iterations=1000)) == 2


def test_warm_up_ends_at_max_iterations() -> None:
    assert len(warm_up(partial(time_iterations, Work()), min_ms=10_000, max_iterations=50)) == 50


def test_loop_overhead_is_small_and_reported() -> None:
    # 300 ns is the target on a quiet machine (benchmarks/isolation.py); here a neighbour may be at work.
    assert 0 < min(loop_cost_ns(20_000) for _ in range(5)) < 3000


class Bound:
    def run(self) -> None:
        pass

    def outputs(self) -> tuple[Any, ...]:
        return ()


class SelfTimed(Bound):
    timed_by: Literal["program"] = "program"

    def time(self, count: int) -> list[float]:
        return [7.5] * count


def test_executable_that_times_itself_is_used_and_named() -> None:
    timed, by = timer_of(SelfTimed())
    assert (timed(3), by) == ([7.5, 7.5, 7.5], "program")


def test_executable_without_own_timer_is_timed_by_runner_loop() -> None:
    timed, by = timer_of(Bound())
    assert (len(timed(3)), by) == (3, "runner")
