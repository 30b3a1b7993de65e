"""The events of a run that a listener is notified of."""

from collections.abc import Sequence
from typing import Protocol

from ablatrix.records.brief import Brief
from ablatrix.records.model import Stopping
from ablatrix.study.design import Cell, Trial


class Progress(Protocol):
    """A listener. Nothing that it does can change what is measured: it is called between timed regions."""

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """The run begins: trials to run now, and trials that were finished before."""

    def notice(self, text: str) -> None:
        """Something that is worth a line: preparing a workload, a torn tail that was set aside."""

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """What is being done now."""

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Further trials were issued, because intervals are wider than the study asks for."""

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """What was decided about further hot blocks, from the widths reached."""

    def recorded(self, record: Brief) -> None:
        """A record was written."""


class Silence:
    """A listener that says nothing."""

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Say nothing."""

    def notice(self, text: str) -> None:
        """Say nothing."""

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Say nothing."""

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Say nothing."""

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Say nothing."""

    def recorded(self, record: Brief) -> None:
        """Say nothing."""
