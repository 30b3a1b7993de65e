"""Made-up records of two builds of a compiler: those of `tests.synthetic`, and each measured trial once more."""

import math
import random
from collections.abc import Callable, Iterable, Mapping

from ablatrix.canonical import content_id, digest_value
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import Record, RunFacts
from ablatrix.records.part import Level
from tests.synthetic import broken

Knobs = Mapping[str, Level | None]
Planted = Callable[[str, str, Knobs], float]
"""Workload, mode, knobs -> by what the second build multiplies times."""
Ends = Callable[[Record], str]
"""A trial of the second build -> how it ends."""


def unchanged(workload: str, mode: str, knobs: Knobs) -> float:
    """Stand for a second build that changes no time."""
    del workload, mode, knobs
    return 1.0


def ends_well(record: Record) -> str:
    """Stand for a second build whose trials end as those of the first."""
    return record.status.value


def only_memory_and_fusion(records: Iterable[Record]) -> list[Record]:
    """Return the records of the configurations that differ from the baseline in these two knobs at most."""
    fixed = {"partition": "whole", "reuse": "keep"}
    return [
        record
        for record in records
        if record.role != "measured" or all(record.config.knobs[knob] == level for knob, level in fixed.items())
    ]


def with_builds(
    records: Iterable[Record],
    planted: Planted = unchanged,
    *,
    names: tuple[str, str] = ("stable", "pr"),
    seed: int = 5,
    noise: float = 0.002,
    has_same_code: Callable[[Knobs], bool] = lambda knobs: False,
    ends: Ends = ends_well,
    control: float = 1.0,
) -> list[Record]:
    """Return records whose compiler was run as two builds, side by side in each block.

    Args:
        records: Of one build.
        planted: What the second build does to times.
        names: Of the first build, the baseline's, and of the second.
        seed: Of the noise of the second build's times.
        noise: Standard deviation of their logarithms, beside that of the first build's.
        has_same_code: For which knobs both builds make the same code; else the code is another one.
        ends: How trials of the second build end.
        control: By what times of the second build's A/A control are multiplied.
    """
    rng = random.Random(seed)
    found: list[Record] = []
    for record in records:
        first = _of_build(record, names[0], names[0], again=False)
        found.append(first)
        if record.role in ("measured", "twin"):
            factor = planted(record.workload.name, record.mode, record.config.knobs)
            factor *= control if record.role == "twin" else 1.0
            factor *= math.exp(rng.gauss(0.0, noise))
            second = _of_build(record, names[1], names[0], again=True)
            if not has_same_code(record.config.knobs):
                second = _with_other_code(second)
            second = second.model_copy(update={"runtime": record.runtime and _times(record.runtime, factor)})
            end = ends(second)
            found.append(second if end == second.status.value else broken(second, end))
    return found


def _of_build(record: Record, build: str, base: str, *, again: bool) -> Record:
    knobs = record.config.knobs
    levels = {**knobs, "build": None if record.role == "reference" else build}
    update: dict[str, object] = {
        "config": record.config.model_copy(
            update={"knobs": levels, "baseline": {**record.config.baseline, "build": base}}
        ),
        "cell_id": content_id([record.cell_id, build]),
    }
    if again:
        update |= {name: content_id([getattr(record, name), build]) for name in ("trial_id", "record_id")}
    return record.model_copy(update=update)


def _with_other_code(record: Record) -> Record:
    if record.compile is None or record.correctness is None:
        return record
    digest = digest_value([record.compile.artifact_digest, "other"])
    checked = {"checked_digest": digest, "timed_digest": digest if record.mode == "hot" else None}
    return record.model_copy(
        update={
            "compile": record.compile.model_copy(update={"artifact_digest": digest}),
            "correctness": record.correctness.model_copy(update=checked),
        }
    )


def _times(runtime: RunFacts, factor: float) -> RunFacts:
    names = (*SAMPLE_METRICS, "compile_first_run_ms", "compile_ms")
    values = {name: value * factor for name in names if (value := getattr(runtime, name)) is not None}
    bursts = {
        name: [one * factor for one in held]
        for name in ("burst_ms_p50", "burst_ms_min")
        if (held := getattr(runtime, name)) is not None
    }
    return runtime.model_copy(update={**values, **bursts})
