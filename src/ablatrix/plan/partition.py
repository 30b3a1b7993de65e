"""Partition: from the program's nodes to tasks, contiguous runs that are compiled and run as one."""

from collections.abc import Sequence
from itertools import pairwise

from ablatrix.plan.fingerprint import fingerprint_task
from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Partition, Task


def partition(graph: Graph, how: Partition) -> tuple[Task, ...]:
    """Cut a program into tasks that cover all of its nodes, in execution order.

    ``whole`` is one task. ``regions`` is one task for each run of nodes with the same region; a node without
    a region stays in the task before it (leading ones join the first), and a region that comes back after
    another one is a task of its own.

    Every task makes something that is needed. A run from which nothing is needed is kept, since it may
    have an effect, but is not a task: it joins the task before it (the first joins the one after it). A
    program that needs nothing from its nodes, because it returns only its inputs, has no tasks.

    Example: nodes with regions ``'', a, a, '', b, a`` become ``[0:4] [4:5] [5:6]``.

    Args:
        graph: The program; each intermediate value is made before it is read.
        how: Where to cut.

    Returns:
        Tasks; those of one ``kind`` are the same program.
    """
    last_reader = _last_readers(graph)
    starts = [0] if how == "whole" else _region_starts(graph)
    starts = _join_unneeded(graph, starts, last_reader)
    tasks: list[Task] = []
    kinds: dict[str, int] = {}
    for start, stop in pairwise([*starts, len(graph.nodes)]):
        reads, writes = _interface(graph, start, stop, last_reader)
        if not writes:  # only the one run of a program that needs nothing from its nodes
            return ()
        fingerprint = fingerprint_task(graph, start, stop, writes)
        kind = kinds.setdefault(fingerprint, len(kinds))
        tasks.append(Task(start, stop, reads, writes, kind, fingerprint))
    return tuple(tasks)


def _last_readers(graph: Graph) -> list[int]:
    """Index of the last node that reads each value: -1 for none, the number of nodes for the caller."""
    last = [-1] * len(graph.values)
    for index, node in enumerate(graph.nodes):
        for value in node.reads:
            last[value] = index
    for value in graph.outputs:
        last[value] = len(graph.nodes)
    return last


def _region_starts(graph: Graph) -> list[int]:
    starts: list[int] = []
    current = ""
    for index, node in enumerate(graph.nodes):
        if node.region and node.region != current:
            if current or not starts:
                starts.append(index)
            current = node.region
    if graph.nodes:
        starts[:1] = [0]
    return starts


def _join_unneeded(graph: Graph, starts: Sequence[int], last_reader: Sequence[int]) -> list[int]:
    """Drop the starts of runs from which nothing is needed after them.

    One pass from the back is enough: a run that joins the one before it changes neither what later runs make
    nor what earlier runs must return.
    """
    kept: list[int] = []
    stop = len(graph.nodes)
    for start in reversed(starts):
        if any(last_reader[value] >= stop for node in graph.nodes[start:stop] for value in node.writes):
            kept.append(start)
            stop = start
    kept.reverse()
    if starts:
        kept[:1] = [0]
    return kept


def _interface(
    graph: Graph, start: int, stop: int, last_reader: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what the nodes ``[start:stop]`` take, in order of first use, and what others need from them."""
    made: set[int] = set()
    reads: dict[int, None] = {}
    writes: list[int] = []
    for node in graph.nodes[start:stop]:
        reads.update((value, None) for value in node.reads if value not in made)
        made.update(node.writes)
        writes.extend(value for value in node.writes if last_reader[value] >= stop)
    return tuple(reads), tuple(writes)
