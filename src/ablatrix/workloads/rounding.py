"""A program run with other roundings: after each operation its result is moved by what rounding may have done to it.

Random errors of the size of the unit roundoff in each operation show how far a result depends on roundings (Monte Carlo
arithmetic: Parker 1997; Denis, de Oliveira Castro and Petit 2016). Operations that round nothing move nothing.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

POOL = 2**18 + 3  # numbers drawn once; each operation takes a stretch of them
DECISION = 8  # an argument of a decision is moved by this many roundings, so that a near tie falls both ways
TINY = 2.0**-126  # of float32 and bfloat16: a compiler may take what is smaller as zero
LIBRARY = (
    4  # roundings in a function of a mathematics library: compilers have their own, to a few units in the last place
)

EXACT = frozenset(
    "abs alias amax amin arange as_strided bernoulli bitwise_and bitwise_not bitwise_or bitwise_xor cat ceil clamp "
    "clamp_max clamp_min clone complex constant_pad_nd contiguous copy cummax cummin detach diagonal_copy embedding "
    "empty empty_like empty_strided expand_copy eye fill flip floor fmod frexp full full_like gather hardtanh index "
    "index_copy index_fill index_select isfinite isinf isnan kthvalue lift_fresh lift_fresh_copy logical_and logical_not "
    "logical_or logical_xor masked_fill masked_scatter masked_select max max_pool2d_with_indices max_pool3d_with_indices "
    "maximum median min minimum mode nan_to_num neg new_empty new_empty_strided new_full new_ones new_zeros nonzero "
    "ones ones_like pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d relu remainder repeat "
    "replication_pad1d replication_pad2d resolve_conj resolve_neg roll rot90 round scalar_tensor scatter select_copy "
    "select_scatter sgn sign slice_copy slice_scatter sort split_copy stack threshold topk tril triu trunc unbind_copy "
    "unfold_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d view_copy where zeros zeros_like "
    "_conj_copy _local_scalar_dense _reshape_alias _reshape_copy _unsafe_index _unsafe_view".split()
)
ONE = frozenset("add sub mul div sqrt reciprocal rsub addcmul addcdiv lerp floor_divide _to_copy".split())
DECISIONS = frozenset("ceil floor round trunc bucketize searchsorted floor_divide".split())
MEANS = frozenset(
    "avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d upsample_bilinear2d upsample_linear1d "
    "upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa".split()
)
SCATTERS = frozenset("scatter_add index_add scatter_reduce index_put _index_put_impl".split())
SPREADS = frozenset("var std var_mean std_mean".split())
POWERS = frozenset("exp exp2 expm1 pow".split())
ABSOLUTE = frozenset("log log2 log10 log1p softplus logsumexp logaddexp logit erfc acos asin sin cos".split())
INNER = frozenset("gelu mish elu celu selu hardswish".split())
NORMS = frozenset({"native_layer_norm", "native_group_norm"})
OPAQUE = ("linalg", "attention", "lstm", "gru", "batch_norm")  # parts of names: what is inside has many roundings
PRODUCTS = types.MappingProxyType(
    {"mm": (0, 1), "bmm": (0, 1), "mv": (0, 1), "dot": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}
)


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
        random = torch.Generator().manual_seed(seed)
        self._random = random
        self._pool = (torch.rand(POOL, generator=random) - 0.5) * (sign * math.sqrt(12))

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation, and move what it returns."""
        kwargs = kwargs or {}
        if not isinstance(function, torch._ops.OpOverload):
            return function(*args, **kwargs)
        name = function._schema.name.partition("::")[2]
        if name not in EXACT:
            name = name.rstrip("_")
        if function.is_view or (name in EXACT and name not in DECISIONS):
            return function(*args, **kwargs)
        made = function(*self._move_inputs(function, name, args, kwargs), **kwargs)
        if name in EXACT:
            return made
        leaves, structure = pytree.tree_flatten(made)
        into = function._schema.is_mutable
        moved = [
            self._move(one, _size_of(function, name, args, kwargs, one, position), into)
            if isinstance(one, torch.Tensor) and _rounds(one)
            else one
            for position, one in enumerate(leaves)
        ]
        return pytree.tree_unflatten(moved, structure)

    def _move_inputs(
        self, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """Return arguments of which those have moved that decide, or go into an operation of unknown roundings."""
        if name in DECISIONS or (name == "_to_copy" and not _is_rounded(kwargs.get("dtype", args[0].dtype))):
            place = 1 if name == "searchsorted" else 0
            return (*args[:place], self._move_by(args[place], DECISION), *args[place + 1 :])
        if name in NORMS:
            return (self._move_by(self._move_spread(name, args), 1), *args[1:])
        if function.namespace != "aten" or any(part in name for part in OPAQUE):
            return tuple(pytree.tree_map_only(torch.Tensor, lambda one: self._move_by(one, LIBRARY), list(args)))
        return args

    def _move_by(self, value: Any, roundings: float) -> Any:
        if not isinstance(value, torch.Tensor) or not _rounds(value):
            return value
        return self._move(value.clone(), roundings * unit_roundoff(value.dtype) * value.abs(), True)

    def _move_spread(self, name: str, args: tuple[Any, ...]) -> torch.Tensor:
        """Return the values that a norm takes, spread as much wider or narrower as their variance may be rounded.

        A variance from the sums of values and squares has an error of the size of the mean square (Chan, Golub and
        LeVeque 1983).
        """
        value: torch.Tensor = args[0]
        rows = value.reshape(value.shape[0], args[6], -1) if name == "native_group_norm" else value
        axes = [-1] if name == "native_group_norm" else list(range(-len(args[1]), 0))
        precise = rows.double()
        mean = precise.mean(axes, keepdim=True)
        variance = (precise - mean).square().mean(axes, keepdim=True)
        size = 2 * unit_roundoff(value.dtype) * precise.square().mean(axes, keepdim=True)
        other = (variance + size * self._draw(variance)).clamp_min(0)
        scale = torch.where(variance > 0, (other / variance).sqrt(), 1.0)
        return (mean + (precise - mean) * scale).to(value.dtype).reshape(value.shape)

    def _move(self, value: torch.Tensor, size: torch.Tensor | float | None, into: bool) -> torch.Tensor:
        if size is None or not _rounds(value) or value.numel() == 0:
            return value
        parts = torch.view_as_real(value) if value.is_complex() else value
        if value.is_complex() and isinstance(size, torch.Tensor) and size.dim():
            size = size.unsqueeze(-1)
        whole = (parts == parts.trunc()) & (parts.abs() < 0.25 / unit_roundoff(value.dtype))
        error = (self._draw(parts) * size).masked_fill_(whole | ~torch.isfinite(parts), 0.0)
        if into:
            parts.add_(error.to(parts.dtype))
            return value
        moved = parts + error.to(parts.dtype)
        return torch.view_as_complex(moved) if value.is_complex() else moved

    def _draw(self, like: torch.Tensor) -> torch.Tensor:
        """Return errors of root mean square 1, of a tensor's shape."""
        count = like.numel()
        start = int(torch.randint(POOL, (1,), generator=self._random))
        stretch = torch.cat((self._pool[start:], self._pool[:start]))
        if count > POOL:
            stretch = stretch.repeat(-(-count // POOL))
        return stretch[:count].reshape(like.shape)


def unit_roundoff(dtype: torch.dtype) -> float:
    """Return the largest relative error of rounding to a type."""
    return float(torch.finfo(dtype).eps) / 2


def _rounds(value: torch.Tensor) -> bool:
    return _is_rounded(value.dtype)


def _is_rounded(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point or dtype.is_complex


def _size_of(
    function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: torch.Tensor, position: int
) -> torch.Tensor | float | None:
    """Return the root mean square error that rounding may have left in one result of an operation."""
    unit = unit_roundoff(made.dtype)
    if name == "_to_copy":
        narrower = _rounds(args[0]) and unit > unit_roundoff(args[0].dtype)
        return unit * made.abs() if narrower else None
    if name in ONE:
        return unit * made.abs()
    if name in SPREADS and position == 0:
        return _of_spread(name, args, kwargs, made)
    found = _of_reduction(function, name, args, kwargs, made)
    return unit * (found if found is not None else _of_library(name, args, made))


def _of_reduction(
    function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: torch.Tensor
) -> torch.Tensor | float | None:
    """Return the error of a sum, in units of roundoff; None for what is no sum.

    A sum ``s`` of ``n`` terms in random order has partial sums whose squares add up to ``n (s^2 / 3 + q / 6)`` with
    ``q`` the sum of the squared terms; each is rounded once (Higham 2002, section 4.2; Higham and Mary 2019).
    """
    if name in PRODUCTS:
        return _of_product(*(args[position] for position in PRODUCTS[name]), made)
    if name == "convolution":
        return _of_convolution(args, made)
    if name in {"sum", "nansum", "cumsum"}:
        given = _wide(args[0])
        count = given.numel() / made.numel() if name != "cumsum" else given.shape[args[1]] if given.dim() else 1
        return _of_order(made, function(given.square(), *args[1:], **_untyped(kwargs)), count)
    if name == "mean":
        count = args[0].numel() / made.numel()
        return _of_order(made, function(_wide(args[0]).square(), *args[1:], **_untyped(kwargs)) / count, count)
    if name in MEANS:
        return 2 * function(_wide(args[0]).square(), *args[1:], **kwargs).clamp_min(0).sqrt()
    if name in SCATTERS:
        if not function._schema.is_mutable and _rounds(args[0]) and name in {"scatter_add", "index_add"}:
            magnitudes = [_wide(one) if isinstance(one, torch.Tensor) and _rounds(one) else one for one in args]
            return LIBRARY * function(*magnitudes, **kwargs)
        return LIBRARY * made.abs() if _accumulates(name, args, kwargs) else 0.0
    if name in {"prod", "cumprod"}:
        return made.abs() * math.sqrt(args[0].numel())
    return None


def _untyped(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "dtype"}


def _of_order(total: torch.Tensor, squares: torch.Tensor, count: float) -> torch.Tensor:
    return (count * (_wide(total).square() / 3 + squares / 6) / 3).sqrt() + total.abs()


def _of_product(left: torch.Tensor, right: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Return the error of a matrix product; the squared terms are bounded by the Cauchy-Schwarz inequality."""
    rows, columns = _wide(left).pow(4).sum(-1), _wide(right).pow(4).sum(-2 if right.dim() > 1 else -1)
    if right.dim() == 1:
        return _of_order(made, (rows * columns).sqrt(), left.shape[-1])
    return _of_order(made, rows.sqrt().unsqueeze(-1) * columns.sqrt().unsqueeze(-2), left.shape[-1])


def _of_convolution(args: tuple[Any, ...], made: torch.Tensor) -> torch.Tensor:
    value, weight, _, stride, padding, dilation, transposed, further, groups = args
    count = weight[0].numel()
    if transposed:
        squares = torch.ops.aten.convolution.default(
            _wide(value).square(), _wide(weight).square(), None, stride, padding, dilation, True, further, groups
        )
        return _of_order(made, squares, count)
    ones = torch.ones(groups, *weight.shape[1:])
    fourth = torch.ops.aten.convolution.default(
        _wide(value).pow(4), ones, None, stride, padding, dilation, False, further, groups
    ).clamp_min(0)
    weights = _wide(weight).pow(4).flatten(1).sum(1).sqrt()
    channels = fourth.sqrt().repeat_interleave(weight.shape[0] // groups, -weight.dim() + 1)
    return _of_order(made, channels * weights.reshape(-1, *[1] * (weight.dim() - 2)), count)


def _of_spread(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], made: torch.Tensor) -> torch.Tensor:
    """Return the error of a variance or standard deviation, of the size of the mean square (see ``_move_spread``)."""
    given = args[0]
    axes = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) and args[1] else list(range(given.dim()))
    mean_square = _wide(given).square().mean(axes, keepdim=True).reshape(made.shape)
    size = 2 * unit_roundoff(made.dtype) * mean_square
    return size if name.startswith("var") else torch.minimum(size.sqrt(), size / made.clamp_min(TINY))


def _of_library(name: str, args: tuple[Any, ...], made: torch.Tensor) -> torch.Tensor | float:
    """Return the error of a function that is no sum, in units of roundoff."""
    size = made.abs()
    if name in POWERS:
        return size * (2 + size.log().abs().nan_to_num(posinf=0.0, neginf=0.0))
    if name in {"_softmax", "_safe_softmax", "_log_softmax"}:
        rounds = 2 + math.sqrt(args[0].shape[args[1]] if args[0].dim() else 1) / 3
        if name == "_log_softmax":
            return 2 * size + rounds
        return size * (rounds + size.log().abs().nan_to_num(posinf=0.0, neginf=0.0))
    if name.startswith("_fft"):
        return LIBRARY * size.square().mean().sqrt()
    if name in {"norm", "linalg_vector_norm"}:
        return size * (1 + math.sqrt(args[0].numel() / max(made.numel(), 1)) / 3)
    if name in ABSOLUTE:
        return 2 * (size + 0.5)
    if name in INNER:
        return LIBRARY * size + args[0].abs()
    return LIBRARY * size


def _accumulates(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    if name in {"index_put", "_index_put_impl"}:
        return bool(kwargs.get("accumulate", args[3] if len(args) > 3 else False))
    return name != "scatter_reduce" or "sum" in args or "mean" in args or "prod" in args


def _wide(value: torch.Tensor) -> torch.Tensor:
    """Return magnitudes with room for squares: float32 at least."""
    magnitude = value.abs() if value.is_complex() else value
    return magnitude.float() if magnitude.dtype in {torch.float16, torch.bfloat16} else magnitude
