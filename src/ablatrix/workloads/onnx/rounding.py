"""How much rounding a model must leave in its outputs, as its graph alone tells."""

from __future__ import annotations

import math

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto
from onnx.inliner import inline_local_functions

from ablatrix.workloads.onnx.precision import all_nodes


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


def rounding_of(model: ModelProto) -> float:
    """Return the error, relative to the values, that rounding is expected to leave in the outputs.

    Errors of independent roundings add up like a random walk (Higham, Accuracy and Stability of Numerical Algorithms,
    2002, section 2.8): along a path it is the root of the sum of the squares of the unit roundoffs of the types that
    its operations return. The longest path counts.
    """
    inlined = inline_local_functions(model)
    return max(UNITS[TensorProto.FLOAT], math.sqrt(_longest(inlined.graph, value_types(inlined))))


def value_types(model: ModelProto) -> dict[str, int]:
    """Return the element type of each value that the standard's rules of inference can tell."""
    found: dict[str, int] = {}
    graphs = [onnx.shape_inference.infer_shapes(model).graph]
    for graph in graphs:
        found.update((one.name, one.data_type) for one in graph.initializer)
        for value in (*graph.value_info, *graph.input, *graph.output):
            found[value.name] = value.type.tensor_type.elem_type
        graphs += [one.g for node in graph.node for one in node.attribute if one.HasField("g")]
    return found


def decides(model: ModelProto) -> bool:
    """Return whether a difference of rounding may become one of any size: rounding to integers, comparing, choosing."""
    nodes = all_nodes(inline_local_functions(model).graph.node)
    return any(node.op_type in DECIDING or _casts_to_integer(node) for node in nodes)


def _casts_to_integer(node: NodeProto) -> bool:
    floats = {*UNITS, TensorProto.DOUBLE}
    return node.op_type == "Cast" and all(one.i not in floats for one in node.attribute if one.name == "to")


def _longest(graph: GraphProto, types: dict[str, int]) -> float:
    """Return the largest sum of squared unit roundoffs over the paths to an output."""
    sums: dict[str, float] = {}
    for node in graph.node:
        read = max((sums.get(name, 0.0) for inner in all_nodes((node,)) for name in inner.input), default=0.0)
        bodies = [_longest(one.g, types) for one in node.attribute if one.HasField("g")]
        for name in node.output:
            unit = 0.0 if node.op_type in EXACT else UNITS.get(types.get(name, TensorProto.FLOAT), 0.0)
            sums[name] = read + max(bodies, default=unit**2)
    return max((sums.get(one.name, 0.0) for one in graph.output), default=0.0)
