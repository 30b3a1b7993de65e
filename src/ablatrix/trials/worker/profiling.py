"""A profile of a configuration: behind the end of a hot trial its process goes on under the compiler's profiler.

What is profiled is thereby the very process that was timed, with its memory where it lay. How long a run takes there
depends on that more than on many a knob. Nothing of the profiler is loaded before the trial is at its end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, PhaseClock, ProfilesKernels
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.trials.host import describe_exception, keep_freed_memory
from ablatrix.trials.messages import (
    FinishRequest,
    NodeWork,
    ProfileReport,
    Ready,
    TrialResult,
    WarmUpRequest,
)
from ablatrix.trials.worker.building import compile_request
from ablatrix.trials.worker.execution import Built, run_trial
from ablatrix.trials.worker.node_work import node_work
from ablatrix.trials.worker.timing import rewarm_count, time_burst, timer_of, warm_up
from ablatrix.trials.worker.turns import MAX_WARM_UP_ITERATIONS, Talk

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import BoundRun
    from ablatrix.compilers.profiling.program import ProfiledProgram
    from ablatrix.trials.messages import ProfileTask, TrialTask
    from ablatrix.workloads.program import Program

WARM_UP_RUNS = 3
RUNS, LONG_RUNS = 5, 2
"""Profiled runs of a round, and of one whose runs are as long as a burst."""


def profile_trial(
    talk: Talk, order: ProfileTask, compiler: Compiler, program: Program, clock: PhaseClock
) -> TrialResult:
    """Run a trial, then take turns under the profiler, and send the profile at the end.

    Returns:
        The result of the trial; where its profile failed, with that error.

    Raises:
        ChannelClosed: The runner is gone.
    """
    try:
        able = _able(order.trial, compiler)
    except UnsupportedError as error:
        status, failure = describe_exception(error, None)
        return TrialResult(status=status, error=failure)
    then = partial(_profile, talk, order, able, program, clock)
    return run_trial(talk, order.trial, compiler, program, clock, on_error=lambda error: None, then=then)


def _able(task: TrialTask, compiler: Compiler) -> ProfilesKernels:
    """Return the compiler as one that profiles.

    Raises:
        UnsupportedError: It does not.
    """
    if task.entry.program is not None:
        raise UnsupportedError(
            f"'{task.entry.name}' is a program on a pipe, which says how long a run took and not what it ran"
        )
    if not isinstance(compiler, ProfilesKernels):
        raise UnsupportedError(f"compiler '{task.entry.name}' does not tell times of its kernels")
    return compiler


def _profile(
    talk: Talk, order: ProfileTask, compiler: ProfilesKernels, program: Program, clock: PhaseClock, built: Built
) -> None:
    """Load a program that was timed once more, with the profiler, and take turns."""
    request = compile_request(order.trial, program, built.planned, built.cache, clock)
    with clock.phase("compile"):
        profiled = compiler.profile(request, mapped=order.mapped)
    timed = profiled.bind(program.input_sets[0].inputs)
    with clock.phase("check"):
        _compare(profiled, built.bound, timed)
    keep_freed_memory()
    with clock.phase("run"):
        _take_turns(talk, profiled, built.bound, timed, node_work(program) if order.mapped else ())


def _take_turns(
    talk: Talk, profiled: ProfiledProgram, plain: BoundRun, timed: BoundRun, nodes: tuple[NodeWork, ...]
) -> None:
    """Answer requests as of a hot trial: each burst of what was timed is followed by some runs under the profiler."""
    clocked, _ = timer_of(plain)
    plain_ms: list[float] = []
    iteration_ms, skipped = 0.0, 1
    while True:
        talk.send(Ready())
        request = talk.receive()
        if isinstance(request, FinishRequest):
            talk.send(ProfileReport(profile=profiled.read(plain_ms, skipped), nodes=nodes))
            return
        if isinstance(request, WarmUpRequest):
            iteration_ms = min(warm_up(clocked, request.ms, MAX_WARM_UP_ITERATIONS))
            profiled.record(timed, WARM_UP_RUNS)
            skipped += WARM_UP_RUNS
            continue
        rewarm = rewarm_count(request.rewarm, request.ms, iteration_ms)
        _, counted = time_burst(clocked, rewarm, request.ms, request.iterations)
        plain_ms.append(min(counted))
        profiled.record(timed, RUNS if iteration_ms * RUNS < request.ms else LONG_RUNS)


def _compare(profiled: ProfiledProgram, plain: BoundRun, timed: BoundRun) -> None:
    """Refuse a profiled program that computes something else.

    Raises:
        CompilerError: It does.
    """
    import torch

    plain.run()
    profiled.record(timed, 1)
    for one, other in zip(plain.outputs(), timed.outputs(), strict=True):
        if not torch.allclose(one, other, rtol=1e-3, atol=1e-4, equal_nan=True):
            raise CompilerError("under its profiler the program computes other outputs; its profile says nothing")
