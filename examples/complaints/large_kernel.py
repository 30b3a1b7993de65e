"""Writes large_kernel.onnx: a convolution with a window of 11 x 11, whose weights are made in the graph."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

CHANNELS, IMAGE, KERNEL = 32, 48, 11


def model() -> onnx.ModelProto:
    """Return y = relu(convolution(x)); ONNX Runtime folds the weights into a constant before it chooses a layout."""
    shape = [1, CHANNELS, IMAGE, IMAGE]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy")
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.01])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["weight"], value=value),
        helper.make_node("Conv", ["x", "weight"], ["product"], pads=[KERNEL // 2] * 4, kernel_shape=[KERNEL] * 2),
        helper.make_node("Relu", ["product"], ["y"]),
    ]
    sizes = helper.make_tensor("shape", TensorProto.INT64, [4], [CHANNELS, CHANNELS, KERNEL, KERNEL])
    graph = helper.make_graph(nodes, "large_kernel", [x], [y], [sizes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    onnx.save(model(), Path(__file__).with_suffix(".onnx"))
