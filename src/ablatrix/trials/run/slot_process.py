"""The runner of a slot: ablatrix's ordinary one, which takes blocks by a pipe and spools what they bring.

Started by ``ablatrix.trials.slots.Keeper`` with the directory of a run on this host. Each line of stdin is the id of an
offer; when stdin ends, whoever started it is gone, and so is it. Nothing is measured for anybody who cannot hear of it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

from ablatrix.builds import read_locks
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import AblatrixError, TrialError
from ablatrix.records.brief import Brief
from ablatrix.records.journal import Journal
from ablatrix.records.model import Stopping
from ablatrix.records.names import BUILDS_NAME, STUDY_NAME
from ablatrix.records.place import Place
from ablatrix.study.design import Cell, Design, Trial
from ablatrix.study.design_file import load_design
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.messages import Interrupt, Interrupted, decode
from ablatrix.trials.results import (
    Ledger,
    LoggedProgress,
    Outcome,
    ResultDirectory,
    read_facts,
    run_log,
    validated_text,
)
from ablatrix.trials.run.block_runner import BlockRunner
from ablatrix.trials.run.builds import make_sides
from ablatrix.trials.slots import (
    OFFER,
    OFFERS,
    SETUP,
    SETUP_MESSAGE,
    SPOOLS,
    STUDY,
    Ended,
    Kept,
    Offer,
    Prepared,
    Setup,
    SpoolWriter,
    Told,
    leave_a_cpu,
    take_back_niceness,
)

_log = logging.getLogger(__name__)


class Orders:
    """Ids of offers as they come by stdin; when it ends, this process does."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name="orders").start()

    def next(self, interrupt: Interrupt) -> str:
        """Return the id of the next offer.

        Raises:
            Interrupted: The slot was told to stop.
        """
        while True:
            interrupt.check()
            try:
                return self._lines.get(timeout=0.2)
            except queue.Empty:
                continue

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line.strip())
        os.kill(os.getpid(), signal.SIGKILL)  # whoever forked for it dies with it; nobody would hear an answer


class SpoolProgress:
    """A listener that spools what people want to know. Rounds of a hot block are left out: none is written then."""

    def __init__(self) -> None:
        self.writer: SpoolWriter | None = None

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Say nothing: the run knows."""

    def notice(self, text: str) -> None:
        """Spool it."""
        self._tell(Told(text=text, trial_id="", cell_id="", is_notice=True))

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Spool what begins."""
        if cell is not None:
            trial_id = "" if trial is None else trial.trial_id
            self._tell(Told(text=what, trial_id=trial_id, cell_id=cell.cell_id, is_notice=False))

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Say nothing: a slot adds none."""

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Say nothing: a slot decides nothing."""

    def recorded(self, record: Brief) -> None:
        """Say nothing: its line is in the spool."""

    def _tell(self, entry: Told) -> None:
        if self.writer is not None:
            self.writer.append(entry, is_synced=False)


class SlotRunner:
    """Runs offers of one study in the directory of a run on this host."""

    def __init__(self, path: Path, setup: Setup, watched: tuple[int, ...], interrupt: Interrupt, remark: str) -> None:
        self._path, self._setup, self._interrupt = path, setup, interrupt
        self._remark = remark
        self._directory = ResultDirectory(path)
        self._resolved = _load(path / STUDY / STUDY_NAME, setup)
        self._progress = SpoolProgress()
        self._watched = watched
        self._deadline: float | None = None
        self._runner: BlockRunner | None = None
        self._journal: Journal | None = None
        self._ledger: Ledger | None = None

    def run(self, offer: Offer, stack: ExitStack) -> None:
        """Run the blocks of an offer and spool what they bring; the stack ends what stays open for the next one."""
        writer = SpoolWriter(self._path / SPOOLS / offer.offer_id)
        self._progress.writer = writer
        if self._remark:
            self._progress.notice(self._remark)
            self._remark = ""
        try:
            self._run(offer, writer, stack)
            writer.append(Ended(how="done", message=""))
        except Interrupted as error:
            writer.append(Ended(how="interrupted", message=str(error)))
            raise
        except AblatrixError as error:
            _log.error("offer %s failed: %s", offer.offer_id, error, exc_info=error)
            writer.append(Ended(how="failed", message=str(error)))
        finally:
            self._progress.writer = None
            writer.close()

    def _run(self, offer: Offer, writer: SpoolWriter, stack: ExitStack) -> None:
        file = self._path / "design.json"
        file.write_text(offer.design, encoding="utf-8")
        design = load_design(file)
        cells = {cell.cell_id: cell for cell in design.cells}
        self._deadline = None if offer.budget_left_s is None else monotonic() + offer.budget_left_s
        self._keep_with = (self._ledger_for(design, offer, stack), writer)
        if self._runner is None:
            locks = read_locks(self._path / BUILDS_NAME)
            sides = make_sides(self._resolved, self._directory, self._progress.notice, locks)
            progress = LoggedProgress(self._progress)
            self._runner = BlockRunner(
                self._resolved,
                self._directory,
                self._interrupt,
                progress,
                sides,
                self._keep,
                self._is_budget_spent,
                self._watched,
            )
            self._runner.open(stack, design.cells)
        self._runner.prepare(design.cells)
        writer.append(Prepared(programs=self._programs(design.cells)))
        blocks = [[(trial, cells[trial.cell_id]) for trial in block] for block in design.blocks()]
        for number, block in enumerate(blocks):
            if block[0][0].mode == "cold" and block[0][0].role != "probe":
                self._runner.prime(block)
            following = blocks[number + 1][0][1] if number + 1 < len(blocks) else None
            self._runner.run_block(block, following)

    def _ledger_for(self, design: Design, offer: Offer, stack: ExitStack) -> Ledger:
        """Return the ledger, for an offer: with what was built on this host before, and attempts as they are numbered.

        What was measured here is read once: a host of a long run has many records.
        """
        if self._ledger is None:
            self._journal = stack.enter_context(Journal(self._directory.results))
            setup = self._setup
            place = Place(host_id=setup.host_id, slot=setup.slot, stratum=setup.stratum)
            self._ledger = Ledger(design, self._directory, None, None, self._progress, setup.keep_samples, place)
            self._ledger.remember(self._directory.attempts())
        self._ledger.follow(design)
        self._ledger.count_from(offer.attempts)
        return self._ledger

    def _keep(self, outcomes: Sequence[Outcome], entries: Mapping[str, CompilerEntry], final: bool) -> None:
        """Spool the records of one block, each with its samples, and remember them on this host."""
        ledger, writer = self._keep_with
        assert self._journal is not None
        made = ledger.make(self._resolved, outcomes, final=final, entries=entries)
        commit = {"study_commit": self._setup.study_commit, "study_dirty": self._setup.study_dirty}
        told = [line.changed(meta=line.record.meta.model_copy(update=commit)) for line in made]
        for number, line in enumerate(told, 1):  # all of a block are there at once
            writer.append(Kept(record=validated_text(line), samples=line.samples), is_synced=number == len(told))
        self._journal.append(*(line.record for line in told))
        ledger.count_from({one.brief.trial_id: one.brief.attempt + 1 for one in made})

    def _programs(self, cells: Iterable[Cell]) -> dict[str, str]:
        """Return the digest of the prepared program of each workload that could be prepared."""
        found = {}
        for cell in cells:
            facts = read_facts(
                self._directory.program(self._resolved, cell), self._resolved.catalogue.workload(cell.workload), cell
            )
            if facts.digest:
                found[cell.workload] = facts.digest
        return found

    def _is_budget_spent(self) -> bool:
        return self._deadline is not None and monotonic() > self._deadline


def _load(file: Path, setup: Setup) -> ResolvedStudy:
    """Return the study, as this host reads it.

    Raises:
        TrialError: It is another one here than where the run was started.
    """
    resolved = load_study(file, trust=True)
    if resolved.study.digest != setup.study_digest:
        raise TrialError(
            f"the study is another one on this host (digest {resolved.study.digest[:12]}, the run's "
            f"{setup.study_digest[:12]})"
        )
    return resolved


def main(path: Path, watched: tuple[int, ...]) -> None:
    """Take offers until stdin ends or the slot is told to stop."""
    leave_a_cpu()
    remark = take_back_niceness()
    orders = Orders()
    setup = decode((path / SETUP).read_bytes(), SETUP_MESSAGE)
    (path / "work").mkdir(exist_ok=True)
    (path / "samples").mkdir(exist_ok=True)
    with run_log(path / "work" / "run.log"), Interrupt() as interrupt, ExitStack() as stack:
        runner: SlotRunner | None = None
        try:
            while True:
                offer_id = orders.next(interrupt)
                offer = decode((path / OFFERS / offer_id).read_bytes(), OFFER)
                try:
                    runner = runner or SlotRunner(path, setup, watched, interrupt, remark)
                except AblatrixError as error:
                    _refuse(path / SPOOLS / offer_id, error)
                    continue
                runner.run(offer, stack)
        except Interrupted as interrupted:
            _log.info("the slot was told to stop by %s", interrupted)


def _refuse(spool: Path, error: AblatrixError) -> None:
    writer = SpoolWriter(spool)
    writer.append(Ended(how="failed", message=str(error)))
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(json.loads(sys.argv[2])))
