"""Records of runs with builds that never ran: a history's, with levels and machines as a test wants them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablatrix.canonical import content_id, digest_value
from ablatrix.records.build import BuildFacts
from ablatrix.records.model import Record
from tests.synthetic import BASELINE, broken, make_records, write_records


def build_records(
    factors: Mapping[str, float],
    *,
    seed: int = 7,
    blocks: int = 5,
    host: str = "bench-1",
    day: int = 1,
    slow: float = 1.0,
    noise: float = 0.002,
    failing: Sequence[str] = (),
    digests: Mapping[str, str] | None = None,
    workloads: Mapping[str, float] | None = None,
) -> list[Record]:
    """Return the records of a hot run of builds, the first of which is the baseline.

    Args:
        factors: What each build multiplies the time by.
        seed: Of the noise.
        blocks: Hot blocks.
        host: Host name.
        day: Of January 2026, on which it ran.
        slow: What the machine multiplies all times by.
        noise: Standard deviation of the log of a trial's times.
        failing: Builds whose outputs are wrong.
        digests: What builds consist of, where that is recorded.
        workloads: Its workloads, each with what the last build multiplies the time by beside its factor.
    """
    own = workloads or {"attention": 1.0}
    draw = random.Random(seed)
    made = make_records(workloads=tuple(own), blocks=blocks, modes=("hot",), seed=seed, host=host, noise=0.0)
    kept = [one for one in made if one.role == "measured" and one.config.knobs == BASELINE]
    held = [
        _of_build(
            one,
            name,
            list(factors),
            factors[name] * _last(name, factors, own[one.workload.name]) * slow * draw.lognormvariate(0.0, noise),
            day,
            name in failing,
        )
        for one in kept
        for name in factors
    ]
    return held if digests is None else [_recorded(one, digests) for one in held]


def write_run(directory: Path, records: Sequence[Record]) -> Path:
    """Write a run of a history, and return its directory."""
    write_records(directory / "results.jsonl", records)
    return directory


def _last(name: str, factors: Mapping[str, float], factor: float) -> float:
    return factor if name == list(factors)[-1] else 1.0


def _of_build(record: Record, name: str, names: Sequence[str], factor: float, day: int, fails: bool) -> Record:
    knobs = {"build": name, **record.config.knobs}
    cell = content_id([record.cell_id, name])
    digest = digest_value([name, "code"])
    config = record.config.model_copy(
        update={"knobs": knobs, "baseline": {"build": names[0], **record.config.baseline}, "stage": "builds"}
    )
    assert record.runtime is not None
    assert record.compile is not None
    assert record.correctness is not None
    assert record.runtime.burst_ms_p50 is not None
    scaled = {"burst_ms_p50": [value * factor for value in record.runtime.burst_ms_p50]}
    made = record.model_copy(
        update={
            "cell_id": cell,
            "trial_id": content_id([record.trial_id, name, day]),
            "record_id": content_id([record.record_id, name, day]),
            "config": config,
            "meta": record.meta.model_copy(update={"time_utc": f"2026-01-{day:02d}T08:00:00Z"}),
            "runtime": record.runtime.model_copy(update=scaled),
            "compile": record.compile.model_copy(update={"artifact_digest": digest}),
            "correctness": record.correctness.model_copy(update={"checked_digest": digest, "timed_digest": digest}),
        }
    )
    return broken(made, "wrong_output") if fails else made


def _recorded(record: Record, digests: Mapping[str, str]) -> Record:
    name = str(record.config.knobs["build"])
    build = BuildFacts(
        name=name, digest=digest_value(digests[name]), commit=None, dirty=None, program=None, complete_code=True
    )
    return record.model_copy(update={"meta": record.meta.model_copy(update={"build": build})})
