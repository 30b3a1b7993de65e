"""How operations are taken apart: core ATen, with a few exceptions that keep programs readable for compilers.

Torch's own table would split ``linear`` into view, transpose, addmm, view and attention into a dozen
operations that guard against rows without any key. Here

* ``linear`` becomes ``matmul`` with the transposed weight (a constant, folded) and an addition;
* ``scaled_dot_product_attention`` becomes matmul, scale, mask, softmax, matmul, so that a compiler's fusion
  and memory plan see what they can plan;
* ``batch_norm`` in inference becomes one multiplication and one addition with folded constants;
* ``matmul``, ``layer_norm``, ``silu`` and ``gelu`` stay whole, so that a library can take them.
"""

from collections.abc import Callable
from typing import Any

import torch

aten = torch.ops.aten

WHOLE = (aten.matmul.default, aten.layer_norm.default, aten.silu.default, aten.gelu.default)


def decomposition_table() -> Any:
    """Return torch's default table with the exceptions named above."""
    table = torch.export.default_decompositions()
    for operation in WHOLE:
        table.pop(operation, None)
    replacements: dict[Any, Callable[..., torch.Tensor]] = {
        aten.linear.default: _linear,
        aten.scaled_dot_product_attention.default: _attention,
        aten.batch_norm.default: _batch_norm,
        aten.dropout.default: _dropout,
    }
    for operation, function in replacements.items():
        table[operation] = function
    return table


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    product = aten.matmul.default(x, aten.permute.default(weight, [1, 0]))
    return product if bias is None else product + bias


def _attention(  # noqa: PLR0917 - aten's signature
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    if dropout_p or is_causal or enable_gqa or (attn_mask is not None and attn_mask.dtype == torch.bool):
        plain: torch.Tensor = aten.scaled_dot_product_attention.default.decompose(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
        return plain  # torch's own decomposition, which is longer
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = aten.matmul.default(query, key.transpose(-2, -1)) * factor
    if attn_mask is not None:
        scores = scores + attn_mask
    return aten.matmul.default(torch.softmax(scores, dim=-1), value)


def _batch_norm(  # noqa: PLR0917 - aten's signature
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    mean: torch.Tensor,
    variance: torch.Tensor,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> torch.Tensor:
    if training:
        return NotImplemented
    scale = torch.rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    channels = [-1] + [1] * (x.dim() - 2)
    return x * scale.view(channels) + shift.view(channels)


def _dropout(x: torch.Tensor, p: float, train: bool) -> torch.Tensor:
    return NotImplemented if train and p else x.clone()
