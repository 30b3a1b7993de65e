"""Observing the passes of a configuration: by a worker, as its trials are run, and with their prepared program.

Such a worker is a process of its own, and what it compiled goes with it: no trial finds anything of it, nor another
observation.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping

from ablatrix.compilers.passes import ObservedPasses
from ablatrix.errors import CompilerError, TrialError
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers, Worker
from ablatrix.trials.host import describe_ending, place_runs
from ablatrix.trials.messages import (
    ChannelClosed,
    ChannelTimeout,
    Interrupted,
    PassReport,
    PassTask,
    TrialResult,
)
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.builds import make_sides
from ablatrix.trials.run.by_side import BySide
from ablatrix.trials.run.preparation import Preparation
from ablatrix.trials.run.task_making import trial_task

_log = logging.getLogger(__name__)

TIMEOUT_S = 900.0


class PassObserver:
    """Has the compiler of a study compile under observers.

    Args:
        resolved: The study with its catalogue.
        directory: Has the prepared programs, and gets those that are missing.
        kept: Fork servers; they stay.
    """

    def __init__(self, resolved: ResolvedStudy, directory: ResultDirectory, kept: KeptServers) -> None:
        self._resolved, self._directory, self._kept = resolved, directory, kept
        self._scratch = directory.work / "scratch"
        protocol = resolved.study.protocol
        self._threads, self._cpus = place_runs(protocol.threads, protocol.cpus)

    def observe(self, trial: Trial, cell: Cell) -> tuple[ObservedPasses, Mapping[str, str]]:
        """Return which passes run, and the versions of what generates code.

        Raises:
            CompilerError: The compiler lists no passes or failed, or the program cannot be prepared.
            Interrupted: The user asked to stop.
        """
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(parents=True)
        sides = make_sides(self._resolved, self._directory, _log.info)
        servers = self._kept.of(self._resolved, sides)
        try:
            preparation = Preparation(self._resolved, self._directory, servers, self._scratch, self._threads, sides)
            by_side = BySide(self._resolved, sides, servers, preparation, self._threads)
            self._prepare(preparation, by_side, cell)
            worker = by_side.servers(cell.compiler)(cell).start(self._task(by_side, trial, cell), self._scratch / "log")
            observed, result = _await_report(worker)
        except TrialError as error:
            servers.drop(cell.compiler)
            raise _not_listed(cell, str(error)) from error
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        if observed is None:
            assert result.error is not None
            raise _not_listed(cell, result.error.message)
        return observed, result.versions or {}

    def _prepare(self, preparation: Preparation, by_side: BySide, cell: Cell) -> None:
        """Prepare the cell's program, where that is not done.

        Raises:
            CompilerError: It cannot be prepared.
        """
        if not preparation.is_ready(cell):
            preparation.make(cell)
        for told in by_side.prepare(cell):
            _log.info(told)
        failure = by_side.unprepared(cell, cell.compiler)
        if failure is not None:
            raise _not_listed(cell, failure[1].message)

    def _task(self, by_side: BySide, trial: Trial, cell: Cell) -> PassTask:
        study, catalogue = self._resolved
        work_dir = self._scratch / "work"
        work_dir.mkdir()
        task = trial_task(
            study,
            catalogue,
            trial,
            cell,
            padded=False,
            threads=self._threads,
            cpus=tuple(self._cpus),
            memory_limit_mb=None,
            cache_dir=None,
            publish_dir=None,
            work_dir=work_dir,
            entry=by_side.entries([cell]).get(cell.cell_id),
        )
        return PassTask(trial=task)


def _not_listed(cell: Cell, why: str) -> CompilerError:
    return CompilerError(f"passes of '{cell.compiler}' on '{cell.workload}' cannot be listed: {why}")


def _await_report(worker: Worker) -> tuple[ObservedPasses | None, TrialResult]:
    """Return what a worker observed, None where it did not, and its result; of one that was lost how it ended."""
    observed: ObservedPasses | None = None
    try:
        message = worker.receive(TIMEOUT_S)
        if isinstance(message, PassReport):
            observed, message = message.observed, worker.receive(TIMEOUT_S)
    except ChannelTimeout:
        status, failure = describe_ending(worker.end(kill=True), worker.stage, Status.TIMEOUT)
        failure = failure.model_copy(update={"message": f"nothing within {TIMEOUT_S:.0f} s; take a smaller model"})
        return None, TrialResult(status=status, error=failure)
    except ChannelClosed:
        status, failure = describe_ending(worker.end(kill=False), worker.stage, None)
        return None, TrialResult(status=status, error=_with_last_line(failure, worker))
    except Interrupted:
        worker.end(kill=True)
        raise
    worker.end(kill=True)
    assert isinstance(message, TrialResult)  # nothing else was requested
    return observed, message


def _with_last_line(failure: Failure, worker: Worker) -> Failure:
    """Return how a process ended, with the last line that it wrote."""
    lines = (worker.output_tail() or "").strip().splitlines()
    return failure.model_copy(update={"message": f"{failure.message}: {lines[-1]}"}) if lines else failure
