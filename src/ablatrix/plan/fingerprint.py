"""Fingerprint of a task: equal for tasks that are the same program, so that one is compiled for all."""

import re
from collections.abc import Sequence

from ablatrix.canonical import content_id
from ablatrix.plan.graph import Graph

# Sizes that are not known before the run, as torch.export names them: s0, s27.
_SYMBOL = re.compile(r"\bs\d+\b")


def fingerprint_task(graph: Graph, start: int, stop: int, writes: Sequence[int]) -> str:
    """Return the content id of the structure of the nodes ``[start:stop]``.

    Values are numbered by first occurrence, symbols by first appearance; where a value comes from, its index
    and the region's name do not count. What counts: the operations and how values flow between them, each
    value's signature and size in bytes (which distinguishes the bounds of symbols), whether it is a parameter
    (a compiler may treat those as the same tensors in every run), which one where it is part of the code, and which
    values are returned.

    Example: ``add(%0, %1)`` over values 3, 3 and over 8, 8 are the same; over 3, 4 it is different.

    Args:
        graph: The program.
        start: First node.
        stop: Node after the last one.
        writes: Values that the task returns, in order.
    """
    numbers: dict[int, int] = {}
    symbols: dict[str, str] = {}
    descriptions: list[tuple[str | int | bool, ...]] = []

    def rename(text: str) -> str:
        return _SYMBOL.sub(lambda match: symbols.setdefault(match[0], f"s{len(symbols)}"), text)

    def number(index: int) -> int:
        if index not in numbers:
            numbers[index] = len(numbers)
            value = graph.values[index]
            constant = (value.constant,) if value.constant else ()
            descriptions.append((rename(value.signature), value.bytes, value.kind == "parameter", *constant))
        return numbers[index]

    nodes = []
    for node in graph.nodes[start:stop]:
        reads = [number(index) for index in node.reads]
        nodes.append((rename(node.operation), reads, [number(index) for index in node.writes]))
    return content_id([nodes, descriptions, [numbers[index] for index in writes]])
