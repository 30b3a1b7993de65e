"""Apache TVM as a compiler: tasks of a plan through Relax, LLVM and the cache, run by the task executor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.passes import PassRun
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.compilers.tvm.pipeline import Options
    from ablatrix.workloads.program import TaskProgram


class TvmCompiler(TaskwiseCompiler["Options"]):
    """Compiles each distinct task once; knobs and levels are defined in ``compilers/catalogue``."""

    name = "tvm"
    pass_evidence = "changed: the structural hash of the module differs behind the pass; LLVM's own passes are not seen"
    profile_inside = 0.05  # measured: docs/performance.md
    profile_source = (
        "an instrument of TVM's virtual machine that reads a clock around each call of a kernel; variables of Relax, "
        "named by node, say which nodes a kernel computes"
    )

    def preload(self) -> None:
        """Import torch, TVM and its frontend. The thread pool is not touched: a fork may follow."""
        import tvm.relax.frontend.torch  # noqa: F401

        from ablatrix.compilers.tvm.build import source_digest

        source_digest()  # kept for every fork: the digest of the passes that are loaded, not of later edits
        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of what imports, compiles and links."""
        import torch
        import tvm

        llvm = tvm.target.codegen.llvm_version_major()
        return {"tvm": str(tvm.__version__), "torch": str(torch.__version__), "llvm": str(llvm)}

    def set_threads(self, threads: int) -> None:
        """Give TVM's pool and torch's that many threads.

        With ``library: on`` compiling takes TVM's pool back to one thread: torch's kernels do the work there, and
        the idle threads of a second pool would spin beside them. ``threads_in_force`` reports what holds then.
        """
        import torch

        torch.set_num_threads(threads)
        _configure_pool(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        """Return the number of threads that torch and TVM say they use."""
        import torch
        import tvm

        return {"torch": torch.get_num_threads(), "tvm": int(tvm.runtime.num_threads())}

    def options(self, request: CompileRequest) -> Options:
        """Return the options of the pass sequence that the knobs set."""
        from ablatrix.compilers.tvm.pipeline import Options

        return Options.from_knobs(request.knobs, request.settings)

    def prepare(self, request: CompileRequest, options: Options) -> None:
        """Leave the threads as ``set_threads`` gave them: there is no knob for them.

        The frontend for ONNX models is loaded here, where it counts to no figure: other programs need none.
        """
        from ablatrix.workloads.onnx.operation import find_onnx

        if find_onnx(request.program.lowered) is not None:
            with request.clock.uncounted("frontend"):
                import ablatrix.compilers.tvm.onnx_model  # noqa: F401

    def key_facts(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, Any]:
        """Return the options, the target, TVM's version and the digest of our passes."""
        from ablatrix.compilers.tvm.build import host_target, key_facts

        return key_facts(options, host_target(options.settings))

    def build(self, request: CompileRequest, options: Options, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task's library.

        Raises:
            UnsupportedError: TVM's frontend does not have one of its operations.
            CompilerError: TVM failed on the task.
        """
        from ablatrix.compilers.tvm.build import build_task

        return build_task(request, task, options, key)

    def time_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, float]:
        """Compile a task once more under an observer; return milliseconds by pass."""
        from ablatrix.compilers.tvm.build import time_passes

        return time_passes(request, task, options)

    def list_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Sequence[PassRun]:
        """Compile a task once more under an observer; return every run of a pass."""
        from ablatrix.compilers.tvm.build import list_passes

        return list_passes(request, task, options)

    def task_profiler(
        self, request: CompileRequest, options: Options, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a task whose virtual machine reports each call."""
        from ablatrix.compilers.tvm.profiling import TvmProfiler

        return TvmProfiler(request, options, task, TvmTask(built), mapped=mapped)

    def load(self, request: CompileRequest, options: Options, built: Sequence[BuiltTask]) -> list[TvmTask]:
        """Load the tasks' libraries; with ``library: on`` register torch's kernels first, and idle TVM's pool."""
        if options.library:
            from ablatrix.compilers.tvm.library import register_library

            register_library()
            _configure_pool(1)
        return [TvmTask(one) for one in built]


def _configure_pool(threads: int) -> None:
    """Set TVM's pool to a number of threads that share all processors this process may use.

    Without the list of processors TVM takes half of them at most.
    """
    import tvm

    share_all = -3  # ThreadGroup::AffinityMode kSpecifyThreadShareAllCore
    processors = [str(number) for number in sorted(os.sched_getaffinity(0))]
    tvm.get_global_func("runtime.config_threadpool")(share_all, threads, processors)


class TvmTask:
    """A loaded task: the virtual machine's function ``main``, which writes into its last arguments."""

    def __init__(self, built: BuiltTask) -> None:
        import tvm
        from tvm import relax

        machine = relax.VirtualMachine(tvm.runtime.load_module(str(built.file)), tvm.cpu())
        self.machine = machine
        self._main = machine["main"]
        self._destinations = built.facts.loading["destinations"]
        self._taken: list[int] = built.facts.loading["inputs"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Give the function its arguments; an output that it cannot write in place is copied after a call."""
        import torch
        import tvm

        given = [outputs[index] for index in self._destinations]
        arguments = [tvm.runtime.from_dlpack(tensor) for tensor in (*(inputs[index] for index in self._taken), *given)]
        call = partial(self._main, *arguments)
        copied = [index for index in range(len(outputs)) if index not in self._destinations]
        if not copied:
            return call

        def call_and_copy() -> None:
            results = call()
            # What ONNX makes returns its only output as it is.
            returned = [results] if isinstance(results, tvm.runtime.Tensor) else results
            for index in copied:
                outputs[index].copy_(torch.from_dlpack(returned[index]))

        return call_and_copy
