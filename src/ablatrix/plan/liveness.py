"""Liveness: from which task to which task each value between tasks needs its memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Reuse, Task


@dataclass(frozen=True, slots=True)
class LiveRange:
    """One value that a task makes and that is needed later.

    Attributes:
        value: Index of the value.
        bytes: Size, not rounded.
        first, last: It is live from task ``first``, which makes it, to task ``last`` (inclusive). Inclusive,
            since what a task reads and what it makes must not share bytes.
    """

    value: int
    bytes: int
    first: int
    last: int


def live_ranges(graph: Graph, tasks: Sequence[Task], reuse: Reuse) -> tuple[LiveRange, ...]:
    """Return the live range of every value that a task writes, in the order in which they are written.

    ``release`` ends a range at the last task that reads the value; ``keep`` ends all of them at the last
    task. What the program returns lives to the last task either way.

    Example: three tasks in a chain, each reading what the one before it made; the program returns what the
    third made. ``release`` gives ``[0, 1], [1, 2], [2, 2]``, ``keep`` gives ``[0, 2], [1, 2], [2, 2]``.
    """
    end = len(tasks) - 1
    last: dict[int, int] = {}
    for index, task in enumerate(tasks):
        last.update(dict.fromkeys(task.reads, index))
    last.update(dict.fromkeys(graph.outputs, end))
    return tuple(
        LiveRange(value, graph.values[value].bytes, index, end if reuse == "keep" else last[value])
        for index, task in enumerate(tasks)
        for value in task.writes
    )


def align_up(size_bytes: int, alignment: int) -> int:
    """Return the smallest multiple of ``alignment`` that is not smaller than ``size_bytes``."""
    return -(-size_bytes // alignment) * alignment


def live_bytes(ranges: Sequence[LiveRange], tasks: int, alignment: int) -> list[int]:
    """Return, for each task, the sum of the aligned sizes of what is live at it."""
    change = [0] * (tasks + 1)
    for live in ranges:
        size = align_up(live.bytes, alignment)
        change[live.first] += size
        change[live.last + 1] -= size
    return list(accumulate(change))[:tasks]


def peak_live_bytes(ranges: Sequence[LiveRange], tasks: int, alignment: int) -> int:
    """Return the largest sum of aligned sizes that are live at one task: no arena can be smaller."""
    return max(live_bytes(ranges, tasks, alignment), default=0)
