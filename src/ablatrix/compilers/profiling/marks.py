"""Marks that follow a task's nodes through a compiler's frontend.

Frontends decompose and rename nodes, but hand on the text that says from which line of a model each came (torch's
``stack_trace``; tasks have none). So this text becomes the number of the node. No code depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from ablatrix.workloads.program import TaskProgram

FIELD = "stack_trace"
VIEWS = frozenset(
    (
        *("view", "reshape", "_unsafe_view", "permute", "transpose", "t", "expand", "squeeze", "unsqueeze", "slice"),
        *("select", "getitem", "alias", "detach", "as_strided", "split", "split_with_sizes", "unbind", "sym_size"),
    )
)
MARK = re.compile(r"ablatrix_node_n(\d+)_")


def mark_of(index: int) -> str:
    """Return the mark of a node."""
    return f"ablatrix_node_n{index}_"


def marks_in(text: str | None) -> frozenset[int]:
    """Return the nodes whose marks are in a text."""
    return frozenset(map(int, MARK.findall(text or "")))


def mark_nodes(task: TaskProgram) -> None:
    """Mark the nodes of a task: each with its number, counted from the task's first."""
    for index, node in enumerate(_operations(task)):
        node.meta[FIELD] = mark_of(index)


@contextmanager
def marked(tasks: Iterable[TaskProgram]) -> Iterator[None]:
    """Mark the nodes of some tasks inside the block."""
    chosen = tuple(tasks)
    for one in chosen:
        mark_nodes(one)
    try:
        yield
    finally:
        for one in chosen:
            for node in _operations(one):
                node.meta.pop(FIELD, None)


def is_view(node: Any) -> bool:
    """Whether a node of FX gives a tensor another shape, or a part of it, and computes nothing."""
    packet = getattr(node.target, "overloadpacket", node.target)
    return getattr(packet, "__name__", "") in VIEWS


def node_marks(node: Any) -> frozenset[int]:
    """Return the marks of a node of FX that came from a marked one."""
    return marks_in(node.meta.get(FIELD))


@dataclass(frozen=True)
class TaskGraph:
    """A task's nodes by number, with the numbers of those that each reads, and which of them compute something."""

    reads: Sequence[frozenset[int]]
    computing: frozenset[int]

    @classmethod
    def of(cls, task: TaskProgram) -> TaskGraph:
        """Read a task."""
        nodes = _operations(task)
        numbers = {node: index for index, node in enumerate(nodes)}
        computing = frozenset(index for index, node in enumerate(nodes) if not is_view(node))
        return cls([frozenset(_producers(node, numbers)) for node in nodes], computing)

    def between(self, before: Iterable[int], behind: Iterable[int], lost: Iterable[int]) -> frozenset[int]:
        """Return the lost nodes that lie between some nodes and some others.

        Args:
            before: Nodes that come before; none: the task's inputs do.
            behind: Nodes that come behind; none: the task's outputs do.
            lost: Nodes whose marks were lost.
        """
        first, last = set(before), set(behind)
        everything = set(range(len(self.reads)))
        reached: set[int] = set() if first else everything
        for index, reads in enumerate(self.reads):
            if index in first or reads & reached:
                reached.add(index)
        needed: set[int] = set(last) if last else everything
        for index in reversed(range(len(self.reads))):
            if index in needed:
                needed |= self.reads[index]
        return frozenset(set(lost) & reached & needed)


def _producers(node: torch.fx.Node, numbers: Mapping[Any, int]) -> Iterator[int]:
    for one in node.all_input_nodes:
        if one in numbers:
            yield numbers[one]
        elif one.op == "call_function":  # the choice of an output, or arithmetic on sizes
            yield from _producers(one, numbers)


def _operations(task: TaskProgram) -> list[torch.fx.Node]:
    from ablatrix.workloads.capture import makes_tensors

    return [one for one in task.exported.graph.nodes if one.op == "call_function" and makes_tensors(one)]
