"""Outputs that are indices of sorted or searched values: which other indices would be as right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.workloads.allowance import Ties, error
from ablatrix.workloads.rounding_errors import unit_roundoff

INDEX_OF = {"argmax": None, "argmin": None, "max": 1, "min": 1, "sort": 1, "topk": 1, "kthvalue": 1, "median": 1}
"""Operation -> which of its results is an index; None for its only one."""
AXIS = {"topk": 2, "kthvalue": 2}  # position of the axis among the arguments, 1 otherwise
PASSED_ON = frozenset({"_to_copy", "clone", "copy"})
FACTOR = 2  # on the largest error in a row of the values


@dataclass(frozen=True)
class Sorted:
    """One operation that sorts or searches: its values, the axis, and the shape of its indices."""

    values: torch.Tensor
    axis: int
    shape: tuple[int, ...]


class TieWatch(TorchDispatchMode):  # type: ignore[misc]
    """While it is entered, it keeps what operations sort or search, in order."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Sorted] = []
        self._held: list[torch.Tensor] = []  # so that no storage is used twice
        self._number: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation, and keep it where it sorts or searches."""
        kwargs = kwargs or {}
        made = function(*args, **kwargs)
        if isinstance(function, torch._ops.OpOverload):
            self._look(function, args, kwargs, made)
        return made

    def number_of(self, output: torch.Tensor) -> int | None:
        """Return which operation an output is the index of, None where it is none."""
        return self._number.get(output.untyped_storage().data_ptr())

    def _look(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
        name = function._schema.name.partition("::")[2].rstrip("_")
        if name in PASSED_ON and isinstance(made, torch.Tensor) and isinstance(args[0], torch.Tensor):
            number = self.number_of(args[0])
            if number is not None and not made.is_floating_point():
                self._keep(made, number)
            return
        if name not in INDEX_OF or not isinstance(args[0], torch.Tensor) or args[0].dim() == 0:
            return
        position = AXIS.get(name, 1)
        axis = args[position] if len(args) > position else kwargs.get("dim")
        place = INDEX_OF[name]
        index = made if place is None else made[place] if isinstance(made, (tuple, list)) else None
        if name in {"sort", "topk", "kthvalue", "median"} and axis is None:
            axis = -1
        if not isinstance(index, torch.Tensor) or isinstance(axis, bool):
            return
        values = args[0].detach().clone()
        if axis is None:
            values, axis = values.reshape(-1), 0
        self._keep(index, len(self.found))
        axis %= values.dim()
        kept = index.numel() // max(1, values.numel() // values.shape[axis])
        self.found.append(Sorted(values, axis, (*values.shape[:axis], kept, *values.shape[axis + 1 :])))

    def _keep(self, index: torch.Tensor, number: int) -> None:
        self._held.append(index)
        self._number[index.untyped_storage().data_ptr()] = number


def find_ties(output: torch.Tensor, watches: Sequence[TieWatch]) -> Ties | None:
    """Return among what an output is an index, None where it is none or is only a part of one.

    Args:
        output: The oracle's.
        watches: Of the oracle, then of other runs of the program.
    """
    number = watches[0].number_of(output) if output.numel() else None
    if number is None:
        return None
    wide = watches[0].found[number]
    if output.numel() != math.prod(wide.shape):
        return None
    values = wide.values.to(torch.float64)
    largest = torch.zeros_like(values.select(wide.axis, 0).unsqueeze(wide.axis))
    roundoff = 0.0
    for one in watches[1:]:
        if len(one.found) > number and one.found[number].values.shape == values.shape:
            given = one.found[number].values
            roundoff = unit_roundoff(given.dtype) if given.is_floating_point() else 0.0
            errors = error(given.to(torch.float64), values).nan_to_num(posinf=0.0)
            largest = torch.maximum(largest, errors.amax(wide.axis, keepdim=True))
    return Ties(values=values, axis=wide.axis, shape=wide.shape, equal_within=FACTOR * largest, roundoff=roundoff)
