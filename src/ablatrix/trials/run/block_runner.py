"""Running blocks on this host: preparation, fork servers, and repeats of what noise disturbed."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import TrialError
from ablatrix.records.machine import cores_allowed
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers, ProgramLoadError, Servers, Sides
from ablatrix.trials.host import crowding_text, place_runs
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import CellCaches, Outcome, Progress, ResultDirectory
from ablatrix.trials.run.block import PRIVATE, BlockInput, run_cold, run_hot, run_probes, tag_cache
from ablatrix.trials.run.by_side import BySide
from ablatrix.trials.run.hot_caches import HotCaches
from ablatrix.trials.run.lost import as_interrupted, lost, of_machinery
from ablatrix.trials.run.preparation import Preparation
from ablatrix.trials.run.repeats import Repeats
from ablatrix.trials.run.workplace import Following, Pairs

_log = logging.getLogger(__name__)

Keep = Callable[[Sequence[Outcome], Mapping[str, CompilerEntry], bool], None]
"""Takes the outcomes of one block, the compilers of its cells that have builds, and whether they count."""


class BlockRunner:
    """What is open on a host while blocks run there: fork servers, prepared programs. Use ``open`` once."""

    def __init__(
        self,
        resolved: ResolvedStudy,
        directory: ResultDirectory,
        interrupt: Interrupt,
        progress: Progress,
        sides: Sides,
        keep: Keep,
        is_budget_spent: Callable[[], bool],
        watched: tuple[int, ...] = (),
        kept: KeptServers | None = None,
        caches: CellCaches | None = None,
    ) -> None:
        """Begin, without starting anything.

        Args:
            resolved: The study with its catalogue.
            directory: Whose ``work`` has caches and prepared programs.
            interrupt: Ends what is running.
            progress: Notified of what happens.
            sides: The builds of the study's compilers.
            keep: Called with what each block, or each trial of a cold one, brought.
            is_budget_spent: Whether the study's time is up.
            watched: Processes beside the runner whose CPU time is read with the noise of each trial.
            kept: Fork servers that other runs use, too; by default there are own ones.
            caches: Of hot trials, which other runs have, too; by default there are own ones.
        """
        self._resolved, self._directory, self._interrupt = resolved, directory, interrupt
        self._study, self._catalogue = resolved
        self._progress, self._sides, self._keep = progress, sides, keep
        self._is_budget_spent, self._watched, self._kept = is_budget_spent, watched, kept
        self._hot_cache = directory.hot_caches if caches is None else caches.directory
        self._repeats = Repeats(self._study.protocol.repeats, progress.notice)
        self._threads, self._cpus = place_runs(self._study.protocol.threads, self._study.protocol.cpus)

    @property
    def is_several(self) -> bool:
        """Blocks run one after the other, here."""
        return False

    @property
    def at_once(self) -> int:
        """How many untimed compiles run beside each other."""
        return max(1, cores_allowed() // self._threads)

    def recover(self) -> None:
        """Do nothing: what was measured here was written at once."""

    def open(self, stack: ExitStack, cells: Iterable[Cell]) -> None:
        """Begin, with the servers of all builds that cells need; the stack ends them.

        Raises:
            TrialError: One does not start.
        """
        self._caches = HotCaches(self._hot_cache)
        self._scratch = self._directory.work / "scratch"
        shutil.rmtree(self._scratch, ignore_errors=True)
        logs = self._directory.work / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        own = Servers(self._resolved, logs, self._interrupt, self._sides)
        kept = self._kept and self._kept.of(self._resolved, self._sides)
        self._servers = kept or stack.enter_context(own)
        self._preparation = Preparation(
            self._resolved, self._directory, self._servers, self._scratch, self._threads, self._sides
        )
        self._by_side = BySide(self._resolved, self._sides, self._servers, self._preparation, self._threads)
        self._by_side.start_builds(cells)
        if crowding := crowding_text(self._threads, self._cpus):
            self._progress.notice(crowding)

    def prepare(self, cells: Iterable[Cell]) -> None:
        """Prepare each workload once: build, export, oracle."""
        for cell in cells:
            if not self._preparation.is_ready(cell):
                self._progress.working(None, cell, "preparing the workload: build, export, oracle")
                self._preparation.make(cell)
                failure = self._preparation.failure(cell)
                if failure is not None:
                    self._progress.notice(f"not prepared: {failure[1].message}")
            for done in self._by_side.prepare(cell):
                self._progress.notice(done)
            for dtype in self._preparation.untried_types(cell):
                self._progress.working(None, cell, f"trying {dtype} on a small program")
                missing = self._preparation.missing_type(cell)
                if missing:
                    self._progress.notice(missing)

    def run(self, blocks: Sequence[Pairs], following: Following) -> None:
        """Run blocks one after the other."""
        for number, block in enumerate(blocks):
            self.run_block(block, following(number))

    def run_block(self, pairs: Pairs, following: Cell | None) -> None:
        """Run a block: its trials with their cells in order; ``following`` is a cell of the next hot one."""
        compiler = own_cell([cell for _, cell in pairs]).compiler
        first = pairs[0][0]
        self.prepare(cell for _, cell in pairs)
        given = self._given(pairs)
        _log.info("block %s: %s, %d trials", first.block_id, first.mode, len(pairs))
        failure = next(filter(None, (self._by_side.unprepared(cell, compiler) for _, cell in pairs)), None)
        if failure is not None:
            self._hand_over([lost(trial, cell, *failure) for trial, cell in pairs])
        elif self._is_budget_spent():
            self._hand_over(out_of_budget(self._study.protocol.budget_s, pairs))
        elif first.mode == "hot":
            self._run_hot(given, compiler, following)
        elif first.role == "probe":
            self._run_probes(given, compiler)
        else:
            for trial, cell in given.trials:
                self._run_cold(given, trial, cell, compiler)
        if gone := self._caches.used(cell.cell_id for _, cell in pairs):
            _log.info("the disk is short: caches of %d configurations were removed: %s", len(gone), ", ".join(gone))

    def prime(self, pairs: Pairs) -> None:
        """Fill the named caches of cells on this host, where they are not: the run that is recorded was elsewhere."""
        compiler = own_cell([cell for _, cell in pairs]).compiler
        given = self._given(pairs)
        for trial, cell in pairs:
            tag = cell.knobs.get("cache_tag", PRIVATE)
            is_there = tag == PRIVATE or tag_cache(given.tag_caches, cell).exists()
            if trial.role != "primer" and not is_there and self._by_side.unprepared(cell, compiler) is None:
                self._progress.working(trial, cell, "cold: priming a cache of this host")
                run_cold(given, replace(trial, role="primer"), cell, self._by_side.servers(compiler)(cell))
                self._interrupt.check()

    def _given(self, pairs: Pairs) -> BlockInput:
        return BlockInput(
            study=self._study,
            catalogue=self._catalogue,
            trials=tuple(pairs),
            threads=self._threads,
            cpus=tuple(self._cpus),
            hot_cache=self._hot_cache,
            tag_caches=self._directory.work / "cache" / "tags",
            scratch=self._scratch,
            missing_types={
                cell.cell_id: self._sides.lacks(cell) or self._preparation.missing_type(cell) for _, cell in pairs
            },
            entries=self._by_side.entries(cell for _, cell in pairs),
            watched=self._watched,
        )

    def _run_probes(self, block: BlockInput, compiler: str) -> None:
        """Compile each trial untimed, on all cores; each is recorded when it is done."""
        cells = {trial.trial_id: cell for trial, cell in block.trials}
        done: set[str] = set()

        try:

            def notice(trial: Trial) -> None:
                self._progress.working(trial, cells[trial.trial_id], "untimed compile")

            for outcome in run_probes(block, self._by_side.servers(compiler), self.at_once, notice):
                self._hand_over([outcome])
                done.add(outcome.trial.trial_id)
        except TrialError as error:
            self._drop(compiler, error)
            rest = [(trial, cell) for trial, cell in block.trials if trial.trial_id not in done]
            self._hand_over([lost(trial, cell, Status.PLACE_FAILED, of_machinery(error)) for trial, cell in rest])
        self._interrupt.check()

    def _run_cold(self, block: BlockInput, trial: Trial, cell: Cell, compiler: str) -> None:
        self._progress.working(trial, cell, "cold")
        self._servers.settle()
        for left in reversed(range(self._study.protocol.repeats + 1)):
            try:
                outcome = run_cold(block, trial, cell, self._by_side.servers(compiler)(cell))
            except TrialError as error:
                self._drop(compiler, error)
                outcome = lost(trial, cell, Status.PLACE_FAILED, of_machinery(error))
            repeat = self._is_worth_repeating([outcome], left)
            self._hand_over([outcome], final=not repeat)
            self._interrupt.check()
            if not repeat:
                return

    def _run_hot(self, block: BlockInput, compiler: str, following: Cell | None) -> None:
        cells = {trial.trial_id: cell for trial, cell in block.trials}

        def notice(trial: Trial | None, what: str) -> None:
            self._progress.working(trial, None if trial is None else cells[trial.trial_id], what)

        for left in reversed(range(self._study.protocol.repeats + 1)):
            try:
                server = self._by_side.hot_servers(block, compiler, following)
                outcomes = run_hot(block, server, notice, self._servers.quiet)
            except TrialError as error:
                self._drop(compiler, error)
                outcomes = [lost(trial, cell, Status.PLACE_FAILED, of_machinery(error)) for trial, cell in block.trials]
            if any(outcome.result.status is Status.INTERRUPTED for outcome in outcomes):
                # A torn block runs again whole, so none of its records may count for its trial.
                outcomes = [as_interrupted(one) for one in outcomes]
            repeat = self._is_worth_repeating(outcomes, left)
            self._hand_over(outcomes, final=not repeat)
            self._interrupt.check()
            if not repeat:
                return

    def _drop(self, compiler: str, error: TrialError) -> None:
        _log.warning("the fork server of '%s' failed: %s", compiler, error)
        _log.debug("its traceback:", exc_info=error)
        self._servers.drop(compiler)
        if isinstance(error, ProgramLoadError):  # it was damaged, as by a power cut: the next block prepares it anew
            self._preparation.discard(error.directory)

    def _is_worth_repeating(self, outcomes: Sequence[Outcome], left: int) -> bool:
        """Return whether noise disturbed a trial that would otherwise count, and another try may help."""
        reasons = [
            one.noise.disturbance for one in outcomes if one.result.status is Status.OK and one.noise is not None
        ]
        reason = next((reason for reason in reasons if reason), None)
        return not self._is_budget_spent() and self._repeats.follows(reason, left)

    def _hand_over(self, outcomes: Sequence[Outcome], *, final: bool = True) -> None:
        """Hand over the outcomes of one block, each with the build of its compiler."""
        entries = self._by_side.entries(one.cell for one in outcomes)
        self._keep([self._by_side.with_build(one) for one in outcomes], entries, final)


def own_cell(cells: Sequence[Cell]) -> Cell:
    """Return a cell of the compiler that a block is for: the reference beside it belongs to none."""
    return next((cell for cell in cells if cell.compiler != "eager"), cells[0])


def out_of_budget(budget_s: float | None, pairs: Pairs) -> list[Outcome]:
    """Return the outcomes of a block that was not begun, because the study's time was up."""
    why = Failure(type="budget", message=f"the budget of {budget_s:g} s was spent", phase=None)
    return [lost(trial, cell, Status.NOT_RUN_BUDGET, why) for trial, cell in pairs]
