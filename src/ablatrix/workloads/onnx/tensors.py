"""Tensors of torch as arrays of numpy, and back, for ``onnx`` and ONNX Runtime."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy
import torch

from ablatrix.errors import WorkloadError

TYPES = frozenset(
    {
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool),
        *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8),
    }
)
"""The types of tensors that programs here may take and return."""


def to_array(tensor: torch.Tensor) -> Any:
    """Return a tensor as an array on the same memory."""
    if tensor.dtype is torch.bfloat16:
        return tensor.detach().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.detach().numpy()


def to_tensor(value: Any) -> torch.Tensor:
    """Return an array, or a number of numpy, as a contiguous tensor; torch takes no steps backwards (``Slice``).

    Raises:
        WorkloadError: It is none: a sequence, a map, texts, nothing, or of a type that torch does not have.
    """
    if not isinstance(value, (numpy.ndarray, numpy.generic)):
        raise WorkloadError(f"a value is a {type(value).__name__}, and programs here take and return tensors alone")
    array = numpy.array(value, order="C")
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(numpy.int16)).view(torch.bfloat16)
    found = torch.from_numpy(array) if array.dtype.kind in "biufc" else None
    if found is None or found.dtype not in TYPES:
        raise WorkloadError(f"a tensor is of type {array.dtype}, which programs here cannot take or return")
    return found
