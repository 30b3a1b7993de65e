"""Parameters that every workload has: the types of its numbers. Plain data: loads without torch.

The default leaves a workload as its builder makes it, and is part of no id: what was known of a workload before it had
such a parameter stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ablatrix.workloads.entry import ParameterSpec, Size, WorkloadEntry

DTYPE = "dtype"
NARROW = ("float16", "bfloat16")
"""Types that a workload may be cast to, and that a compiler may lack."""
AS_BUILT = "float32"

WEIGHTS_DTYPE = "weights_dtype"
AS_DTYPE = "dtype"

COMMON: Mapping[str, ParameterSpec] = MappingProxyType(
    {
        DTYPE: ParameterSpec(AS_BUILT, "Type of weights and inputs.", choices=(AS_BUILT, *NARROW)),
        WEIGHTS_DTYPE: ParameterSpec(
            AS_DTYPE, "Type that weights of linear layers are stored in.", choices=(AS_DTYPE, "int8", "int4")
        ),
    }
)
"""Parameters of every workload, by name."""


def as_common(name: str, value: Size) -> ParameterSpec | None:
    """Return the parameter of every workload that has this name, with another default; None for any other name."""
    return replace(COMMON[name], default=value) if name in COMMON else None


def fixed_by_file(entry: WorkloadEntry) -> bool:
    """Return whether the types of a workload are those of a file, and cannot be others: an ONNX model."""
    return entry.origin is not None and entry.origin.kind == "onnx"


def accepted(entry: WorkloadEntry) -> dict[str, ParameterSpec]:
    """Return every parameter of a workload: its own, then those of every workload that it has none of its own for."""
    if fixed_by_file(entry):
        return dict(entry.parameters)
    return {**entry.parameters, **{name: one for name, one in COMMON.items() if name not in entry.parameters}}


def split_common(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that the builder of a workload takes, and those of every workload."""
    own = {name: value for name, value in parameters.items() if not _is_common(entry, name)}
    return own, {name: value for name, value in parameters.items() if name not in own}


def without_defaults(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters without those of every workload that leave this one as it is built."""
    return {
        name: value
        for name, value in parameters.items()
        if not (_is_common(entry, name) and value == COMMON[name].default)
    }


def narrow_types(dtype: str | None) -> tuple[str, ...]:
    """Return the 16-bit types among those that the facts of a workload name."""
    return tuple(one for one in (dtype or "").split("+") if one in NARROW)


def _is_common(entry: WorkloadEntry, name: str) -> bool:
    """Return whether a name means the parameter of every workload, and not one of the builder's own."""
    if name not in COMMON or fixed_by_file(entry):
        return False
    own = entry.parameters.get(name)
    return own is None or replace(own, default=COMMON[name].default) == COMMON[name]
