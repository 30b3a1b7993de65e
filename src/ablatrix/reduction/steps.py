"""The order in which a program is made smaller: operations, then sizes, then values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ablatrix.reduction.cutting import Whole, bypasses, levels_of, pruned, units_of
from ablatrix.reduction.ddmin import ddmin_by_levels
from ablatrix.reduction.judge import Judge
from ablatrix.reduction.shapes import one_axis_smaller, sizes_of, smaller
from ablatrix.reduction.values import all_simple, named_if_simple, simpler_leaves, with_leaf
from ablatrix.workloads.capture import FlatGraph

Step = Callable[[FlatGraph, Judge], FlatGraph]
ROUNDS = 3
"""Rounds at most: with other sizes and values another operation can be superfluous, and with fewer others the sizes."""


def reduce_graph(graph: FlatGraph, judge: Judge) -> FlatGraph:
    """Return a smaller program that still has the trouble.

    Args:
        graph: One that is known to have it.
        judge: Says which have.

    Raises:
        SpentError: The bounds are met; ``judge.best`` is the smallest program so far.
    """
    held = graph
    for number in range(ROUNDS):
        fewer = _controlled(_fewer_nodes, "nodes", held, judge)
        if number > 0 and fewer.digest() == held.digest():
            break
        held = _controlled(_smaller_sizes, "sizes", fewer, judge)
        held = _controlled(_simpler_values, "values", held, judge)
    return held


def _controlled(step: Step, phase: str, graph: FlatGraph, judge: Judge) -> FlatGraph:
    """Run a phase, and again with every step under the reference where it ends with another fault that is there too."""
    judge.phase = phase
    found = step(graph, judge)
    if found.digest() != graph.digest() and judge.control is not None and not judge.confirm(found):
        found = step(graph, judge)
        judge.relax()
    return found


def _fewer_nodes(graph: FlatGraph, judge: Judge) -> FlatGraph:
    """Cut operations off at both ends and out of the middle, then join what lies on both sides of one."""
    held = graph
    if len(units_of(graph)) > 1:
        whole = Whole.of(graph)
        levels = levels_of(graph)
        kept = ddmin_by_levels(levels, lambda units: judge.has_it(whole.cut(units)))
        cut = whole.cut(kept)
        held = cut if cut is not None and len(kept) < len(whole.units) else graph
    held = _fewer_outputs(held, judge)
    return _greedy(held, lambda one: (changed for _, changed in bypasses(one)), judge)


def _fewer_outputs(graph: FlatGraph, judge: Judge) -> FlatGraph:
    """Return the program without outputs that are not needed, and what only they depend on."""
    held = graph
    for name in graph.outputs:
        if len(held.outputs) > 1:
            changed = pruned(replace(held, outputs=tuple(one for one in held.outputs if one != name)))
            if judge.has_it(changed) and changed is not None:
                held = changed
    return held


def _smaller_sizes(graph: FlatGraph, judge: Judge) -> FlatGraph:
    held = graph
    for size in sizes_of(graph):
        held = next((one for one in smaller(held, size) if judge.has_it(one)), held)
    for leaf in held.leaves:
        for axis, size in enumerate(leaf.value.shape):
            now = next((one for one in held.leaves if one.name == leaf.name), None)
            if now is not None and size > 1 and now.value.shape[axis] == size:
                held = next((one for one in one_axis_smaller(held, now, axis) if judge.has_it(one)), held)
    return held


def _simpler_values(graph: FlatGraph, judge: Judge) -> FlatGraph:
    """Give all values one rule; where the trouble is gone then, each by itself."""
    named = replace(graph, leaves=tuple(one if one.rule else named_if_simple(one) for one in graph.leaves))
    if all(one.rule for one in named.leaves):
        return named
    held = next((one for one in all_simple(named) if judge.has_it(one)), named)
    for leaf in held.leaves:
        if not leaf.rule:
            held = next((one for made in simpler_leaves(leaf) if judge.has_it(one := with_leaf(held, made))), held)
    return replace(held, leaves=tuple(one if one.rule else named_if_simple(one) for one in held.leaves))


def _greedy(graph: FlatGraph, smaller_ones: Callable[[FlatGraph], Iterator[FlatGraph]], judge: Judge) -> FlatGraph:
    """Take the first smaller program that has the trouble, again and again, until none has."""
    held = graph
    while True:
        found = next((one for one in smaller_ones(held) if judge.has_it(one)), None)
        if found is None:
            return held
        held = found
