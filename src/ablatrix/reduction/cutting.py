"""Smaller programs from one: a part of its operations, with the values that it had where something was cut off."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref, is_part_of

Unit = tuple[str, ...]
"""Names of operations that stay together: one that returns several tensors, with those that take them out."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A program from which parts are cut.

    Attributes:
        graph: The program.
        values: The value of each operation, as eager computes it from the program's inputs.
    """

    graph: FlatGraph
    values: Mapping[str, Any]

    @classmethod
    def of(cls, graph: FlatGraph) -> Whole:
        """Run a program, and keep what its operations make."""
        return cls(graph=graph, values=graph.values())

    @property
    def units(self) -> tuple[Unit, ...]:
        """All operations, in order."""
        return units_of(self.graph)

    def cut(self, units: Collection[Unit]) -> FlatGraph | None:
        """Return the program of some operations.

        A value that one of them takes, and an operation that was removed made, becomes an input that has this value.
        It returns what none of its operations takes.

        Returns:
            None where nothing that depends on an input would be left.
        """
        kept = {name for unit in units for name in unit}
        operations = tuple(one for one in self.graph.operations if one.name in kept)
        used = {name for one in operations for name in one.uses}
        leaves = [one for one in self.graph.leaves if one.name in used]
        inlined: dict[str, Any] = {}
        for one in self.graph.operations:
            if one.name in used and one.name not in kept:
                value = self.values[one.name]
                if isinstance(value, torch.Tensor):
                    leaves.append(Leaf(name=one.name, kind="input", value=value.detach().contiguous().clone()))
                else:
                    inlined[one.name] = value
        cut = FlatGraph(
            leaves=tuple(leaves),
            operations=tuple(one.at(inlined) for one in operations),
            outputs=self._sinks(operations),
        )
        return cut if cut.outputs and cut.inputs else None

    def _sinks(self, operations: Sequence[Operation]) -> tuple[str, ...]:
        used = {name for one in operations for name in one.uses}
        return tuple(
            one.name for one in operations if one.name not in used and isinstance(self.values[one.name], torch.Tensor)
        )


def units_of(graph: FlatGraph) -> tuple[Unit, ...]:
    """Return the operations of a program in order, those that take a tensor out of several with what made these."""
    units: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for one in graph.operations:
        source = owner.get(one.uses[0]) if is_part_of(one) and one.uses else None
        owner[one.name] = one.name if source is None else source
        units.setdefault(owner[one.name], []).append(one.name)
    return tuple(map(tuple, units.values()))


def levels_of(graph: FlatGraph) -> list[list[list[Unit]]]:
    """Return partitions of the operations by the modules of the model that call them, whole parts of it first.

    A partition that has more than half as many groups as the next one is left out: it would save nothing.
    """
    places = {one.name: tuple(one.place.split(".")) if one.place else () for one in graph.operations}
    units = units_of(graph)
    finest = [[unit] for unit in units]
    levels: list[list[list[Unit]]] = []
    for depth in range(1, 1 + max((len(place) for place in places.values()), default=0)):
        groups: list[list[Unit]] = []
        last: tuple[str, ...] | None = None
        for unit in units:
            place = places[unit[0]][:depth]
            if place != last:
                groups.append([])
            groups[-1].append(unit)
            last = place
        if 1 < len(groups) <= len(units) // 2 and (not levels or len(groups) >= 2 * len(levels[-1])):
            levels.append(groups)
    return [*levels, finest]


def bypasses(graph: FlatGraph) -> Iterator[tuple[str, FlatGraph]]:
    """Yield programs in which one operation is replaced by one of its inputs of equal type and shape, the last first.

    Each comes with the name of the operation.
    """
    if len(graph.operations) < 2:
        return
    values: dict[str, Any] = {**{one.name: one.value for one in graph.leaves}, **graph.values()}
    for one in reversed(graph.operations):
        made = values[one.name]
        for name in one.uses:
            taken = values[name]
            if _alike(made, taken):
                changed = without(graph, one.name, name)
                if changed is not None:
                    yield one.name, changed


def without(graph: FlatGraph, name: str, instead: str) -> FlatGraph | None:
    """Return a program in which another value stands for that of an operation; None where no operation would be left.

    An output that was that of the operation becomes the other value, unless that is a leaf or returned already.
    """
    changed = [one.at({name: Ref(instead)}) for one in graph.operations if one.name != name]
    made = {one.name for one in changed}
    outputs = tuple(dict.fromkeys(instead if one == name else one for one in graph.outputs))
    return pruned(replace(graph, operations=tuple(changed), outputs=tuple(one for one in outputs if one in made)))


def pruned(graph: FlatGraph) -> FlatGraph | None:
    """Return a program without what no output depends on; None where nothing is left or nothing depends on an input."""
    needed = set(graph.outputs)
    kept: list[Operation] = []
    for one in reversed(graph.operations):
        if one.name in needed:
            kept.append(one)
            needed.update(one.uses)
    result = FlatGraph(
        leaves=tuple(one for one in graph.leaves if one.name in needed),
        operations=tuple(reversed(kept)),
        outputs=graph.outputs,
    )
    return result if result.outputs and result.inputs else None


def _alike(one: Any, other: Any) -> bool:
    return (
        isinstance(one, torch.Tensor)
        and isinstance(other, torch.Tensor)
        and (one.dtype, one.shape) == (other.dtype, other.shape)
    )
