"""The planner's output: tasks, buffers between them, and the offset of each buffer."""

from dataclasses import dataclass
from typing import Literal

Partition = Literal["whole", "regions"]
Reuse = Literal["keep", "release"]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The knobs of the planner, and the alignment.

    Attributes:
        partition: ``whole``: the program is one task. ``regions``: one task for each model block.
        reuse: ``keep``: every buffer between tasks lives to the end. ``release``: it is released at its last use,
            and later buffers may share its bytes.
        alignment: Every offset in the arena is a multiple of this many bytes.
    """

    partition: Partition = "whole"
    reuse: Reuse = "keep"
    alignment: int = 64


@dataclass(frozen=True, slots=True)
class Task:
    """A contiguous run of nodes that is compiled and run as one.

    Attributes:
        start, stop: The task's nodes are ``graph.nodes[start:stop]``.
        reads: Values that the task takes, in the order of its arguments (no repeats).
        writes: Values that it makes and that a later task or the program's caller needs, in order (no repeats).
        kind: Index of its fingerprint among the distinct ones, in order of first appearance: tasks of one kind
            are compiled once. Where weights are part of the code, tasks with other weights are of other kinds.
        fingerprint: Content id of the structure, equal exactly for tasks that are the same program.
    """

    start: int
    stop: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    kind: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Buffer:
    """One value between tasks and its offset in the arena.

    Attributes:
        value: Index of the value.
        bytes: Size, not rounded.
        first, last: It is live from task ``first`` (which writes it) to task ``last`` (inclusive). A value that
            the program returns is live to the last task; with ``keep`` every buffer is.
        offset: First byte in the arena.
    """

    value: int
    bytes: int
    first: int
    last: int
    offset: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Tasks and storage of one program under one set of options.

    Attributes:
        edges: Number of (writing task, reading task) pairs with at least one value between them.
        logical_bytes: Sum of the buffers' sizes.
        arena_bytes: Size of the one arena that holds all buffers.
        peak_live_bytes: Largest sum of (aligned) sizes of buffers that are live at one task under *release*
            liveness: no arena can be smaller.
        physical_buffers: Number of distinct offsets in the arena.
    """

    options: PlanOptions
    tasks: tuple[Task, ...]
    buffers: tuple[Buffer, ...]
    edges: int
    logical_bytes: int
    arena_bytes: int
    peak_live_bytes: int
    physical_buffers: int

    @property
    def distinct_tasks(self) -> int:
        """Number of tasks that differ, which is what has to be compiled."""
        return len({task.kind for task in self.tasks})
