"""Which outputs of a model are quantised, and how far apart two values next to each other are, as its graph tells."""

from __future__ import annotations

import numpy
from onnx import ModelProto, NodeProto, numpy_helper
from onnx.inliner import inline_local_functions


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Operators that move or choose values of their first input, and so leave multiples of a quantum multiples of it.
MOVING = _words(
    "DepthToSpace Flatten Gather Identity MaxPool Relu Reshape Slice SpaceToDepth Split Squeeze Transpose Unsqueeze"
)
# Operators whose first output is the whole number itself.
WHOLE = _words("DynamicQuantizeLinear QLinearAdd QLinearConv QLinearMatMul QLinearMul QuantizeLinear")


def quanta_of(model: ModelProto) -> tuple[float, ...]:
    """Return the quantum of each output; 0 for one that is not quantised, or whose scale is no constant of the model.

    A scale for each channel counts with the largest.
    """
    graph = inline_local_functions(model).graph
    makers = {name: node for node in graph.node for name in node.output}
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            held[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return tuple(_quantum(one.name, makers, held) for one in graph.output)


def _quantum(name: str, makers: dict[str, NodeProto], held: dict[str, numpy.ndarray]) -> float:
    node = makers.get(name)
    while node is not None and node.op_type in MOVING:
        name = node.input[0]
        node = makers.get(name)
    if node is None:
        return 0.0
    if node.op_type in WHOLE:
        return 1.0 if name == node.output[0] else 0.0
    scale = held.get(node.input[1]) if node.op_type == "DequantizeLinear" else None
    return 0.0 if scale is None else float(numpy.abs(scale.astype(numpy.float64)).max(initial=0.0))
