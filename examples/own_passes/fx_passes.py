"""The same three passes for Inductor: functions that change an FX graph in place."""

import torch

aten = torch.ops.aten


def reciprocal(graph: torch.fx.Graph) -> None:
    """Multiply by the reciprocal of a constant instead of dividing by it."""
    for node in graph.find_nodes(op="call_function", target=aten.div.Tensor):
        if isinstance(node.args[1], float):
            node.target = aten.mul.Tensor
            node.args = (node.args[0], 1.0 / node.args[1])


def tanh_gelu(graph: torch.fx.Graph) -> None:
    """Approximate GELU by tanh: faster, and another function."""
    for node in graph.find_nodes(op="call_function", target=aten.gelu.default):
        node.kwargs = {**node.kwargs, "approximate": "tanh"}


def nothing(graph: torch.fx.Graph) -> None:
    """Leave the graph as it is."""
