"""The same program in float64, for the oracle."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.export import ExportedProgram

WIDE: Mapping[torch.dtype, torch.dtype] = types.MappingProxyType(
    {
        torch.float16: torch.float64,
        torch.bfloat16: torch.float64,
        torch.float32: torch.float64,
        torch.complex32: torch.complex128,
        torch.complex64: torch.complex128,
    }
)
"""What stands for each type of a program in its oracle."""
ASSERTS = frozenset({torch.ops.aten._assert_tensor_metadata.default})


def in_float64(program: ExportedProgram) -> Callable[..., Any]:
    """Return a callable that runs a program with every float and complex type, weight and constant in double precision.

    Casting the module (``.double()``) is not enough: programs name types in their operations, and operations without
    one (``zeros``, ``arange``, the quotient of integers) take torch's default, which is float64 while the callable
    runs. The program itself and its weights stay as they are. Float and complex inputs have to be given wide.
    """
    module: Any = program.module(check_guards=False)
    for part in module.modules():
        if isinstance(part, torch.fx.GraphModule):
            _widen_graph(part)
        for holder in (part._parameters, part._buffers, vars(part)):
            for name, value in list(holder.items()):
                if isinstance(value, torch.Tensor) and value.dtype in WIDE:
                    holder[name] = _widen_tensor(value)

    def run(*inputs: torch.Tensor) -> Any:
        with default_dtype(torch.float64):
            return module(*inputs)

    return run


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make a type torch's default for tensors that are made without one, and put the former one back."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def widen(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return tensors with floats in float64, complex ones in complex128, and the others as they are."""
    return [one.to(WIDE.get(one.dtype, one.dtype)) for one in tensors]


def _widen_graph(module: torch.fx.GraphModule) -> None:
    for node in list(module.graph.nodes):
        if node.target in ASSERTS:
            module.graph.erase_node(node)
        elif node.target is torch.ops.aten.view.dtype:
            _keep_bits(module.graph, node)
        elif node.target is torch.ops.higher_order.wrap_with_autocast:
            device, dtype, _, *further = node.args
            node.args = (device, dtype, False, *further)
        else:
            node.args, node.kwargs = torch.fx.node.map_aggregate((node.args, node.kwargs), _widen)
    module.recompile()


def _keep_bits(graph: torch.fx.Graph, node: torch.fx.Node) -> None:
    """Let a view of a value's bits as another type be of the bits that the program's own type has."""
    source, dtype = node.args
    value = source.meta["val"]
    with graph.inserting_before(node):
        node.args = (graph.call_function(torch.ops.aten._to_copy.default, (source,), {"dtype": value.dtype}), dtype)
    if dtype in WIDE:
        with graph.inserting_after(node):
            wide = graph.call_function(torch.ops.aten._to_copy.default, (node,), {"dtype": WIDE[dtype]})
        node.replace_all_uses_with(wide, delete_user_cb=lambda user: user is not wide)


def _widen(value: Any) -> Any:
    return WIDE.get(value, value) if isinstance(value, torch.dtype) else value


def _widen_tensor(value: torch.Tensor) -> torch.Tensor:
    wide = value.detach().to(WIDE[value.dtype])
    return torch.nn.Parameter(wide, requires_grad=False) if isinstance(value, torch.nn.Parameter) else wide
