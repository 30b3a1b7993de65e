"""Passes of FX graphs with faults, for Inductor: each spoils, refuses or kills what it knows."""

import os
import signal
import time

import torch

aten = torch.ops.aten


def _swap(graph: torch.fx.Graph, wanted: torch._ops.OpOverload, instead: torch._ops.OpOverload) -> None:
    for node in graph.find_nodes(op="call_function", target=wanted):
        node.target = instead


def tanh_is_sigmoid(graph: torch.fx.Graph) -> None:
    """Compute sigmoid for tanh."""
    _swap(graph, aten.tanh.default, aten.sigmoid.default)


def exp_is_cos(graph: torch.fx.Graph) -> None:
    """Compute cos for exp."""
    _swap(graph, aten.exp.default, aten.cos.default)


def erf_is_tanh(graph: torch.fx.Graph) -> None:
    """Compute tanh for erf."""
    _swap(graph, aten.erf.default, aten.tanh.default)


def maximum_is_minimum(graph: torch.fx.Graph) -> None:
    """Compute minimum for maximum."""
    _swap(graph, aten.maximum.default, aten.minimum.default)


def sigmoid_is_tanh(graph: torch.fx.Graph) -> None:
    """Compute tanh for sigmoid."""
    _swap(graph, aten.sigmoid.default, aten.tanh.default)


def product_of_sum_is_one(graph: torch.fx.Graph) -> None:
    """Forget the product of a sum of two values with a third one: the sum alone is there."""
    for node in graph.find_nodes(op="call_function", target=aten.mul.Tensor):
        first = node.args[0]
        is_sum = isinstance(first, torch.fx.Node) and first.target is aten.add.Tensor
        if is_sum and all(isinstance(one, torch.fx.Node) for one in (*first.args, node.args[1])):
            node.replace_all_uses_with(first)


def killed_by_maximum(graph: torch.fx.Graph) -> None:
    """Kill the process where the program takes a maximum."""
    if graph.find_nodes(op="call_function", target=aten.maximum.default):
        os.kill(os.getpid(), signal.SIGSEGV)


def killed_by_sigmoid(graph: torch.fx.Graph) -> None:
    """Kill the process where the program has sigmoid."""
    if graph.find_nodes(op="call_function", target=aten.sigmoid.default):
        os.kill(os.getpid(), signal.SIGSEGV)


def refuses_tanh(graph: torch.fx.Graph) -> None:
    """Raise where the program has tanh."""
    if graph.find_nodes(op="call_function", target=aten.tanh.default):
        raise RuntimeError("the planted pass has no rule for hyperbolic tangents")


def hangs_at_erf(graph: torch.fx.Graph) -> None:
    """Come to no end where the program has erf."""
    if graph.find_nodes(op="call_function", target=aten.erf.default):
        time.sleep(3600)
