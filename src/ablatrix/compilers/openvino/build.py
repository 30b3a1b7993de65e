"""From one task to its artifact: conversion, the plug-in's passes, the exported model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.built_task import TaskFacts, source_digest
from ablatrix.compilers.dump import Stage, TaskDump
from ablatrix.compilers.openvino.library import get_core, import_openvino, quiet
from ablatrix.compilers.openvino.options import Options
from ablatrix.compilers.openvino.passes import watch_passes
from ablatrix.compilers.openvino.tracing import convert_traced
from ablatrix.compilers.passes import PassRun, total_ms
from ablatrix.compilers.reasons import reason_of
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.workloads.onnx.operation import data_inputs, find_onnx, read_model
from ablatrix.workloads.program import TaskProgram

DEVICE = "CPU"
REASONS = {
    "compiler_planned_bytes": "OpenVINO's CPU plug-in plans memory when it loads a model and reports no bytes",
    "estimator": "OpenVINO has no estimate of memory",
}
NO_WORK = frozenset({"Input", "Output", "Const"})
GENERATED = "Subgraph"  # the type of a layer that snippets have compiled
NOT_CONVERTED = (
    *("No conversion rule found", "were not converted", "cannot be converted"),
    *("does not support the following ONNX operations", "Not supported ONNX op", "Unsupported data type"),
)


def key_facts(options: Options) -> dict[str, Any]:
    """Return what the stored model depends on beyond the task."""
    ov = import_openvino()
    return {
        "settings": options.settings.by_address(),
        "processor": {name: str(value) for name, value in sorted(torch.cpu.get_capabilities().items())},
        "openvino": ov.get_version(),
        "adapter": source_digest(Path(__file__).parent),
    }


def build_task(request: CompileRequest, task: TaskProgram, options: Options, key: str) -> tuple[Path, TaskFacts]:
    """Build a task's compiled model.

    Raises:
        UnsupportedError: An operation has no translation to OpenVINO.
        CompilerError: The conversion or the plug-in failed on the task.
    """
    core = get_core()
    dump = TaskDump.of(request, task)
    with request.clock.phase("import"):
        model = _get_model(request, task)
    _dump_model(
        dump, "before", "converted", "OpenVINO's IR as converted; its constants are in converted.bin.", lambda: model
    )
    try:
        with request.clock.phase("compile"):
            compiled = core.compile_model(model, DEVICE, options.compiling())
        with request.clock.phase("link"):
            stored = compiled.export_model().getvalue()
    except RuntimeError as error:
        raise CompilerError(f"openvino failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}") from error
    file = request.work_dir / f"{key}.blob"
    file.write_bytes(stored)
    _dump_model(
        dump, "after", "layers", "The layers that a run executes, in OpenVINO's IR.", compiled.get_runtime_model
    )
    dump.lacks("code", "OpenVINO shows no code: the plug-in chooses and generates kernels when it loads a model")
    layers = layer_types(compiled)
    return file, TaskFacts(
        generated_calls=len(layers),
        generated_kernels=sum(one == GENERATED for one in layers),
        reasons=dict(REASONS),
        loading={"inputs": data_inputs(task.exported), "passed": passed_through(model)},
        code_digest=digest_value(layers_in_full(compiled)),
    )


def passed_through(model: Any) -> list[list[int]]:
    """Return the outputs of a model that are inputs, with which.

    The plug-in takes such an output's memory for the input's: bound, it is never written, and what is in it is what all
    other operators read.
    """
    inputs = [one.get_node().get_friendly_name() for one in model.inputs]
    sources = [one.get_node().input_value(0).get_node() for one in model.outputs]
    return [
        [index, inputs.index(source.get_friendly_name())]
        for index, source in enumerate(sources)
        if source.get_type_name() == "Parameter"
    ]


def time_passes(request: CompileRequest, task: TaskProgram, options: Options) -> dict[str, float]:
    """Compile a task once more under an observer; return milliseconds by pass. Nothing built is kept."""
    return total_ms(list_passes(request, task, options))


def list_passes(request: CompileRequest, task: TaskProgram, options: Options) -> list[PassRun]:
    """Compile a task once more under an observer; return every run of a pass. Nothing built is kept."""
    directory = Path(tempfile.mkdtemp(prefix="passes-", dir=request.work_dir))
    with watch_passes(directory / "passes.csv") as runs:
        get_core().compile_model(_get_model(request, task), DEVICE, options.compiling())
    return runs


def _dump_model(dump: TaskDump, stage: Stage, name: str, what: str, model: Callable[[], Any]) -> None:
    def write(path: Path) -> None:
        import_openvino().serialize(model(), str(path), str(path.with_suffix(".bin")))

    dump.file(stage, f"{name}.xml", what, write)


def load_task(file: Path, options: Options, further: Mapping[str, Any] | None = None) -> Any:
    """Return the compiled model in a file that ``build_task`` has made, with further properties if some are given."""
    try:
        return get_core().import_model(file.read_bytes(), DEVICE, {**options.running(), **(further or {})})
    except RuntimeError as error:
        raise CompilerError(f"openvino cannot load {file.name}: {error}") from error


def convert(task: TaskProgram) -> Any:
    """Return a task as a model of OpenVINO: its inputs in order, with the shapes that they have.

    Weights that are part of the task are constants of the model, others are among the inputs.

    Raises:
        UnsupportedError: An operation has no translation to OpenVINO.
        CompilerError: The conversion failed.
    """
    try:
        with quiet():
            model = _converted(task)
        model.reshape(dict(zip(model.inputs, _shapes(task), strict=True)))
    except Exception as error:  # the converter has many errors and no common one
        message = str(error)
        reason = _not_converted(message)
        if reason is not None:
            raise UnsupportedError(f"an operation of task {task.kind} has no translation: {reason}") from error
        raise CompilerError(f"task {task.kind} ({task.fingerprint}) cannot be converted: {message}") from error
    return model


def _converted(task: TaskProgram) -> Any:
    """Return a task converted as it is; where an operation has no translation there, from a trace of it."""
    try:
        return import_openvino().convert_model(task.exported)
    except Exception as error:
        if _not_converted(str(error)) is None:
            raise
        try:
            return convert_traced(task)
        except Exception:  # whatever tracing or its converter raises: the first reason is that of the program itself
            raise error from None


def _get_model(request: CompileRequest, task: TaskProgram) -> Any:
    """Return a task as a model of OpenVINO: read from the ONNX model that it was given as, or converted."""
    if find_onnx(task.exported) is None:
        return convert(task)
    file = request.work_dir / f"{task.fingerprint}.onnx"
    file.write_bytes(read_model(request.program))
    try:
        model = import_openvino().convert_model(file)
        if task.upper_bounds:
            shapes = _shapes(task)
            model.reshape(dict(zip(model.inputs, (shapes[one] for one in data_inputs(task.exported)), strict=True)))
    except Exception as error:  # the converter has many errors and no common one
        message = str(error)
        reason = _not_converted(message)
        if reason is not None:
            raise UnsupportedError(f"an operator of the ONNX model has no translation to OpenVINO: {reason}") from error
        raise CompilerError(f"openvino cannot read the ONNX model: {message}") from error
    return model


def _not_converted(message: str) -> str | None:
    """Return the line of a message that says what has no translation; None where it is about anything else."""
    lines = [line.strip() for line in message.splitlines()]
    found = next((index for index, line in enumerate(lines) if any(mark in line for mark in NOT_CONVERTED)), None)
    if found is None:
        return None
    return " ".join(lines[found : found + 2]) if lines[found].endswith(":") else lines[found]


def import_converter() -> None:
    """Import OpenVINO and what converts; starts no thread."""
    import_openvino()


@cache
def convert_something() -> None:
    """Convert one operation, once a process: the first conversion loads tables, which is no task's cost."""

    class Nothing(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            return (torch.relu(x),)

    convert(TaskProgram(0, "", torch.export.export(Nothing(), (torch.ones(2),)), {}, ()))


def layer_types(compiled: Any) -> list[str]:
    """Return the types of the layers that a run executes, in the order of the compiled graph."""
    types = [_text(layer, "layerType") for layer in compiled.get_runtime_model().get_ordered_ops()]
    return [one for one in types if one not in NO_WORK]


def layers_in_full(compiled: Any) -> list[dict[str, str]]:
    """Return what the compiled graph says about each layer: type, kernel, precision, layout, shapes and what it reads.

    The stored model itself holds names that are counted up from conversion to conversion; this is the same for the
    same code.
    """
    read = ("layerType", "primitiveType", "runtimePrecision", "outputLayouts")
    layers = compiled.get_runtime_model().get_ordered_ops()
    position = {layer.get_friendly_name(): str(index) for index, layer in enumerate(layers)}
    return [
        {
            **{name: _text(layer, name) for name in read if name in layer.get_rt_info()},
            "shapes": " ".join(str(output.get_partial_shape()) for output in layer.outputs()),
            "reads": " ".join(
                position[one.get_source_output().get_node().get_friendly_name()] for one in layer.inputs()
            ),
        }
        for layer in layers
    ]


def _text(layer: Any, name: str) -> str:
    return str(layer.get_rt_info()[name].astype(str))


def _shapes(task: TaskProgram) -> Sequence[Any]:
    """Return the shape of each input; a dynamic size is anything up to its bound."""
    ov = import_openvino()
    names = set(task.exported.graph_signature.user_inputs)
    tensors = [
        node.meta["val"] for node in task.exported.graph.nodes if node.op == "placeholder" and node.name in names
    ]
    return [ov.PartialShape([_dimension(size, task) for size in tensor.shape]) for tensor in tensors]


def _dimension(size: Any, task: TaskProgram) -> Any:
    if isinstance(size, int):
        return import_openvino().Dimension(size)
    expression = size.node.expr
    bound = int(expression.subs({symbol: task.upper_bounds[str(symbol)] for symbol in expression.free_symbols}))
    return import_openvino().Dimension(0, bound)
