"""How much rounding a model must leave in its outputs, as its graph alone tells."""

from __future__ import annotations

from onnx import GraphProto, ModelProto, NodeProto, TensorProto
from onnx.inliner import inline_local_functions

from ablatrix.workloads.built import Rounding
from ablatrix.workloads.onnx.precision import TYPE_ATTRIBUTES, all_nodes


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNITS = {TensorProto.FLOAT: 2.0**-24, TensorProto.FLOAT16: 2.0**-11, TensorProto.BFLOAT16: 2.0**-8}
# Operators that move or choose values and round none.
EXACT = _words(
    "Abs And ArgMax ArgMin Clip Compress Concat Constant ConstantOfShape DepthToSpace Dropout Equal Expand EyeLike "
    "Flatten Gather GatherElements GatherND Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual Max MaxPool "
    "Min Neg NonZero Not OneHot Or Pad Range Relu Reshape Shape Sign Size Slice SpaceToDepth Split Squeeze Tile TopK "
    "Transpose Trilu Unsqueeze Where Xor"
)
# Operators that turn a difference of rounding into one of another size: a tie may go the other way.
DECIDING = _words(
    "ArgMax ArgMin Ceil Compress DynamicQuantizeLinear Equal Floor Greater GreaterOrEqual Hardmax Less LessOrEqual Mod "
    "NonMaxSuppression NonZero QuantizeLinear Round Sign TopK Unique"
)


def rounding_of(model: ModelProto) -> Rounding:
    """Return the number of operations that round on the longest path, and the narrowest float type among them."""
    graph = inline_local_functions(model).graph
    return Rounding(depth=max(1, _depth(graph)), unit=max(UNITS[one] for one in _float_types(graph)))


def decides(model: ModelProto) -> bool:
    """Return whether a difference of rounding may become one of any size: rounding to integers, comparing, choosing."""
    nodes = all_nodes(inline_local_functions(model).graph.node)
    return any(node.op_type in DECIDING or _casts_to_integer(node) for node in nodes)


def _casts_to_integer(node: NodeProto) -> bool:
    floats = {*UNITS, TensorProto.DOUBLE}
    return node.op_type == "Cast" and all(one.i not in floats for one in node.attribute if one.name == "to")


def _depth(graph: GraphProto) -> int:
    depths: dict[str, int] = {}
    for node in graph.node:
        bodies = [one.g for one in node.attribute if one.HasField("g")]
        read = (depths.get(name, 0) for inner in all_nodes((node,)) for name in inner.input)
        own = max(map(_depth, bodies), default=int(node.op_type not in EXACT))
        reached = max(read, default=0) + own
        depths.update(dict.fromkeys(node.output, reached))
    return max((depths.get(one.name, 0) for one in graph.output), default=0)


def _float_types(graph: GraphProto) -> set[int]:
    """Return the float types that the graph computes in, float32 always among them."""
    found = {TensorProto.FLOAT, *(one.data_type for one in graph.initializer)}
    found.update(one.type.tensor_type.elem_type for one in (*graph.input, *graph.output))
    for node in all_nodes(graph.node):
        for attribute in node.attribute:
            found.add(attribute.i if attribute.name in TYPE_ATTRIBUTES else attribute.t.data_type)
    return found & UNITS.keys()
