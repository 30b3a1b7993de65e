"""A user's function that returns a model with its inputs."""

from __future__ import annotations

import inspect
import math
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
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
FEW = 2  # values of a mask; elements of which any two are in some order


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
    """Return a maker of inputs whose values are those of given inputs, so that only values that occur are used.

    Floats are in another order at the same size, and sampled with replacement at another. What their order may mean
    something in stays valid: integers and booleans (offsets, edges, columns with a cardinality of their own, masks),
    and floats that are infinite somewhere or have two values at most (masks too), are as given; floats whose rows are
    sorted (boundaries) keep each row. At another size these are stretched along the dimension, which repeats or omits
    elements in their order.
    """

    def make(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        random = generator(seed)
        made = []
        for one, axes in zip(inputs, dimensions, strict=True):
            if _is_free(one):
                shape = [sizes[axes[axis]] if axis in axes else size for axis, size in enumerate(one.shape)]
                made.append(_sampled(one, shape, random))
                continue
            kept = _stretched(one, {axis: sizes[name] for axis, name in axes.items()})
            rows = kept.shape[0] if kept.dim() > 1 and _is_sorted(kept) else 1
            made.append(kept.roll(1 + int(torch.randint(rows - 1, (1,), generator=random)), 0) if rows > 1 else kept)
        return tuple(made)

    return make


def _sampled(one: torch.Tensor, shape: Sequence[int], random: torch.Generator) -> torch.Tensor:
    flat, count = one.reshape(-1), math.prod(shape)
    same = count == flat.numel()
    order = torch.randperm(count, generator=random) if same else torch.randint(len(flat), (count,), generator=random)
    return flat[order].reshape(shape)


def _stretched(one: torch.Tensor, sizes: Mapping[int, int]) -> torch.Tensor:
    kept = one.clone()
    for axis, size in sizes.items():
        kept = kept.index_select(axis, torch.arange(size) * kept.shape[axis] // size)
    return kept


def _is_free(one: torch.Tensor) -> bool:
    """Whether the order of elements means nothing that a program could rely on, as far as values show."""
    if not (one.is_floating_point() or one.is_complex()):
        return False
    return bool(one.isfinite().all()) and (one.is_complex() or (len(one.unique()) > FEW and not _is_sorted(one)))


def _is_sorted(one: torch.Tensor) -> bool:
    """Whether each row of floats ascends, and there are enough of them for that not to be chance."""
    return one.is_floating_point() and one.dim() > 0 and one.shape[-1] > FEW and bool((one.diff(dim=-1) >= 0).all())


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
        name for name, one in zip(names, inputs, strict=True) if one.is_floating_point() and one.dtype not in FLOATS
    ]
    if wrong:
        raise WorkloadError(f"inputs {wrong} must be float32, float16 or bfloat16; add .float()")
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
