"""Which passes a compiler runs on a program, observed in this process; nothing is run, timed or checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, ObservesPasses, PhaseClock
from ablatrix.compilers.cache import Scope, TaskCache
from ablatrix.errors import UnsupportedError
from ablatrix.trials.host import describe_exception
from ablatrix.trials.messages import PassReport, TrialResult
from ablatrix.trials.worker.building import compile_request, plan_program, refuse_unsupported
from ablatrix.trials.worker.private_caches import private_caches

if TYPE_CHECKING:
    from ablatrix.compilers.passes import ObservedPasses
    from ablatrix.trials.messages import TrialTask
    from ablatrix.trials.worker.turns import Talk
    from ablatrix.workloads.program import Program


def report_passes(talk: Talk, task: TrialTask, compiler: Compiler, program: Program, clock: PhaseClock) -> TrialResult:
    """Have the compiler compile a program under observers, and send which passes ran.

    Raises:
        ChannelClosed: The runner is gone.
    """
    try:
        observed, versions = _observe(task, compiler, program, clock), dict(compiler.versions())
    except BaseException as error:  # whatever a compiler or its observers raise
        status, failure = describe_exception(error, clock.current)
        return TrialResult(status=status, error=failure)
    talk.send(PassReport(observed=observed))
    return TrialResult(versions=versions)


def _observe(task: TrialTask, compiler: Compiler, program: Program, clock: PhaseClock) -> ObservedPasses:
    """Plan a program for a configuration, and return which passes the compiler runs on it.

    Raises:
        UnsupportedError: The compiler lists no passes, or lacks what is asked for.
        CompilerError: The compiler failed.
        PlanError: The program cannot be planned.
    """
    import torch

    if not isinstance(compiler, ObservesPasses):
        raise UnsupportedError(f"compiler '{task.entry.name}' does not list its passes")
    torch.manual_seed(task.seed)
    compiler.set_threads(task.threads)
    refuse_unsupported(task, program)
    cache = TaskCache(task.cache_dir, scope=Scope.of(task.entry, compiler, task.knobs))
    with private_caches(task.entry, task.work_dir):
        planned = plan_program(task, program, clock)
        request = compile_request(task, program, planned, cache, clock)
        with clock.phase("compile"):
            return compiler.observe_passes(request)
