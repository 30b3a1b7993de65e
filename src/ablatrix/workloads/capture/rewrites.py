"""Operations that are whole in a lowered program, in the form in which every compiler's own importer takes them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

from ablatrix.workloads.capture.assembly import copy_meta

aten = torch.ops.aten
LEFT_OUT = (None, None, 1e-5)
"""What ``layer_norm`` takes for weight, bias and epsilon where they are left out."""


def copy_operation(graph: torch.fx.Graph, node: torch.fx.Node, source: Callable[[torch.fx.Node], Any]) -> torch.fx.Node:
    """Copy a node to the end of a graph, in another form where some compiler takes only that.

    A layer norm without weight or bias is ``native_layer_norm``, into which torch's own decompositions turn any: TVM's
    importer knows ``layer_norm`` with both alone.

    Args:
        graph: The new graph.
        node: Of the old one.
        source: From an argument in the old graph to what stands for it in the new one.

    Returns:
        What stands for the node.
    """
    if node.target is aten.layer_norm.default and None in (*node.args, *(None,) * 4)[2:4]:
        return _native_layer_norm(graph, node, source)
    copied = graph.node_copy(node, source)
    copy_meta(node, copied)
    return copied


def _native_layer_norm(
    graph: torch.fx.Graph, node: torch.fx.Node, source: Callable[[torch.fx.Node], Any]
) -> torch.fx.Node:
    given = (*node.args, *LEFT_OUT[len(node.args) - 2 :])[:5]
    arguments = torch.fx.map_arg(given, source)
    call = graph.call_function(aten.native_layer_norm.default, arguments)
    copy_meta(node, call)
    call.meta["val"] = aten.native_layer_norm.default(*torch.fx.map_arg(given, lambda one: one.meta["val"]))
    chosen = graph.call_function(operator.getitem, (call, 0))
    copy_meta(node, chosen)
    return chosen
