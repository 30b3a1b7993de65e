"""Writing the outcomes of trials: raw samples first, then records, so that a record never refers to missing samples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import RecordError
from ablatrix.records.journal import Journal, final_records
from ablatrix.records.model import Record
from ablatrix.records.place import Place
from ablatrix.study.design import Design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.results.directory import ResultDirectory
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.own_code import BuiltCode
from ablatrix.trials.results.progress import Progress
from ablatrix.trials.results.recording import PlannedPart, Scene, make_record, read_facts, samples_facts, samples_line
from ablatrix.workloads.parameters import is_phase

Sink = Callable[[Record], None]


class Ledger:
    """The open journal of one run, and how often each trial was tried."""

    def __init__(
        self,
        design: Design,
        directory: ResultDirectory,
        study_directory: Path | None,
        sink: Sink | None,
        progress: Progress,
        keep_samples: bool,
        place: Place | None = None,
    ) -> None:
        """Begin, and read what is the same for all records.

        Args:
            design: What was planned.
            directory: Of the results.
            study_directory: Of the study file, None without one.
            sink: Called with each record after it is on disk.
            progress: Notified of each record.
            keep_samples: Whether raw samples are kept in files.
            place: Where this run was placed; this host alone by default.
        """
        self._design, self._directory = design, directory
        self._sink, self._progress, self._keep_samples = sink, progress, keep_samples
        with_tokens = any(is_phase(cell.parameters) for cell in design.cells)
        self._scene = Scene.read(study_directory, with_tokens=with_tokens, place=place)
        self._attempts: dict[str, int] = {}
        self._built = BuiltCode()
        self._journal: Journal | None = None

    def follow(self, design: Design) -> None:
        """Take the design as it is after a run extended it: records say what a stage turned out to be."""
        self._design = design

    def open(self) -> dict[str, Record]:
        """Set a torn tail aside and return the final record of each finished trial."""
        with Journal(self._directory.results) as journal:
            if journal.torn is not None:
                self._progress.notice(f"a torn last line was set aside in {journal.torn}")
        attempts = self._directory.attempts()
        self.remember(attempts)
        return {record.trial_id: record for record in final_records(attempts)}

    def remember(self, records: Iterable[Record]) -> None:
        """Take note of earlier attempts, and of the code that they built."""
        held = list(records)
        for record in held:
            self._attempts[record.trial_id] = max(self.next_attempt(record.trial_id), record.attempt + 1)
        self._built.add_records(held)

    def written(self) -> set[tuple[str, int]]:
        """Return trial and number of each attempt that has a line."""
        return {(record.trial_id, record.attempt) for record in self._directory.attempts()}

    def next_attempt(self, trial_id: str) -> int:
        """Return the number of the next attempt of a trial."""
        return self._attempts.get(trial_id, 0)

    def count_from(self, attempts: Mapping[str, int]) -> None:
        """Number the next attempts of some trials from the given ones on."""
        self._attempts |= attempts

    def begin(self, again: set[str]) -> Journal:
        """Mark the lines of trials that will run again as not final, and open the journal for writing."""
        self._directory.supersede(again)
        self._journal = Journal(self._directory.results)
        return self._journal

    def make(
        self,
        resolved: ResolvedStudy,
        outcomes: Sequence[Outcome],
        *,
        final: bool = True,
        entries: Mapping[str, CompilerEntry] | None = None,
    ) -> list[tuple[Record, str | None]]:
        """Return the record of each outcome with its line of raw samples (None when it has none).

        A hot trial that timed code which no trial of its cell built is recorded as an error.

        Args:
            resolved: The study with its catalogue.
            outcomes: Of one block.
            final: Whether these attempts count for their trials; an interrupted one never does.
            entries: The compiler of a cell as it is in the cell's build, by the cell's id, where that is another one.
        """
        file = f"samples/{outcomes[0].trial.block_id}.jsonl" if self._keep_samples else None
        made: list[tuple[Record, str | None]] = []
        study, catalogue = resolved
        for one in self._built.checked(outcomes):
            attempt = self.next_attempt(one.trial.trial_id)
            entry = catalogue.workload(one.cell.workload)
            facts = read_facts(self._directory.program(resolved, one.cell), entry, one.cell)
            line = samples_line(one, attempt) if one.bursts_ms else None
            samples = None if line is None else samples_facts(one, line, file)
            compiler = (entries or {}).get(one.cell.cell_id) or catalogue.compiler(one.cell.compiler)
            planned = PlannedPart.of(resolved, self._design, one.trial, one.cell)
            record = make_record(
                self._design, self._scene, one, facts, compiler, attempt, samples, study.device, planned
            )
            made.append((record if final else record.model_copy(update={"final": False}), line))
        return made

    def write(self, made: Sequence[tuple[Record, str | None]]) -> None:
        """Append raw samples and records to their files, and notify the listeners."""
        assert self._journal is not None
        lines = [line for _, line in made if line is not None]
        if lines and self._keep_samples:
            _append_samples(self._directory.samples / f"{made[0][0].block_id}.jsonl", lines)
        self._journal.append(*(record for record, _ in made))
        for record, _ in made:
            self._attempts[record.trial_id] = max(self.next_attempt(record.trial_id), record.attempt + 1)
            if self._sink is not None:
                self._sink(record)
            self._progress.recorded(record)


def _append_samples(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a side file and wait until they are on disk; half a line that a kill left behind goes first.

    Raises:
        RecordError: The disk refuses them. None of the block's records is written then, so it runs again.
    """
    try:
        with path.open("a+b") as stream:
            stream.seek(0)
            held = stream.read()
            stream.truncate(held.rfind(b"\n") + 1)
            stream.write("".join(line + "\n" for line in lines).encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise RecordError(
            f"{path}: raw samples could not be written: {error.strerror}; free space on the disk and run again into "
            f"this directory, which resumes"
        ) from error
