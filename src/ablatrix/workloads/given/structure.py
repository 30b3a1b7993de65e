"""Inputs and outputs of a structure of their own: the tensors in them in order, and the structure around them.

Dictionaries, tuples, named tuples, dataclasses, whatever is registered with torch's trees (outputs of transformers),
one within another. Export knows some of them; what it gives can be read where their package is not loaded once they are
gone.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from ablatrix.errors import WorkloadError

CONSTANTS = (type(None), bool, int, float, complex, str, bytes, enum.Enum, torch.dtype, torch.device)
"""What is part of a program, and no input or output of it."""
PLAIN = (tuple, list, dict)

Fill = Callable[[Sequence[torch.Tensor]], Any]


@dataclasses.dataclass(frozen=True)
class Torn:
    """The tensors of a value, and how the value is made of other tensors.

    Attributes:
        names: Path of each tensor in the value: ``batch.mask``.
        tensors: In order.
        fill: Makes such a value of as many tensors.
    """

    names: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]
    fill: Fill


class Structured(nn.Module):  # type: ignore[misc]
    """A model whose inputs have a structure of their own, as one that takes the tensors in them in order.

    Args:
        model: The model.
        torn: Its inputs by name, in order.
        by_name: Whether it is called with names.
    """

    def __init__(self, model: nn.Module, torn: Torn, *, by_name: bool) -> None:
        super().__init__()
        self.train(model.training)
        self.model = model
        self._fill, self._by_name = torn.fill, by_name

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Call the model with its own inputs, made of the tensors."""
        given = self._fill(inputs)
        return self.model(**given) if self._by_name else self.model(*given.values())


def return_flat(module: nn.Module) -> None:
    """Let a module return a tuple of its tensors, unless it returns tensors in containers of Python's own."""

    def flat(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        return None if _is_plain(output) else find_tensors(output, "output").tensors

    module.register_forward_hook(flat)


def find_tensors(value: Any, what: str) -> Torn:
    """Return the tensors of a value, in order.

    Args:
        value: Inputs or outputs of a model.
        what: Which of them, for messages.

    Raises:
        WorkloadError: It holds an object that is neither a tensor nor a known structure.
    """
    tensors: list[torch.Tensor] = []
    names: list[str] = []
    fill = _tear(value, "", what, names, tensors)
    return Torn(tuple(names), tuple(tensors), lambda others: fill(list(others)))


def _is_plain(value: Any) -> bool:
    if type(value) in PLAIN:
        return all(map(_is_plain, value.values() if isinstance(value, dict) else value))
    return isinstance(value, torch.Tensor)


def _tear(value: Any, path: str, what: str, names: list[str], tensors: list[torch.Tensor]) -> Fill:
    if isinstance(value, torch.Tensor):
        index = len(tensors)
        names.append(path or what)
        tensors.append(value)
        return lambda others: others[index]
    if isinstance(value, CONSTANTS):
        return lambda others: value
    keys, children, make = _opened(value, path, what)
    below = [
        _tear(child, f"{path}.{key}" if path else str(key), what, names, tensors)
        for key, child in zip(keys, children, strict=True)
    ]
    return lambda others: make([fill(others) for fill in below])


def _opened(value: Any, path: str, what: str) -> tuple[Sequence[Any], Sequence[Any], Callable[[list[Any]], Any]]:
    """Return the keys and children of a structure, and what makes one of other children."""
    kind = type(value)
    if kind is dict:
        return list(value), list(value.values()), lambda others: dict(zip(value, others, strict=True))
    if kind in {tuple, list}:
        return range(len(value)), list(value), kind
    if isinstance(value, tuple):
        fields = getattr(kind, "_fields", range(len(value)))
        return list(fields), list(value), lambda others: kind(*others) if hasattr(kind, "_fields") else kind(others)
    if kind in pytree.SUPPORTED_NODES:
        children, spec = pytree.tree_flatten(value, is_leaf=lambda one: one is not value)
        keys = list(value) if isinstance(value, Mapping) and len(value) == len(children) else range(len(children))
        return keys, children, lambda others: pytree.tree_unflatten(others, spec)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [one.name for one in dataclasses.fields(value) if one.init]
        held = [getattr(value, name) for name in fields]
        return fields, held, lambda others: dataclasses.replace(value, **dict(zip(fields, others, strict=True)))
    raise WorkloadError(
        f"{what} '{path or what}' is a {kind.__module__}.{kind.__qualname__}, neither a tensor nor a structure that "
        "can be taken apart (a tuple, a dictionary, a dataclass, or a type registered with torch.utils._pytree); "
        f"{_remedy(kind.__name__, what)}"
    )


def _remedy(name: str, what: str) -> str:
    if "Cache" in name:
        return "call the model with use_cache=False, or give and return keys and values as tensors"
    return "give tensors" if what == "input" else "return its tensors"
