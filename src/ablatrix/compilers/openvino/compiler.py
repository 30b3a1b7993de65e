"""OpenVINO as a compiler: tasks of a plan through its converter and CPU plug-in, run on bound tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import CompileRequest, Executable

if TYPE_CHECKING:
    from ablatrix.compilers.openvino.options import Options
    from ablatrix.compilers.taskwise import BuiltTask


class OpenVinoCompiler:
    """Compiles each distinct task once; knobs and levels stand in ``compilers/catalogue``."""

    name = "openvino"

    def __init__(self) -> None:
        self._threads: dict[str, int] = {}

    def preload(self) -> None:
        """Import torch, OpenVINO and its converter.

        Nothing is converted: the first conversion starts a thread, and a process with two cannot be forked.
        """
        from ablatrix.compilers.openvino.build import import_converter

        import_converter()

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

    def compile(self, request: CompileRequest) -> Executable:
        """Build or find every task of the plan, load it, and give the program's parameters to the executor.

        Raises:
            UnsupportedError: An operation has no translation to OpenVINO.
            CompilerError: The converter or the plug-in failed on a task.
        """
        from ablatrix.compilers.openvino.build import build_task, own_facts, time_passes
        from ablatrix.compilers.openvino.options import Options
        from ablatrix.compilers.taskwise import compile_tasks, gather_facts, make_executable, observe_passes

        options = Options.from_knobs(request.knobs, request.run_threads)
        self.set_threads(options.threads)
        own = own_facts(options)
        built = compile_tasks(request, lambda _task: own, lambda task, key: build_task(request, task, options, key))
        pass_ms = observe_passes(request, lambda task: time_passes(request, task, options))
        with request.clock.phase("load"):
            functions = [OpenVinoTask(one, options) for one in built]
            loaded = functions[0].model
            self._threads = {
                "openvino": loaded.get_property("INFERENCE_NUM_THREADS"),
                "openvino streams": int(loaded.get_property("NUM_STREAMS")),
            }
            return make_executable(request, functions, gather_facts(built, request.plan, pass_ms))


class OpenVinoTask:
    """A loaded task: a model, of which each place in the program gets a request with its own tensors."""

    def __init__(self, built: BuiltTask, options: Options) -> None:
        from ablatrix.compilers.openvino.build import load_task

        self.model = load_task(built.file, options)
        self._taken: list[int] = built.facts.loading["inputs"]

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Bind the tensors' memory; nothing is copied in a run."""
        request = self.model.create_infer_request()
        chosen = [inputs[place] for place in self._taken]
        for place, tensor in enumerate(chosen):
            request.set_input_tensor(place, _view(tensor))
        for place, tensor in enumerate(outputs):
            request.set_output_tensor(place, _view(tensor))
        return partial(_run, request, (*inputs, *outputs))


def _run(request: Any, _kept_alive: tuple[Any, ...]) -> None:
    request.infer()


def _view(tensor: Any) -> Any:
    """Return a tensor of OpenVINO on the same memory."""
    from ablatrix.compilers.openvino.library import import_openvino

    return import_openvino().Tensor(tensor.detach().numpy(), shared_memory=True)
