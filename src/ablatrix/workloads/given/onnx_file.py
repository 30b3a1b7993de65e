"""A model in an ONNX file, given to the compilers that take ONNX as it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ablatrix.canonical import digest_bytes
from ablatrix.errors import WorkloadError
from ablatrix.records.origin import installation_of
from ablatrix.workloads.built import Built, Reference, generator
from ablatrix.workloads.capture.precision import widen
from ablatrix.workloads.onnx.operation import Signature, Wide, onnx_model

FEW = 2  # integers that are not indices are drawn below this
PASSED_ON = frozenset({"Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten"})


@dataclass(frozen=True)
class Input:
    """One input of a model: name, shape, dtype, and the bound below which integers in it are drawn."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    below: int

    def draw(self, random: torch.Generator) -> torch.Tensor:
        """Return random values: normal ones, or integers below the bound."""
        if self.dtype.is_floating_point:
            return torch.randn(self.shape, generator=random).to(self.dtype)
        return torch.randint(self.below, self.shape, generator=random).to(self.dtype)


class OnnxModule(nn.Module):  # type: ignore[misc]
    """A module whose forward is the model, as one operation."""

    def __init__(self, content: bytes, signature: Signature) -> None:
        super().__init__()
        self.register_buffer("model", torch.frombuffer(bytearray(content), dtype=torch.uint8))
        self.signature = signature.text()

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the model on its inputs, in order."""
        return tuple(onnx_model(self.model, list(inputs), self.signature, torch.float32))


def build_onnx(path: Path, given: Mapping[str, Any]) -> Built:
    """Read a model; its free dimensions get the sizes that are given.

    Raises:
        WorkloadError: It cannot be read or run, keeps its weights in other files, takes inputs other than tensors of
            numbers, or has a free dimension without a size.
    """
    try:
        import onnx

        from ablatrix.workloads.onnx.precision import run_by_onnxruntime
        from ablatrix.workloads.onnx.randomness import refuse_random, refuse_unequal
        from ablatrix.workloads.onnx.rounding import rounding_of
    except ImportError as error:
        raise WorkloadError(
            f"reading an ONNX file needs onnx and onnxruntime: {installation_of('onnxruntime')} ({error})"
        ) from error
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's errors have no common class
        raise WorkloadError(f"it is not an ONNX file that onnx {onnx.__version__} can read: {error}") from error
    if any(one.data_location == onnx.TensorProto.EXTERNAL for one in model.graph.initializer):
        raise WorkloadError(
            "its weights are in other files; write them into one: onnx.save(onnx.load(path), other_path)"
        )
    _fix_sizes(model, given)
    content = model.SerializeToString()
    refuse_random(content)
    inputs = _inputs(model)
    example = tuple(one.draw(generator(0)) for one in inputs)
    try:
        run = run_by_onnxruntime(content, 1)
        outputs, again = run(example), run(example)
    except Exception as error:  # errors of onnxruntime are of its extension module alone
        raise WorkloadError(f"ONNX Runtime cannot run it without optimisations: {error}") from error
    refuse_unequal(outputs, again, [one.name for one in model.graph.output])
    shapes = tuple((tuple(one.shape), str(one.dtype).removeprefix("torch.")) for one in outputs)
    signature = Signature(digest_bytes(content), shapes, _find_wide(content, example, outputs))

    def make_inputs(seed: int, _sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        random = generator(seed)
        return tuple(one.draw(random) for one in inputs)

    return Built(
        module=OnnxModule(content, signature),
        make_inputs=make_inputs,
        input_names=tuple(one.name for one in inputs),
        parameter_count=sum(_elements(one) for one in model.graph.initializer),
        chain=len(model.graph.node) if signature.wide == "none" else None,
        rounding=rounding_of(model),
        reference=_find_reference(content, example, signature, [one.dtype for one in outputs]),
    )


def _fix_sizes(model: Any, given: Mapping[str, Any]) -> None:
    """Give each free dimension of the inputs its size; outputs and intermediate values follow from them."""
    free: dict[str, list[Any]] = {}
    for value in _own_inputs(model):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                free.setdefault(dimension.dim_param or f"{value.name}_{axis}", []).append(dimension)
    if set(free) - set(given):
        example = ", ".join(f"{name}: {given.get(name, 1)}" for name in free)
        raise WorkloadError(
            f"its free dimensions {sorted(set(free) - set(given))} have no size; give all under "
            f"'parameters': {{{example}}}, or behind the file: ?{example.replace(': ', '=').replace(', ', '&')}"
        )
    unknown = sorted(set(given) - set(free))
    if unknown:
        raise WorkloadError(f"it has no free dimension {unknown}; it has: {', '.join(sorted(free)) or 'none'}")
    wrong = [name for name in free if not isinstance(given[name], int) or given[name] < 1]
    if wrong:
        raise WorkloadError(
            f"the size of a dimension is a whole number from 1 up, but {wrong[0]} is {given[wrong[0]]!r}"
        )
    for name, dimensions in free.items():
        for dimension in dimensions:
            dimension.dim_value = given[name]
    if free:
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")


def _own_inputs(model: Any) -> list[Any]:
    """Return the inputs that a caller gives; files of old versions list weights among them."""
    weights = {one.name for one in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def _inputs(model: Any) -> list[Input]:
    import onnx

    made = []
    for value in _own_inputs(model):
        kind = value.type.tensor_type
        numbers = value.type.HasField("tensor_type") and kind.elem_type != onnx.TensorProto.STRING
        if not numbers or not kind.HasField("shape"):
            raise WorkloadError(f"input '{value.name}' must be a tensor of numbers whose rank the file states")
        name = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
        dtype = getattr(torch, name, None)
        if dtype is None or (dtype.is_floating_point and dtype != torch.float32):
            raise WorkloadError(f"input '{value.name}' is {name}, but models are compiled in float32; export it so")
        shape = tuple(one.dim_value for one in kind.shape.dim)
        made.append(Input(value.name, shape, dtype, _rows(model, value.name)))
    if not made:
        raise WorkloadError("it takes no input, so there is nothing to check it with")
    return made


def _rows(model: Any, name: str) -> int:
    """Return the number of rows of the tables that an input indexes; ``FEW`` where no such table is known."""
    weights = {one.name: one.dims for one in model.graph.initializer}
    names, rows = {name}, []
    for node in model.graph.node:
        if node.op_type in PASSED_ON and node.input[0] in names:
            names.add(node.output[0])
        elif node.op_type == "Gather" and node.input[1] in names and node.input[0] in weights:
            axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
            rows.append(weights[node.input[0]][axis])
    return min(rows, default=FEW)


def _find_wide(content: bytes, example: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]) -> Wide:
    """Return what has float64 kernels for the whole model, found by trying.

    Args:
        content: The model.
        example: Inputs to try it with.
        outputs: What ONNX Runtime makes of them in the model's own types.

    Raises:
        WorkloadError: Only the evaluator has them, and it does not agree with ONNX Runtime on the model.
    """
    from ablatrix.workloads.onnx.agreement import Runs, refuse_disagreement
    from ablatrix.workloads.onnx.evaluator import run_by_evaluator
    from ablatrix.workloads.onnx.precision import in_float64, run_by_onnxruntime

    wide = in_float64(content)
    try:
        run_by_onnxruntime(wide, 1)(widen(example))
    except Exception:  # no kernel of that type, or no such operator: the errors of both have no common class
        pass
    else:
        return "onnxruntime"
    try:
        runs = Runs(outputs, run_by_evaluator(content, 1)(example), run_by_evaluator(wide, 1)(widen(example)))
    except Exception:
        return "none"
    refuse_disagreement(content, example, runs)
    return "reference"


def _find_reference(
    content: bytes, example: Sequence[torch.Tensor], signature: Signature, dtypes: Sequence[torch.dtype]
) -> Reference | None:
    """Return what shows the error of a model's own types; None where ONNX Runtime's unoptimised run does."""
    import onnx

    from ablatrix.workloads.onnx.reference import has_halves, run_rounded, run_shaken

    try:
        if has_halves(onnx.load_from_string(content)):
            run = run_rounded(content, dtypes)
        elif signature.wide == "none":
            run = run_shaken(content)
        else:
            return None
        run(example)
    except Exception:  # an operator of ONNX Runtime's own that takes float16 alone: what rounding must leave has to do
        return None
    return run


def _elements(weight: Any) -> int:
    """Return how many weights a tensor of the file holds; shapes and indices are not weights."""
    from ablatrix.workloads.onnx.precision import FLOATS

    return math.prod(weight.dims) if weight.data_type in FLOATS else 0
