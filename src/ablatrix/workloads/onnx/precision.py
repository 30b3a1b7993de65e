"""The same ONNX graph in float64, for the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper
from onnx.inliner import inline_local_functions

FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16})
TYPE_ATTRIBUTES = frozenset({"to", "dtype", "output_datatype"})  # of operators that name the type of what they make
TREES = "ai.onnx.ml"
# Operators that make float32 where no attribute says a type -> the attribute.
FLOAT_BY_DEFAULT = {
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix"), "output_datatype"),
    **dict.fromkeys(("RandomNormal", "RandomUniform", "SequenceEmpty"), "dtype"),
}


def in_float64(content: bytes) -> bytes:
    """Return a model with every float type in it widened to float64: weights, inputs, outputs and named types.

    A float that an operator takes in float32 alone (the scales of ``Resize``) stays as it is.
    """
    model = inline_local_functions(onnx.load_from_string(content))
    versions = {one.domain: one.version for one in model.opset_import}
    widen_graph(model.graph, Widening(FLOATS, TensorProto.DOUBLE, frozenset(_narrow_values(model, versions))))
    return bytes(model.SerializeToString())


def _narrow_values(model: ModelProto, versions: dict[str, int]) -> Iterable[str]:
    """Yield the names of values that a node takes in float32 and not in float64."""
    for node in all_nodes(model.graph.node):
        if not onnx.defs.has(node.op_type, node.domain):
            continue
        schema = onnx.defs.get_schema(node.op_type, versions.get(node.domain, 1), node.domain)
        for name, formal in zip(node.input, schema.inputs, strict=False):
            if "tensor(float)" in formal.types and "tensor(double)" not in formal.types:
                yield name


def has_only_narrow(model: ModelProto) -> bool:
    """Return whether a model has an operator of ``ai.onnx.ml`` that returns float32 whatever it is given."""
    versions = {one.domain: one.version for one in model.opset_import}
    for node in all_nodes(model.graph.node):
        if node.domain == TREES and onnx.defs.has(node.op_type, node.domain):
            made = onnx.defs.get_schema(node.op_type, versions.get(TREES, 1), TREES).outputs
            if any("tensor(float)" in one.types and "tensor(double)" not in one.types for one in made):
                return True
    return False


def all_nodes(nodes: Iterable[NodeProto]) -> Iterable[NodeProto]:
    """Yield nodes, each followed by those of its bodies (``If``, ``Loop``, ``Scan``)."""
    for node in nodes:
        yield node
        for inner in bodies_of(node):
            yield from all_nodes(inner.node)


def all_graphs(graph: GraphProto) -> Iterable[GraphProto]:
    """Yield a graph, and the bodies of its nodes and of theirs."""
    yield graph
    for node in all_nodes(graph.node):
        yield from bodies_of(node)


def bodies_of(node: NodeProto) -> Iterable[GraphProto]:
    """Yield the bodies of one node, without those within them."""
    for attribute in node.attribute:
        yield from (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs)


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
        _say_default(node, how)
        for attribute in node.attribute:
            if not (node.op_type == "Constant" and node.output[0] in how.kept):
                _widen_attribute(node, attribute, how)


def _say_default(node: NodeProto, how: Widening) -> None:
    """Give a node the attribute whose default would make float32, where that is widened."""
    if TensorProto.FLOAT not in how.types or node.domain not in {"", "ai.onnx"}:
        return
    given = {one.name for one in node.attribute}
    if node.op_type == "ConstantOfShape" and "value" not in given and node.output[0] not in how.kept:
        zero = onnx.helper.make_tensor("", how.wide, [1], [0.0])
        node.attribute.append(onnx.helper.make_attribute("value", zero))
    elif node.op_type in FLOAT_BY_DEFAULT and FLOAT_BY_DEFAULT[node.op_type] not in given:
        node.attribute.append(onnx.helper.make_attribute(FLOAT_BY_DEFAULT[node.op_type], how.wide))


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
