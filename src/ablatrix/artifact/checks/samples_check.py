"""Are the raw samples of hot trials there, and do the times in the records follow from them?

The summary is computed here a second time, with the standard library alone, so that neither a mistake in the runner's
own summary nor a number changed in a record goes undetected.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ablatrix.artifact.contents import Problem
from ablatrix.canonical import digest_bytes
from ablatrix.records.metrics import SAMPLE_METRICS, SampleStatistic
from ablatrix.records.model import Record, RunFacts
from ablatrix.records.names import RECORDS_NAME
from ablatrix.regular_files import MEBIBYTE, read_regular

RELATIVE_TOLERANCE = 1e-9
LARGEST = 512 * MEBIBYTE
MOST_MS = 1e12
"""Sums of more would be rounded, or no number."""


def check_samples(directory: Path, records: Iterable[Record]) -> list[Problem]:
    """Compare every record that names a line of raw samples with that line."""
    by_file: dict[str, list[tuple[Record, RunFacts, str]]] = {}
    for record in records:
        runtime = record.runtime
        if runtime is not None and runtime.samples is not None and runtime.samples.file is not None:
            by_file.setdefault(runtime.samples.file, []).append((record, runtime, runtime.samples.digest))
    return [problem for name, named in by_file.items() for problem in _check_file(directory, name, named)]


def _check_file(directory: Path, name: str, named: Iterable[tuple[Record, RunFacts, str]]) -> list[Problem]:
    """Compare the records that name a file, each with the digest of its line."""
    lines = _lines_by_digest(directory, name)
    problems = []
    for record, runtime, digest in named:
        line = lines.get(digest)
        if line is None:
            detail = f"the raw samples of record {record.record_id} are missing, or not those it was made from"
            problems.append(Problem(name, "invalid", detail))
            continue
        problems += [
            Problem(RECORDS_NAME, "invalid", f"record {record.record_id}: {fault}")
            for fault in _faults(runtime, line, record.trial_id, record.attempt)
        ]
    return problems


def _lines_by_digest(directory: Path, name: str) -> dict[str, bytes]:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        return {}
    try:
        return {digest_bytes(line): line for line in read_regular(path, LARGEST).split(b"\n")}
    except OSError:
        return {}


def _faults(runtime: RunFacts, line: bytes, trial_id: str, attempt: int) -> list[str]:
    try:
        value = json.loads(line)
        bursts = [[float(sample) for sample in burst] for burst in value["bursts_ms"]]
        samples = [sample for burst in bursts for sample in burst]
        owner = value["trial_id"], value["attempt"]
        if samples and not 0 <= min(samples) <= max(samples) <= MOST_MS:  # NaN is none either
            raise ValueError(f"samples beyond {MOST_MS:g} ms")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        return [f"its line of raw samples cannot be read: {error!r}"]
    if owner != (trial_id, attempt):
        return [f"its raw samples are those of trial {owner[0]}, attempt {owner[1]}"]
    if not samples:
        return ["its line of raw samples has no sample"]
    stated: Mapping[str, float | None] = {name: getattr(runtime, name) for name in SAMPLE_METRICS}
    ordered = sorted(samples)
    faults = [
        f"{name} is {stated[name]}, but its raw samples give {value}"
        for name, value in ((name, _summary(ordered, statistic)) for name, statistic in SAMPLE_METRICS.items())
        if (held := stated[name]) is None or not math.isclose(held, value, rel_tol=RELATIVE_TOLERANCE)
    ]
    whole = [burst for burst in bursts if burst]
    if not _agree(runtime.burst_ms_p50, [statistics.median(burst) for burst in whole], len(bursts)):
        faults.append("burst_ms_p50 is not what the bursts of its raw samples give")
    if runtime.burst_ms_min is not None and not _agree(
        runtime.burst_ms_min, [min(burst) for burst in whole], len(bursts)
    ):
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
