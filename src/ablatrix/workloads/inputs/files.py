"""Files of inputs: tensors by name, or by their position where they have none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.entry import GivenInput
from ablatrix.workloads.inputs.given import ALL

UNNAMED = re.compile(r"arr_(\d+)")
"""What numpy calls arrays that were saved without a name."""


def read_file(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file; one without a name goes by its position: ``0``, ``1``.

    Raises:
        WorkloadError: The file cannot be read, or holds something other than tensors.
    """
    reader = READERS[path.suffix]
    try:
        found = reader(path)
    except WorkloadError:
        raise
    except Exception as error:  # numpy, zipfile and pickle have many errors and no common one
        raise WorkloadError(f"{path}: cannot be read as inputs: {type(error).__name__}: {error}") from error
    wrong = [name for name, one in found.items() if not isinstance(one, torch.Tensor)]
    if wrong or not found:
        raise WorkloadError(f"{path}: must hold tensors by name, a list of tensors or one tensor; {wrong} is none")
    return found


def name_within(one: GivenInput, name: str, held: Collection[str]) -> str:
    """Return which tensor of a file an input gets: that of the key, else of its own name, else the first."""
    return one.key or (name if name in held else "0")


def known_values(given: Mapping[str, GivenInput]) -> dict[str, torch.Tensor | tuple[float, float]]:
    """Return what a study gives for inputs, for a model that must be run before its inputs can be checked.

    Args:
        given: By name of the input; ``ALL`` for all that a file holds.

    Returns:
        By name or position: a tensor, or the smallest and largest value of a range.

    Raises:
        WorkloadError: A file cannot be read.
    """
    found: dict[str, torch.Tensor | tuple[float, float]] = {}
    for name, one in given.items():
        if one.low is not None and one.high is not None:
            found[name] = (one.low, one.high)
        elif one.value is not None:
            found[name] = torch.tensor(json.loads(one.value))
        elif one.file is not None:
            held = read_file(Path(one.file))
            inside = name_within(one, name, held)
            found |= held if name == ALL else {name: held[inside]} if inside in held else {}
    return found


def _read_npz(path: Path) -> dict[str, Any]:
    with numpy.load(path, allow_pickle=False) as held:
        return {_position(name): torch.from_numpy(numpy.array(held[name])) for name in held.files}


def _position(name: str) -> str:
    found = UNNAMED.fullmatch(name)
    return found[1] if found else name


def _read_pt(path: Path) -> dict[str, Any]:
    held = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(held, torch.Tensor):
        held = [held]
    if isinstance(held, Mapping):
        return {str(name): one for name, one in held.items()}
    return {str(index): one for index, one in enumerate(held)}


def _read_pb(path: Path) -> dict[str, Any]:
    from ablatrix.workloads.onnx.given_data import read_tensor

    return {"0": read_tensor(path)}


READERS: Mapping[str, Callable[[Path], dict[str, Any]]] = MappingProxyType(
    {".npz": _read_npz, ".pt": _read_pt, ".pb": _read_pb}
)
"""How files are read, by the end of their name."""
