"""A task converted from a trace of it: OpenVINO has two converters for torch, and each knows operations of its own."""

from __future__ import annotations

from typing import Any

import torch

from ablatrix.compilers.openvino.library import import_openvino
from ablatrix.workloads.program import TaskProgram

aten = torch.ops.aten
NORMS = {True: {0: "backward", 1: "ortho", 2: "forward"}, False: {0: "forward", 1: "ortho", 2: "backward"}}
"""By direction and number of a normalisation in ATen: what ``torch.fft`` calls it."""


def convert_traced(task: TaskProgram) -> Any:
    """Return a task as a model of OpenVINO, converted from a trace: its inputs in order.

    Raises:
        Exception: Whatever the converter raises.
    """
    module = task.exported.module(check_guards=False)
    for node in list(module.graph.nodes):
        if node.target is aten._fft_c2c.default:
            _as_public_fft(node)
        elif node.target is aten.index_put.default:
            node.target = _put
    module.graph.eliminate_dead_code()
    module.recompile()
    with torch.no_grad():
        return import_openvino().convert_model(_Positional(module), example_input=_examples(task))


class _Positional(torch.nn.Module):  # type: ignore[misc]
    """A program as a module that can be traced: its own forward looks at the structure of what it is given."""

    def __init__(self, module: torch.fx.GraphModule) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Run the program."""
        return self.module(*inputs)

    def train(self, _mode: bool = True) -> _Positional:
        """Stay as it is: an exported program has one mode, and says so with an error."""
        return self


def _put(x: torch.Tensor, indices: Any, values: torch.Tensor, accumulate: bool = False) -> torch.Tensor:
    """Return what ``index_put`` does, in the form that the converter of traces knows: in place, here of a copy."""
    return x.clone().index_put_(indices, values, accumulate)


def _as_public_fft(node: torch.fx.Node) -> None:
    """Let a Fourier transform be the public one, of a real input where it was made complex for that: both are known."""
    given, axes, norm, forward = node.args
    if given.target is aten._to_copy.default and not given.args[0].meta["val"].is_complex():
        given = given.args[0]
    with node.graph.inserting_before(node):
        function = torch.fft.fftn if forward else torch.fft.ifftn
        made = node.graph.call_function(function, (given,), {"dim": tuple(axes), "norm": NORMS[forward][norm]})
    made.meta = dict(node.meta)
    node.replace_all_uses_with(made)


def _examples(task: TaskProgram) -> tuple[torch.Tensor, ...]:
    """Return inputs of the task's shapes, which any index fits; a dynamic size has its bound."""
    names = set(task.exported.graph_signature.user_inputs)
    tensors = [
        node.meta["val"] for node in task.exported.graph.nodes if node.op == "placeholder" and node.name in names
    ]
    return tuple(torch.zeros([_size(one, task) for one in tensor.shape], dtype=tensor.dtype) for tensor in tensors)


def _size(size: Any, task: TaskProgram) -> int:
    if isinstance(size, int):
        return size
    expression = size.node.expr
    return int(expression.subs({symbol: task.upper_bounds[str(symbol)] for symbol in expression.free_symbols}))
