"""Where the blocks of a run are run: on this host, or in slots on several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Protocol

from ablatrix.study.design import Cell, Trial

Pairs = Sequence[tuple[Trial, Cell]]
"""A block: its trials in order, each with its cell."""
Following = Callable[[int], Cell | None]
"""Returns a cell of the next hot block after the one of a number, None where there is none."""


class Workplace(Protocol):
    """What a session hands blocks to. What they bring goes to whom the workplace was made for."""

    @property
    def is_several(self) -> bool:
        """Whether blocks run beside each other on several hosts; each then runs whole on one of them."""

    @property
    def at_once(self) -> int:
        """How many untimed compiles run beside each other on a host."""

    def recover(self) -> None:
        """Bring into the results what an earlier run had measured and not written yet."""

    def open(self, stack: ExitStack, cells: Iterable[Cell]) -> None:
        """Begin; the stack ends it. ``cells`` are those of the trials that are to run now."""

    def prepare(self, cells: Iterable[Cell]) -> None:
        """Prepare the workloads of cells, where that is done before their blocks."""

    def run(self, blocks: Sequence[Pairs], following: Following) -> None:
        """Run blocks and return when all have been kept.

        Raises:
            Interrupted: The user asked to stop.
        """
