"""PyTorch Inductor as a compiler: tasks of a plan through its frontend, scheduler and C++ code, and the cache."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.errors import CompilerError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.inductor.options import Options
    from ablatrix.compilers.passes import PassRun
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.workloads.program import TaskProgram

# Functions in torch's assumptions on sizes, besides Python's own operators.
RELATIONS = {
    "Eq": operator.eq,
    "Ne": operator.ne,
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "FloorDiv": operator.floordiv,
    "Max": max,
    "Min": min,
}


class InductorCompiler(TaskwiseCompiler["Options"]):
    """Compiles each distinct task once; knobs and levels are defined in ``compilers/catalogue``."""

    name = "inductor"
    pass_evidence = (
        "changed: the text of the FX graph differs behind the pass; operators that were lowered, then groups that the "
        "scheduler fused, come last; what runs outside of torch's GraphTransformObserver is not seen"
    )
    profile_inside = 0.1  # measured: docs/performance.md
    profile_source = (
        "a clock around each statement of Inductor's wrapper that calls a kernel; what the scheduler has after fusion "
        "says which nodes a call computes"
    )

    def __init__(self) -> None:
        self._entries: dict[str, Any] = {}

    def preload(self) -> None:
        """Import torch and Inductor and warm the C++ toolchain. No pool of compile workers is started."""
        from torch._inductor import config

        config.compile_threads = 1  # read when the next module is imported; more would start a pool of processes
        import tqdm

        tqdm.tqdm.monitor_interval = 0  # even a bar that is switched off would start a thread
        from ablatrix.compilers.inductor.build import cpp_compiler, key_facts  # noqa: F401
        from ablatrix.compilers.inductor.toolchain import warm_toolchain

        cpp_compiler()
        warm_toolchain()
        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of what generates and compiles code."""
        import torch

        from ablatrix.compilers.inductor.build import cpp_compiler

        return {"torch": str(torch.__version__), "g++": cpp_compiler()}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads, which are OpenMP's; generated loops have their number in their code."""
        import torch

        torch.set_num_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        """Return the number of threads that torch says it uses."""
        import torch

        return {"torch": torch.get_num_threads()}

    def options(self, request: CompileRequest) -> Options:
        """Return the options of Inductor that the knobs set."""
        from ablatrix.compilers.inductor.options import Options

        return Options(request.run_threads, request.settings)

    def prepare(self, request: CompileRequest, options: Options) -> None:
        """Set the threads; warm the parts of the toolchain that a wrapper in C++, or settings, alone need."""
        from ablatrix.compilers.inductor.toolchain import warm_toolchain

        super().prepare(request, options)
        if options.cpp_wrapper or "config" in options.settings.kinds:
            with request.clock.uncounted("warm"):
                warm_toolchain(options.settings.building("config"))

    def key_facts(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, Any]:
        """Return the options, the processor's instructions, the C++ compiler and the digest of this adapter."""
        from ablatrix.compilers.inductor.build import key_facts

        return key_facts(options)

    def build(self, request: CompileRequest, options: Options, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task's artifact. With constant weights its entry is kept for ``load``, since it is not stored whole.

        Raises:
            CompilerError: Inductor failed on the task.
        """
        from ablatrix.compilers.inductor.build import build_task

        file, facts, entry = build_task(request, task, options, key)
        if options.constant_weights:
            self._entries[key] = entry
        return file, facts

    def time_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, float]:
        """Compile a task once more under an observer; return milliseconds by pass."""
        from ablatrix.compilers.inductor.build import time_passes

        return time_passes(request, task, options)

    def list_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Sequence[PassRun]:
        """Compile a task once more under observers; return passes of graphs, lowerings and fusions."""
        from ablatrix.compilers.inductor.build import list_passes

        return list_passes(request, task, options)

    def task_profiler(
        self, request: CompileRequest, options: Options, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a task whose wrapper reads a clock around each call of a kernel.

        Raises:
            UnsupportedError: The wrapper is in C++.
        """
        if options.cpp_wrapper:
            raise UnsupportedError(
                "inductor's C++ wrapper calls its kernels within one library, where no clock is read; take "
                "'cpp_wrapper: off'"
            )
        from ablatrix.compilers.inductor.profiling import clocked_task

        return clocked_task(request, task, options, built, lambda call: InductorTask(call, built), mapped=mapped)

    def load(self, request: CompileRequest, options: Options, built: Sequence[BuiltTask]) -> list[InductorTask]:
        """Load the wrappers and their kernels; with constant weights compile what this process has not built itself.

        Raises:
            CompilerError: Inductor failed on a task.
        """
        from ablatrix.compilers.inductor.artifact import load
        from ablatrix.compilers.inductor.build import compile_here

        if not options.constant_weights:
            return [InductorTask(load(one.file, request.work_dir, one.key), one) for one in built]
        return [
            InductorTask(self._entries.pop(one.key, None) or compile_here(request, task, options), one)
            for one, task in zip(built, request.tasks, strict=True)
        ]


class InductorTask:
    """A loaded task: the wrapper's entry, which writes into its last arguments."""

    def __init__(self, call: Callable[[list[Any]], Any], built: BuiltTask) -> None:
        self._call = call
        self._locations = built.facts.loading["locations"]
        self._guards = built.facts.loading["guards"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Return a call on these tensors. The entry empties the list that it gets, so each call makes one.

        Raises:
            CompilerError: Inductor made its code for other sizes.
        """
        call, arguments = self._call, (*inputs, *outputs)
        sizes = {symbol: int(arguments[index].shape[axis]) for symbol, (index, axis) in self._locations.items()}
        for guard in self._guards:
            if not eval(guard, {"__builtins__": {}}, {**RELATIONS, **sizes}):  # text that torch wrote
                raise CompilerError(f"inductor made its code for sizes with {guard}; these are {sizes}")

        def run() -> None:
            call(list(arguments))

        return run
