"""Matrix products and convolutions by torch's kernels, as packed functions that write into TVM's buffers.

``offload_to_torch`` rewrites a Relax module before it is legalised; ``register_library`` gives the process that
loads the artefact the functions it calls. Tensors cross by DLPack without a copy: about 1 microsecond a tensor.
A product with a transposed weight takes a transposed view of the weight, so that nothing is transposed at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import tvm_ffi
from tvm import relax
from tvm.relax.dpl import is_op, rewrite_call, wildcard

PREFIX = "ablatrix.torch."
_view = torch._C._from_dlpack  # torch.from_dlpack without its device negotiation: 1 us a tensor, not 2
_FLOAT = ("float32", "float64")


def register_library() -> None:
    """Register the packed functions that an artefact built with the library calls. Doing it twice is harmless."""
    for name, function in _FUNCTIONS.items():
        tvm_ffi.register_global_func(PREFIX + name, function, override=True)


def offload_to_torch() -> list[Any]:
    """Return the passes that hand matrix products and convolutions to torch.

    They run after DecomposeOpsForInference and before LegalizeOps.
    """

    @relax.transform.function_pass(opt_level=0, name="OffloadToTorch")  # type: ignore[untyped-decorator]
    def offload(func: Any, _mod: Any, _context: Any) -> Any:
        for pattern, rewriter in _rewrites():
            func = rewrite_call(pattern, rewriter, func)
        return func

    return [offload, relax.transform.DeadCodeElimination()]


def _rewrites() -> list[tuple[Any, Callable[[Any, Any], Any]]]:
    """Patterns with what replaces them, largest first."""
    x, weight, bias, shape = wildcard(), wildcard(), wildcard(), wildcard()
    transposed = is_op("relax.permute_dims")(weight)
    linear = is_op("relax.matmul")(x, transposed)
    convolution = is_op("relax.nn.conv2d")(x, weight)
    channels = is_op("relax.reshape")(bias, shape)

    def biased_linear(call: Any, match: Any) -> Any:
        if not _is_linear(match[transposed], match[weight]) or not _is_vector(match[bias], match[linear], -1):
            return call
        return _call("linear_bias", call, [match[x], match[weight], match[bias]])

    def plain_linear(call: Any, match: Any) -> Any:
        if not _is_linear(match[transposed], match[weight]):
            return call
        return _call("linear", call, [match[x], match[weight]])

    def product(call: Any, match: Any) -> Any:
        return _call("matmul", call, [match[x], match[weight]])

    def biased_convolution(call: Any, match: Any) -> Any:
        settings = _convolution_settings(match[convolution])
        if settings is None or not _is_vector(match[bias], match[convolution], 1):
            return call
        if not _broadcasts_over_channels(match[channels]):
            return call
        return _call("conv2d_bias", call, [match[x], match[weight], match[bias], settings])

    def plain_convolution(call: Any, match: Any) -> Any:
        settings = _convolution_settings(call)
        return call if settings is None else _call("conv2d", call, [match[x], match[weight], settings])

    add = is_op("relax.add")
    return [
        (add(linear, bias) | add(bias, linear), biased_linear),
        (linear, plain_linear),
        (is_op("relax.matmul")(x, weight), product),
        (add(convolution, channels) | add(channels, convolution), biased_convolution),
        (convolution, plain_convolution),
    ]


def _call(name: str, original: Any, arguments: Sequence[Any]) -> Any:
    """A call that writes the original's result, or the original when torch's kernel would compute another type."""
    tensors = [original, *(a for a in arguments if not isinstance(a, relax.ShapeExpr))]
    dtypes = {str(tensor.ty.dtype) for tensor in tensors}
    if len(dtypes) != 1 or not dtypes <= set(_FLOAT) or original.ty.shape is None:
        return original
    return relax.call_dps_packed(PREFIX + name, list(arguments), out_ty=original.ty)


def _is_linear(transposed: Any, weight: Any) -> bool:
    axes = transposed.attrs.axes
    return weight.ty.ndim == 2 and (axes is None or [int(a) for a in axes] == [1, 0])


def _is_vector(bias: Any, product: Any, axis: int) -> bool:
    """Whether ``bias`` is one value for each index of the product's axis."""
    if bias.ty.ndim != 1 or bias.ty.shape is None or product.ty.shape is None:
        return False
    return bool(tvm_ffi.structural_equal(bias.ty.shape[0], product.ty.shape[axis]))


def _broadcasts_over_channels(reshaped: Any) -> bool:
    """Whether a vector was reshaped to [1, channels, 1, 1], the leading 1 omitted or not."""
    shape = [getattr(n, "value", None) for n in reshaped.ty.shape]
    return len(shape) in (3, 4) and shape[-2:] == [1, 1] and (len(shape) == 3 or shape[0] == 1)


def _convolution_settings(convolution: Any) -> Any | None:
    """Strides, padding, dilation and groups in one shape, or None for a layout or padding that torch lacks."""
    attrs = convolution.attrs
    padding = [int(p) for p in attrs.padding]
    layouts = (attrs.data_layout, attrs.kernel_layout, attrs.out_layout)
    if layouts != ("NCHW", "OIHW", "NCHW") or padding[:2] != padding[2:]:
        return None
    numbers = [*attrs.strides, *padding[:2], *attrs.dilation, attrs.groups]
    return relax.ShapeExpr([int(n) for n in numbers])


def _linear(x: Any, weight: Any, out: Any) -> None:
    left, right, result = _view(x.__dlpack__()), _view(weight.__dlpack__()), _view(out.__dlpack__())
    if left.ndim == 2:
        torch.mm(left, right.t(), out=result)
    else:
        torch.matmul(left, right.t(), out=result)


def _linear_bias(x: Any, weight: Any, bias: Any, out: Any) -> None:
    left, right, result = _view(x.__dlpack__()), _view(weight.__dlpack__()), _view(out.__dlpack__())
    if left.ndim != 2:
        left, result = left.reshape(-1, left.shape[-1]), result.view(-1, result.shape[-1])
    torch.addmm(_view(bias.__dlpack__()), left, right.t(), out=result)


def _matmul(left: Any, right: Any, out: Any) -> None:
    torch.matmul(_view(left.__dlpack__()), _view(right.__dlpack__()), out=_view(out.__dlpack__()))


def _conv2d_bias(x: Any, weight: Any, bias: Any, settings: Any, out: Any) -> None:
    _convolve(x, weight, _view(bias.__dlpack__()), settings, out)


def _conv2d(x: Any, weight: Any, settings: Any, out: Any) -> None:
    _convolve(x, weight, None, settings, out)


def _convolve(x: Any, weight: Any, bias: torch.Tensor | None, settings: Any, out: Any) -> None:
    """Torch's convolutions have no destination argument on a CPU: one copy of the result remains."""
    a, b, c, d, e, f, groups = settings
    data, kernel = _view(x.__dlpack__()), _view(weight.__dlpack__())
    result = torch.conv2d(data, kernel, bias, (a, b), (c, d), (e, f), groups)
    _view(out.__dlpack__()).copy_(result)


_FUNCTIONS: dict[str, Callable[..., None]] = {
    "linear": _linear,
    "linear_bias": _linear_bias,
    "matmul": _matmul,
    "conv2d": _conv2d,
    "conv2d_bias": _conv2d_bias,
}
