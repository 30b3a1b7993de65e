"""Running a study: what is missing of it, block by block, into a result directory."""

from __future__ import annotations

import fcntl
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from ablatrix.compilers.catalogue import get_compiler
from ablatrix.errors import CompilerError, TrialError
from ablatrix.records.journal import Journal
from ablatrix.records.machine import cores_allowed
from ablatrix.records.model import Record
from ablatrix.study.design import Cell, Design, Trial, make_design
from ablatrix.study.load import validate_study
from ablatrix.study.model import Study
from ablatrix.trials.block import BlockInput, Outcome, run_cold, run_hot
from ablatrix.trials.directory import ResultDirectory
from ablatrix.trials.environment import utc_now
from ablatrix.trials.interrupt import Interrupt, Interrupted
from ablatrix.trials.preparation import Preparation
from ablatrix.trials.progress import Progress, Silence
from ablatrix.trials.recording import Scene, make_record, read_facts, samples_facts, samples_line
from ablatrix.trials.selection import parse_conditions, select
from ablatrix.trials.servers import Servers

Sink = Callable[[Record], None]
NO_FAILURE = frozenset({"ok", "unsupported"})


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        results: The file of records.
        planned: Trials of the study (of the selection, when there was one).
        statuses: Number of trials by status of their final record.
        signal: The signal that ended the run early, None when it came to its end.
    """

    results: Path
    planned: int
    statuses: dict[str, int]
    signal: int | None

    @property
    def complete(self) -> bool:
        """Whether every planned trial has a final record."""
        return sum(self.statuses.values()) == self.planned

    @property
    def failed(self) -> int:
        """Number of trials whose status is a failure (``unsupported`` is none)."""
        return sum(count for status, count in self.statuses.items() if status not in NO_FAILURE)


def run(
    study: Study,
    out: str | Path,
    *,
    only: Sequence[str] = (),
    sink: Sink | None = None,
    progress: Progress | None = None,
    study_directory: Path | None = None,
    keep_samples: bool = True,
) -> RunSummary:
    """Run what is missing of a study. Running again into the same directory resumes.

    Args:
        study: A loaded study.
        out: Directory for ``results.jsonl``, ``design.json`` and ``samples/``.
        only: Conditions such as ``workload=mlp``; with ``status=...`` finished trials are run again.
        sink: Called with each record after it is on disk.
        progress: Told what happens.
        study_directory: Where the study file lies, to record its git commit.
        keep_samples: Keep raw samples in side files; without, records hold their digest and no file.

    Raises:
        StudyError: The study or a condition is invalid.
        CompilerError: A compiler that the study names is not installed.
        TrialError: The directory cannot be written, is in use, or holds another study's results.
    """
    validate_study(study)
    design = make_design(study)
    for name in {cell.compiler for cell in design.cells}:
        entry = get_compiler(name)
        if not entry.installed:
            raise CompilerError(f"compiler '{name}' is not installed; run: pip install 'ablatrix[{entry.extra}]'")
    directory = ResultDirectory(Path(out).resolve())
    directory.make(design)
    with _locked(directory), Interrupt() as interrupt, ExitStack() as stack:
        session = Session(study, design, directory, interrupt, sink, progress or Silence(), study_directory)
        session.keep_samples = keep_samples
        return session.run(only, stack)


class Session:
    """One run into one directory. State lives in the files; this holds what is open."""

    def __init__(
        self,
        study: Study,
        design: Design,
        directory: ResultDirectory,
        interrupt: Interrupt,
        sink: Sink | None,
        progress: Progress,
        study_directory: Path | None,
    ) -> None:
        self._study, self._design, self._directory = study, design, directory
        self._interrupt, self._sink, self._progress = interrupt, sink, progress
        self._cells = {cell.cell_id: cell for cell in design.cells}
        self._scene = Scene.read(study_directory)
        self._threads = study.protocol.threads or cores_allowed()
        self._began = monotonic()
        self.keep_samples = True

    def run(self, only: Sequence[str], stack: ExitStack) -> RunSummary:
        """Run the blocks that have something missing."""
        self._set_torn_tail_aside()
        known, self._attempts = self._directory.known()
        statuses = {trial_id: record.status for trial_id, record in known.items()}
        chosen = select(self._design, parse_conditions(only, self._design), statuses)
        again = {trial.trial_id for trial in chosen} if any(text.startswith("status=") for text in only) else set()
        blocks = self._pending(chosen, set(known) - again)
        self._directory.supersede({trial.trial_id for block in blocks for trial in block} & set(known))
        journal = stack.enter_context(Journal(self._directory.results))
        scratch = self._directory.work / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        logs = self._directory.work / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        servers = stack.enter_context(Servers(self._study, logs, self._interrupt))
        pending = [trial for block in blocks for trial in block]
        self._progress.begin(len(pending), len(chosen) - sum(trial in chosen for trial in pending))
        caught: int | None = None
        try:
            self._prepare(servers, pending, scratch)
            for block in blocks:
                self._run_block(block, servers, scratch, journal)
        except Interrupted as interrupted:
            caught = interrupted.signal
        known, _ = self._directory.known()
        counted = Counter(known[trial.trial_id].status for trial in chosen if trial.trial_id in known)
        return RunSummary(self._directory.results, len(chosen), dict(sorted(counted.items())), caught)

    def _set_torn_tail_aside(self) -> None:
        """Open the journal once before anything reads or rewrites it: opening sets a torn tail aside."""
        with Journal(self._directory.results) as journal:
            if journal.torn is not None:
                self._progress.notice(f"a torn last line was set aside in {journal.torn}")

    def _pending(self, chosen: list[Trial], finished: set[str]) -> list[tuple[Trial, ...]]:
        """Return the trials to run, block by block. A hot block keeps what its pairs are made of."""
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
        return trial.role != "measured" or cell.knobs == cell.baseline

    def _prepare(self, servers: Servers, pending: list[Trial], scratch: Path) -> None:
        """Prepare each workload once: build, export, oracle."""
        self._preparation = Preparation(self._study, self._directory, servers, scratch, self._threads)
        for cell_id in dict.fromkeys(trial.cell_id for trial in pending):
            cell = self._cells[cell_id]
            if not self._preparation.is_ready(cell):
                self._progress.working(None, cell, "preparing the workload: build, export, oracle")
                self._preparation.make(cell)

    def _run_block(self, block: tuple[Trial, ...], servers: Servers, scratch: Path, journal: Journal) -> None:
        budget = self._study.protocol.budget_s
        pairs = tuple((trial, self._cells[trial.cell_id]) for trial in block)
        given = BlockInput(
            self._study,
            pairs,
            self._threads,
            self._directory.work / "cache" / "hot",
            self._directory.work / "cache" / "tags",
            scratch,
        )
        compiler = next((cell.compiler for _, cell in pairs if cell.compiler != "eager"), "eager")
        failure = self._preparation.failure(pairs[0][1])
        if failure is not None:
            self._record([_lost(trial, cell, *failure) for trial, cell in pairs], journal)
        elif budget is not None and monotonic() - self._began > budget:
            why: dict[str, object] = {
                "type": "budget",
                "message": f"the budget of {budget:g} s was spent",
                "phase": None,
            }
            self._record([_lost(trial, cell, "not_run_budget", why) for trial, cell in pairs], journal)
        elif block[0].mode == "hot":
            self._run_hot(given, compiler, servers, journal)
        else:
            self._run_cold(given, compiler, servers, journal)

    def _run_cold(self, block: BlockInput, compiler: str, servers: Servers, journal: Journal) -> None:
        for trial, cell in block.trials:
            self._progress.working(trial, cell, "cold")
            try:
                outcome = run_cold(
                    block, trial, cell, servers.get(compiler, self._directory.program(self._study, cell))
                )
            except TrialError as error:
                servers.drop(compiler)
                outcome = _lost(trial, cell, "crashed", _machinery(error))
            self._record([outcome], journal)
            self._interrupt.check()

    def _run_hot(self, block: BlockInput, compiler: str, servers: Servers, journal: Journal) -> None:
        program = self._directory.program(self._study, block.trials[0][1])

        def notice(trial: Trial | None, what: str) -> None:
            self._progress.working(trial, None if trial is None else self._cells[trial.cell_id], what)

        try:
            outcomes = run_hot(block, servers.get(compiler, program), notice)
        except TrialError as error:
            servers.drop(compiler)
            outcomes = [_lost(trial, cell, "crashed", _machinery(error)) for trial, cell in block.trials]
        if any(outcome.result["status"] == "interrupted" for outcome in outcomes):
            # A torn block runs again whole, so none of its lines may stand for its trial.
            outcomes = [replace(one, result={**one.result, "status": "interrupted"}) for one in outcomes]
            outcomes = [one if one.result.get("error") else _interrupted(one) for one in outcomes]
        self._record(outcomes, journal)
        self._interrupt.check()

    def _record(self, outcomes: Iterable[Outcome], journal: Journal) -> None:
        """Write raw samples first, then the records, so that a record never points at nothing."""
        outcomes = list(outcomes)
        lines: dict[str, str] = {
            one.trial.trial_id: samples_line(one, self._attempts[one.trial.trial_id])
            for one in outcomes
            if one.bursts_ms
        }
        name = f"{outcomes[0].trial.block_id}.jsonl"
        if lines and self.keep_samples:
            with (self._directory.samples / name).open("a", encoding="utf-8") as stream:
                stream.writelines(line + "\n" for line in lines.values())
        for outcome in outcomes:
            trial_id = outcome.trial.trial_id
            facts = read_facts(self._directory.program(self._study, outcome.cell), outcome.cell)
            line = lines.get(trial_id)
            samples = (
                None if line is None else samples_facts(outcome, line, f"samples/{name}" if self.keep_samples else None)
            )
            record = make_record(self._design, self._scene, outcome, facts, self._attempts[trial_id], samples)
            journal.append(record)
            self._attempts[trial_id] += 1
            if self._sink is not None:
                self._sink(record)
            self._progress.recorded(record)


def _locked(directory: ResultDirectory) -> ExitStack:
    """Hold the directory's lock, so that two runs into one directory exclude each other."""
    stack = ExitStack()
    stream = stack.enter_context((directory.work / "lock").open("w"))
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stack.close()
        raise TrialError(
            f"{directory.path}: another run is writing there; wait for it or choose another --out"
        ) from None
    return stack


def _lost(trial: Trial, cell: Cell, status: str, error: dict[str, object]) -> Outcome:
    return Outcome(trial, cell, utc_now(), {"status": status, "error": error})


def _machinery(error: TrialError) -> dict[str, object]:
    return {"type": type(error).__name__, "message": str(error), "phase": None}


def _interrupted(outcome: Outcome) -> Outcome:
    error = {"type": "interrupted", "message": "its block was interrupted and will run again", "phase": "run"}
    return replace(outcome, result={**outcome.result, "error": error})
