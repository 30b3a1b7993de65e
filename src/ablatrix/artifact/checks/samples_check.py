"""Are the raw samples of hot trials there, and do the times in the records follow from them?

The summary is computed here a second time, with the standard library alone, so that neither a mistake in the runner's
own summary nor a number changed in a record goes undetected. Each file of samples is read once, line by line, and each
record that names one of its lines is read again then: neither records nor files are held, whatever their order.
"""

import json
import math
import os
import statistics
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablatrix.artifact.contents import Problem, ProblemList, SampleLines
from ablatrix.errors import RecordError
from ablatrix.foreign_text import many_values
from ablatrix.records.journal import read_own_record
from ablatrix.records.metrics import SAMPLE_METRICS, SampleStatistic
from ablatrix.records.model import Record, RunFacts
from ablatrix.records.names import RECORDS_NAME, SAMPLES_NAME
from ablatrix.records.schema import LONGEST_LINE, validate_line
from ablatrix.regular_files import MEBIBYTE, open_regular

RELATIVE_TOLERANCE = 1e-9
LONGEST_SAMPLES = 64 * MEBIBYTE
MOST_OBJECT_BYTES = 192 * MEBIBYTE
"""Bytes of a line of samples that is read, as text and as objects: some 3,000,000 samples. A trial has 800 by default,
in 16 KB."""
MOST_MS = 1e12
"""Sums of more would be rounded, or no number."""

Wanted = dict[bytes, list[int]]
"""Digest of a line of samples -> where the records that name it begin in their file."""


def check_samples(directory: Path, samples: SampleLines) -> list[Problem]:
    """Compare every record that names a line of raw samples with that line.

    Args:
        directory: Contains the records and the files of samples.
        samples: What the records name.
    """
    problems = ProblemList(SAMPLES_NAME)
    if not samples.names:
        return []
    try:
        with open_regular(directory / RECORDS_NAME) as records:
            for name, places in _by_file(directory, samples):
                _check_file(directory, name, _wanted(samples, places), records, problems)
    except OSError as error:
        problems.add("unreadable", f"the records cannot be read again: {error.strerror}", RECORDS_NAME)
    return problems.listed


def _by_file(directory: Path, samples: SampleLines) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each file with the places in ``samples`` of the records that name it, in whatever ways they write it."""
    same: dict[str, list[int]] = defaultdict(list)
    for number, name in enumerate(samples.names):
        same[_whole_path(directory, name) or f"\0{name}"].append(number)
    order = np.argsort(samples.files, kind="stable")
    ends = np.searchsorted(samples.files[order], np.arange(len(samples.names) + 1))
    for numbers in same.values():
        yield samples.names[numbers[0]], np.concatenate([order[ends[one] : ends[one + 1]] for one in numbers])


def _wanted(samples: SampleLines, places: NDArray[np.int64]) -> Wanted:
    wanted: Wanted = {}
    for place in places.tolist():
        wanted.setdefault(samples.digest(place), []).append(int(samples.offsets[place]))
    return wanted


def _check_file(directory: Path, name: str, wanted: Wanted, records: BufferedReader, problems: ProblemList) -> None:
    """Compare the records that name a file, given by where they begin, each with its line."""
    for line in _lines(directory, name, problems):
        for offset in wanted.pop(sha256(line).digest(), ()):
            record = _record_at(records, offset)
            for fault in _faults(record, line):
                problems.add("invalid", f"record {record.record_id}: {fault}", RECORDS_NAME)
    for offset in (one for offsets in wanted.values() for one in offsets):
        record_id = _record_at(records, offset).record_id
        detail = f"the raw samples of record {record_id} are missing, or not those it was made from"
        problems.add("invalid", detail, name)


def _lines(directory: Path, name: str, problems: ProblemList) -> Iterator[bytes]:
    """Yield the lines of a file of samples; none of one that is outside, or that cannot be read."""
    path = _whole_path(directory, name)
    if path is None or not Path(path).is_relative_to(directory.resolve()):
        return
    try:
        with open_regular(Path(path)) as file:
            while line := file.readline(LONGEST_SAMPLES + 1):
                if len(line) > LONGEST_SAMPLES:
                    detail = f"a line has more than {LONGEST_SAMPLES} bytes; it and what follows were not read"
                    problems.add("invalid", detail, name)
                    return
                yield line.removesuffix(b"\n")
    except OSError:
        return  # reported by who compares files with the manifest


def _whole_path(directory: Path, name: str) -> str | None:
    """Return the path of a file without links and detours; None where no file can have it."""
    try:
        return os.path.realpath(directory / name)
    except (OSError, ValueError):
        return None


def _record_at(records: BufferedReader, offset: int) -> Record:
    """Return the record of a line that was valid when it was read before.

    Raises:
        OSError: It is another one now.
    """
    records.seek(offset)
    line = records.readline(LONGEST_LINE + 1)
    record = read_own_record(line)
    if record is not None:
        return record
    try:
        return validate_line(line.decode())
    except (RecordError, UnicodeDecodeError):
        raise OSError(0, "they were changed while they were read") from None


def _faults(record: Record, line: bytes) -> list[str]:
    """Return what of a record does not follow from its line of samples."""
    runtime = record.runtime
    if runtime is None:
        return ["it was changed while it was read"]  # it named a line
    if (excess := many_values(line, MOST_OBJECT_BYTES)) is not None:
        return [f"its line of raw samples was not read: {excess}"]
    try:
        value = json.loads(line)
        bursts = [array("d", burst) for burst in value["bursts_ms"]]
        owner = value["trial_id"], value["attempt"]
        del value
        samples = [sample for burst in bursts for sample in burst]
        if not all(0 <= sample <= MOST_MS for sample in samples):
            raise ValueError(f"samples beyond {MOST_MS:g} ms")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        return [f"its line of raw samples cannot be read: {error!r}"]
    if owner != (record.trial_id, record.attempt):
        return [f"its raw samples are those of trial {owner[0]}, attempt {owner[1]}"]
    if not samples:
        return ["its line of raw samples has no sample"]
    return [*_summary_faults(runtime, samples), *_burst_faults(runtime, bursts)]


def _summary_faults(runtime: RunFacts, samples: Sequence[float]) -> list[str]:
    stated: Mapping[str, float | None] = {name: getattr(runtime, name) for name in SAMPLE_METRICS}
    ordered = sorted(samples)
    return [
        f"{name} is {stated[name]}, but its raw samples give {value}"
        for name, value in ((name, _summary(ordered, statistic)) for name, statistic in SAMPLE_METRICS.items())
        if (held := stated[name]) is None or not math.isclose(held, value, rel_tol=RELATIVE_TOLERANCE)
    ]


def _burst_faults(runtime: RunFacts, bursts: Sequence[Sequence[float]]) -> list[str]:
    whole = [burst for burst in bursts if burst]
    faults = []
    if not _agree(runtime.burst_ms_p50, [statistics.median(burst) for burst in whole], len(bursts)):
        faults.append("burst_ms_p50 is not what the bursts of its raw samples give")
    fastest = runtime.burst_ms_min
    if fastest is not None and not _agree(fastest, [min(burst) for burst in whole], len(bursts)):
        faults.append("burst_ms_min is not what the bursts of its raw samples give")
    return faults


def _agree(recorded: Sequence[float] | None, given: Sequence[float], count: int) -> bool:
    return len(recorded or ()) == count and all(
        math.isclose(one, other, rel_tol=RELATIVE_TOLERANCE) for one, other in zip(recorded or (), given, strict=False)
    )


def _summary(ordered: Sequence[float], statistic: SampleStatistic) -> float:
    if statistic == "mean":
        return statistics.fmean(ordered)
    if statistic == "min":
        return ordered[0]
    # Linear interpolation between order statistics.
    rank, part = divmod((len(ordered) - 1) * statistic, 100)
    low, high = ordered[int(rank)], ordered[min(int(rank) + 1, len(ordered) - 1)]
    return (low * (100 - part) + high * part) / 100
