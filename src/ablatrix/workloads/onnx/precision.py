"""Running an ONNX model without optimisation, and the same graph in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import onnx
import torch
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.inliner import inline_local_functions

Run = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]
FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16})
TYPE_ATTRIBUTES = frozenset({"to", "dtype"})  # of operators that name the type of the tensor they make
ERRORS_ONLY = 3


def run_by_onnxruntime(content: bytes, threads: int) -> Run:
    """Return a function that runs a model with every optimisation of ONNX Runtime off: node by node, as written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return on_arrays(names, lambda given: session.run(None, given))


def in_float64(content: bytes) -> bytes:
    """Return a model with every float type in it widened to float64: weights, inputs, outputs and named types.

    A float that an operator takes in float32 alone (the scales of ``Resize``) stays as it is.
    """
    model = inline_local_functions(onnx.load_from_string(content))
    versions = {one.domain: one.version for one in model.opset_import}
    widen_graph(model.graph, Widening(FLOATS, TensorProto.DOUBLE, frozenset(_narrow_values(model, versions))))
    return bytes(model.SerializeToString())


def on_arrays(names: Sequence[str], run: Callable[[dict[str, Any]], Sequence[Any]]) -> Run:
    """Return a function of tensors, in the order of ``names``, from one that takes arrays by name."""

    def on_tensors(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        made = run({name: one.detach().numpy() for name, one in zip(names, inputs, strict=True)})
        return [to_tensor(one) for one in made]

    return on_tensors


def to_tensor(array: Any) -> torch.Tensor:
    """Return an array, or a number of numpy, as a contiguous tensor; torch takes no steps backwards (``Slice``)."""
    return torch.as_tensor(numpy.array(array, order="C"))


def _narrow_values(model: ModelProto, versions: dict[str, int]) -> Iterable[str]:
    """Yield the names of values that a node takes in float32 and not in float64."""
    for node in all_nodes(model.graph.node):
        if not onnx.defs.has(node.op_type, node.domain):
            continue
        schema = onnx.defs.get_schema(node.op_type, versions.get(node.domain, 1), node.domain)
        for name, formal in zip(node.input, schema.inputs, strict=False):
            if "tensor(float)" in formal.types and "tensor(double)" not in formal.types:
                yield name


def all_nodes(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """Yield nodes, each followed by those of its bodies (``If``, ``Loop``, ``Scan``)."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from all_nodes(inner.node)


@dataclass(frozen=True)
class Widening:
    """Which float types become which, but for some values."""

    types: frozenset[int]
    wide: int
    kept: frozenset[str] = frozenset()


def widen_graph(graph: GraphProto, how: Widening) -> None:
    """Widen the float types in a graph in place: weights, inputs, outputs and named types."""
    for tensor in graph.initializer:
        if tensor.name not in how.kept:
            _widen_tensor(tensor, how)
    del graph.value_info[:]  # types that were inferred before
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type in how.types:
            value.type.tensor_type.elem_type = how.wide
    for node in graph.node:
        for attribute in node.attribute:
            if not (node.op_type == "Constant" and node.output[0] in how.kept):
                _widen_attribute(node, attribute, how)


def _widen_attribute(node: NodeProto, attribute: AttributeProto, how: Widening) -> None:
    if attribute.name in TYPE_ATTRIBUTES and attribute.i in how.types:
        attribute.i = how.wide
    elif attribute.type == AttributeProto.TENSOR:
        _widen_tensor(attribute.t, how)
    elif node.op_type == "Constant" and attribute.name in {"value_float", "value_floats"}:
        values = [attribute.f] if attribute.name == "value_float" else list(attribute.floats)
        shape = [] if attribute.name == "value_float" else [len(values)]
        attribute.CopyFrom(onnx.helper.make_attribute("value", onnx.helper.make_tensor("", how.wide, shape, values)))
    for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
        widen_graph(inner, how)


def _widen_tensor(tensor: TensorProto, how: Widening) -> None:
    if tensor.data_type in how.types:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(how.wide)
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name))
