"""How large an error rounding may have left in the result of one operation: its root mean square, by operation.

Sizes are in units of roundoff of the result's type. They do not assume an order of summation, nor that a function of a
mathematics library is rounded correctly.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

TINY = 2.0**-126  # of float32 and bfloat16: a compiler may take what is smaller as zero
GRADUAL = 2.0**-24  # least float16 above zero: its roundings have at least half of that size
LIBRARY = (
    4  # roundings in a function of a mathematics library: compilers have their own, to a few units in the last place
)

CORRECT = frozenset(("add", "sub", "mul", "div", "sqrt", "reciprocal", "rsub", "addcmul", "addcdiv", "lerp"))
PRODUCTS = types.MappingProxyType(
    {"mm": (0, 1), "bmm": (0, 1), "mv": (0, 1), "dot": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "addmv": (1, 2)}
)
"""Operation -> positions of the two factors among its arguments."""
_MEANS = """
avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d upsample_bilinear2d upsample_linear1d
upsample_trilinear3d upsample_bicubic2d _upsample_bilinear2d_aa
"""
MEANS = frozenset(_MEANS.split())
_ABSOLUTE = "log log2 log10 log1p softplus logsumexp logaddexp logit erfc acos asin sin cos"
ABSOLUTE = frozenset(_ABSOLUTE.split())
"""Functions whose formulas cancel near a zero: their error is of the size of 1 there."""
POWERS = frozenset(("exp", "exp2", "expm1", "pow"))
GATES = frozenset(("gelu", "mish", "elu", "celu", "selu", "hardswish"))
"""Products of the argument with a function whose formula cancels."""


@dataclass(frozen=True)
class Call:
    """One operation that has been run.

    Attributes:
        function: The operation.
        name: Its name, without underscores at its end.
        args: Its arguments as they were given.
        kwargs: Those by name.
        made: The result, or one of its results.
        position: Which of its results.
    """

    function: Any
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    made: torch.Tensor
    position: int

    @property
    def size(self) -> torch.Tensor:
        """Magnitudes of the result, in float32 at least."""
        return wide(self.made).abs()

    @property
    def terms(self) -> float:
        """Elements of the first argument for each of the result."""
        return float(self.args[0].numel() / max(1, self.made.numel()))

    def of_squares(self) -> torch.Tensor:
        """Return what the operation gives for the squares of its first argument."""
        untyped = {name: value for name, value in self.kwargs.items() if name != "dtype"}
        squares: torch.Tensor = self.function(wide(self.args[0]).square(), *self.args[1:], **untyped)
        return squares


Size: TypeAlias = "torch.Tensor | float | None"


def size_of_error(call: Call) -> Size:
    """Return the root mean square of the error, as one number or for each element; None where nothing is rounded."""
    unit = unit_roundoff(call.made.dtype)
    least = GRADUAL / 2 if call.made.dtype == torch.float16 else 0.0
    if call.name == "_to_copy":
        narrower = rounds(call.args[0].dtype) and unit > unit_roundoff(call.args[0].dtype)
        return unit * call.size + least if narrower else None
    if call.name in CORRECT:
        return unit * call.size + least
    found = SIZES.get(call.name, _of_transform if call.name.startswith("_fft") else _of_library)(call)
    return None if found is None else unit * found + least


def unit_roundoff(dtype: torch.dtype) -> float:
    """Return the largest relative error of rounding to a type."""
    return float(torch.finfo(dtype).eps) / 2


def least_size(dtype: torch.dtype) -> float:
    """Return what a compiler may take as zero.

    Float32 and bfloat16 below the normal range, which processors flush in their usual modes. Float16 is computed in
    float32 or in units that underflow gradually, and conversions to it ignore those modes (Intel, Software Developer's
    Manual, ``VCVTPS2PH``): there it is the least number above zero.
    """
    return GRADUAL if dtype == torch.float16 else TINY


def rounds(dtype: torch.dtype) -> bool:
    """Return whether a type rounds: floats and complex numbers do."""
    return bool(dtype.is_floating_point or dtype.is_complex)


def wide(value: torch.Tensor) -> torch.Tensor:
    """Return values, magnitudes of complex ones, with room for squares: float32 at least."""
    value = value.abs() if value.is_complex() else value
    return value.float() if value.dtype in {torch.float16, torch.bfloat16} else value


def error_of_variance(mean_square: torch.Tensor, terms: float) -> torch.Tensor:
    """Return the error of a variance from the sums of values and of squares, in one pass over them.

    It is of the size of the mean square (Chan, Golub and LeVeque 1983); both sums have the error of a random order.
    """
    return mean_square * (1 + 0.75 * math.sqrt(terms))


def _of_order(total: torch.Tensor, squares: torch.Tensor, terms: float) -> torch.Tensor:
    """Return the error of a sum of terms in random order.

    Its partial sums have squares that add up to ``n (s^2 / 3 + q / 6)``, with ``s`` the sum and ``q`` the sum of the
    squared terms; each is rounded once (Higham 2002, section 4.2; Higham and Mary 2019).
    """
    return (terms * (wide(total).square() / 3 + squares / 6) / 3).sqrt() + wide(total).abs()


def _of_sum(call: Call) -> Size:
    return _of_order(call.made, call.of_squares(), max(call.terms, 1.0))


def _of_cumulative_sum(call: Call) -> Size:
    axis = call.args[1] if len(call.args) > 1 else call.kwargs["dim"]
    return _of_order(call.made, call.of_squares(), call.args[0].shape[axis] if call.args[0].dim() else 1)


def _of_mean(call: Call) -> Size:
    return _of_order(call.made, call.of_squares() / max(call.terms, 1.0), max(call.terms, 1.0))


def _of_local_mean(call: Call) -> Size:
    return 2 * call.of_squares().clamp_min(0).sqrt()


def _of_product(call: Call) -> Size:
    """Return the error of a matrix product; the squared terms are bounded by the Cauchy-Schwarz inequality."""
    left, right = (call.args[position] for position in PRODUCTS[call.name])
    rows, columns = wide(left).pow(4).sum(-1), wide(right).pow(4).sum(-2 if right.dim() > 1 else -1)
    if right.dim() == 1:
        return _of_order(call.made, (rows * columns).sqrt(), left.shape[-1])
    return _of_order(call.made, rows.sqrt().unsqueeze(-1) * columns.sqrt().unsqueeze(-2), left.shape[-1])


def _of_convolution(call: Call) -> Size:
    value, weight, _, stride, padding, dilation, transposed, further, groups = call.args
    terms = weight[0].numel()
    convolve = torch.ops.aten.convolution.default
    if transposed:
        squares = (wide(one).square() for one in (value, weight))
        return _of_order(
            call.made, convolve(*squares, None, stride, padding, dilation, True, further, groups).clamp_min(0), terms
        )
    ones = torch.ones(groups, *weight.shape[1:], dtype=wide(weight).dtype)
    fourth = convolve(wide(value).pow(4), ones, None, stride, padding, dilation, False, further, groups).clamp_min(0)
    weights = wide(weight).pow(4).flatten(1).sum(1).sqrt()
    channels = fourth.sqrt().repeat_interleave(weight.shape[0] // groups, -weight.dim() + 1)
    return _of_order(call.made, channels * weights.reshape(-1, *[1] * (weight.dim() - 2)), terms)


def _of_scatter(call: Call) -> Size:
    """Return the error of a scattered sum: of the size of the sum of magnitudes."""
    if call.name in {"scatter_add", "index_add"} and not call.function._schema.is_mutable:
        parts = [wide(one).abs() if isinstance(one, torch.Tensor) and rounds(one.dtype) else one for one in call.args]
        found: torch.Tensor = call.function(*parts, **call.kwargs)
        return LIBRARY * found
    if "index_put" in call.name:
        accumulates = call.kwargs.get("accumulate", len(call.args) > 3 and call.args[3])
        return LIBRARY * call.size if accumulates else None
    return LIBRARY * call.size


def _of_running_product(call: Call) -> Size:
    return call.size * math.sqrt(call.args[0].numel())


def _of_norm(call: Call) -> Size:
    return call.size * (1 + math.sqrt(call.terms) / 3)


def _of_spread(call: Call) -> Size:
    if call.position:  # the mean beside it
        return LIBRARY * wide(call.args[0]).abs().amax().expand_as(call.made)
    given = wide(call.args[0])
    axes = call.args[1] if len(call.args) > 1 and isinstance(call.args[1], (list, tuple)) else []
    squares = given.square().mean(list(axes) or list(range(given.dim())), keepdim=True).reshape(call.made.shape)
    variance = error_of_variance(squares, call.terms)
    if call.name.startswith("var"):
        return variance
    return torch.minimum((variance / unit_roundoff(call.made.dtype)).sqrt(), variance / wide(call.made).clamp_min(TINY))


def _of_softmax(call: Call) -> Size:
    size = call.size
    roundings = 2 + math.sqrt(call.args[0].shape[call.args[1]] if call.args[0].dim() else 1) / 3
    return 2 * size + roundings if call.name == "_log_softmax" else size * (roundings + _exponent(size))


def _of_power(call: Call) -> Size:
    if call.name == "pow" and isinstance(call.args[1], int) and abs(call.args[1]) <= LIBRARY:
        return LIBRARY * call.size
    return call.size * (2 + _exponent(call.size))


def _of_transform(call: Call) -> Size:
    return LIBRARY * call.size.square().mean().sqrt()


def _of_absolute(call: Call) -> Size:
    return 2 * (call.size + 0.5)


def _of_gate(call: Call) -> Size:
    return LIBRARY * call.size + call.args[0].abs()


def _of_library(call: Call) -> Size:
    return LIBRARY * call.size


def _exponent(size: torch.Tensor) -> torch.Tensor:
    """Return the magnitude of the exponent that gave a power, 0 where it under- or overflowed."""
    return size.log().abs().nan_to_num(posinf=0.0, neginf=0.0)


SIZES: Mapping[str, Callable[[Call], Size]] = types.MappingProxyType(
    {
        **dict.fromkeys(PRODUCTS, _of_product),
        **dict.fromkeys(("sum", "nansum"), _of_sum),
        **dict.fromkeys(MEANS, _of_local_mean),
        **dict.fromkeys(("scatter_add", "index_add", "scatter_reduce", "index_put", "_index_put_impl"), _of_scatter),
        **dict.fromkeys(("var", "std", "var_mean", "std_mean"), _of_spread),
        **dict.fromkeys(("_softmax", "_safe_softmax", "_log_softmax"), _of_softmax),
        **dict.fromkeys(("norm", "linalg_vector_norm"), _of_norm),
        **dict.fromkeys(("prod", "cumprod"), _of_running_product),
        **dict.fromkeys(POWERS, _of_power),
        **dict.fromkeys(ABSOLUTE, _of_absolute),
        **dict.fromkeys(GATES, _of_gate),
        "cumsum": _of_cumulative_sum,
        "mean": _of_mean,
        "convolution": _of_convolution,
    }
)
"""Operation -> size of its error; that of a library's function for any other."""
