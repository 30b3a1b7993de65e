"""A program run with other roundings: after each operation its result is moved by what rounding may have done to it.

Random errors of the size of the unit roundoff in each operation show how far a result depends on roundings (Monte Carlo
arithmetic: Parker 1997; Denis, de Oliveira Castro and Petit 2016). Operations that round nothing move nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.workloads.rounding_errors import (
    LIBRARY,
    Call,
    Size,
    error_of_variance,
    rounds,
    size_of_error,
    unit_roundoff,
)

POOL = 2**18 + 3  # numbers drawn once; each operation takes a stretch of them
DECISION = 8  # roundings by which the argument of a decision moves, so that a near tie falls both ways

_EXACT = """
abs alias amax amin arange as_strided bernoulli bitwise_and bitwise_not bitwise_or bitwise_xor cat clamp
clamp_max clamp_min clone complex constant_pad_nd contiguous copy cummax cummin detach embedding empty empty_like
empty_strided eye fill flip fmod full full_like gather hardtanh imag index index_fill index_select isfinite isinf isnan
kthvalue lift_fresh logical_and logical_not logical_or logical_xor masked_fill masked_scatter masked_select max
max_pool2d_with_indices max_pool3d_with_indices maximum median min minimum mode nan_to_num neg new_empty
new_empty_strided new_full new_ones new_zeros nonzero ones ones_like pixel_shuffle pixel_unshuffle real
reflection_pad1d reflection_pad2d relu remainder repeat replication_pad1d replication_pad2d resolve_conj resolve_neg
roll rot90 scalar_tensor scatter select_scatter sgn sign slice_scatter sort stack threshold topk tril triu
upsample_nearest1d upsample_nearest2d upsample_nearest3d where zero zeros zeros_like _local_scalar_dense
_reshape_alias _unsafe_index _unsafe_view
"""
EXACT = frozenset(_EXACT.split())
"""Operations that move, choose or make values without rounding."""
DECISIONS = frozenset(("ceil", "floor", "round", "trunc", "bucketize", "searchsorted", "floor_divide"))
NORMS = frozenset(("native_layer_norm", "native_group_norm"))
OPAQUE = ("linalg", "attention", "lstm", "gru", "batch_norm")  # parts of names of what has many roundings inside


class Rounding(TorchDispatchMode):  # type: ignore[misc]
    """While it is entered, each operation's result is moved by random errors of the size of its roundings.

    Whole numbers that a type holds exactly stay as they are: counts, sizes and positions are computed without rounding.

    Args:
        seed: Of the errors.
        sign: 1 or -1: the same errors to the other side, so that a near tie that one run misses is met by the other.
    """

    supports_higher_order_operators = True

    def __init__(self, seed: int, sign: float = 1.0) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)
        drawn = (torch.rand(POOL, generator=self._random) - 0.5) * (sign * math.sqrt(12))
        self._pool = drawn.repeat(2)  # so that a stretch may begin anywhere

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation, and move what it returns."""
        kwargs = kwargs or {}
        if not isinstance(function, torch._ops.OpOverload):
            return function(*args, **kwargs)
        name = function._schema.name.partition("::")[2].rstrip("_")
        if function.is_view or name in EXACT or (name.endswith("_copy") and name != "_to_copy"):
            return function(*args, **kwargs)
        made = function(*self._move_inputs(function, name, args, kwargs), **kwargs)
        if name in DECISIONS:
            return made
        if name in NORMS:
            self._move_spread(name, args, made[0])
        leaves, structure = pytree.tree_flatten(made)
        moved = [
            self._move(one, size_of_error(Call(function, name, args, kwargs, one, position)))
            if isinstance(one, torch.Tensor) and rounds(one.dtype)
            else one
            for position, one in enumerate(leaves)
        ]
        return pytree.tree_unflatten(moved, structure)

    def _move_inputs(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """Return arguments of which those have moved that decide, or go into an operation of unknown roundings."""
        if name in DECISIONS or (name == "_to_copy" and not rounds(kwargs.get("dtype", args[0].dtype))):
            place = 1 if name == "searchsorted" else 0
            return (*args[:place], self._move_by(args[place], DECISION), *args[place + 1 :])
        if name in NORMS:
            return (self._move_by(args[0], 1), *args[1:])
        if function.namespace != "aten" or any(part in name for part in OPAQUE):
            return tuple(pytree.tree_map_only(torch.Tensor, lambda one: self._move_by(one, LIBRARY), list(args)))
        return args

    def _move_by(self, value: Any, roundings: float) -> Any:
        if not isinstance(value, torch.Tensor) or not rounds(value.dtype):
            return value
        return self._move(value.clone(), roundings * unit_roundoff(value.dtype) * value.abs())

    def _move_spread(self, name: str, args: tuple[Any, ...], made: torch.Tensor) -> None:
        """Scale what a norm returned, without its bias, as the variance that it divides by may be rounded."""
        value: torch.Tensor = args[0]
        grouped = name == "native_group_norm"
        rows = (value.reshape(value.shape[0], args[6], -1) if grouped else value).double()
        axes = [-1] if grouped else list(range(-len(args[1]), 0))
        variance = rows.var(axes, correction=0, keepdim=True)
        squares = rows.square().mean(axes, keepdim=True)
        size = unit_roundoff(value.dtype) * error_of_variance(squares, value.numel() / squares.numel())
        epsilon = args[7 if grouped else 4]
        other = (variance + size * self._draw(variance)).clamp_min(0)
        scale = ((variance + epsilon) / (other + epsilon)).sqrt().expand_as(rows).reshape(value.shape)
        bias = args[2 if grouped else 3]
        if bias is None:
            made.mul_(scale)
            return
        bias = bias.reshape(-1, *[1] * (value.dim() - 2)) if grouped else bias
        made.copy_((made - bias) * scale + bias)

    def _move(self, value: torch.Tensor, size: Size) -> torch.Tensor:
        """Move a result in its own storage, and return it."""
        if size is None or value.numel() == 0:
            return value
        parts = torch.view_as_real(value) if value.is_complex() else value
        if value.is_complex() and isinstance(size, torch.Tensor) and size.dim():
            size = size.unsqueeze(-1)
        whole = (parts == parts.trunc()) & (parts.abs() < 0.25 / unit_roundoff(value.dtype))
        error = (self._draw(parts) * size).masked_fill_(whole | ~torch.isfinite(parts), 0.0)
        parts.add_(error.to(parts.dtype))
        return value

    def _draw(self, like: torch.Tensor) -> torch.Tensor:
        """Return errors of root mean square 1, of a tensor's shape."""
        count = like.numel()
        start = int(torch.randint(POOL, (1,), generator=self._random))
        stretch = self._pool[start : start + min(count, POOL)]
        if count > POOL:
            stretch = stretch.repeat(-(-count // POOL))[:count]
        return stretch.reshape(like.shape)
