"""A workload in another type: its weights, buffers, constants and inputs that are floats are cast, once, when built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from ablatrix.workloads.built import Built
from ablatrix.workloads.capture.precision import ASSERTS
from ablatrix.workloads.numeric_types import DTYPE, WEIGHTS_DTYPE
from ablatrix.workloads.quantising import quantise


def apply_common(built: Built, common: Mapping[str, Any]) -> Built:
    """Return a workload as the parameters of every workload ask for it.

    Args:
        built: As its builder made it; its module is changed.
        common: The parameters, by name.
    """
    if DTYPE in common:
        built = cast_built(built, getattr(torch, common[DTYPE]))
    return quantise(built, common[WEIGHTS_DTYPE]) if WEIGHTS_DTYPE in common else built


def cast_built(built: Built, dtype: torch.dtype) -> Built:
    """Return a workload whose floats are of a type, as ``module.to(dtype)`` and ``input.to(dtype)`` make it.

    Tensors that a module holds as plain attributes are cast, too: they would be constants of the program. What
    ``forward`` itself names or makes stays as it is written: a norm that computes in float32 still does. A program that
    was exported before says the type of each of its values, so that what followed a type cannot be told from what named
    it: every float32 in it becomes the type, and it is exported again.

    Args:
        built: As its builder made it; its module is changed.
        dtype: float16 or bfloat16.
    """
    made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # by the id of what was there: a shared one stays shared
    for part in built.module.modules():
        if isinstance(part, torch.fx.GraphModule) and built.exported is not None:
            _retype(part, dtype)
        for holder in (part._parameters, part._buffers, vars(part)):
            for name, value in list(holder.items()):
                if isinstance(value, torch.Tensor):
                    holder[name] = made.setdefault(id(value), (value, _cast_weight(value, dtype)))[1]

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return tuple(saturate(one, dtype) for one in built.make_inputs(seed, sizes))

    own = built.own_inputs
    return replace(
        built,
        make_inputs=make_inputs,
        own_inputs=None if own is None else tuple(saturate(one, dtype) for one in own),
        exported=None,
    )


def saturate(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return floats in a type, finite ones beyond its range as its largest; other tensors as they are.

    The least float32, which masks of attention hold, is then the least number of the type, as a model that was written
    in that type has it, and not an infinity.
    """
    if not tensor.is_floating_point() or tensor.dtype == dtype:
        return tensor
    limits = torch.finfo(dtype)
    return torch.where(tensor.isfinite(), tensor.clamp(limits.min, limits.max), tensor).to(dtype)


def floating_types(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> str | None:
    """Return the floating types of weights, buffers and inputs, as torch names them, joined by +; None for none."""
    held = [*module.parameters(), *module.buffers(), *inputs]
    names = {str(one.dtype).removeprefix("torch.") for one in held if one.is_floating_point()}
    return "+".join(sorted(names)) or None


def _cast_weight(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    cast = saturate(value.detach(), dtype)
    return torch.nn.Parameter(cast, requires_grad=False) if isinstance(value, torch.nn.Parameter) else cast


def _retype(module: torch.fx.GraphModule, dtype: torch.dtype) -> None:
    """Let an exported program say a type wherever it says float32, or made such a tensor without saying so."""

    def renamed(value: Any) -> Any:
        return dtype if value is torch.float32 else value

    for node in list(module.graph.nodes):
        if node.target in ASSERTS:
            module.graph.erase_node(node)
            continue
        node.args, node.kwargs = torch.fx.node.map_aggregate((node.args, node.kwargs), renamed)
        made, schema = node.meta.get("val"), getattr(node.target, "_schema", None)
        takes_type = schema is not None and any(one.name == "dtype" for one in schema.arguments)
        if takes_type and isinstance(made, torch.Tensor) and made.dtype == torch.float32 and not _reads_tensors(node):
            node.kwargs = {"dtype": dtype, **node.kwargs}
    module.recompile()


def _reads_tensors(node: torch.fx.Node) -> bool:
    return any(isinstance(one.meta.get("val"), torch.Tensor) for one in node.all_input_nodes)
