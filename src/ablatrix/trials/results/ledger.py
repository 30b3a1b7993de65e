"""Writing the outcomes of trials: raw samples first, then records, so that a record never refers to missing samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import RecordError, TrialError
from ablatrix.records.brief import Brief
from ablatrix.records.disk import refusal, sync_files
from ablatrix.records.journal import Journal
from ablatrix.records.model import SCHEMA_VERSION, Record
from ablatrix.records.place import Place
from ablatrix.records.status import Status
from ablatrix.study.design import Design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.results.directory import ResultDirectory
from ablatrix.trials.results.finished import Finished, add_final
from ablatrix.trials.results.line import Line
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.own_code import BuiltCode, CellCaches
from ablatrix.trials.results.progress import Progress
from ablatrix.trials.results.recording import PlannedPart, Scene, make_record, read_facts, samples_facts, samples_line
from ablatrix.workloads.parameters import is_phase

Sink = Callable[[Record], None]


class Origin(NamedTuple):
    """What records of one run on one host have in common."""

    schema_version: str
    cpu: str
    cores: int

    @classmethod
    def of(cls, record: Record) -> Origin:
        """Return that of a record."""
        return cls(record.schema_version, record.meta.machine.cpu, record.meta.machine.cores)

    def __str__(self) -> str:
        """The origin in words."""
        return f"schema {self.schema_version} on {self.cpu} with {self.cores} cores"


@dataclass
class Batch:
    """What is written together: lines, and the files that their raw samples were appended to."""

    lines: list[Line] = field(default_factory=list)
    sampled: list[Path] = field(default_factory=list)


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
        caches: CellCaches | None = None,
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
            caches: What cells built in runs before this one; by default nothing.
        """
        self._design, self._directory = design, directory
        self._sink, self._progress, self._keep_samples = sink, progress, keep_samples
        self._scene = Scene.read(study_directory, with_tokens=_has_tokens(design), place=place)
        self._attempts: dict[str, int] = {}
        self._statuses: dict[str, Status] = {}
        self._written: set[tuple[str, int]] = set()
        self._held: dict[str, Finished] | None = None
        self._built = BuiltCode() if caches is None else caches.built
        self._origins: set[Origin] = set()
        self._journal: Journal | None = None
        self._batch: Batch | None = None

    def follow(self, design: Design) -> None:
        """Take the design as it is after a run extended it, or another part of it, as a slot is given them."""
        self._design = design
        if _has_tokens(design):
            self._scene = self._scene.with_memory_speed()

    def open(self) -> dict[str, Finished]:
        """Set a torn tail aside and return what counts for each finished trial."""
        self.read()
        held, self._held = self._held, None  # it has much room, and whoever asked for it decides on that
        return held or {}

    def read(self) -> None:
        """Read what there is, unless that was done: of a million trials it takes minutes."""
        if self._held is not None:
            return
        with Journal(self._directory.results) as journal:
            if journal.torn is not None:
                self._progress.notice(f"a torn last line was set aside in {journal.torn}")
        held: dict[str, Finished] = {}

        def noted() -> Iterator[Record]:
            for record in self._directory.iter_attempts():
                add_final(held, Brief.of(record))
                if record.final and (record.meta.place is None or record.meta.place.stratum is None):
                    self._origins.add(Origin.of(record))
                self._written.add((record.trial_id, record.attempt))
                yield record

        self.remember(noted())
        self._held = held
        self._statuses = {trial_id: one.status for trial_id, one in held.items()}

    def refuse_other_origins(self) -> None:
        """Refuse to add records to those of another kind of machine, or another version of the schema.

        Raises:
            TrialError: There are some: no table would take both.
        """
        own = Origin(SCHEMA_VERSION, self._scene.machine.cpu, self._scene.machine.cores)
        for other in sorted(self._origins - {own}):
            raise TrialError(
                f"{self._directory.path}: its records are of {other}, and those of this run would be of {own}; no "
                "table could hold both; choose another --out, or go on where it was begun"
            )

    def remember(self, records: Iterable[Record]) -> None:
        """Take note of earlier attempts, and of the code that they built."""
        for record in records:
            self._attempts[record.trial_id] = max(self.next_attempt(record.trial_id), record.attempt + 1)
            self._built.add_records([record])

    def is_written(self, trial_id: str, attempt: int) -> bool:
        """Return whether an attempt of a trial has a line."""
        return (trial_id, attempt) in self._written

    def statuses(self) -> dict[str, Status]:
        """Return the status of each trial that is finished."""
        return dict(self._statuses)

    def next_attempt(self, trial_id: str) -> int:
        """Return the number of the next attempt of a trial."""
        return self._attempts.get(trial_id, 0)

    def count_from(self, attempts: Mapping[str, int]) -> None:
        """Number the next attempts of some trials from the given ones on."""
        self._attempts |= attempts

    def begin(self, again: set[str]) -> Journal:
        """Mark the lines of trials that will run again as not final, and open the journal for writing."""
        self._directory.supersede(again)
        for trial_id in again:
            self._statuses.pop(trial_id, None)
        self._journal = Journal(self._directory.results)
        return self._journal

    def make(
        self,
        resolved: ResolvedStudy,
        outcomes: Sequence[Outcome],
        *,
        final: bool = True,
        entries: Mapping[str, CompilerEntry] | None = None,
    ) -> list[Line]:
        """Return the record of each outcome with its line of raw samples.

        A hot trial that timed code which no trial of its cell built is recorded as an error.

        Args:
            resolved: The study with its catalogue.
            outcomes: Of one block.
            final: Whether these attempts count for their trials; an interrupted one never does.
            entries: The compiler of a cell as it is in the cell's build, by the cell's id, where that is another one.
        """
        file = f"samples/{outcomes[0].trial.block_id}.jsonl" if self._keep_samples else None
        made: list[Line] = []
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
            made.append(Line.of(record if final else record.model_copy(update={"final": False}), line))
        return made

    @contextmanager
    def together(self) -> Iterator[Batch]:
        """Hold what is written within it as one batch, for `to_disk`: the samples of all blocks, then all records.

        On a disk that is waited for, this takes little longer for many blocks than for one.
        """
        self._batch = Batch()
        try:
            yield self._batch
        finally:
            self._batch = None

    def write(self, made: Sequence[Line]) -> None:
        """Append raw samples and records of a block to their files, and notify the listeners."""
        batch = self._batch or Batch()
        lines = [one.samples for one in made if one.samples is not None]
        if lines and self._keep_samples:
            path = self._directory.samples / f"{made[0].brief.block_id}.jsonl"
            _append_samples(path, lines)
            batch.sampled.append(path)
        batch.lines += made
        for one in made:
            trial_id = one.brief.trial_id
            self._written.add((trial_id, one.brief.attempt))
            self._attempts[trial_id] = max(self.next_attempt(trial_id), one.brief.attempt + 1)
        if self._batch is None:
            self.to_disk(batch)
            self.tell(batch)

    def to_disk(self, batch: Batch) -> None:
        """Wait for the samples, then write the records: none refers to samples that a power cut could take.

        Another thread may do this, for one batch at a time; `tell` follows, in the thread of all else.

        Raises:
            RecordError: The disk refuses them.
        """
        assert self._journal is not None
        with _refused_samples(self._directory.samples):
            sync_files(batch.sampled)
        if batch.lines:
            names = [one.brief.record_id for one in batch.lines]
            self._journal.append_lines(names, [one.text for one in batch.lines])

    def tell(self, batch: Batch) -> None:
        """Note and tell what is on disk now."""
        for one in batch.lines:
            brief = one.brief
            if self._held is not None:
                add_final(self._held, brief)
            if brief.final:
                self._statuses[brief.trial_id] = brief.status
            if self._sink is not None:
                self._sink(one.record)
            self._progress.recorded(brief)


def _has_tokens(design: Design) -> bool:
    return any(is_phase(cell.parameters) for cell in design.cells)


def _append_samples(path: Path, lines: Sequence[str]) -> None:
    """Add lines to a side file; half a line that a kill left behind goes first.

    Raises:
        RecordError: The disk refuses them. None of the block's records is written then, so it runs again.
    """
    with _refused_samples(path), path.open("a+b") as stream:
        stream.seek(0)
        held = stream.read()
        stream.truncate(held.rfind(b"\n") + 1)
        stream.write("".join(line + "\n" for line in lines).encode())


@contextmanager
def _refused_samples(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(f"{path}: raw samples could not be written: {refusal(error)}") from error
