"""One run into one directory: the blocks that are missing, then further ones while intervals are too wide."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic

from ablatrix.canonical import content_id
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.records.machine import available_bytes
from ablatrix.records.status import Status
from ablatrix.study.builds import is_baseline_of_build
from ablatrix.study.design import Cell, Design, Trial, extend_design
from ablatrix.study.design_file import write_design
from ablatrix.study.further_stages import add_repeat, cells_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.host import max_live_workers
from ablatrix.trials.messages import Interrupt, Interrupted
from ablatrix.trials.results import Finished, Ledger, Line, Outcome, Progress, ResultDirectory
from ablatrix.trials.run.block_runner import own_cell
from ablatrix.trials.run.further import extend_by_results
from ablatrix.trials.run.probed import open_probes
from ablatrix.trials.run.selection import parse_conditions, select
from ablatrix.trials.run.stopping import HotProgress
from ablatrix.trials.run.units import unit_of
from ablatrix.trials.run.workplace import Workplace

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
        *,
        with_reference: bool = True,
    ) -> None:
        self._resolved, self._design, self._directory = resolved, design, directory
        self._with_reference = with_reference
        self._study, self._catalogue = resolved
        self._ledger, self._interrupt, self._progress = ledger, interrupt, progress
        self._cells = {cell.cell_id: cell for cell in design.cells}
        self._began = monotonic()

    def run(
        self, only: Sequence[str], stack: ExitStack, workplace: Workplace
    ) -> tuple[int, dict[Status, int], int | None]:
        """Run what is missing. Returns trials issued, their number by status, and the signal that ended it early."""
        self._workplace = workplace
        chosen, blocks = self._begin(only, stack)
        pending = [trial for block in blocks for trial in block]
        caught: int | None = None
        try:
            workplace.open(stack, [self._cells[trial.cell_id] for trial in pending])
            self._progress.begin(self._with_cells(pending), len({*_ids(chosen)} - {*_ids(pending)}))
            self._prepare(pending)
            self._run_blocks(blocks, further=not only)
            if not only:
                self._add_blocks()
                self._run_further()
                chosen = self._wanted(self._design.trials)
        except Interrupted as interrupted:
            caught = interrupted.signal
            chosen = chosen if only else self._wanted(self._design.trials)
        statuses = self._ledger.statuses()
        counted = Counter(statuses[trial.trial_id] for trial in chosen if trial.trial_id in statuses)
        return len(chosen), dict(sorted(counted.items())), caught

    def _begin(self, only: Sequence[str], stack: ExitStack) -> tuple[list[Trial], list[tuple[Trial, ...]]]:
        """Read what is there and open the journal. Returns the trials that are asked for, and the blocks to run."""
        self._workplace.recover()
        known = self._ledger.open()
        statuses = {trial_id: one.status for trial_id, one in known.items()}
        chosen = self._wanted(select(self._design, parse_conditions(only, self._design), statuses))
        again = {trial.trial_id for trial in chosen} if any(text.startswith("status=") for text in only) else set()
        again |= open_probes(self._design, known)
        blocks = self._pending(chosen, set(known) - again)
        pending = {trial.trial_id for block in blocks for trial in block}
        if pending and not self._workplace.is_several:
            self._ledger.refuse_other_origins()
        stack.enter_context(self._ledger.begin(pending & set(known)))
        self._hot = self._hot_progress([one for trial_id, one in known.items() if trial_id not in pending])
        return chosen, blocks

    def _with_cells(self, trials: Sequence[Trial]) -> list[tuple[Trial, Cell]]:
        return [(trial, self._cells[trial.cell_id]) for trial in trials]

    def _wanted(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return trials without those of the reference, where it is not to run."""
        return [trial for trial in trials if self._with_reference or trial.role != "reference"]

    def _pending(self, chosen: list[Trial], finished: set[str]) -> list[tuple[Trial, ...]]:
        """Return the trials to run, block by block. One that runs whole keeps the trials that its pairs need.

        On several hosts a unit runs whole, on one of them: with all parts of a repeat of which some trial is missing.
        """
        whole = {trial.trial_id for trial in chosen}
        wanted = whole - finished
        several = self._workplace.is_several
        blocks = [(block, unit_of(self._with_cells(block)) if several else None) for block in self._design.blocks()]
        torn = {unit for block, unit in blocks if any(trial.trial_id in wanted for trial in block)}
        found = []
        for block, unit in blocks:
            missing = [trial for trial in block if trial.trial_id in wanted]
            if (missing and block[0].mode == "hot") or (several and unit in torn):
                missing = [one for one in self._wanted(block) if one.trial_id in whole or self._is_anchor(one)]
            if missing:
                found.append(tuple(missing))
        return found

    def _is_anchor(self, trial: Trial) -> bool:
        cell = self._cells[trial.cell_id]
        return trial.role != "measured" or is_baseline_of_build(cell)

    def _run_blocks(self, blocks: Sequence[tuple[Trial, ...]], *, further: bool) -> None:
        """Run blocks; ``further`` says whether other hot ones may follow them."""
        held = [self._with_cells(block) for block in blocks]
        self._workplace.run(held, lambda number: self._next_hot(blocks[number + 1 :], further=further))

    def _prepare(self, pending: list[Trial]) -> None:
        """Prepare each workload once."""
        self._workplace.prepare([self._cells[one] for one in dict.fromkeys(trial.cell_id for trial in pending)])

    def _hot_progress(self, finished: Sequence[Finished]) -> dict[Series, HotProgress]:
        """Return the progress of each series of blocks, from what earlier runs finished; a screening has none."""
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
        blocks: dict[str, list[Finished]] = {}
        for one in finished:
            if one.trial_id in trials:
                blocks.setdefault(one.block_id, []).append(one)
        for held in blocks.values():
            of_block = (trials[one.trial_id] for one in held)
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
        if not any(stage.is_adaptive for stage in self._study.stages):
            return  # nothing does, and all records need not be read for it
        while not self.is_budget_spent():
            live = max_live_workers(self._study.protocol, available_bytes())
            known = self._directory.known()
            design = extend_by_results(self._resolved, self._design, known, live, self._workplace.at_once)
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
            self._run_blocks(blocks, further=True)
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
            if self._workplace.is_several:
                self._add_beside_each_other(wanted)
                continue
            for number, series in enumerate(wanted):
                if self._decision(self._hot[series]) != "continue":
                    continue
                new = replace(self._design, trials=self._extend(self._with_repeat(self._design, series))).blocks()
                rest = wanted[number + 1 :] + wanted[: number + 1]

                def following(
                    part: int, new: Sequence[tuple[Trial, ...]] = new, rest: Sequence[Series] = rest
                ) -> Cell | None:
                    return self._next_hot(new[part + 1 :], further=False) or self._next_added(rest)

                self._workplace.run([self._with_cells(block) for block in new], following)
                self._hot[series].tried()

    def _add_beside_each_other(self, wanted: Sequence[Series]) -> None:
        """Add a hot repeat of each series that wants one, and run them all on several hosts.

        The design of a study of many hosts is large, and is written once for all of them.
        """
        design = self._design
        for series in wanted:
            design = self._with_repeat(design, series)
        self._run_blocks(replace(self._design, trials=self._extend(design)).blocks(), further=True)
        for series in wanted:
            self._hot[series].tried()

    def _with_repeat(self, design: Design, series: Series) -> Design:
        """Return a design with one more hot repeat of a series."""
        workload, compiler, stage = series
        live = max_live_workers(self._study.protocol, available_bytes())
        choice = None if stage is None else design.choice(stage, workload, compiler)
        if choice is None:
            return extend_design(self._resolved, design, workload, compiler, live)
        return add_repeat(self._resolved, design, choice, cells_of(design, choice), "hot", live)

    def _next_hot(self, blocks: Sequence[tuple[Trial, ...]], *, further: bool) -> Cell | None:
        """Return a cell of the next hot block, of one that may be added if there is none; None for no such block."""
        own = (own_cell([self._cells[trial.cell_id] for trial in block]) for block in blocks if block[0].mode == "hot")
        found = next(own, None)
        return self._next_added(list(self._hot)) if found is None and further else found

    def _next_added(self, several: Sequence[Series]) -> Cell | None:
        """Return a cell of the first series that may still need another block after the present one."""
        hot = self._study.protocol.hot
        wanted = [series for series in several if self._decision(self._hot[series]) == "continue"]
        return next((self._hot[series].baseline for series in wanted if self._hot[series].room_for_more(hot)), None)

    def _decision(self, hot: HotProgress) -> str:
        return hot.decide(self._study.protocol.hot, self.is_budget_spent()).decision

    def is_budget_spent(self) -> bool:
        """Return whether the study's time is up."""
        budget = self._study.protocol.budget_s
        return budget is not None and monotonic() - self._began > budget

    @property
    def design(self) -> Design:
        """The design as it is."""
        return self._design

    def budget_left_s(self) -> float | None:
        """What is left of the study's time in seconds; None where it has no limit."""
        budget = self._study.protocol.budget_s
        return None if budget is None else max(0.0, budget - (monotonic() - self._began))

    def keep(self, outcomes: Sequence[Outcome], entries: Mapping[str, CompilerEntry], final: bool) -> None:
        """Record the outcomes of one block."""
        made = self._ledger.make(self._resolved, outcomes, final=final, entries=entries)
        failed = [one.result for one in outcomes if one.result.status is Status.PLACE_FAILED]
        if failed:
            told = "" if failed[0].error is None else f": {failed[0].error.message}"
            count = "a trial" if len(failed) == 1 else f"{len(failed)} trials"
            self._progress.notice(f"the machine failed {count}, which the same command runs again{told}")
        self.settle({one.trial.trial_id: one.trial for one in outcomes}, made)

    def settle(self, trials: Mapping[str, Trial], made: Sequence[Line]) -> None:
        """Write the records of one block with their lines of samples, hot ones with the decision on further blocks.

        Args:
            trials: Of the block, by their ids.
            made: What ``Ledger.make`` made of it.
        """
        first = trials[made[0].brief.trial_id]
        cell = next((cell for one in made if (cell := self._cells[one.brief.cell_id]).knobs), None)
        series = None if cell is None else (cell.workload, cell.compiler, first.stage)
        counts = all(one.brief.final or not one.brief.status.is_final for one in made)
        hot = None if series is None or not counts else self._hot.get(series)
        if cell is not None and hot is not None and first.mode == "hot":
            hot.add(trials, [Finished.of(one.brief) for one in made])
            stopping = hot.decide(self._study.protocol.hot, self.is_budget_spent())
            made = [one.with_stopping(stopping) for one in made]
            self._progress.decided(cell.workload, cell.compiler, stopping)
        self._ledger.write(made)


def _ids(trials: Sequence[Trial]) -> list[str]:
    return [trial.trial_id for trial in trials]
