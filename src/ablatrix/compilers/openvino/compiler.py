"""OpenVINO as a compiler: tasks of a plan through its converter and CPU plug-in, run on bound tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.base import TaskwiseCompiler
from ablatrix.compilers.built_task import BuiltTask, TaskFacts

if TYPE_CHECKING:
    from pathlib import Path

    from ablatrix.compilers.openvino.options import Options
    from ablatrix.compilers.passes import PassRun
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.workloads.program import TaskProgram


class OpenVinoCompiler(TaskwiseCompiler["Options"]):
    """Compiles each distinct task once; knobs and levels are defined in ``compilers/catalogue``."""

    name = "openvino"
    pass_evidence = (
        "changed: as each pass says of itself, which some do where nothing changed; matchers that run within one pass "
        "over the graph are not seen"
    )
    profile_source = (
        "OpenVINO's performance counters by layer, means over runs in whole microseconds; names of layers and the "
        "graph that was converted say which nodes a layer computes"
    )

    def __init__(self) -> None:
        self._threads: dict[str, int] = {}
        self._settings: dict[str, str] = {}

    def preload(self) -> None:
        """Import torch, OpenVINO and its converter.

        Nothing is converted: the first conversion starts a thread, and a process with two cannot be forked.
        """
        from ablatrix.compilers.openvino.build import import_converter

        import_converter()
        super().preload()

    def versions(self) -> Mapping[str, str]:
        """Return versions of what exports, converts and runs."""
        import torch

        from ablatrix.compilers.openvino.library import import_openvino

        return {"torch": str(torch.__version__), "openvino": import_openvino().get_version()}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads, and those of the models that will be loaded; load the plug-in."""
        import torch

        from ablatrix.compilers.openvino.build import DEVICE, convert_something
        from ablatrix.compilers.openvino.library import get_core

        torch.set_num_threads(threads)
        convert_something()
        core = get_core()
        core.set_property(DEVICE, {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
        self._threads = {
            "openvino": core.get_property(DEVICE, "INFERENCE_NUM_THREADS"),
            "openvino streams": int(core.get_property(DEVICE, "NUM_STREAMS")),
        }

    def threads_in_force(self) -> Mapping[str, int]:
        """Return torch's threads, and those that the loaded models say they have."""
        import torch

        return {"torch": torch.get_num_threads(), **self._threads}

    def settings_in_force(self) -> Mapping[str, str]:
        """Return the study's settings of the run time, as the loaded models have them."""
        return self._settings

    def options(self, request: CompileRequest) -> Options:
        """Return the options of OpenVINO that the knobs set."""
        from ablatrix.compilers.openvino.options import Options

        return Options(request.run_threads, request.settings)

    def key_facts(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, Any]:
        """Return the options that the stored model depends on, the processor, the version and this adapter's digest."""
        from ablatrix.compilers.openvino.build import key_facts

        return key_facts(options)

    def build(self, request: CompileRequest, options: Options, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task's compiled model.

        Raises:
            UnsupportedError: An operation has no translation to OpenVINO.
            CompilerError: The conversion or the plug-in failed on the task.
        """
        from ablatrix.compilers.openvino.build import build_task

        return build_task(request, task, options, key)

    def time_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Mapping[str, float]:
        """Compile a task once more under an observer; return milliseconds by pass."""
        from ablatrix.compilers.openvino.build import time_passes

        return time_passes(request, task, options)

    def list_passes(self, request: CompileRequest, options: Options, task: TaskProgram) -> Sequence[PassRun]:
        """Compile a task once more under an observer; return every run of a pass."""
        from ablatrix.compilers.openvino.build import list_passes

        return list_passes(request, task, options)

    def task_profiler(
        self, request: CompileRequest, options: Options, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a task that is loaded with performance counters."""
        from ablatrix.compilers.openvino.profiling import COUNT, OpenVinoProfiler

        return OpenVinoProfiler(task, OpenVinoTask(built, options, COUNT), mapped=mapped)

    def load(self, request: CompileRequest, options: Options, built: Sequence[BuiltTask]) -> list[OpenVinoTask]:
        """Import the stored models, and read back the threads that they have.

        Raises:
            CompilerError: The plug-in cannot load a model.
        """
        from ablatrix.compilers.openvino.library import property_text

        functions = [OpenVinoTask(one, options) for one in built]
        loaded = functions[0].model
        self._threads = {
            "openvino": loaded.get_property("INFERENCE_NUM_THREADS"),
            "openvino streams": int(loaded.get_property("NUM_STREAMS")),
        }
        self._settings = {
            f"property:{name}": property_text(loaded.get_property(name))
            for name in options.settings.reported("property")
        }
        return functions


class OpenVinoTask:
    """A loaded task: a model, of which each call in the program gets a request with its own tensors."""

    def __init__(self, built: BuiltTask, options: Options, further: Mapping[str, Any] | None = None) -> None:
        from ablatrix.compilers.openvino.build import load_task

        self.model = load_task(built.file, options, further)
        self._taken: list[int] = built.facts.loading["inputs"]
        self._passed: list[list[int]] = built.facts.loading["passed"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Bind the tensors' memory; nothing is copied in a run."""
        request = self.model.create_infer_request()
        chosen = [inputs[index] for index in self._taken]
        for index, tensor in enumerate(chosen):
            request.set_input_tensor(index, _view(tensor))
        passed = {one for one, _ in self._passed}
        for index, tensor in enumerate(outputs):
            if index not in passed:
                request.set_output_tensor(index, _view(tensor))
        if self._passed:
            copies = [(outputs[one], chosen[other]) for one, other in self._passed]
            return partial(_run_and_copy, request, copies, (*inputs, *outputs))
        return partial(_run, request, (*inputs, *outputs))


def _run(request: Any, _kept_alive: tuple[Any, ...]) -> None:
    request.infer()


def _run_and_copy(request: Any, copies: Sequence[tuple[Any, Any]], _kept_alive: tuple[Any, ...]) -> None:
    request.infer()
    for made, given in copies:
        made.copy_(given)


def _view(tensor: Any) -> Any:
    """Return a tensor of OpenVINO on the same memory; bfloat16, which numpy does not have, as its bits."""
    import torch

    from ablatrix.compilers.openvino.library import import_openvino

    ov = import_openvino()
    if tensor.dtype == torch.bfloat16:
        return ov.Tensor(tensor.detach().view(torch.uint16).numpy(), list(tensor.shape), ov.Type.bf16)
    return ov.Tensor(tensor.detach().numpy(), shared_memory=True)
