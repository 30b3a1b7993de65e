"""Fork servers that outlive a run: runs of one compiler after the other need not import it each time."""

from __future__ import annotations

from pathlib import Path

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client.servers import Servers
from ablatrix.trials.client.sides import Sides
from ablatrix.trials.messages import Interrupt

EAGER = "eager"


class KeptServers:
    """Fork servers for several runs, one after the other. Use as a context: leaving it ends them all.

    They hold imported compilers and loaded programs, and nothing that a trial makes: each worker is a process of its
    own, with the caches of its run. A run with other compilers or another device gets new ones, and so does one with
    builds. Knobs come with each task, so that runs that differ in them share what is imported.

    Args:
        logs: Directory for what they print.

    Attributes:
        interrupt: Catches the signals of the user for all the runs.
    """

    def __init__(self, logs: Path) -> None:
        self.interrupt = Interrupt()
        self._logs = logs
        self._servers: Servers | None = None
        self._held: tuple[str, tuple[object, ...]] | None = None

    def __enter__(self) -> KeptServers:
        self.interrupt.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._close()
        finally:
            self.interrupt.__exit__()

    def of(self, resolved: ResolvedStudy, sides: Sides) -> Servers:
        """Return the servers for a run; those of the run before where they fit.

        Args:
            resolved: The study of the run.
            sides: Its sides.
        """
        study, catalogue = resolved
        names = (EAGER, *(choice.name for choice in study.compilers))
        wanted = (study.device, tuple(_imported(catalogue.compiler(name)) for name in names))
        if self._servers is not None and self._held == wanted and not sides.builds:
            self._servers.take_over(sides)
            return self._servers
        self._close()
        self._logs.mkdir(parents=True, exist_ok=True)
        self._servers, self._held = Servers(resolved, self._logs, self.interrupt, sides), wanted
        return self._servers

    def _close(self) -> None:
        if self._servers is not None:
            self._servers.close()
        self._servers = self._held = None


def _imported(entry: CompilerEntry) -> object:
    """Return what a fork server has of a compiler: its adapter, which for a program is made from the whole entry."""
    return (entry.name, entry.adapter, entry.program_digest) if entry.program is None else entry
