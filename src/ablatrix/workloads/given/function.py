"""A user's function that returns a model with its inputs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ablatrix.errors import WorkloadError
from ablatrix.import_spec import import_place
from ablatrix.workloads.built import Built
from ablatrix.workloads.given.mode import settle_mode
from ablatrix.workloads.given.structure import Structured, find_tensors, return_flat
from ablatrix.workloads.inputs.resampling import resample

RETURNS = "it must return (module, inputs), (module, inputs, dynamic shapes) or a Built"
# Export's own value for "no bound" is above every size that a tensor can have.
NO_BOUND = sys.maxsize // 2
FLOATS = (torch.float32, torch.float16, torch.bfloat16)


def build_function(spec: str, parameters: Mapping[str, Any], train: bool = False) -> Built:
    """Call the user's function and return what it made as a workload.

    Random weights are seeded, where the function does not seed them itself.

    Args:
        spec: Names the function.
        parameters: What it is called with.
        train: Whether the model is meant to be in train mode.

    Raises:
        WorkloadError: It returned anything but a module with its inputs, or a module in train mode that is not meant
            to be.
    """
    function = import_place(spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = function(**parameters)
    if isinstance(made, Built):
        return made
    if not isinstance(made, (tuple, list)) or len(made) not in {2, 3} or not isinstance(made[0], nn.Module):
        raise WorkloadError(f"{RETURNS}, but it returned {_shown(made)}")
    module = made[0].requires_grad_(False)
    settle_mode(module, train)
    names, inputs, module = _taken(module, made[1])
    return_flat(module)
    dynamic, sizes, dimensions = _read_dynamic(names, inputs, made[2] if len(made) == 3 else None)
    return Built(
        module=module,
        make_inputs=resample(inputs, [dimensions.get(name, {}) for name in names]),
        input_names=names,
        dynamic=dynamic,
        timed_sizes=sizes,
        input_dimensions=dimensions,
        own_inputs=inputs,
    )


def _taken(module: nn.Module, given: Any) -> tuple[tuple[str, ...], tuple[torch.Tensor, ...], nn.Module]:
    """Return names and tensors of the inputs in order, and the module that takes them so."""
    if isinstance(given, torch.Tensor):
        given = (given,)
    if type(given) not in {tuple, list} and not isinstance(given, Mapping):
        raise WorkloadError(f"inputs must be a tensor, inputs in a tuple, or inputs by name, but got {_shown(given)}")
    named = {str(key): one for key, one in given.items()} if isinstance(given, Mapping) else _in_order(module, given)
    torn = find_tensors(named, "input")
    if not torn.tensors:
        raise WorkloadError(f"inputs must hold a tensor, but got {_shown(given)}")
    wrong = [
        name
        for name, one in zip(torn.names, torn.tensors, strict=True)
        if one.is_floating_point() and one.dtype not in FLOATS
    ]
    if wrong:
        raise WorkloadError(f"inputs {wrong} must be float32, float16 or bfloat16; add .float()")
    plain = all(isinstance(one, torch.Tensor) for one in named.values())
    if isinstance(given, Mapping):
        module = Structured(module, torn, by_name=True)
    elif not plain:
        module = Structured(module, torn, by_name=False)
    return torn.names, tuple(one.detach().contiguous() for one in torn.tensors), module


def _in_order(module: nn.Module, given: Sequence[Any]) -> dict[str, Any]:
    """Return inputs under the names that the module has for them."""
    taken = [
        name for name, one in inspect.signature(module.forward).parameters.items() if one.kind < one.VAR_POSITIONAL
    ]
    names = taken[: len(given)] + [f"input_{index}" for index in range(len(taken), len(given))]
    return dict(zip(names, given, strict=True))


def _read_dynamic(
    names: Sequence[str], inputs: Sequence[torch.Tensor], given: Any
) -> tuple[dict[str, tuple[int, int]], dict[str, int], dict[str, dict[int, str]]]:
    """Return bounds and given sizes by dimension, and the dimensions of each input by axis."""
    bounds: dict[str, tuple[int, int]] = {}
    sizes: dict[str, int] = {}
    dimensions: dict[str, dict[int, str]] = {}
    if given is None:
        return bounds, sizes, dimensions
    by_name = dict(given) if isinstance(given, Mapping) else dict(zip(names, given, strict=False))
    if set(by_name) - set(names):
        raise WorkloadError(f"dynamic shapes name {sorted(set(by_name) - set(names))}; the inputs are {list(names)}")
    for name, tensor in zip(names, inputs, strict=True):
        axes = by_name.get(name) or {}
        pairs = axes.items() if isinstance(axes, Mapping) else enumerate(axes)
        for axis, dimension in pairs:
            if dimension is None:
                continue
            word, low, high = (getattr(dimension, key, None) for key in ("__name__", "min", "max"))
            if not isinstance(low, int) or not isinstance(high, int) or high >= NO_BOUND:
                raise WorkloadError(
                    f"axis {axis} of input '{name}': a dynamic dimension needs a name and an upper bound, "
                    'for memory to be planned: torch.export.Dim("tokens", min=2, max=128)'
                )
            bounds[str(word)] = (max(low, 2), high)
            sizes.setdefault(str(word), tensor.shape[axis])
            dimensions.setdefault(name, {})[axis] = str(word)
    return bounds, sizes, dimensions


def _shown(made: Any) -> str:
    if isinstance(made, (tuple, list)):
        return f"({', '.join(type(one).__name__ for one in made)})"
    return type(made).__name__
