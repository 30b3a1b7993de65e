"""Preparing workloads in processes of their own: build, export, lower, oracle; once per study and directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.records.disk import sync_directory, sync_files
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.study.design import Cell
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Servers, Side, Sides, Worker
from ablatrix.trials.host import describe_ending
from ablatrix.trials.messages import ChannelClosed, ChannelTimeout, Interrupted, TrialResult
from ablatrix.trials.results import FACTS_FILE, ResultDirectory, read_facts
from ablatrix.trials.run.lost import of_machinery
from ablatrix.trials.run.task_making import prepare_task
from ablatrix.trials.run.type_probe import missing_type
from ablatrix.workloads.numeric_types import narrow_types

TIMEOUT_S = 900.0
TRIES = 2
"""Where the machine fails the process that prepares: memory is at its peak there, and may be free a moment later."""


class Preparation:
    """Prepared programs of one run, and why one could not be prepared."""

    def __init__(
        self,
        resolved: ResolvedStudy,
        directory: ResultDirectory,
        servers: Servers,
        scratch: Path,
        threads: int,
        sides: Sides | None = None,
    ) -> None:
        self._resolved, self._directory, self._servers = resolved, directory, servers
        self._scratch, self._threads = scratch, threads
        self._sides = sides or Sides(catalogue=resolved.catalogue)
        self._failures: dict[Path, tuple[Status, Failure]] = {}
        self._whole: set[Path] = set()
        self._types: dict[Path, tuple[str, ...]] = {}
        self._missing: dict[tuple[Side, str], str] = {}

    def is_ready(self, cell: Cell, side: Side | None = None) -> bool:
        """Return whether the cell's program is prepared, or known to fail.

        Args:
            cell: Whose program.
            side: Which side is to read it; None for one with the torch of this environment.
        """
        directory = self.place(cell, side)
        return directory in self._failures or self._is_whole(directory)

    def discard(self, directory: Path) -> None:
        """Remove a prepared program that cannot be loaded, so that it is prepared anew."""
        self._whole.clear()  # runs that share programs name them by links
        shutil.rmtree(directory, ignore_errors=True)

    def _is_whole(self, directory: Path) -> bool:
        """Return whether a prepared program is there; what a power cut left of one is removed."""
        if directory in self._whole:
            return True
        try:
            json.loads((directory / FACTS_FILE).read_bytes())["facts"]
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            self.discard(directory)
            return False
        self._whole.add(directory)
        return True

    def has_program(self, cell: Cell) -> bool:
        """Return whether the cell's program is prepared and can be loaded."""
        return self.is_ready(cell) and self.failure(cell) is None

    def failure(self, cell: Cell, side: Side | None = None) -> tuple[Status, Failure] | None:
        """Return status and error of a program that could not be prepared."""
        return self._failures.get(self.place(cell, side))

    def place(self, cell: Cell, side: Side | None = None) -> Path:
        """Return the directory of the cell's prepared program, as a side reads it."""
        torch = None if side is None else self._sides.other_torch(side)
        return self._directory.program(self._resolved, cell, torch)

    def own_digest(self, cell: Cell, side: Side) -> str | None:
        """Return the digest of the program that a side prepared for itself; None where it reads that of the others."""
        if self._sides.other_torch(side) is None or self.failure(cell, side) is not None:
            return None
        return read_facts(self.place(cell, side), self._resolved.catalogue.workload(cell.workload), cell).digest

    def untried_types(self, cell: Cell) -> list[str]:
        """Return the 16-bit types of a prepared program that the cell's compiler has not been tried on in this run."""
        return [one for one in self._narrow(cell) if (self._sides.of(cell), one) not in self._missing]

    def missing_type(self, cell: Cell) -> str:
        """Return why the cell's compiler cannot take its program, whose type it does not have; empty where it can.

        Where that is not known yet, a small program is compiled for it, which takes seconds.
        """
        side = self._sides.of(cell)
        for dtype in self._narrow(cell):
            key = side, dtype
            if key not in self._missing:
                entry, build = self._sides.entry(side), self._sides.build(side)
                self._missing[key] = missing_type(entry, dtype, self._resolved.study.device, build)
            if self._missing[key]:
                return self._missing[key]
        return ""

    def _narrow(self, cell: Cell) -> tuple[str, ...]:
        """Return the 16-bit types of a cell's program; none of eager, which has them, and of one without a program."""
        directory = self._directory.program(self._resolved, cell)
        if not cell.knobs or not self.has_program(cell):
            return ()
        if directory not in self._types:
            entry = self._resolved.catalogue.workload(cell.workload)
            self._types[directory] = narrow_types(read_facts(directory, entry, cell).dtype)
        return self._types[directory]

    def make(self, cell: Cell, side: Side | None = None) -> None:
        """Prepare the cell's program in a worker; a failure is kept, not raised.

        Args:
            cell: Whose program.
            side: Which side prepares it for itself, having another torch; None for one of this environment.

        Raises:
            Interrupted: The user asked to stop.
            TrialError: The fork server does not start.
        """
        directory = self.place(cell, side)
        draft = directory.with_name(f".{directory.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        task = prepare_task(self._resolved, cell, threads=self._threads, directory=draft)
        for _ in range(TRIES):
            server = self._servers.without_program(side)
            printed: str | None = None
            try:
                worker = server.start(task, self._scratch / "prepare.log")
                status, failure = _await_end(worker)
                printed = worker.output_tail()
            except TrialError as error:  # of the server, which the machine may have ended
                self._servers.drop_without_program(side)
                status, failure = Status.PLACE_FAILED, of_machinery(error)
            if failure is None:
                _keep(draft, directory)
                self._failures.pop(directory, None)
                return
            if status is not Status.PLACE_FAILED:
                # However it failed: no compiler was given the program, so none of them has failed.
                status = Status.NOT_PREPARED
            further = {"phase": "prepare", "output_tail": printed}
            self._failures[directory] = status, failure.model_copy(update=further)
            if status is Status.NOT_PREPARED:
                return
            shutil.rmtree(draft, ignore_errors=True)


def _keep(draft: Path, directory: Path) -> None:
    """Give a program its name once it is on disk: one that has its name is whole, whenever power is cut."""
    files = [file for file in draft.rglob("*") if file.is_file()]
    sync_files(files)
    for folder in dict.fromkeys(file.parent for file in files):
        sync_directory(folder)
    draft.rename(directory)
    sync_directory(directory.parent)


def _await_end(worker: Worker) -> tuple[Status, Failure | None]:
    """Return status and error of a worker that failed; no error when it succeeded."""
    try:
        message = worker.receive(TIMEOUT_S)
    except ChannelTimeout:
        return describe_ending(worker.end(kill=True), worker.stage, Status.TIMEOUT)
    except ChannelClosed:
        return describe_ending(worker.end(kill=False), worker.stage, None)
    except Interrupted:
        worker.end(kill=True)
        raise
    worker.end(kill=True)
    assert isinstance(message, TrialResult)  # nothing else was requested
    return message.status, message.error
