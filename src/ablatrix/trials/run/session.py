"""One run into one directory: the blocks that are missing, then further ones while intervals are too wide."""

from __future__ import annotations

import logging
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic

from ablatrix.canonical import content_id
from ablatrix.errors import TrialError
from ablatrix.records.machine import available_bytes, cores_allowed
from ablatrix.records.model import Failure, Record
from ablatrix.records.status import Status
from ablatrix.study.builds import is_baseline_of_build
from ablatrix.study.design import Cell, Design, Trial, extend_design
from ablatrix.study.design_file import write_design
from ablatrix.study.further_stages import add_repeat, cells_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers, Servers, Sides
from ablatrix.trials.host import crowding_text, max_live_workers, place_runs
from ablatrix.trials.messages import Interrupt, Interrupted
from ablatrix.trials.results import Ledger, Outcome, Progress, ResultDirectory
from ablatrix.trials.run.block import BlockInput, run_cold, run_hot, run_probes
from ablatrix.trials.run.by_side import BySide
from ablatrix.trials.run.further import extend_by_results
from ablatrix.trials.run.lost import as_interrupted, lost, of_machinery
from ablatrix.trials.run.preparation import Preparation
from ablatrix.trials.run.probed import open_probes
from ablatrix.trials.run.selection import parse_conditions, select
from ablatrix.trials.run.stopping import HotProgress

_log = logging.getLogger(__name__)

Series = tuple[str, str, str | None]
"""A workload, a compiler, and the stage whose blocks these are; None of the blocks that all other stages share."""


class Session:
    """The resources that are open during one run; state that matters lives in the files."""

    def __init__(
        self,
        resolved: ResolvedStudy,
        design: Design,
        directory: ResultDirectory,
        ledger: Ledger,
        interrupt: Interrupt,
        progress: Progress,
        sides: Sides,
        kept: KeptServers | None = None,
    ) -> None:
        self._sides, self._kept = sides, kept
        self._resolved, self._design, self._directory = resolved, design, directory
        self._study, self._catalogue = resolved
        self._ledger, self._interrupt, self._progress = ledger, interrupt, progress
        self._cells = {cell.cell_id: cell for cell in design.cells}
        self._threads, self._cpus = place_runs(self._study.protocol.threads, self._study.protocol.cpus)
        self._began = monotonic()

    def run(self, only: Sequence[str], stack: ExitStack) -> tuple[int, dict[Status, int], int | None]:
        """Run what is missing. Returns trials issued, their number by status, and the signal that ended it early."""
        known = self._ledger.open()
        statuses = {trial_id: record.status for trial_id, record in known.items()}
        chosen = select(self._design, parse_conditions(only, self._design), statuses)
        again = {trial.trial_id for trial in chosen} if any(text.startswith("status=") for text in only) else set()
        again |= open_probes(self._design, known)
        blocks = self._pending(chosen, set(known) - again)
        stack.enter_context(self._ledger.begin({trial.trial_id for block in blocks for trial in block} & set(known)))
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
        pending = [trial for block in blocks for trial in block]
        self._by_side = BySide(self._resolved, self._sides, self._servers, self._preparation, self._threads)
        self._by_side.start_builds(self._cells[trial.cell_id] for trial in pending)
        self._hot = self._hot_progress([record for one, record in known.items() if one not in set(_ids(pending))])
        if crowding := crowding_text(self._threads, self._cpus):
            self._progress.notice(crowding)
        self._progress.begin(self._with_cells(pending), len(chosen) - sum(trial in chosen for trial in pending))
        caught: int | None = None
        try:
            self._prepare(pending)
            for number, block in enumerate(blocks):
                self._run_block(block, self._next_hot(blocks[number + 1 :], further=not only))
            if not only:
                self._add_blocks()
                self._run_further()
                chosen = list(self._design.trials)
        except Interrupted as interrupted:
            caught = interrupted.signal
            chosen = chosen if only else list(self._design.trials)
        known = self._directory.known()
        counted = Counter(known[trial.trial_id].status for trial in chosen if trial.trial_id in known)
        return len(chosen), dict(sorted(counted.items())), caught

    def _with_cells(self, trials: Sequence[Trial]) -> list[tuple[Trial, Cell]]:
        return [(trial, self._cells[trial.cell_id]) for trial in trials]

    def _pending(self, chosen: list[Trial], finished: set[str]) -> list[tuple[Trial, ...]]:
        """Return the trials to run, block by block. A hot block keeps the trials that its pairs need."""
        wanted = {trial.trial_id for trial in chosen} - finished
        blocks = []
        for block in self._design.blocks():
            missing = [trial for trial in block if trial.trial_id in wanted]
            if missing and block[0].mode == "hot":
                whole = {trial.trial_id for trial in chosen}
                missing = [trial for trial in block if trial.trial_id in whole or self._is_anchor(trial)]
            if missing:
                blocks.append(tuple(missing))
        return blocks

    def _is_anchor(self, trial: Trial) -> bool:
        cell = self._cells[trial.cell_id]
        return trial.role != "measured" or is_baseline_of_build(cell)

    def _prepare(self, pending: list[Trial]) -> None:
        """Prepare each workload once: build, export, oracle."""
        for cell_id in dict.fromkeys(trial.cell_id for trial in pending):
            cell = self._cells[cell_id]
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

    def _hot_progress(self, records: Sequence[Record]) -> dict[Series, HotProgress]:
        """Return the progress of each series of blocks, from the records of earlier runs; a screening has none."""
        trials = {trial.trial_id: trial for trial in self._design.trials if trial.mode == "hot"}
        members: dict[Series, set[str]] = {}
        for trial in trials.values():
            series = self._series(trial)
            if trial.role == "measured" and not self._is_screening(series):
                members.setdefault(series, set()).add(trial.cell_id)
        found = {
            series: HotProgress(
                [cell for cell in self._design.cells if cell.cell_id in held],
                self._catalogue.compiler(series[1]).primary,
            )
            for series, held in members.items()
        }
        blocks: dict[str, list[Record]] = {}
        for record in records:
            if record.trial_id in trials:
                blocks.setdefault(record.block_id, []).append(record)
        for held in blocks.values():
            of_block = (trials[record.trial_id] for record in held)
            own = next((one for one in of_block if self._cells[one.cell_id].knobs), None)  # eager is no compiler's
            if own is not None and self._series(own) in found:
                found[self._series(own)].add(trials, held)
        return found

    def _series(self, trial: Trial) -> Series:
        cell = self._cells[trial.cell_id]
        return cell.workload, cell.compiler, trial.stage

    def _is_screening(self, series: Series) -> bool:
        workload, compiler, stage = series
        choice = None if stage is None else self._design.choice(stage, workload, compiler)
        return choice is not None and choice.of is None

    def _run_further(self) -> None:
        """Lay out and run the stages that follow from results, each when what it follows from is there."""
        while not self._is_budget_spent():
            live = max_live_workers(self._study.protocol, available_bytes())
            known = self._directory.known()
            design = extend_by_results(self._resolved, self._design, known, live, self._at_once)
            if design is None:
                return
            chosen = design.choices[len(self._design.choices) :]
            added = self._extend(design)
            for one in chosen:
                self._progress.notice(f"stage '{one.stage}', {one.workload} on {one.compiler}: {one.why}")
            count = len({one.cell_id for one in added if one.role == "measured"})
            if count and not chosen:
                self._progress.notice(f"stage '{added[0].stage}' goes on: a round of {count} configurations")
            self._hot |= {key: hot for key, hot in self._hot_progress(()).items() if key not in self._hot}
            blocks = replace(self._design, trials=added).blocks()
            for number, block in enumerate(blocks):
                self._run_block(block, self._next_hot(blocks[number + 1 :], further=True))
            self._add_blocks()

    def _extend(self, design: Design) -> tuple[Trial, ...]:
        """Take an extended design, which is on disk before anything of it runs, and return what was added."""
        added = design.trials[len(self._design.trials) :]
        self._design = design
        self._cells = {cell.cell_id: cell for cell in design.cells}
        write_design(design, self._directory.design)
        self._ledger.follow(design)
        self._prepare(list(added))
        self._progress.added(self._with_cells(added))
        return added

    def _add_blocks(self) -> None:
        """Add hot blocks, a repeat of each series in turn, until each is precise or its limits are reached."""
        order = random.Random(content_id({"seed": self._study.seed, "what": "order of further blocks"}))
        while True:
            wanted = [series for series, hot in self._hot.items() if self._decision(hot) == "continue"]
            if not wanted:
                return
            wanted = order.sample(wanted, len(wanted))
            for number, series in enumerate(wanted):
                if self._decision(self._hot[series]) != "continue":
                    continue
                new = replace(self._design, trials=self._extend(self._with_repeat(series))).blocks()
                for part, block in enumerate(new):
                    following = self._next_hot(new[part + 1 :], further=False)
                    self._run_block(block, following or self._next_added(wanted[number + 1 :] + wanted[: number + 1]))
                self._hot[series].tried()

    def _with_repeat(self, series: Series) -> Design:
        """Return the design with one more hot repeat of a series."""
        workload, compiler, stage = series
        live = max_live_workers(self._study.protocol, available_bytes())
        choice = None if stage is None else self._design.choice(stage, workload, compiler)
        if choice is None:
            return extend_design(self._resolved, self._design, workload, compiler, live)
        return add_repeat(self._resolved, self._design, choice, cells_of(self._design, choice), "hot", live)

    def _next_hot(self, blocks: Sequence[tuple[Trial, ...]], *, further: bool) -> Cell | None:
        """Return a cell of the next hot block, of one that may be added if there is none; None for no such block."""
        found = next((self._own_cell(block) for block in blocks if block[0].mode == "hot"), None)
        return self._next_added(list(self._hot)) if found is None and further else found

    def _own_cell(self, block: Sequence[Trial]) -> Cell:
        """Return a cell of the compiler that a block is for: the reference beside it belongs to none."""
        cells = [self._cells[trial.cell_id] for trial in block]
        return next((cell for cell in cells if cell.compiler != "eager"), cells[0])

    def _next_added(self, several: Sequence[Series]) -> Cell | None:
        """Return a cell of the first series that may still need another block after the present one."""
        hot = self._study.protocol.hot
        wanted = [series for series in several if self._decision(self._hot[series]) == "continue"]
        return next((self._hot[series].baseline for series in wanted if self._hot[series].room_for_more(hot)), None)

    def _decision(self, hot: HotProgress) -> str:
        return hot.decide(self._study.protocol.hot, self._is_budget_spent()).decision

    def _is_budget_spent(self) -> bool:
        budget = self._study.protocol.budget_s
        return budget is not None and monotonic() - self._began > budget

    def _run_block(self, block: tuple[Trial, ...], following: Cell | None) -> None:
        """Run a block; ``following`` is a cell of the next hot one."""
        compiler = self._own_cell(block).compiler
        pairs = tuple((trial, self._cells[trial.cell_id]) for trial in block)
        cache = self._directory.work / "cache"
        given = BlockInput(
            study=self._resolved.study,
            catalogue=self._resolved.catalogue,
            trials=pairs,
            threads=self._threads,
            cpus=tuple(self._cpus),
            hot_cache=cache / "hot",
            tag_caches=cache / "tags",
            scratch=self._scratch,
            missing_types={
                cell.cell_id: self._sides.lacks(cell) or self._preparation.missing_type(cell) for _, cell in pairs
            },
            entries=self._by_side.entries(cell for _, cell in pairs),
        )
        _log.info("block %s: %s, %d trials", block[0].block_id, block[0].mode, len(block))
        failure = next(filter(None, (self._by_side.unprepared(cell, compiler) for _, cell in pairs)), None)
        if failure is not None:
            self._keep([lost(trial, cell, *failure) for trial, cell in pairs])
        elif self._is_budget_spent():
            spent = f"the budget of {self._study.protocol.budget_s:g} s was spent"
            why = Failure(type="budget", message=spent, phase=None)
            self._keep([lost(trial, cell, Status.NOT_RUN_BUDGET, why) for trial, cell in pairs])
        elif block[0].mode == "hot":
            self._run_hot(given, compiler, following)
        elif block[0].role == "probe":
            self._run_probes(given, compiler)
        else:
            for trial, cell in given.trials:
                self._run_cold(given, trial, cell, compiler)

    @property
    def _at_once(self) -> int:
        """How many untimed compiles run beside each other."""
        return max(1, cores_allowed() // self._threads)

    def _run_probes(self, block: BlockInput, compiler: str) -> None:
        """Compile each trial untimed, on all cores; each is recorded when it is done."""
        cells = {trial.trial_id: cell for trial, cell in block.trials}
        done: set[str] = set()

        try:

            def notice(trial: Trial) -> None:
                self._progress.working(trial, cells[trial.trial_id], "untimed compile")

            for outcome in run_probes(block, self._by_side.servers(compiler), self._at_once, notice):
                self._keep([outcome])
                done.add(outcome.trial.trial_id)
        except TrialError as error:
            self._drop(compiler, error)
            rest = [(trial, cell) for trial, cell in block.trials if trial.trial_id not in done]
            self._keep([lost(trial, cell, Status.CRASHED, of_machinery(error)) for trial, cell in rest])
        self._interrupt.check()

    def _run_cold(self, block: BlockInput, trial: Trial, cell: Cell, compiler: str) -> None:
        self._progress.working(trial, cell, "cold")
        self._servers.settle()
        for left in reversed(range(self._study.protocol.repeats + 1)):
            try:
                outcome = run_cold(block, trial, cell, self._by_side.servers(compiler)(cell))
            except TrialError as error:
                self._drop(compiler, error)
                outcome = lost(trial, cell, Status.CRASHED, of_machinery(error))
            repeat = self._is_worth_repeating([outcome], left)
            self._keep([outcome], final=not repeat)
            self._interrupt.check()
            if not repeat:
                return

    def _run_hot(self, block: BlockInput, compiler: str, following: Cell | None) -> None:

        def notice(trial: Trial | None, what: str) -> None:
            self._progress.working(trial, None if trial is None else self._cells[trial.cell_id], what)

        for left in reversed(range(self._study.protocol.repeats + 1)):
            try:
                server = self._by_side.hot_servers(block, compiler, following)
                outcomes = run_hot(block, server, notice, self._servers.quiet)
            except TrialError as error:
                self._drop(compiler, error)
                outcomes = [lost(trial, cell, Status.CRASHED, of_machinery(error)) for trial, cell in block.trials]
            if any(outcome.result.status is Status.INTERRUPTED for outcome in outcomes):
                # A torn block runs again whole, so none of its records may count for its trial.
                outcomes = [as_interrupted(one) for one in outcomes]
            repeat = self._is_worth_repeating(outcomes, left)
            self._keep(outcomes, final=not repeat)
            self._interrupt.check()
            if not repeat:
                return

    def _drop(self, compiler: str, error: TrialError) -> None:
        _log.warning("the fork server of '%s' failed: %s", compiler, error)
        _log.debug("its traceback:", exc_info=error)
        self._servers.drop(compiler)

    def _is_worth_repeating(self, outcomes: Sequence[Outcome], left: int) -> bool:
        """Return whether noise disturbed a trial that would otherwise count, and time and tries are left."""
        reasons = [
            one.noise.disturbance for one in outcomes if one.result.status is Status.OK and one.noise is not None
        ]
        reason = next((reason for reason in reasons if reason), None)
        if reason is None or left == 0 or self._is_budget_spent():
            return False
        self._progress.notice(f"disturbed, so it is repeated: {reason}")
        return True

    def _keep(self, outcomes: Sequence[Outcome], *, final: bool = True) -> None:
        """Record the outcomes of one block, hot ones with the decision on further blocks."""
        entries = self._by_side.entries(one.cell for one in outcomes)
        told = [self._by_side.with_build(one) for one in outcomes]
        made = self._ledger.make(self._resolved, told, final=final, entries=entries)
        cell = next((one.cell for one in outcomes if one.cell.knobs), None)
        series = None if cell is None else (cell.workload, cell.compiler, outcomes[0].trial.stage)
        hot = None if series is None or not final else self._hot.get(series)
        if cell is not None and hot is not None and outcomes[0].trial.mode == "hot":
            trials = {one.trial.trial_id: one.trial for one in outcomes}
            hot.add(trials, [record for record, _ in made])
            stopping = hot.decide(self._study.protocol.hot, self._is_budget_spent())
            made = [
                (
                    record
                    if record.runtime is None
                    else record.model_copy(
                        update={"runtime": record.runtime.model_copy(update={"stopping": stopping})}
                    ),
                    line,
                )
                for record, line in made
            ]
            self._progress.decided(cell.workload, cell.compiler, stopping)
        self._ledger.write(made)


def _ids(trials: Sequence[Trial]) -> list[str]:
    return [trial.trial_id for trial in trials]
