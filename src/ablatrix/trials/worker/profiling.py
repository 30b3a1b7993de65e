"""A profile of a configuration, in turns: runs as trials have them, and runs under the compiler's own profiler.

Both are in one process, so that what the profiler costs is known. None of its times is a trial's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, PhaseClock, ProfilesKernels
from ablatrix.compilers.cache import Scope, TaskCache
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.trials.host import describe_exception, keep_freed_memory
from ablatrix.trials.messages import (
    BurstSamples,
    ChannelClosed,
    FinishRequest,
    NodeWork,
    ProfileReport,
    Ready,
    TrialResult,
    WarmUpRequest,
    WarmUpSamples,
)
from ablatrix.trials.worker.building import compile_request, plan_program, refuse_unsupported
from ablatrix.trials.worker.node_work import node_work
from ablatrix.trials.worker.private_caches import private_caches
from ablatrix.trials.worker.timing import rewarm_count, time_burst, timer_of, warm_up
from ablatrix.trials.worker.turns import MAX_WARM_UP_ITERATIONS, Talk

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import BoundRun
    from ablatrix.compilers.profiling.program import ProfiledProgram
    from ablatrix.trials.messages import ProfileTask
    from ablatrix.workloads.program import Program

WARM_UP_RUNS = 3
RUNS, LONG_RUNS = 5, 2
"""Profiled runs of a round, and of one whose runs are as long as a burst."""


def profile_trial(
    talk: Talk, order: ProfileTask, compiler: Compiler, program: Program, clock: PhaseClock
) -> TrialResult:
    """Compile a configuration, take turns under the profiler, and send the profile at the end.

    Raises:
        ChannelClosed: The runner is gone.
    """
    try:
        return _profiled(talk, order, compiler, program, clock)
    except ChannelClosed:
        raise
    except BaseException as error:  # whatever a compiler or its profiler raises
        status, failure = describe_exception(error, clock.current)
        return TrialResult(status=status, error=failure)


def _profiled(talk: Talk, order: ProfileTask, compiler: Compiler, program: Program, clock: PhaseClock) -> TrialResult:
    import torch

    task = order.trial
    if task.entry.program is not None:
        raise UnsupportedError(
            f"'{task.entry.name}' is a program on a pipe, which says how long a run took and not what it ran"
        )
    if not isinstance(compiler, ProfilesKernels):
        raise UnsupportedError(f"compiler '{task.entry.name}' does not tell times of its kernels")
    torch.manual_seed(task.seed)
    compiler.set_threads(task.threads)
    refuse_unsupported(task, program)
    cache = TaskCache(task.cache_dir, scope=Scope.of(task.entry, compiler, task.knobs))
    with private_caches(task.entry, task.work_dir):
        planned = plan_program(task, program, clock)
        with clock.phase("compile"):
            profiled = compiler.profile(compile_request(task, program, planned, cache, clock), mapped=order.mapped)
        plain, timed = profiled.bind(program.input_sets[0].inputs)
        with clock.phase("check"):
            _compare(profiled, plain, timed)
        keep_freed_memory()
        with clock.phase("run"):
            _take_turns(talk, profiled, plain, timed, node_work(program) if order.mapped else ())
    return TrialResult(versions=dict(compiler.versions()), plan=planned.facts)


def _take_turns(
    talk: Talk, profiled: ProfiledProgram, plain: BoundRun, timed: BoundRun, nodes: tuple[NodeWork, ...]
) -> None:
    """Answer the requests of a hot trial: each burst is followed by some runs under the profiler."""
    clocked, _ = timer_of(plain)
    talk.send(Ready())
    plain_ms: list[float] = []
    iteration_ms, skipped = 0.0, 1
    while True:
        request = talk.receive()
        if isinstance(request, FinishRequest):
            talk.send(ProfileReport(profile=profiled.read(plain_ms, skipped), nodes=nodes))
            return
        if isinstance(request, WarmUpRequest):
            series = warm_up(clocked, request.ms, MAX_WARM_UP_ITERATIONS)
            iteration_ms = min(series)
            profiled.record(timed, WARM_UP_RUNS)
            skipped += WARM_UP_RUNS
            talk.send(WarmUpSamples(ms=tuple(series)))
            continue
        rewarm = rewarm_count(request.rewarm, request.ms, iteration_ms)
        rewarming, counted = time_burst(clocked, rewarm, request.ms, request.iterations)
        plain_ms.append(min(counted))
        profiled.record(timed, RUNS if iteration_ms * RUNS < request.ms else LONG_RUNS)
        talk.send(BurstSamples(rewarming_ms=tuple(rewarming), ms=tuple(counted)))


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
