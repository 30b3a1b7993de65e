"""What checks and documents of an artifact read of its records: gathered in one pass, and small however many there are.

A record as an object takes some 35 KB. What is kept of it here is its line in the comparison with the plan, where its
raw samples are, and what it adds to counts, sums and sets; of a trial that failed also what the crate says of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.records.model import Mode, Tier, TrialMachine
from ablatrix.records.status import Status

DIGEST_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What the attempts of one workload in one mode took.

    Attributes:
        seconds: Machine time of all attempts, added up in their order.
        growth_bytes: Largest growth of the resident memory of what is alive at once: of one trial in cold mode, of a
            whole block in hot mode. None if no record reports it.
        sample_files: Files with their raw samples, relative to the artifact.
    """

    workload: str
    mode: Mode
    attempts: int
    seconds: float
    growth_bytes: int | None
    sample_files: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedWorkload:
    """A workload, as far as documents describe it; see `ablatrix.records.model.WorkloadFacts`."""

    name: str
    tier: Tier
    digest: str
    source: str | None
    source_digest: str | None
    parameter_count: int
    oracle: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedTrial:
    """A trial that failed.

    Attributes:
        levels: Its knobs that have a level, as text: ``knob=level, ...``, by name; empty for the reference.
        error_type, message: What went wrong; None where the record does not say.
        start: Start of its final attempt, UTC.
        end: Its end.
    """

    trial_id: str
    workload: str
    compiler: str
    mode: Mode
    status: Status
    levels: str
    error_type: str | None
    message: str | None
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleLines:
    """Which records name a line of raw samples, and where both are.

    Attributes:
        names: The files of samples, relative to the artifact, as the records name them.
        files: For each of these records, the number of its file in ``names``.
        offsets: Where its own line begins in the file of records.
        digests: SHA-256 of the line that it names, `DIGEST_BYTES` for each record; zeros where it gives no digest.
    """

    names: tuple[str, ...]
    files: NDArray[np.uint32]
    offsets: NDArray[np.uint64]
    digests: bytes

    def digest(self, record: int) -> bytes:
        """Return the digest that a record gives, by its place in ``files``."""
        return self.digests[record * DIGEST_BYTES : (record + 1) * DIGEST_BYTES]


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedTrials:
    """What documents read of final records: those whose line says that it stands for its trial.

    The comparison with the plan guarantees that each trial has exactly one before anything is made from them, so nobody
    has to look for the highest attempt.

    Attributes:
        statuses: How many there are, by status.
        failed: Those of trials that failed, in the order of their lines.
        workloads: Each workload once, by name; the digest tells apart what shares one.
        machines: Each machine once, in the order of the lines; one whose GPU some trial opened has it.
        versions: Versions of all software that they name, by package; several of one package joined by a comma.
        compilers: Names of their compilers.
        levels: Levels of each knob, as text, in the order of the lines.
        threads: Library and threads in force.
        samplings: What was drawn anew of the layout, as far as they say it.
        blocks: Number of blocks that have any, by mode.
        reported: How many report what was compiled.
        compiled_anew: How many of them compiled something.
        cache_tagged: How many of them are cold and name a disk cache.
        asked_for_cuda: Whether any asks for a GPU.
    """

    statuses: Mapping[Status, int]
    failed: tuple[FailedTrial, ...]
    workloads: tuple[RecordedWorkload, ...]
    machines: tuple[TrialMachine, ...]
    versions: Mapping[str, str]
    compilers: frozenset[str]
    levels: Mapping[str, tuple[str, ...]]
    threads: frozenset[tuple[str, int]]
    samplings: frozenset[str]
    blocks: Mapping[Mode, int]
    reported: int
    compiled_anew: int
    cache_tagged: int
    asked_for_cuda: bool

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.statuses.values())

    @property
    def not_run(self) -> Mapping[Status, int]:
        """Those of trials that were not run, or not to their end, by status."""
        return {status: count for status, count in self.statuses.items() if not status.ran}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What checks and documents read of all valid records, earlier attempts included.

    Attributes:
        count: How many there are.
        study, study_digest: Those of the first one; empty without records.
        study_digests: Those of all.
        lines: A row a record, in their order, for `check_plan`.
        samples: Which of them name raw samples.
        packages: Each package with its version that any of them has.
        builds: Digest of each build by its name; that of the last record where several differ.
        models: File and SHA-256 of each model that came with the study.
        start, end: Start of the first trial and end of the last one, UTC; None without records.
        columns: Columns that the table of all trials has.
        usages: What they took, in order of workload and mode.
        trials: What the final ones say.
    """

    count: int
    study: str
    study_digest: str
    study_digests: frozenset[str]
    lines: pl.DataFrame
    samples: SampleLines
    packages: frozenset[tuple[str, str]]
    builds: Mapping[str, str]
    models: frozenset[tuple[str, str]]
    start: datetime | None
    end: datetime | None
    columns: int
    usages: tuple[Usage, ...]
    trials: RecordedTrials
