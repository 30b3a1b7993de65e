"""Preparing workloads in processes of their own: build, export, lower, oracle; once per study and directory."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ablatrix.records.status import Status
from ablatrix.study.design import Cell
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.channel import ChannelClosed, ChannelTimeout
from ablatrix.trials.directory import ResultDirectory, preparation
from ablatrix.trials.interrupt import Interrupted
from ablatrix.trials.limits import describe_ending
from ablatrix.trials.recording import FACTS_FILE
from ablatrix.trials.servers import Servers

TIMEOUT_S = 900.0


class Preparation:
    """Prepared programs of one run, and why one could not be prepared."""

    def __init__(
        self, resolved: ResolvedStudy, directory: ResultDirectory, servers: Servers, scratch: Path, threads: int
    ) -> None:
        self._resolved, self._directory, self._servers = resolved, directory, servers
        self._scratch, self._threads = scratch, threads
        self._failures: dict[Path, tuple[Status, dict[str, Any]]] = {}

    def is_ready(self, cell: Cell) -> bool:
        """Return whether the cell's program lies prepared, or is known to fail."""
        place = self._directory.program(self._resolved, cell)
        return place in self._failures or (place / FACTS_FILE).exists()

    def failure(self, cell: Cell) -> tuple[Status, dict[str, Any]] | None:
        """Return status and error of a program that could not be prepared."""
        return self._failures.get(self._directory.program(self._resolved, cell))

    def make(self, cell: Cell) -> None:
        """Prepare the cell's program in a worker; a failure is kept, not raised.

        Raises:
            Interrupted: The user asked to stop.
            TrialError: The fork server failed.
        """
        place = self._directory.program(self._resolved, cell)
        draft = place.with_name(f".{place.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        self._scratch.mkdir(parents=True, exist_ok=True)
        task = {
            "mode": "prepare",
            **preparation(self._resolved, cell),
            "entry": asdict(self._resolved.catalogue.workload(cell.workload)),
            "threads": self._threads,
            "directory": str(draft),
            "memory_limit_mb": self._resolved.study.protocol.memory_limit_mb,
        }
        worker = self._servers.without_program().start(task, self._scratch / "prepare.log")
        try:
            message = worker.receive(TIMEOUT_S)
            worker.end(kill=True)
            status, error = Status(message["status"]), message["error"]
        except (ChannelClosed, ChannelTimeout) as lost:
            reason = Status.TIMEOUT if isinstance(lost, ChannelTimeout) else None
            status, error = describe_ending(worker.end(kill=reason is not None), worker.stage, reason)
        except Interrupted:
            worker.end(kill=True)
            raise
        if status is Status.OK:
            draft.rename(place)
        else:
            status = Status.COMPILE_ERROR if status is Status.RUN_ERROR else status
            self._failures[place] = status, {**error, "phase": "load", "output_tail": worker.output_tail()}
