"""ONNX Runtime as a compiler: tasks of a plan through ONNX and its graph optimisers, run on bound tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.errors import CompilerError

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.onnxruntime.options import Options
    from ablatrix.compilers.passes import PassRun
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.workloads.program import TaskProgram


class OnnxRuntimeCompiler(TaskwiseCompiler["Options"]):
    """Compiles each distinct task once; knobs and levels are defined in ``compilers/catalogue``."""

    name = "onnxruntime"
    pass_evidence = (
        "changed: as ONNX Runtime's log says; of the rules that run within a rule-based optimiser, which the log does "
        "not name: those without which the optimised model is another"
    )

    profile_inside = 0.38  # measured: docs/performance.md
    profile_source = (
        "ONNX Runtime's own profile by node, in whole microseconds; names of values, which its optimisers keep, say "
        "which nodes of the exported model a node computes"
    )

    def __init__(self) -> None:
        self._threads = {"intra": 0, "inter": 0}
        self._settings: dict[str, str] = {}

    def preload(self) -> None:
        """Import torch and the exporter, and export one operation, which loads the exporter's tables.

        ONNX Runtime itself is imported by ``set_threads``, in the worker: importing it starts a thread, and a process
        with two cannot be forked.
        """
        import torch
        import tqdm

        tqdm.tqdm.monitor_interval = 0  # even a bar that is switched off would start a thread
        from ablatrix.compilers.onnxruntime.build import export_model
        from ablatrix.workloads.program import TaskProgram

        class Nothing(torch.nn.Module):  # type: ignore[misc]
            def forward(self, x: Any) -> Any:
                return (torch.relu(x),)

        export_model(TaskProgram(0, "", torch.export.export(Nothing(), (torch.ones(2),)), {}, ()))
        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of what exports, optimises and runs."""
        import onnx
        import onnxruntime
        import onnxscript
        import torch

        modules = (torch, onnx, onnxscript, onnxruntime)
        return {module.__name__: str(module.__version__) for module in modules}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads, and those of the sessions that will be made."""
        import onnxruntime  # noqa: F401
        import torch

        torch.set_num_threads(threads)
        self._threads = {"intra": threads, "inter": 1}

    def threads_in_force(self) -> Mapping[str, int]:
        """Return torch's threads, and those that the loaded sessions say they have."""
        import torch

        threads = self._threads
        return {
            "torch": torch.get_num_threads(),
            "onnxruntime intra_op": threads["intra"],
            "onnxruntime inter_op": threads["inter"],
        }

    def settings_in_force(self) -> Mapping[str, str]:
        """Return the study's settings of the run time, as the loaded sessions have them."""
        return self._settings

    def options(self, request: CompileRequest) -> Options:
        """Return the options of ONNX Runtime that the knobs set."""
        from ablatrix.compilers.onnxruntime.options import NOTHING, Options

        return Options(request.run_threads, request.settings, str(request.knobs.get("without", NOTHING)))

    def key_facts(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, Any]:
        """Return the options that the saved model depends on, the build, versions and the digest of this adapter."""
        from ablatrix.compilers.onnxruntime.build import key_facts

        return key_facts(options)

    def build(self, request: CompileRequest, options: Options, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task's optimised model.

        Raises:
            UnsupportedError: An operation has no translation to ONNX.
            CompilerError: The export or ONNX Runtime failed on the task.
        """
        from ablatrix.compilers.onnxruntime.build import build_task

        return build_task(request, task, options, key)

    def time_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, float]:
        """Optimise a task once more and read the log; return milliseconds by optimiser."""
        from ablatrix.compilers.onnxruntime.build import time_passes

        return time_passes(request, task, options)

    def list_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Sequence[PassRun]:
        """Optimise a task once more and read the log; return every run of an optimiser."""
        from ablatrix.compilers.onnxruntime.build import list_passes

        return list_passes(request, task, options)

    def task_profiler(
        self, request: CompileRequest, options: Options, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a task in a session that writes a profile."""
        from ablatrix.compilers.onnxruntime.profiling import OnnxRuntimeProfiler

        session = options.running()
        session.enable_profiling = True
        session.profile_file_prefix = str(request.work_dir / f"profile-{task.kind}")
        return OnnxRuntimeProfiler(task, built, OnnxRuntimeTask(built, session), mapped=mapped)

    def load(self, request: CompileRequest, options: Options, built: Sequence[BuiltTask]) -> list[OnnxRuntimeTask]:
        """Make a session of each saved model, and read back the threads that they have."""
        functions = [OnnxRuntimeTask(one, options.running()) for one in built]
        read_back = functions[0].session.get_session_options()
        self._threads = {"intra": read_back.intra_op_num_threads, "inter": read_back.inter_op_num_threads}
        self._settings = options.read_back(read_back)
        return functions


class OnnxRuntimeTask:
    """A loaded task: a session whose inputs and outputs are bound to addresses."""

    def __init__(self, built: BuiltTask, session: Any) -> None:
        import onnxruntime

        from ablatrix.compilers.onnxruntime.build import PROVIDERS

        try:
            self.session = onnxruntime.InferenceSession(str(built.file), session, providers=PROVIDERS)
        except Exception as error:  # its errors are of several kinds that only its extension module has
            raise CompilerError(f"onnxruntime cannot load {built.file.name}: {error}") from error
        self._taken: list[int] = built.facts.loading["inputs"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Bind the tensors' memory; nothing is copied in a run."""
        session = self.session
        binding = session.io_binding()
        chosen = [inputs[index] for index in self._taken]
        for taken, tensor in zip(session.get_inputs(), chosen, strict=True):
            binding.bind_input(taken.name, "cpu", 0, _element_type(tensor), list(tensor.shape), _address(tensor))
        for given, tensor in zip(session.get_outputs(), outputs, strict=True):
            binding.bind_output(given.name, "cpu", 0, _element_type(tensor), list(tensor.shape), _address(tensor))
        return partial(_run, session, binding, (*inputs, *outputs))


def _address(tensor: Any) -> int:
    """Return where a tensor's elements are; where it has none, any address but 0, which ONNX Runtime does not take."""
    return int(tensor.data_ptr()) or id(tensor)


def _run(session: Any, binding: Any, _kept_alive: tuple[Any, ...]) -> None:
    session.run_with_iobinding(binding)


def _element_type(tensor: Any) -> Any:
    """Return the numpy type of a tensor's elements; of bfloat16, which numpy does not have, ONNX's number."""
    import onnx
    import torch

    if tensor.dtype == torch.bfloat16:
        return int(onnx.TensorProto.BFLOAT16)
    return torch.empty(0, dtype=tensor.dtype).numpy().dtype.type
