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
from ablatrix.workloads.built import Built, MakeInputs, generator

RETURNS = "it must return (module, inputs), (module, inputs, dynamic shapes) or a Built"
# Export's own value for "no bound" is above every size that a tensor can have.
NO_BOUND = sys.maxsize // 2


class ByName(nn.Module):  # type: ignore[misc]
    """A model with named inputs, as one that takes them in order."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Call the model with each input under its name."""
        return self.model(**dict(zip(self.names, inputs, strict=True)))


def build_function(spec: str, parameters: Mapping[str, Any]) -> Built:
    """Call the user's function and return what it made as a workload.

    Random weights are seeded, where the function does not seed them itself.

    Raises:
        WorkloadError: It returned anything but a module with its inputs.
    """
    function = import_place(spec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = function(**parameters)
    if isinstance(made, Built):
        return made
    if not isinstance(made, (tuple, list)) or len(made) not in {2, 3} or not isinstance(made[0], nn.Module):
        raise WorkloadError(f"{RETURNS}, but it returned {_shown(made)}")
    module = made[0].eval().requires_grad_(False)
    names, inputs = _named(module, made[1])
    if isinstance(made[1], Mapping):
        module = ByName(module, names)
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


def resample(inputs: Sequence[torch.Tensor], dimensions: Sequence[Mapping[int, str]]) -> MakeInputs:
    """Return a maker of inputs whose values are sampled from given inputs, so that only values that occur are used.

    At the same size they are the same values in another order; at another size they are sampled with replacement.
    """

    def make(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        random = generator(seed)
        made = []
        for one, axes in zip(inputs, dimensions, strict=True):
            shape = [sizes[axes[axis]] if axis in axes else size for axis, size in enumerate(one.shape)]
            flat, count = one.reshape(-1), int(torch.tensor(shape).prod())
            same = count == flat.numel()
            order = (
                torch.randperm(count, generator=random)
                if same
                else torch.randint(len(flat), (count,), generator=random)
            )
            made.append(flat[order].reshape(shape))
        return tuple(made)

    return make


def _named(module: nn.Module, given: Any) -> tuple[tuple[str, ...], tuple[torch.Tensor, ...]]:
    """Return names and tensors of the inputs, in order."""
    if isinstance(given, torch.Tensor):
        given = (given,)
    if isinstance(given, Mapping):
        names, inputs = tuple(map(str, given)), tuple(given.values())
    elif isinstance(given, (tuple, list)):
        inputs = tuple(given)
        taken = [
            name for name, one in inspect.signature(module.forward).parameters.items() if one.kind < one.VAR_POSITIONAL
        ]
        names = tuple(taken[: len(inputs)]) + tuple(f"input_{index}" for index in range(len(taken), len(inputs)))
    else:
        inputs, names = (), ()
    if not inputs or not all(isinstance(one, torch.Tensor) for one in inputs):
        raise WorkloadError(f"inputs must be a tensor, tensors in a tuple, or tensors by name, but got {_shown(given)}")
    wrong = [
        name for name, one in zip(names, inputs, strict=True) if one.is_floating_point() and one.dtype != torch.float32
    ]
    if wrong:
        raise WorkloadError(f"inputs {wrong} must be float32, as models are compiled in float32; add .float()")
    return names, tuple(one.detach().contiguous() for one in inputs)


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
