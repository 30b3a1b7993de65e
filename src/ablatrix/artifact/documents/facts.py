"""The input of an artifact's documents: its records, study, claims and environment, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ablatrix.artifact.contents import FOLDER as SOURCE_FOLDER
from ablatrix.artifact.contents import (
    Environment,
    FileEntry,
    Reading,
    Recorded,
    RecordedClaim,
    RecordedTrials,
    Usage,
    read_environment,
    recorded_claims,
)
from ablatrix.documents.about import About, read_about
from ablatrix.documents.load import parse_yaml
from ablatrix.errors import ArtifactError
from ablatrix.records.names import STUDY_NAME

RESULT_ROLES = frozenset({"records", "design", "samples"})
NOTHING_SAID = About()
UNITS = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True)
class Facts:
    """Everything that README, appendix, citation and crate say.

    Attributes:
        recorded: What its records say, at least one.
        study: The study as written, in plain values.
        entries: The files of the artifact; documents that are still to be made may be missing.
        about: What only its authors know, as far as the study says it.
    """

    recorded: Recorded
    study: Mapping[str, Any]
    environment: Environment
    entries: tuple[FileEntry, ...]
    claims: tuple[RecordedClaim, ...]
    about: About = NOTHING_SAID

    @property
    def trials(self) -> RecordedTrials:
        """What the final records say, of which each trial has one."""
        return self.recorded.trials

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.recorded.study

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
        """The modes of the trials."""
        return sorted(self.trials.blocks)

    @property
    def start(self) -> datetime:
        """Start of the first trial, UTC."""
        return _known(self.recorded.start)

    @property
    def end(self) -> datetime:
        """End of the last trial, UTC."""
        return _known(self.recorded.end)

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
        if run is not None and run.trials == self.recorded.count:
            return run.seconds
        return (self.end - self.start).total_seconds()

    def usage_of(self, workload: str | None, modes: Iterable[str]) -> tuple[float, int | None]:
        """Return seconds and largest growth of memory of a workload (None: of all) in some modes."""
        chosen = self._usages(workload, modes)
        growths = [usage.growth_bytes for usage in chosen if usage.growth_bytes is not None]
        return sum(usage.seconds for usage in chosen), max(growths, default=None)

    def samples_bytes(self, workload: str | None, modes: Iterable[str]) -> int:
        """Return the size of the files with the raw samples of a workload (None: of all) in some modes."""
        files = {file for usage in self._usages(workload, modes) for file in usage.sample_files}
        return sum(entry.bytes for entry in self.entries if entry.path in files)

    def _usages(self, workload: str | None, modes: Iterable[str]) -> list[Usage]:
        wanted = set(modes)
        return [one for one in self.recorded.usages if workload in (None, one.workload) and one.mode in wanted]

    def bytes_of(self, roles: Iterable[str] | None = None) -> int:
        """Return the size of the files of some roles, or of all files."""
        wanted = None if roles is None else set(roles)
        return sum(entry.bytes for entry in self.entries if wanted is None or entry.role in wanted)


def read_facts(reading: Reading, recorded: Recorded, entries: Iterable[FileEntry]) -> Facts:
    """Read the input of the documents from an artifact.

    Args:
        reading: The artifact.
        recorded: What its records say, at least one.
        entries: Its files.

    Raises:
        ArtifactError: Study, claims or environment cannot be read; the message names the file.
    """
    directory = reading.directory
    study = parse_yaml(directory / STUDY_NAME, ArtifactError)
    if not isinstance(study, dict):
        raise ArtifactError(f"{STUDY_NAME}: a study is a mapping of keys to values")
    return Facts(
        recorded=recorded,
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


def _known(time: datetime | None) -> datetime:
    if time is None:
        raise ValueError("documents are made of one record at least")
    return time
