"""Smaller sizes of a program: of every axis and number that has one size, or of one axis by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ablatrix.workloads.capture import FlatGraph, Leaf, Operation, Ref

LEAST_FOLD = 2


def sizes_of(graph: FlatGraph) -> list[int]:
    """Return the sizes of axes of leaves that could be smaller, the largest first."""
    return sorted({size for one in graph.leaves for size in one.value.shape if size > 1}, reverse=True)


def smaller(graph: FlatGraph, size: int) -> Iterator[FlatGraph]:
    """Yield programs in which one size is smaller everywhere, the smallest first.

    Numbers in arguments follow, and those that are multiples of it do in a second try (a view that joins two axes).
    What eager cannot run is not among them.
    """
    for new in _further(size):
        for multiples in (False, True):
            changed = _resized(graph, size, new, multiples)
            if changed is not None:
                yield changed
                break


def _further(size: int) -> list[int]:
    """Return smaller sizes to try in their order: few of them, as each takes a trial."""
    return [new for new in dict.fromkeys((1, 2, 4, size // LEAST_FOLD)) if 0 < new < size]


def one_axis_smaller(graph: FlatGraph, leaf: Leaf, axis: int) -> Iterator[FlatGraph]:
    """Yield programs in which the axis of one leaf is smaller, and nothing else; eager can run each."""
    size = leaf.value.shape[axis]
    for new in _further(size):
        cut = _with_size(leaf, {axis: new})
        changed = _checked(replace(graph, leaves=tuple(cut if one.name == leaf.name else one for one in graph.leaves)))
        if changed is not None:
            yield changed


def _resized(graph: FlatGraph, old: int, new: int, multiples: bool) -> FlatGraph | None:
    def follow(size: int) -> int:
        if size == old:
            return new
        return size // old * new if multiples and old > 1 and size > old and size % old == 0 else size

    leaves = []
    for one in graph.leaves:
        axes = {axis: follow(size) for axis, size in enumerate(one.value.shape) if follow(size) != size}
        leaves.append(_with_size(one, axes) if axes else one)
    operations = tuple(_with_numbers(one, old, follow) for one in graph.operations)
    return _checked(replace(graph, leaves=tuple(leaves), operations=operations))


def _with_numbers(operation: Operation, old: int, follow: Any) -> Operation:
    """Return an operation whose lists of sizes follow; single numbers do where they are the size itself."""

    def put(one: Any) -> Any:
        return follow(one) if type(one) is int and one > 1 else one

    args, kwargs = pytree.tree_map(
        put, (operation.args, dict(operation.kwargs)), is_leaf=lambda one: isinstance(one, Ref)
    )
    return replace(operation, args=args, kwargs=kwargs)


def _with_size(leaf: Leaf, axes: Mapping[int, int]) -> Leaf:
    value = leaf.value
    for axis, size in axes.items():
        value = value.narrow(axis, 0, min(size, value.shape[axis]))
    rule = ""
    return replace(leaf, value=value.contiguous().clone(), rule=rule)


def _checked(graph: FlatGraph) -> FlatGraph | None:
    """Return a program that eager can run to finite numbers of some elements; else None. Indices are kept within."""
    for changed in (graph, _with_low_indices(graph)):
        try:
            values = changed.values()
        except (RuntimeError, IndexError, ValueError, TypeError):
            continue
        made = [values[name] for name in changed.outputs]
        if all(isinstance(one, torch.Tensor) and one.numel() for one in made):
            return changed
    return None


def _with_low_indices(graph: FlatGraph) -> FlatGraph:
    """Return a program whose whole numbers are all 0: rows of a table that became smaller."""
    leaves = tuple(
        replace(one, value=torch.zeros_like(one.value), rule="")
        if one.value.dtype in {torch.int64, torch.int32}
        else one
        for one in graph.leaves
    )
    return replace(graph, leaves=leaves)
