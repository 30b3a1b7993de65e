"""XLA as a compiler: tasks of a plan through torchax and JAX, run on views of the arena."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest, PhaseClock
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.errors import CompilerError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.passes import PassRun
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.compilers.xla.options import Options
    from ablatrix.compilers.xla.profiling import ThunkTrace
    from ablatrix.workloads.program import TaskProgram


class XlaCompiler(TaskwiseCompiler["Options"]):
    """Compiles each distinct task once for the size that is timed; knobs are defined in ``compilers/catalogue``."""

    name = "xla"
    pass_evidence = (
        "changed: the text of the module, which XLA writes behind each pass of HLO, differs; passes of MLIR and LLVM, "
        "which make the kernels, are not seen"
    )
    profile_inside = 0.4  # measured: docs/performance.md
    profile_source = (
        "XLA's trace of thunks; where some run beside each other, each has its part of that time; the scopes in the "
        "metadata of HLO say which nodes an instruction computes"
    )

    def __init__(self) -> None:
        self._trace: ThunkTrace | None = None

    def preload(self) -> None:
        """Import torch and its decompositions.

        JAX itself is imported by ``set_threads``, in the worker: it has threads of its own, and a process that holds
        it cannot be forked.
        """
        import torch
        import torch._refs

        torch.export.default_decompositions()
        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of what exports, lowers and compiles."""
        from importlib.metadata import version

        return {name: version(name) for name in ("torch", "torchax", "jax", "jaxlib")}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads, and those that XLA's pool gets; a pool that has started keeps its number."""
        import torch

        from ablatrix.compilers.xla.client import prepare
        from ablatrix.compilers.xla.frontend import import_torchax

        torch.set_num_threads(threads)
        prepare(threads)
        import_torchax()

    def threads_in_force(self) -> Mapping[str, int]:
        """Return torch's threads, and those of XLA's pool, counted."""
        import torch

        from ablatrix.compilers.xla.client import pool_threads

        pool = pool_threads()
        return {"torch": torch.get_num_threads(), **({} if pool is None else {"xla pool": pool})}

    def options(self, request: CompileRequest) -> Options:
        """Return the options of XLA that the knobs set."""
        from ablatrix.compilers.xla.options import Options

        return Options(request.run_threads, request.settings)

    def prepare(self, request: CompileRequest, options: Options) -> None:
        """Set the threads and start JAX's client, which counts to the phase ``load``.

        Raises:
            CompilerError: The pool of this process has another number of threads.
        """
        from ablatrix.compilers.xla.client import platform_version, pool_threads

        super().prepare(request, options)
        with request.clock.phase("load"):
            platform_version()
        counted = pool_threads()
        if counted is not None and counted != options.threads:
            raise CompilerError(
                f"XLA's pool has {counted} threads since its first use in this process, "
                f"and {options.threads} are asked for: start another process"
            )

    def key_facts(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, Any]:
        """Return the options, the sizes that the code is for, the processor, versions and this adapter's digest.

        Since the client is asked for its version, this counts to the phase ``load``, as the client's start does.
        """
        from ablatrix.compilers.xla.build import compiled_sizes, key_facts

        sizes = compiled_sizes(request.program, task)
        with request.clock.phase("load"):
            return key_facts(options, sizes)

    def build(self, request: CompileRequest, options: Options, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task's executable for the sizes that are timed.

        Raises:
            UnsupportedError: An operation has no translation to JAX.
            CompilerError: torchax or XLA failed on the task.
        """
        from ablatrix.compilers.xla.build import build_task

        return build_task(request, task, options, key)

    def time_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, float]:
        """Compile a task once more under an observer; return milliseconds by pass."""
        from ablatrix.compilers.xla.build import time_passes

        return time_passes(request, task, options)

    def list_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Sequence[PassRun]:
        """Compile a task twice more under observers; return every run of a pass of HLO."""
        from ablatrix.compilers.xla.build import list_passes

        return list_passes(request, task, options)

    def task_profiler(
        self, request: CompileRequest, options: Options, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a task whose thunks are traced; its instructions are named by node in any case."""
        from ablatrix.compilers.xla.profiling import ThunkTrace, XlaProfiler

        if self._trace is None:
            self._trace = ThunkTrace()
        return XlaProfiler(request, options, task, XlaTask(built, task, options, request.clock), self._trace)

    def load(self, request: CompileRequest, options: Options, built: Sequence[BuiltTask]) -> list[XlaTask]:
        """Load the executables as they were stored."""
        return [XlaTask(one, task, options, request.clock) for one, task in zip(built, request.tasks, strict=True)]


class XlaTask:
    """A loaded task. It is compiled again, when it is bound, for inputs of another size than the timed one."""

    def __init__(self, built: BuiltTask, task: TaskProgram, options: Options, clock: PhaseClock) -> None:
        from ablatrix.compilers.xla.build import load_task

        shapes = tuple(tuple(shape) for shape in built.facts.loading["shapes"])
        self._executables = {shapes: load_task(built.file)}
        self._task = task
        self._options = options
        self._clock = clock

    def take(self, shapes: tuple[tuple[int, ...], ...], executable: Any) -> None:
        """Run another executable for inputs of these shapes."""
        self._executables[shapes] = executable

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Take the inputs' memory as JAX's arrays; outputs are copied, since XLA allocates them itself.

        An input that lies in another layout (channels last) is copied in each run, a weight once.

        Raises:
            UnsupportedError: A tensor has a type that numpy does not have.
            CompilerError: JAX took a copy of an input, or XLA failed on this size.
        """
        from ablatrix.compilers.xla.build import as_numpy

        staged = [_row_major(tensor) for tensor in inputs]
        arrays = [_as_array(tensor) for tensor in staged]
        parameters = set(self._task.parameter_inputs)  # the same in every run
        moves = [
            (own, given)
            for index, (own, given) in enumerate(zip(staged, inputs, strict=True))
            if own.data_ptr() != given.data_ptr() and index not in parameters
        ]
        try:
            destinations = [as_numpy(tensor) for tensor in outputs]
        except TypeError as error:
            raise UnsupportedError(f"an output of task {self._task.kind} cannot be copied: {error}") from error
        return partial(_run, self._executable(inputs), moves, arrays, destinations, (*inputs, *outputs, *staged))

    def _executable(self, inputs: list[Any]) -> Any:
        from ablatrix.compilers.xla.build import compile_lowered, lower_task

        shapes = tuple(tuple(tensor.shape) for tensor in inputs)
        if shapes not in self._executables:
            with self._clock.phase("compile"):
                lowered = lower_task(self._task, shapes)
                self._executables[shapes] = compile_lowered(self._task, lowered, self._options.compiler_options())
        return self._executables[shapes]


def _run(
    executable: Any,
    moves: list[tuple[Any, Any]],
    arrays: list[Any],
    destinations: list[Any],
    _kept_alive: tuple[Any, ...],
) -> None:
    for own, given in moves:
        own.copy_(given)
    for destination, array in zip(destinations, executable(*arrays), strict=True):
        destination[...] = array


def _row_major(tensor: Any) -> Any:
    """Return a tensor's memory in the one layout that JAX takes, or a copy where it lies in another.

    Axes of size 1 may have any stride, and JAX would take that for another layout.
    """
    import torch

    if not tensor.is_contiguous():
        return tensor.contiguous()
    return tensor.as_strided(tensor.shape, torch.empty(tensor.shape, device="meta").stride())


def _as_array(tensor: Any) -> Any:
    """Return a tensor's memory as an array of JAX; later changes of the tensor are seen through it."""
    import jax

    array = jax.dlpack.from_dlpack(tensor)
    if tensor.numel() and array.unsafe_buffer_pointer() != tensor.data_ptr():
        raise CompilerError(f"JAX copies a tensor of {tensor.dtype}, shape {list(tensor.shape)}, instead of viewing it")
    return array
