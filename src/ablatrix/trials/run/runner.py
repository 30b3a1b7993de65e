"""Running a study: what is missing of it, block by block, into a result directory."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.builds import BuildLock
from ablatrix.errors import TrialError
from ablatrix.records.disk import refusal
from ablatrix.records.machine import available_bytes
from ablatrix.records.status import Status
from ablatrix.study.design import Design, make_design
from ablatrix.study.files import refuse_changed_files
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers, Sides
from ablatrix.trials.host import max_live_workers
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import (
    CellCaches,
    Ledger,
    LoggedProgress,
    Progress,
    ResultDirectory,
    Silence,
    Sink,
    run_log,
)
from ablatrix.trials.run.block_runner import BlockRunner
from ablatrix.trials.run.builds import make_sides
from ablatrix.trials.run.cluster import Cluster
from ablatrix.trials.run.directory_lock import hold_directory
from ablatrix.trials.run.hot_caches import clear_caches
from ablatrix.trials.run.seat import Seat
from ablatrix.trials.run.seats import Seats
from ablatrix.trials.run.session import Session
from ablatrix.trials.run.slot_setup import make_setup
from ablatrix.trials.run.workplace import Workplace
from ablatrix.trials.slots import Field, Setup, SlotBook, measuring_here
from ablatrix.version import __version__

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        results: The file of records.
        planned: Trials that were issued (of the selection, when there was one).
        statuses: Number of trials by status of their final record.
        signal: The signal that ended the run early, None when it came to its end.
    """

    results: Path
    planned: int
    statuses: dict[Status, int]
    signal: int | None

    @property
    def complete(self) -> bool:
        """Whether every planned trial has a final record."""
        return sum(self.statuses.values()) == self.planned

    @property
    def failed(self) -> int:
        """Number of trials that ran and did not end well (``unsupported`` is no failure)."""
        return sum(count for status, count in self.statuses.items() if status.is_failure)

    @property
    def not_run(self) -> int:
        """Number of trials that have a record and were not run: no time was left, or their workload has no program."""
        return sum(count for status, count in self.statuses.items() if not status.ran)

    @property
    def good(self) -> bool:
        """Whether every planned trial ran, and none failed."""
        return self.complete and not self.failed and not self.not_run


def run(
    resolved: ResolvedStudy,
    out: str | Path,
    *,
    only: Sequence[str] = (),
    sink: Sink | None = None,
    progress: Progress | None = None,
    study_directory: Path | None = None,
    keep_samples: bool = True,
    locks: Sequence[BuildLock] = (),
    kept: KeptServers | None = None,
    slots: Field | None = None,
    with_reference: bool = True,
    caches: CellCaches | None = None,
) -> RunSummary:
    """Run what is missing of a study. Running again into the same directory resumes.

    Args:
        resolved: What ``load_study`` or ``resolve_study`` returned.
        out: Directory for ``results.jsonl``, ``design.json`` and ``samples/``.
        only: Conditions such as ``workload=mlp``; ``status=...`` runs finished trials again. They add no blocks.
        sink: Called with each record after it is on disk.
        progress: Notified of what happens.
        study_directory: Directory of the study file, to record its git commit.
        keep_samples: Keep raw samples in side files; without, records hold their digest and no file.
        locks: What the builds of the study were in an artifact: they are made again from these.
        kept: Fork servers that other runs use, too; by default the run has its own.
        slots: Hosts whose slots run the blocks, see ``choose_field``; None: this host.
        with_reference: Whether the reference runs; without it no ratio to eager is known.
        caches: What hot trials of each cell built in other runs here; by default they find what this run built.

    Raises:
        StudyError: A condition is invalid, a file of the study has changed, or the directory holds another study's.
        CompilerError: A compiler that the study names is not installed.
        BuildError: A build of a compiler cannot be made, or is not what the directory's results were measured with.
        TrialError: The directory cannot be written, or is in use; or a slot of a cluster measures on this host.
    """
    directory = ResultDirectory(Path(out).resolve())
    planned = _planned(resolved)
    progress = LoggedProgress(progress or Silence(), only_failures=slots is not None)
    with hold_directory(directory.path, directory.work), run_log(directory.log), ExitStack() as stack:
        design = directory.make(resolved.study, planned)  # by one that holds it: another run may be writing it
        place: AbstractContextManager[object] = measuring_here(progress.notice) if slots is None else slots
        stack.enter_context(place)  # first: a library of slots may take the signals that the interrupt catches after it
        interrupt = stack.enter_context(Interrupt()) if kept is None else kept.interrupt
        _log_beginning(resolved.study, directory)
        ledger = Ledger(design, directory, study_directory, sink, progress, keep_samples, caches=caches)
        try:
            sides = make_sides(resolved, directory, progress.notice, locks)
            session = Session(resolved, design, directory, ledger, interrupt, progress, with_reference=with_reference)
            if slots is None:
                workplace: Workplace = _here(resolved, directory, interrupt, progress, sides, session, kept, caches)
            else:
                setup = make_setup(resolved, directory, study_directory, keep_samples=keep_samples)
                workplace = _cluster(resolved, ledger, directory, slots, setup, interrupt, progress, session)
            planned_count, statuses, caught = session.run(only, stack, workplace)
        except OSError as error:  # a full disk or a directory that went away; what was measured is in the journal
            raise _unwritable(error, directory) from error
        return _ended(RunSummary(directory.results, planned_count, statuses, caught), directory, only)


def _cluster(
    resolved: ResolvedStudy,
    ledger: Ledger,
    directory: ResultDirectory,
    slots: Field,
    setup: Callable[[Seat, str], Setup],
    interrupt: Interrupt,
    progress: Progress,
    session: Session,
) -> Cluster:
    book = SlotBook(directory.work)  # one: what it notes is synced by whoever sends
    return Cluster(resolved, ledger, book, Seats(slots, book, setup, progress), interrupt, progress, session)


def run_to_end(resolved: ResolvedStudy, out: str | Path, **options: Any) -> RunSummary:
    """Run what is missing of a study, and once more where the machine failed trials; see `run` for all else.

    Raises:
        TrialError: It failed them again; or as `run` does.
    """
    for _ in range(2):
        summary = run(resolved, out, **options)
        if summary.signal is not None or summary.complete:
            return summary
    left = summary.planned - sum(summary.statuses.values())
    raise TrialError(
        f"{out}: the machine failed {left} trials twice (disk, memory, processes): see work/run.log there, and run the "
        "same command again"
    )


def _here(
    resolved: ResolvedStudy,
    directory: ResultDirectory,
    interrupt: Interrupt,
    progress: Progress,
    sides: Sides,
    session: Session,
    kept: KeptServers | None,
    caches: CellCaches | None,
) -> BlockRunner:
    """Return what runs the blocks of a session on this host."""
    return BlockRunner(
        resolved,
        directory,
        interrupt,
        progress,
        sides,
        session.keep,
        session.is_budget_spent,
        kept=kept,
        caches=caches,
    )


def _unwritable(error: OSError, directory: ResultDirectory) -> TrialError:
    place = error.filename or directory.path
    return TrialError(f"{place}: cannot be written: {refusal(error)}")


def _planned(resolved: ResolvedStudy) -> Design:
    """Return the design of a study whose files are as they were and whose compilers are there."""
    study, catalogue = resolved
    refuse_changed_files(resolved)
    planned = make_design(resolved, max_live_workers(study.protocol, available_bytes()))
    for name in sorted({cell.compiler for cell in planned.cells}):
        if not catalogue.compiler(name).builds:  # else each of these is asked
            catalogue.compiler(name).refuse_absent()
    return planned


def _log_beginning(study: Study, directory: ResultDirectory) -> None:
    _log.info("run of study '%s' (digest %s) into %s", study.name, study.digest[:16], directory.path)
    _log.info(
        "process %d, user %d, ablatrix %s, Python %s, %s %s",
        os.getpid(),
        os.getuid(),
        __version__,
        platform.python_version(),
        platform.system(),
        platform.release(),
    )


def _ended(summary: RunSummary, directory: ResultDirectory, only: Sequence[str]) -> RunSummary:
    """Log how a run ended; where nothing is left to run, remove compiled programs, as many as configurations."""
    counts = ", ".join(f"{count} {status}" for status, count in summary.statuses.items()) or "none finished"
    signal = f"; signal {summary.signal}" if summary.signal else ""
    _log.info("the run ended: %d trials: %s%s", summary.planned, counts, signal)
    if summary.complete and not only:
        clear_caches(directory.hot_caches)
    return summary
