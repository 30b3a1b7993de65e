"""PyTorch Inductor as a compiler: tasks of a plan through its frontend, scheduler and C++ code, and the cache."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.errors import CompilerError

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.taskwise import BuiltTask

# What torch writes its assumptions on sizes with, beside Python's own operators.
RELATIONS = {
    "Eq": operator.eq,
    "Ne": operator.ne,
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "FloorDiv": operator.floordiv,
    "Max": max,
    "Min": min,
}


class InductorCompiler:
    """Compiles each distinct task once; knobs and levels stand in ``compilers/catalogue``."""

    name = "inductor"

    def preload(self) -> None:
        """Import torch and Inductor and warm the C++ toolchain. No pool of compile workers is started."""
        from torch._inductor import config

        config.compile_threads = 1  # read when the next module is imported; more would start a pool of processes
        import tqdm

        tqdm.tqdm.monitor_interval = 0  # even a bar that is switched off would start a thread
        from ablatrix.compilers.inductor.build import cpp_compiler, own_facts  # noqa: F401
        from ablatrix.compilers.inductor.toolchain import warm_toolchain

        cpp_compiler()
        warm_toolchain()

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

    def compile(self, request: CompileRequest) -> Executable:
        """Build or find every task of the plan, load it, and give the program's parameters to the executor.

        Raises:
            CompilerError: Inductor failed on a task.
        """
        from ablatrix.compilers.inductor.build import build_task, own_facts, time_passes
        from ablatrix.compilers.inductor.options import Options
        from ablatrix.compilers.inductor.toolchain import warm_toolchain
        from ablatrix.compilers.taskwise import compile_tasks, gather_facts, make_executable, observe_passes

        options = Options.from_knobs(request.knobs, request.run_threads)
        self.set_threads(options.threads)
        if options.cpp_wrapper:
            warm_toolchain(cpp_wrapper=True)
        own = own_facts(options)
        built = compile_tasks(request, lambda _task: own, lambda task, key: build_task(request, task, options, key))
        pass_ms = observe_passes(request, lambda task: time_passes(request, task, options))
        with request.clock.phase("load"):
            functions = [InductorTask(one, request.work_dir) for one in built]
            return make_executable(request, functions, gather_facts(built, request.plan, pass_ms))


class InductorTask:
    """A loaded task: the wrapper's entry, which writes into its last arguments."""

    def __init__(self, built: BuiltTask, work_dir: Path) -> None:
        from ablatrix.compilers.inductor.artifact import load

        self._call = load(built.file, work_dir, built.key)
        self._places = built.facts.loading["places"]
        self._guards = built.facts.loading["guards"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Return a call on these tensors. The entry empties the list that it gets, so each call makes one.

        Raises:
            CompilerError: Inductor made its code for other sizes.
        """
        call, arguments = self._call, (*inputs, *outputs)
        sizes = {symbol: int(arguments[place].shape[axis]) for symbol, (place, axis) in self._places.items()}
        for guard in self._guards:
            if not eval(guard, {"__builtins__": {}}, {**RELATIONS, **sizes}):  # text that torch wrote
                raise CompilerError(f"inductor made its code for sizes with {guard}; these are {sizes}")

        def run() -> None:
            call(list(arguments))

        return run
