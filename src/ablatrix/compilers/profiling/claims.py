"""Which nodes of a source graph each executed kernel computes, from the names of values that both have in common.

Optimisers put several nodes into one kernel and keep the name of the value that comes out. So a kernel computes what
lies between the values that it makes and those that other kernels have made: a slice of the source graph. A kernel that
makes no value of the source (one half of a product that was cut into two) belongs to those that read what it makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A kernel: names of the values that it makes and reads, in the namespace of what is executed."""

    writes: tuple[str, ...]
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceValue:
    """A value of the source graph: the nodes of ours that make it, and the values that it is made of."""

    nodes: frozenset[int]
    reads: tuple[str, ...]


def claims_by_dataflow(executed: Sequence[Executed], source: Mapping[str, SourceValue]) -> list[frozenset[int]]:
    """Return the nodes that each kernel computes; none where no value of the source follows from it.

    Args:
        executed: The kernels, in an order in which values are made before they are read.
        source: Values of the source graph by name; inputs and constants may be missing.
    """
    made = {name for one in executed for name in one.writes if name in source}
    claims = [_slice([name for name in one.writes if name in source], source, made) for one in executed]
    readers: dict[str, list[int]] = {}
    for index, one in enumerate(executed):
        for name in one.reads:
            readers.setdefault(name, []).append(index)
    for index in reversed(range(len(executed))):
        one = executed[index]
        if not any(name in source for name in one.writes):
            followers = [reader for name in one.writes for reader in readers.get(name, ()) if reader > index]
            claims[index] = frozenset().union(*(claims[reader] for reader in followers))
    return claims


def _slice(wanted: list[str], source: Mapping[str, SourceValue], made: set[str]) -> frozenset[int]:
    """Return the nodes behind some values, up to values that a kernel has made."""
    found: set[int] = set()
    seen, waiting = set(wanted), list(wanted)
    while waiting:
        value = source[waiting.pop()]
        found |= value.nodes
        for name in value.reads:
            if name in source and name not in made and name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(found)
