"""Which passes a compiler runs on a program, observed in this process; nothing is run, timed or checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, ObservesPasses, PhaseClock
from ablatrix.compilers.cache import Scope, TaskCache
from ablatrix.errors import UnsupportedError
from ablatrix.trials.worker.building import compile_request, plan_program, refuse_unsupported
from ablatrix.trials.worker.private_caches import private_caches

if TYPE_CHECKING:
    from ablatrix.compilers.passes import ObservedPasses
    from ablatrix.trials.messages import TrialTask
    from ablatrix.workloads.program import Program


def observe_passes(task: TrialTask, compiler: Compiler, program: Program) -> ObservedPasses:
    """Plan a program for a configuration, and have the compiler compile it under observers.

    Args:
        task: The configuration, and where to work.
        compiler: Its adapter, with all imports done.
        program: As prepared.

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
    clock = PhaseClock()
    cache = TaskCache(task.cache_dir, scope=Scope.of(task.entry, compiler, task.knobs))
    with private_caches(task.entry, task.work_dir):
        planned = plan_program(task, program, clock)
        return compiler.observe_passes(compile_request(task, program, planned, cache, clock))
