"""The smallest sets of nodes in which the kernels of two configurations can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ablatrix.compilers.profiling import ProfiledKernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Nodes, and the positions of the kernels of each side that compute them.

    Attributes:
        nodes: In order; empty for kernels that compute none.
        a, b: Positions of kernels among those of the first and of the second side.
    """

    nodes: tuple[int, ...]
    a: tuple[int, ...]
    b: tuple[int, ...]


def group_kernels(a: Sequence[ProfiledKernel], b: Sequence[ProfiledKernel], free: Iterable[int] = ()) -> list[Group]:
    """Return the connected components of the kernels' sets of nodes, in the order of the graph.

    Two kernels, of one side or of both, are in one group where their sets overlap, or where a chain of such kernels is
    between them. Kernels without nodes are one group at the end.

    Args:
        a: Kernels of the first side.
        b: Of the second.
        free: Nodes that cost nothing (views): several kernels may compute one each for itself, and that joins none
            that compute something else, too.
    """
    cheap = frozenset(free)
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for kernel in (*a, *b):
        nodes = _joined(kernel, cheap)
        for node in nodes:
            parent[root(node)] = root(nodes[0])
    parts: dict[int, tuple[set[int], list[int], list[int]]] = {}
    none: tuple[set[int], list[int], list[int]] = (set(), [], [])
    for side, kernels in ((1, a), (2, b)):
        for index, kernel in enumerate(kernels):
            nodes = _joined(kernel, cheap)
            part = parts.setdefault(root(nodes[0]), (set(), [], [])) if nodes else none
            part[0].update(kernel.nodes)
            part[side].append(index)  # type: ignore[union-attr]
    found = [Group(nodes=tuple(sorted(nodes)), a=tuple(one), b=tuple(other)) for nodes, one, other in parts.values()]
    found.sort(key=lambda group: group.nodes)
    if none[1] or none[2]:
        found.append(Group(nodes=(), a=tuple(none[1]), b=tuple(none[2])))
    return found


def _joined(kernel: ProfiledKernel, cheap: frozenset[int]) -> tuple[int, ...]:
    """Return the nodes by which a kernel is joined to others: those that cost something, or else all that it has."""
    return tuple(node for node in kernel.nodes if node not in cheap) or kernel.nodes
