"""Destination passing: a task that writes its outputs into storage that its caller provides.

Each output becomes one more input, and the task copies the output's value into it at its end::

    main(x):                       main(x, output_0):
      y = relu(x)                    y = relu(x)
      return (y,)                    output_0.copy_(y)
                                     return ()

Inductor lets the kernel that computes ``y`` write into ``output_0`` itself; only what a library's kernel computed is
copied.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.export import ExportedProgram

from ablatrix.errors import CompilerError


def pass_destinations(exported: ExportedProgram) -> tuple[torch.fx.GraphModule, list[Any]]:
    """Return the task with its outputs as last inputs, and fake tensors for all of its inputs.

    The executor gives contiguous tensors, so the inputs are declared as such. Symbols keep their names. Weights that
    are part of the task are buffers of the module.
    """
    graph = copy.deepcopy(exported.graph)
    module = _weights(exported, graph)
    output = graph.output_node()
    values = output.args[0]
    last = [node for node in graph.nodes if node.op == "placeholder"][-1]
    for index, value in enumerate(values):
        with graph.inserting_after(last):
            last = graph.placeholder(f"output_{index}")
        last.meta["val"] = value.meta["val"]
        with graph.inserting_before(output):
            graph.call_function(torch.ops.aten.copy_.default, (last, value))
    output.args = ((),)
    inputs = []
    for node in graph.nodes:
        if node.op == "placeholder":
            node.meta["val"] = _contiguous(node.meta["val"])
            inputs.append(node.meta["val"])
    return torch.fx.GraphModule(module, graph), inputs


def _weights(exported: ExportedProgram, graph: torch.fx.Graph) -> torch.nn.Module:
    """Return a module with the weights of a task, and let the graph take them from there."""
    module = torch.nn.Module()
    targets = {spec.arg.name: spec.target for spec in exported.graph_signature.input_specs if spec.target is not None}
    for node in [one for one in graph.nodes if one.op == "placeholder" and one.name in targets]:
        name = targets[node.name]
        module.register_buffer(name, exported.state_dict[name])
        with graph.inserting_before(node):
            taken = graph.get_attr(name)
        taken.meta["val"] = node.meta["val"]
        node.replace_all_uses_with(taken)
        graph.erase_node(node)
    return module


def _contiguous(value: Any) -> Any:
    mode = getattr(value, "fake_mode", None)
    if mode is None:
        raise CompilerError("an input of the task has no fake tensor; the program was not made by torch.export")
    with mode:
        return torch.empty(value.shape, dtype=value.dtype, device=value.device)
