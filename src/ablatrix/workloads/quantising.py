"""Weights of products stored in few bits, with scales that turn them back: weight-only quantisation by torchao."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from ablatrix.errors import WorkloadError
from ablatrix.records.origin import installation_of
from ablatrix.workloads.built import Built

GROUP = 32  # weights of int4 that share a scale, where the length of a row is a multiple of it; else a whole row does


def quantise(built: Built, bits: str) -> Built:
    """Return a workload whose ``torch.nn.Linear`` have weights of int8 (a scale a row) or int4 (a scale a group).

    The program holds the whole numbers, and turns them back where it uses them; int4 lie in int8, as torchao exports
    them. All else, biases and embeddings too, keeps its type.

    Args:
        built: As its builder made it, in the type in which products are computed; its module is changed.
        bits: ``int8`` or ``int4``.

    Raises:
        WorkloadError: torchao is not installed, or the workload has no such layer.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torchao.quantization import quantize_
            from torchao.utils import unwrap_tensor_subclass
    except ImportError as error:
        raise WorkloadError(
            f"'weights_dtype: {bits}' needs torchao: {installation_of('quantised')} ({error})"
        ) from error
    names = [name for name, part in built.module.named_modules() if type(part) is nn.Linear]
    if not names or built.exported is not None:
        raise WorkloadError(
            f"'weights_dtype: {bits}' is of the weights of torch.nn.Linear, and the model has none "
            "(a saved program has operations alone); quantise it before it is saved, or give a function"
        )
    weights = sum(parameter.numel() for parameter in built.module.parameters())
    before = copy.deepcopy(built.module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for configuration, fits in _configurations(bits):
            quantize_(built.module, configuration, filter_fn=_of_rows(fits))
        module = unwrap_tensor_subclass(built.module)
    return replace(built, module=module, unquantised=before, parameter_count=built.parameter_count or weights)


def in_plain_operations(exported: ExportedProgram) -> ExportedProgram:
    """Return a program without torchao's own operations, so that nothing that reads it needs torchao."""
    table = torch.export.default_decompositions()
    own = {operation: how for operation, how in table.items() if getattr(operation, "namespace", "") == "torchao"}
    used = {node.target for node in exported.graph.nodes}
    return exported.run_decompositions(own) if used & set(own) else exported


def distance(quantised: Sequence[torch.Tensor], plain: Sequence[torch.Tensor]) -> float | None:
    """Return the largest root mean square difference of outputs from those before quantisation, relative to these.

    Args:
        quantised: Outputs of the quantised program in float64, of any number of input sets.
        plain: The same of the program before it was quantised.

    Returns:
        None where no output is a float, or all of them are zero.
    """
    found = []
    for one, other in zip(quantised, plain, strict=True):
        scale = float(other.square().mean().sqrt()) if other.is_floating_point() and other.numel() else 0.0
        if scale > 0:
            found.append(float((one - other).square().mean().sqrt()) / scale)
    return max(found, default=None)


def _configurations(bits: str) -> list[tuple[Any, Callable[[int], bool]]]:
    """Return configurations of torchao, each with the lengths of rows that it is for."""
    from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig
    from torchao.quantization.granularity import PerAxis, PerGroup

    if bits == "int8":
        return [(Int8WeightOnlyConfig(version=2), lambda _: True)]
    return [
        (IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(GROUP)), lambda row: row % GROUP == 0),
        (IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerAxis(0)), lambda row: row % GROUP != 0),
    ]


def _of_rows(fits: Callable[[int], bool]) -> Callable[[nn.Module, str], bool]:
    return lambda module, _: type(module) is nn.Linear and fits(module.in_features)
