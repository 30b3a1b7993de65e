"""The same program in float64, for the oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.export import ExportedProgram

FLOATS = frozenset({torch.float16, torch.bfloat16, torch.float32})


def in_float64(program: ExportedProgram) -> Callable[..., Any]:
    """Return a callable that runs a program with every float type, weight and constant in float64.

    Casting the module (``.double()``) is not enough: programs name types in their operations. The program
    itself and its weights stay as they are. Float inputs have to be given in float64.
    """
    module: Any = program.module(check_guards=False)
    for node in list(module.graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            module.graph.erase_node(node)
            continue
        node.args, node.kwargs = torch.fx.node.map_aggregate((node.args, node.kwargs), _widen)
    for part in module.modules():
        for holder in (part._parameters, part._buffers, vars(part)):
            for name, value in list(holder.items()):
                if isinstance(value, torch.Tensor) and value.dtype in FLOATS:
                    holder[name] = _widen_tensor(value)
    module.recompile()
    run: Callable[..., Any] = module
    return run


def widen(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return tensors with floats in float64, and the others as they are."""
    return [one.double() if one.is_floating_point() else one for one in tensors]


def _widen(value: Any) -> Any:
    return torch.float64 if isinstance(value, torch.dtype) and value in FLOATS else value


def _widen_tensor(value: torch.Tensor) -> torch.Tensor:
    wide = value.detach().to(torch.float64)
    return torch.nn.Parameter(wide, requires_grad=False) if isinstance(value, torch.nn.Parameter) else wide
