"""Further input sets from inputs that somebody gave: other values where that is safe, and valid ones always."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from ablatrix.workloads.built import MakeInputs, generator

FEW = 2  # values of a mask; elements of which any two are in some order


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
