"""Reading an ONNX file: one model with its weights, of tensors of numbers alone, at operators that runtimes take."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto, TypeProto, ValueInfoProto

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.precision import TREES
from ablatrix.workloads.onnx.tensors import TYPES

LARGEST = 2**31 - 1  # bytes of a message of protobuf
FIRST_WITH_WEIGHTS_APART = 4  # IR version
OLDEST = 7  # the oldest operator set that ONNX Runtime promises to take
CUT = "cut that part off: onnx.utils.extract_model(file, other_file, input_names, output_names)"
KINDS = {
    "sequence_type": "a sequence of tensors",
    "map_type": "a map",
    "optional_type": "optional",
    "sparse_tensor_type": "sparse",
    "opaque_type": "opaque",
}


def read_file(path: Path) -> ModelProto:
    """Read a model with its weights, also those in files beside it; a ZipMap at its end is taken off.

    Raises:
        WorkloadError: It cannot be read, or takes or returns anything but tensors of numbers.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's errors have no common class
        raise WorkloadError(f"it is not an ONNX file that onnx {onnx.__version__} can read: {error}") from error
    if not model.graph.node and not model.graph.output:
        raise WorkloadError(f"it is not an ONNX file that onnx {onnx.__version__} can read: it has no graph")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except Exception as error:
        raise WorkloadError(f"its weights are in other files that cannot be read: {error}") from error
    held = sum(len(one.raw_data) for one in model.graph.initializer)
    if held > LARGEST:
        raise WorkloadError(
            f"it has {held} bytes of weights, and a model in one piece has at most {LARGEST}: quantise it, or take a "
            "part of it (onnx.utils.extract_model)"
        )
    _list_inputs_alone(model)
    _take_off_maps(model)
    for value in model.graph.input:
        _refuse_other(value, "input")
        if not value.type.tensor_type.HasField("shape"):
            raise WorkloadError(
                f"input '{value.name}' has no shape in the file, not even a number of axes; export it again with one"
            )
    for value in model.graph.output:
        _refuse_other(value, "output")
    return _at_newer_operators(model)


def _list_inputs_alone(model: ModelProto) -> None:
    """Take weights off the inputs, among which files of IR versions before 4 list them.

    ONNX Runtime replaces weights that it fuses, and would leave their names behind as inputs that nobody gives.
    """
    weights = {one.name for one in model.graph.initializer}
    listed = [value for value in model.graph.input if value.name in weights]
    for value in listed:
        model.graph.input.remove(value)
    if listed:
        model.ir_version = max(model.ir_version, FIRST_WITH_WEIGHTS_APART)


def _take_off_maps(model: ModelProto) -> None:
    """Return what a ZipMap wraps, a tensor with a column a class, in place of its sequence of maps."""
    makers = {name: node for node in model.graph.node for name in node.output}
    for output in model.graph.output:
        node = makers.get(output.name)
        if node is not None and node.op_type == "ZipMap" and node.domain == TREES:
            model.graph.node.remove(node)
            output.CopyFrom(ValueInfoProto(name=node.input[0]))
            output.type.tensor_type.elem_type = onnx.TensorProto.FLOAT


def _refuse_other(value: ValueInfoProto, what: str) -> None:
    kind = _kind(value.type)
    if kind is None:
        _refuse_other_type(value, what)
        return
    remedy = CUT if what == "output" else f"give it a tensor instead, or {CUT}"
    if kind == "text":
        remedy = f"export the model with numbers in its place, or {remedy}"
    raise WorkloadError(
        f"{what} '{value.name}' is {kind}, and programs here take and return tensors of numbers: {remedy}"
    )


def _refuse_other_type(value: ValueInfoProto, what: str) -> None:
    if value.type.tensor_type.elem_type == onnx.TensorProto.UNDEFINED:
        return  # of an output: what a run makes tells
    word = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
    known = sorted(str(one).removeprefix("torch.") for one in TYPES)
    if word not in known:
        where = "before" if what == "input" else "behind"
        raise WorkloadError(
            f"{what} '{value.name}' is {word}; programs here take and return {', '.join(known)}: put a Cast {where} it"
        )


def _kind(of: TypeProto) -> str | None:
    """Return what a value is where it is no tensor of numbers."""
    word = of.WhichOneof("value")
    if word in KINDS:
        return KINDS[word]
    return "text" if of.tensor_type.elem_type == onnx.TensorProto.STRING else None


def _at_newer_operators(model: ModelProto) -> ModelProto:
    """Return a model of an operator set that ONNX Runtime does not promise to take at the oldest one that it does."""
    sets = {one.domain: one.version for one in model.opset_import}
    version = sets.get("", sets.get("ai.onnx", 1 if not sets else OLDEST))
    if version >= OLDEST:
        return model
    try:
        return onnx.version_converter.convert_version(model, OLDEST)
    except Exception as error:  # the converter is of C++, and its errors have no common class
        raise WorkloadError(
            f"it is of operator set {version}, ONNX Runtime takes those from {OLDEST} on, and the converter of onnx "
            f"{onnx.__version__} fails on it: {error}; export it again at a newer one"
        ) from error
