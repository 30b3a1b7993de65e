"""Writes cast_and_divide.onnx: a value, cast to the type that it has, times one over another."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

SHAPE = [4, 8]


def model() -> onnx.ModelProto:
    """Return y = (1 / exp(a)) * cast(b)."""
    a, b, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in "aby")
    nodes = [
        helper.make_node("Exp", ["a"], ["divisor"]),
        helper.make_node("Cast", ["b"], ["same"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["one", "divisor"], ["inverse"]),
        helper.make_node("Mul", ["inverse", "same"], ["y"]),
    ]
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    graph = helper.make_graph(nodes, "cast_and_divide", [a, b], [y], [one])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    onnx.save(model(), Path(__file__).with_suffix(".onnx"))
