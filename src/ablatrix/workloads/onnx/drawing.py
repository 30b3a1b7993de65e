"""The inputs of an ONNX model: what they are, and how their values are drawn where nobody gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.inliner import inline_local_functions

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.dimensions import Sizes
from ablatrix.workloads.onnx.precision import all_graphs, all_nodes

FEW = (0, 1)  # integers of which nothing is known
BYTES = {torch.uint8: (0, 255), torch.int8: (-128, 127)}
PASSED_ON = frozenset(
    {"Cast", "Clip", "Expand", "Flatten", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Tile", "Transpose"}
    | {"Unsqueeze"}
)


@dataclass(frozen=True)
class Input:
    """One input of a model.

    Attributes:
        name: As the file has it.
        dtype: Its type.
        bounds: Smallest and largest value; None: floats of a normal distribution.
        why: Where the bounds come from, for messages.
    """

    name: str
    dtype: torch.dtype
    bounds: tuple[float, float] | None
    why: str

    def draw(self, shape: Iterable[int], random: torch.Generator) -> torch.Tensor:
        """Return random values: integers or floats between the bounds, or normal ones."""
        if self.bounds is None:
            return torch.randn(tuple(shape), generator=random).to(self.dtype)
        low, high = self.bounds
        if self.dtype.is_floating_point:
            return (low + (high - low) * torch.rand(tuple(shape), generator=random)).to(self.dtype)
        return torch.randint(int(low), int(high) + 1, tuple(shape), generator=random).to(self.dtype)

    def described(self) -> str:
        """Return how its values are drawn."""
        if self.bounds is None:
            return f"'{self.name}' (drawn from a normal distribution)"
        return f"'{self.name}' (drawn from {self.bounds[0]} to {self.bounds[1]}, {self.why})"


def read_inputs(model: ModelProto) -> list[Input]:
    """Return the inputs of a model, in order.

    Raises:
        WorkloadError: There is none.
    """
    rows = _Rows(model)
    made = [_input(value.name, value.type.tensor_type.elem_type, rows) for value in model.graph.input]
    if not made:
        raise WorkloadError("it takes no input, so there is nothing to check it with")
    return made


def _input(name: str, kind: int, rows: _Rows) -> Input:
    dtype: torch.dtype = getattr(torch, onnx.helper.tensor_dtype_to_np_dtype(kind).name)
    if dtype.is_floating_point:
        return Input(name, dtype, None, "")
    found = rows.of(name)
    if found:
        return Input(name, dtype, (0, min(found) - 1), f"the table that it indexes has {min(found)} rows")
    if dtype in BYTES:
        return Input(name, dtype, BYTES[dtype], "as bytes are")
    return Input(name, dtype, FEW, "as nothing in the file says its range")


class _Rows:
    """How many rows the tables have that inputs index."""

    def __init__(self, model: ModelProto) -> None:
        inlined = inline_local_functions(model)
        with suppress(Exception):  # operators or graphs that the standard's rules do not cover: the runtime judges them
            inlined = onnx.shape_inference.infer_shapes(inlined)
        self._nodes = list(all_nodes(inlined.graph.node))
        self._constants = {one.name: one for graph in all_graphs(inlined.graph) for one in graph.initializer}
        for node in self._nodes:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                self._constants[node.output[0]] = node.attribute[0].t
        self._sizes: dict[str, list[int]] = {}
        for graph in all_graphs(inlined.graph):
            for value in (*graph.input, *graph.value_info):
                self._sizes[value.name] = [one.dim_value for one in value.type.tensor_type.shape.dim]
            self._sizes.update((one.name, list(one.dims)) for one in graph.initializer)

    def of(self, name: str) -> list[int]:
        """Return the rows of each table that an input indexes, itself or after operators that only pass it on."""
        names, rows = {name}, []
        for node in self._nodes:
            if node.op_type in PASSED_ON and node.input[0] in names:
                names.update(node.output)
            elif node.op_type == "Gather" and node.input[1] in names:
                axis = next((one.i for one in node.attribute if one.name == "axis"), 0)
                sizes = self._sizes.get(node.input[0], [])
                rows += [sizes[axis]] if -len(sizes) <= axis < len(sizes) and sizes[axis] > 0 else []
            elif node.op_type in {"OneHot", "Equal"} and names & set(node.input[:2]):
                rows += self._classes(node, names)
        return rows

    def _classes(self, node: NodeProto, names: set[str]) -> list[int]:
        """Return how many ids are told apart: the depth of a OneHot, or those that all are compared with."""
        other = self._constants.get(next((name for name in node.input[:2] if name not in names), ""))
        if other is None or other.data_type not in {TensorProto.INT32, TensorProto.INT64}:
            return []
        values = numpy_helper.to_array(other)
        if node.op_type == "OneHot":
            return [int(values.max())]
        return [int(values.max()) + 1] if values.size > FEW[1] + 1 and values.min() >= 0 else []


def fitted(name: str, given: torch.Tensor, one: Input, sizes: Sizes) -> torch.Tensor:
    """Return values that a study gives for an input, in its type: a number for all elements, or all of them.

    Raises:
        WorkloadError: They have another shape, or do not fit into the type.
    """
    shape = sizes.shape(name)
    if given.numel() != 1 and tuple(given.shape) != shape:
        raise WorkloadError(f"input '{name}' is given with shape {tuple(given.shape)}, but it has shape {shape}")
    made = given.to(one.dtype)
    if not one.dtype.is_floating_point and not torch.equal(made.double(), given.double()):
        raise WorkloadError(
            f"input '{name}' is {str(one.dtype)[6:]}, but the values given are {given.dtype} that do not fit"
        )
    return made.reshape(()).expand(shape).contiguous() if given.numel() == 1 else made.contiguous()


def describe_drawn(inputs: Iterable[Input], drawn: Mapping[str, bool]) -> str:
    """Return how the values of inputs were drawn, as a part of a sentence; integers alone where there are some."""
    mine = [one for one in inputs if drawn.get(one.name)]
    integers = [one for one in mine if not one.dtype.is_floating_point]
    return ", ".join(one.described() for one in (integers or mine))
