"""The input of an artifact's documents: its records, study, claims and environment, and nothing else."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from ablatrix.artifact.contents import FOLDER as SOURCE_FOLDER
from ablatrix.artifact.contents import Environment, FileEntry, Reading, RecordedClaim, read_environment, recorded_claims
from ablatrix.documents.about import About, read_about
from ablatrix.documents.load import parse_yaml
from ablatrix.errors import ArtifactError
from ablatrix.records.journal import final_records
from ablatrix.records.model import Record, TrialMachine, WorkloadFacts
from ablatrix.records.names import STUDY_NAME

RESULT_ROLES = frozenset({"records", "design", "samples"})
NOTHING_SAID = About()
UNITS = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True)
class Usage:
    """What the attempts of one workload in one mode took.

    Attributes:
        seconds: Machine time of all attempts, added up.
        growth_bytes: Largest growth of the resident memory of what is alive at once: of one trial in cold mode, of a
            whole block in hot mode. None if no record reports it.
    """

    workload: str
    mode: str
    attempts: int
    seconds: float
    growth_bytes: int | None


@dataclass(frozen=True)
class Facts:
    """Everything that README, appendix, citation and crate say.

    Attributes:
        records: All valid records, earlier attempts included, at least one.
        study: The study as written, in plain values.
        entries: The files of the artifact; documents that are still to be made may be missing.
        about: What only its authors know, as far as the study says it.
    """

    records: tuple[Record, ...]
    study: Mapping[str, Any]
    environment: Environment
    entries: tuple[FileEntry, ...]
    claims: tuple[RecordedClaim, ...]
    about: About = NOTHING_SAID

    @cached_property
    def final(self) -> list[Record]:
        """The final record of each trial."""
        return final_records(self.records)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.records[0].study

    @property
    def description(self) -> str:
        """The description in the study; empty if it has none."""
        return str(self.study.get("description") or "")

    @property
    def title(self) -> str:
        """Title of the artifact."""
        return self.about.title or f"Artifact of the ablation study {self.name}"

    @property
    def modes(self) -> list[str]:
        """The modes of the records."""
        return sorted({record.mode for record in self.final})

    @cached_property
    def workloads(self) -> list[WorkloadFacts]:
        """Each workload once, by name; the digest tells apart what shares one."""
        found = {(record.workload.name, record.workload.digest): record.workload for record in self.final}
        return [found[key] for key in sorted(found)]

    @cached_property
    def machines(self) -> list[TrialMachine]:
        """Each machine that final records name, once, in their order; one whose GPU some trial opened has it."""
        found: dict[str, TrialMachine] = {}
        for record in self.final:
            machine = record.meta.machine
            key = machine.model_dump_json(exclude={"gpu", "cpus", "memory_speed"})
            if key not in found or found[key].gpu is None:
                found[key] = machine
        return list(found.values())

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """Versions of all software that the records name; several of one package joined by a comma."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for record in self.final:
            for package, version in record.meta.versions.items():
                found[package][version] = None
        return {package: ", ".join(found[package]) for package in sorted(found)}

    @cached_property
    def statuses(self) -> Counter[str]:
        """Trials by status."""
        return Counter(record.status for record in self.final)

    @property
    def failed(self) -> list[Record]:
        """Final records of trials that failed."""
        return [record for record in self.final if record.status.is_failure]

    @property
    def not_run(self) -> list[Record]:
        """Final records of trials that were not run, or not to their end."""
        return [record for record in self.final if not record.status.ran]

    @property
    def start(self) -> datetime:
        """Start of the first trial, UTC."""
        return min(_time(record) for record in self.records)

    @property
    def end(self) -> datetime:
        """End of the last trial, UTC."""
        return max(_time(record) + timedelta(seconds=record.wall_s) for record in self.records)

    @property
    def source_path(self) -> str:
        """Path of the source of ablatrix within the artifact."""
        return next(
            (entry.path for entry in self.entries if entry.path.startswith(f"{SOURCE_FOLDER}/")), f"{SOURCE_FOLDER}/"
        )

    @property
    def run_seconds(self) -> float:
        """Wall time of the study: as measured if one run made all of it, else from its first trial to its last."""
        run = self.environment.run
        if run is not None and run.trials == len(self.records):
            return run.seconds
        return (self.end - self.start).total_seconds()

    @cached_property
    def usages(self) -> tuple[Usage, ...]:
        """What each workload took in each mode, in order of their names."""
        groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in self.records:
            groups[record.workload.name, record.mode].append(record)
        return tuple(
            Usage(workload, mode, len(group), sum(record.wall_s for record in group), _growth(group, mode))
            for (workload, mode), group in sorted(groups.items())
        )

    def usage_of(self, workload: str | None, modes: Iterable[str]) -> tuple[float, int | None]:
        """Return seconds and largest growth of memory of a workload (None: of all) in some modes."""
        chosen = [usage for usage in self.usages if workload in (None, usage.workload) and usage.mode in modes]
        growths = [usage.growth_bytes for usage in chosen if usage.growth_bytes is not None]
        return sum(usage.seconds for usage in chosen), max(growths, default=None)

    def samples_bytes(self, workload: str | None, modes: Iterable[str]) -> int:
        """Return the size of the files with the raw samples of a workload (None: of all) in some modes."""
        files = {
            record.runtime.samples.file
            for record in self.records
            if record.runtime and record.runtime.samples and record.mode in modes
            if workload in (None, record.workload.name)
        }
        return sum(entry.bytes for entry in self.entries if entry.path in files)

    def bytes_of(self, roles: Iterable[str] | None = None) -> int:
        """Return the size of the files of some roles, or of all files."""
        wanted = None if roles is None else set(roles)
        return sum(entry.bytes for entry in self.entries if wanted is None or entry.role in wanted)


def read_facts(reading: Reading, records: Sequence[Record], entries: Iterable[FileEntry]) -> Facts:
    """Read the input of the documents from an artifact.

    Raises:
        ArtifactError: Study, claims or environment cannot be read; the message names the file.
    """
    directory = reading.directory
    study = parse_yaml(directory / STUDY_NAME, ArtifactError)
    if not isinstance(study, dict):
        raise ArtifactError(f"{STUDY_NAME}: a study is a mapping of keys to values")
    return Facts(
        records=tuple(records),
        study=study,
        environment=read_environment(directory),
        entries=tuple(sorted(entries, key=lambda entry: entry.path)),
        claims=recorded_claims(reading),
        about=read_about(study, Path(STUDY_NAME), ArtifactError),
    )


def duration(seconds: float) -> str:
    """Return a time in a readable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int | None) -> str:
    """Return a number of bytes in a readable unit."""
    if count is None:
        return "not recorded"
    power = next((power for power in range(len(UNITS)) if count < 1024 ** (power + 1)), len(UNITS) - 1)
    return f"{count / 1024**power:.3g} {UNITS[power]}" if power else f"{count} B"


def _growth(group: Sequence[Record], mode: str) -> int | None:
    live: dict[object, int] = defaultdict(int)
    for record in group:
        if record.runtime is None:
            continue
        peaks = [record.runtime.peak_rss_compile_bytes, record.runtime.peak_rss_delta_bytes]
        if peaks != [None, None]:
            key = record.block_id if mode == "hot" else record.record_id
            live[key] += sum(amount or 0 for amount in peaks)
    return max(live.values(), default=None)


def _time(record: Record) -> datetime:
    return datetime.fromisoformat(record.meta.time_utc)
