"""Gathers what checks and documents read of records, one record at a time, into `Recorded`."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.table import COLUMNS, MAPS
from ablatrix.artifact.contents.budget import LINE_COST, NAME_COST, Bounds, Budget
from ablatrix.artifact.contents.columns import Labels, Samples, Texts
from ablatrix.artifact.contents.recorded import Recorded, Usage
from ablatrix.artifact.contents.trial_gathering import TrialGathering
from ablatrix.errors import RecordError
from ablatrix.records.model import Mode, Record

MOST_SIZE = 2**63
"""Bytes that no memory has."""
LABELS = ("study_digest", "cell_id", "block_id", "mode", "role")
IDS = ("trial_id", "record_id")
_ALONE = -1  # stands for the block of trials that are alone


@dataclass
class _Group:
    """What is gathered of one workload in one mode."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    growths: dict[int, int] = field(default_factory=dict)  # by number of block
    files: set[str] = field(default_factory=set)


class Gathering:
    """What was gathered so far.

    Args:
        bounds: How much is kept; see `excess`.
    """

    def __init__(self, bounds: Bounds = Bounds()) -> None:  # noqa: B008, it is frozen
        self._budget = Budget(bounds)
        self._trials = TrialGathering(self._budget)
        self._first = ("", "")
        self._start: datetime | None = None
        self._end: datetime | None = None
        self._labels = {name: Labels() for name in LABELS}
        self._ids = {name: Texts() for name in IDS}
        self._final = array("b")
        self._groups: dict[tuple[str, Mode], _Group] = {}
        self._samples = Samples()
        self._packages: set[tuple[str, str]] = set()
        self._builds: dict[str, str] = {}
        self._models: set[tuple[str, str]] = set()
        self._keys: dict[tuple[str, ...], set[str]] = {group.path: set() for group in MAPS}

    @property
    def excess(self) -> str | None:
        """What of the records is more than is kept, in words; None as long as nothing is: then no more may be added."""
        return self._budget.excess

    def add(self, record: Record, offset: int) -> None:
        """Add a record.

        Args:
            record: The record.
            offset: Where its line begins in the file.

        Raises:
            RecordError: It says what cannot be. Nothing of it was added.
        """
        start, end = _span(record)
        growth = _growth(record)
        if not self._final:
            self._first = record.study, record.study_digest
        if self._start is None or start < self._start:
            self._start = start
        if self._end is None or end > self._end:
            self._end = end
        self._add_line(record)
        self._add_usage(record, growth, offset)
        self._add_origin(record)
        self._add_keys(record)
        if record.final:
            self._trials.add(record, start, end)

    def recorded(self) -> Recorded:
        """Return what was gathered."""
        lines = self._lines()
        blocks = (
            lines.filter(pl.col("final")).group_by(pl.col("mode").cast(pl.String)).agg(pl.col("block_id").n_unique())
        )
        return Recorded(
            count=len(self._final),
            study=self._first[0],
            study_digest=self._first[1],
            study_digests=frozenset(self._labels["study_digest"].numbers),
            lines=lines,
            samples=self._samples.lines(),
            packages=frozenset(self._packages),
            builds=dict(self._builds),
            models=frozenset(self._models),
            start=self._start,
            end=self._end,
            columns=len(COLUMNS) + sum(map(len, self._keys.values())),
            usages=tuple(_usage(*key, self._groups[key]) for key in sorted(self._groups)),
            trials=self._trials.trials(dict(sorted(blocks.iter_rows()))),
        )

    def _add_line(self, record: Record) -> None:
        """Add what is compared with the plan."""
        self._final.append(record.final)
        self._budget.hold(LINE_COST + len(record.trial_id) + len(record.record_id))
        for name, texts in self._ids.items():
            texts.add(getattr(record, name))
        for name, labels in self._labels.items():
            text = getattr(record, name)
            if labels.add(text):
                self._budget.hold(NAME_COST + len(text))

    def _add_usage(self, record: Record, growth: int | None, offset: int) -> None:
        """Add what documents say of the cost of a workload in a mode, and where the raw samples are."""
        key = record.workload.name, record.mode
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
            self._budget.name(*key)
        group.seconds.append(record.wall_s)
        # The trials of a hot block are alive together, so what they take is added up. A cold one is alone.
        if growth is not None and record.mode == "hot":
            block = self._labels["block_id"].codes[-1]
            self._budget.hold(NAME_COST * (block not in group.growths))
            group.growths[block] = group.growths.get(block, 0) + growth
        elif growth is not None:
            group.growths[_ALONE] = max(group.growths.get(_ALONE, 0), growth)
        samples = None if record.runtime is None else record.runtime.samples
        if samples is not None and samples.file is not None:
            name, is_new = self._samples.add(samples.file, samples.digest, offset)
            self._budget.hold((2 * NAME_COST + len(name)) * is_new)
            group.files.add(name)

    def _add_origin(self, record: Record) -> None:
        """Add what is compared with the files of a bundle: packages, builds, models."""
        for package in record.meta.versions.items():
            if package not in self._packages:
                self._packages.add(package)
                self._budget.name(*package)
        build, source, digest = record.meta.build, record.workload.source, record.workload.source_digest
        if build is not None:
            if build.name not in self._builds:
                self._budget.name(build.name, build.digest)
            self._builds[build.name] = build.digest
        if source is not None and digest is not None:
            model = source.partition("?")[0].partition(":")[0], digest
            if model not in self._models:
                self._models.add(model)
                self._budget.name(*model)

    def _add_keys(self, record: Record) -> None:
        """Add what has a column of its own in the table of all trials."""
        for path, known in self._keys.items():
            held: Any = record
            for step in path:
                held = getattr(held, step, None)  # of a part that is null, too
            if held and not held.keys() <= known:
                for key in held.keys() - known:
                    self._budget.name(key)
                known.update(held.keys())

    def _lines(self) -> pl.DataFrame:
        columns = [texts.series(name) for name, texts in self._ids.items()]
        columns += [labels.series(name) for name, labels in self._labels.items()]
        return pl.DataFrame([*columns, pl.Series("final", np.array(self._final, np.bool_))])


def gather(records: Iterable[Record]) -> Recorded:
    """Return what is gathered of records, as if they were the lines of a file without bytes."""
    gathering = Gathering()
    for record in records:
        gathering.add(record, 0)
    return gathering.recorded()


def _span(record: Record) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(record.meta.time_utc)
    try:
        return start, start + timedelta(seconds=record.wall_s)
    except OverflowError:
        detail = f"it began {record.meta.time_utc} and took {record.wall_s:g} s, which ends beyond the calendar"
        raise RecordError(f"record {record.record_id}: {detail}") from None


def _growth(record: Record) -> int | None:
    """Return how much memory a trial took; None where its record does not say.

    Raises:
        RecordError: That, or the memory of its machine, is more than there can be.
    """
    machine, runtime = record.meta.machine, record.runtime
    peaks = () if runtime is None else (runtime.peak_rss_compile_bytes, runtime.peak_rss_delta_bytes)
    known = [peak for peak in peaks if peak is not None]
    for size in (*known, machine.memory_bytes, 0 if machine.gpu is None else machine.gpu.memory_bytes):
        if size >= MOST_SIZE:
            raise RecordError(f"record {record.record_id}: it has a size of 2^63 bytes or more, which no memory has")
    return sum(known) if known else None


def _usage(workload: str, mode: Mode, group: _Group) -> Usage:
    return Usage(
        workload=workload,
        mode=mode,
        attempts=len(group.seconds),
        # All at once and in their order: Python 3.12 adds with less error than one by one.
        seconds=sum(group.seconds),
        growth_bytes=max(group.growths.values(), default=None),
        sample_files=frozenset(group.files),
    )
