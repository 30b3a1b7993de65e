"""How operations are decomposed: core ATen, with a few exceptions that keep programs readable for compilers.

Torch's own table would split ``linear`` into view, transpose, addmm, view and attention into a dozen
operations that guard against rows without any key. Here

* ``linear`` becomes ``matmul`` with the transposed weight (a constant, folded) and an addition;
* ``scaled_dot_product_attention`` becomes matmul, scale, mask, softmax, matmul, so that a compiler can fuse
  them and plan their memory;
* ``batch_norm`` in inference becomes one multiplication and one addition with folded constants;
* ``matmul``, ``layer_norm``, ``silu`` and ``gelu`` stay whole, so that a library can take them;
* ``floor_divide`` stays whole: of integers, ONNX has it right, and the division that it would become in floats;
* ``fake_quantize`` stays whole: what it would become has a mask that only training needs, and no importer knows it.

``ExportedProgram.run_decompositions`` looks through every operation of every library each time, and registers rules for
all five hundred composite ones, also where that is what the operation is composed of in any case: 0.6 s of the 0.9 s
that a small program takes. Here they are looked through once, and rules are registered for the forty others alone.
"""

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.exported_program import (
    _decompose_exported_program,
    _disable_prexisiting_fake_mode,
    _split_decomp_table_to_cia_and_python_decomp,
)

Table = Mapping[Any, Callable[..., Any]]
aten = torch.ops.aten

WHOLE = (
    aten.matmul.default,
    aten.layer_norm.default,
    aten.silu.default,
    aten.gelu.default,
    aten.floor_divide.default,
    aten.fake_quantize_per_tensor_affine.default,
    aten.fake_quantize_per_tensor_affine.tensor_qparams,
    aten.fake_quantize_per_channel_affine.default,
)


def decompose(program: ExportedProgram) -> ExportedProgram:
    """Return a program in core ATen, with the exceptions named above."""
    return _run_decompositions(program, *_split_of(_registered()))


def make_functional_only(program: ExportedProgram) -> ExportedProgram:
    """Return a program that writes to nothing in place, with its operations as they are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="copyreg")
        return program.run_decompositions({})


@_disable_prexisiting_fake_mode  # type: ignore[untyped-decorator]
def _run_decompositions(program: ExportedProgram, composite: Table, others: Table) -> ExportedProgram:
    """Do what the method of the program does, with a table that is split already."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="copyreg")
        return _decompose_exported_program(
            program,
            cia_to_decomp=dict(composite),
            python_decomp_table=dict(others),
            joint_loss_index=None,
            decompose_custom_triton_ops=False,
        )


def _registered() -> tuple[str, ...]:
    """Return the names of all operations: a model may register more."""
    return tuple(torch._C._dispatch_get_all_op_names())


@functools.lru_cache(maxsize=1)
def _split_of(registered: tuple[str, ...]) -> tuple[Table, Table]:
    """Return what becomes of composite operations, where that is not what they are composed of, and of all others."""
    composite, others = _split_decomp_table_to_cia_and_python_decomp(dict(_table()))
    return {one: rule for one, rule in composite.items() if not _is_own(one, rule)}, others


def _is_own(operation: Any, rule: Callable[..., Any]) -> bool:
    """Return whether a rule is what C++ composes the operation of."""
    return isinstance(rule, functools.partial) and rule.keywords.get("kernel") is operation


def _table() -> Any:
    """Return torch's default table with the exceptions named above."""
    table = torch.export.default_decompositions()
    for operation in WHOLE:
        table.pop(operation, None)
    replacements: dict[Any, Callable[..., Any]] = {
        aten.linear.default: _linear,
        aten.scaled_dot_product_attention.default: _attention,
        aten._native_batch_norm_legit_no_training.default: _batch_norm,
        aten.dropout.default: _dropout,
    }
    for operation, function in replacements.items():
        table[operation] = function
    return table


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    product = aten.matmul.default(x, aten.permute.default(weight, [1, 0]))
    return product if bias is None else product + bias


def _attention(
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
        # Rarer forms take torch's own decomposition, which is longer. It adds the mask, even a boolean one: that is
        # made additive here, as the public operation does.
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill(~attn_mask, -torch.inf)
        plain: torch.Tensor = aten._scaled_dot_product_attention_math.default(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )[0]
        return plain
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = aten.matmul.default(query, key.transpose(-2, -1)) * factor
    if attn_mask is not None:
        scores = scores + attn_mask
    return aten.matmul.default(torch.softmax(scores, dim=-1), value)


def _batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    mean: torch.Tensor,
    variance: torch.Tensor,
    momentum: float,
    eps: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    scale = torch.rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    channels = [-1] + [1] * (x.dim() - 2)
    # The saved statistics, which only training reads, are empty in inference.
    return x * scale.view(channels) + shift.view(channels), x.new_empty(0), x.new_empty(0)


def _dropout(x: torch.Tensor, p: float, train: bool) -> torch.Tensor:
    return NotImplemented if train and p else x.clone()
