"""The timed loop, and nothing else in it."""

import gc
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import Literal

from ablatrix.compilers.adapter import BoundRun, TimesItself

Timed = Callable[[int], list[float]]
"""Runs a number of iterations and returns the wall time of each in milliseconds, in order."""


def timer_of(bound: BoundRun) -> tuple[Timed, Literal["runner", "program", "device"]]:
    """Return a function that times iterations of a bound executable, and what reads the clock.

    It is the loop below, unless the executable times itself.
    """
    if isinstance(bound, TimesItself):
        return bound.time, bound.timed_by
    return partial(time_iterations, bound.run), "runner"


def time_iterations(run: Callable[[], object], count: int) -> list[float]:
    """Run ``count`` times and return the wall time of each run in milliseconds, in order.

    Garbage collection is off inside. The clock is read innermost; its own cost is what ``loop_cost_ns`` measures.
    """
    clock = perf_counter_ns
    samples = [0] * count
    enabled = gc.isenabled()
    gc.disable()
    try:
        for index in range(count):
            start = clock()
            run()
            samples[index] = clock() - start
    finally:
        if enabled:
            gc.enable()
    return [sample / 1e6 for sample in samples]


def time_burst(timed: Timed, rewarm: int, min_ms: float, max_iterations: int) -> tuple[list[float], list[float]]:
    """Run one burst: re-warm, then count.

    Args:
        timed: See ``timer_of``.
        rewarm: Iterations after the wake-up that are kept but not counted.
        min_ms: Counted time, at least.
        max_iterations: The burst ends here even when ``min_ms`` is not reached.

    Returns:
        The re-warming samples and the counted ones (at least one), in milliseconds, in order.
    """
    rewarming = timed(rewarm) if rewarm else []
    estimate = rewarming[-1] if rewarming else timed(1)[0]
    count = max(1, min(max_iterations, round(min_ms / max(estimate, 1e-6)) + 1))
    return rewarming, timed(count)


def warm_up(timed: Timed, min_ms: float, max_iterations: int) -> list[float]:
    """Run until ``min_ms`` have passed or ``max_iterations`` are done, at least twice; return the samples."""
    samples = timed(2)
    while sum(samples) < min_ms and len(samples) < max_iterations:
        left = (min_ms - sum(samples)) / max(samples[-1], 1e-6)
        samples += timed(max(1, min(round(left) + 1, max_iterations - len(samples), 10)))
    return samples


def rewarm_count(max_iterations: int, burst_ms: float, iteration_ms: float) -> int:
    """Return how many iterations re-warm a burst: as many as are asked for, fewer (at least one) where they are long.

    What an iteration touches is back in the caches when it has run once; several are for iterations so short that the
    clock frequency and the branch predictors lag behind. Long ones would mostly re-warm.

    Args:
        max_iterations: Iterations asked for; 0 means none.
        burst_ms: Counted time of a burst.
        iteration_ms: Time of an iteration in the steady state.
    """
    return min(max_iterations, max(1, round(burst_ms / max(iteration_ms, 1e-6))))


def loop_cost_ns(count: int = 100_000) -> float:
    """Return the timed loop's own cost per iteration, in nanoseconds."""
    start = perf_counter_ns()
    time_iterations(_nothing, count)
    return (perf_counter_ns() - start) / count


def _nothing() -> None:
    pass
