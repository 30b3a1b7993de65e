"""From the outcome of a trial to its record, and to its line of raw samples."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix import __version__
from ablatrix.canonical import canonical_json, content_id, digest_bytes
from ablatrix.compilers.catalogue import get_compiler
from ablatrix.records.machine import read_machine
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import SCHEMA_VERSION, Device, Machine, Record, WorkloadFacts
from ablatrix.records.origin import git_state, source_state
from ablatrix.records.status import Status
from ablatrix.statistics.quantile import median, summarise
from ablatrix.statistics.warmup import classify_warm_up
from ablatrix.study.design import Cell, Design
from ablatrix.trials.block import Outcome
from ablatrix.workloads.registry import WorkloadEntry

FACTS_FILE = "program.json"


@dataclass(frozen=True)
class Scene:
    """What is the same for all records of a run: machine, commits, versions."""

    machine: Machine
    study_commit: str | None
    study_dirty: bool | None
    ablatrix_commit: str | None
    ablatrix_dirty: bool | None
    versions: dict[str, str]

    @classmethod
    def read(cls, study_directory: Path | None) -> Scene:
        """Read the scene of a run whose study file lies in the given directory."""
        commit, dirty = git_state(study_directory) if study_directory is not None else (None, None)
        return cls(
            read_machine(),
            commit,
            dirty,
            *source_state(),
            {"ablatrix": __version__, "python": platform.python_version()},
        )


def make_record(
    design: Design,
    scene: Scene,
    outcome: Outcome,
    facts: WorkloadFacts,
    attempt: int,
    samples: dict[str, Any] | None,
    device: Device,
) -> Record:
    """Return the record of one attempt.

    Args:
        design: What was planned.
        scene: What is the same for all records of the run.
        outcome: What became of the trial.
        facts: The workload, as prepared.
        attempt: 0 for the first try.
        samples: Where the raw samples of a hot trial lie (see ``samples_line``), None when there are none.
        device: Where the study runs programs.
    """
    trial, cell, result = outcome.trial, outcome.cell, outcome.result
    runtime = result.get("runtime")
    if runtime is not None and outcome.bursts_ms and result["status"] == Status.OK:
        runtime = {**runtime, **_hot_times(outcome), "samples": samples}
    error = result.get("error")
    return Record.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "record_id": content_id({"trial": trial.trial_id, "attempt": attempt}),
            "trial_id": trial.trial_id,
            "cell_id": trial.cell_id,
            "attempt": attempt,
            "final": Status(result["status"]).is_final,
            "block_id": trial.block_id,
            "role": trial.role,
            "study": design.study,
            "study_digest": design.study_digest,
            "mode": trial.mode,
            "status": result["status"],
            "error": error,
            "wall_s": outcome.wall_s,
            "meta": _meta(design, scene, outcome),
            "workload": facts.model_dump(),
            "config": {
                "compiler": cell.compiler,
                "device": device,
                "knobs": dict(cell.knobs),
                "run_time_knobs": get_compiler(cell.compiler).run_time_knobs,
                "stage": cell.stage,
                "baseline": dict(cell.baseline),
                "catalogue_digest": get_compiler(cell.compiler).digest,
            },
            "plan": result.get("plan"),
            "compile": result.get("compile"),
            "runtime": runtime,
            "correctness": result.get("correctness"),
        }
    )


def samples_line(outcome: Outcome, attempt: int) -> str:
    """Return the line that keeps a hot trial's raw samples, unrounded, in milliseconds."""
    return canonical_json(
        {
            "trial_id": outcome.trial.trial_id,
            "attempt": attempt,
            "warm_up_ms": outcome.warm_up_ms,
            "bursts_ms": outcome.bursts_ms,
            "rewarming_ms": outcome.rewarming_ms,
        }
    )


def samples_facts(outcome: Outcome, line: str, file: str | None) -> dict[str, Any]:
    """Return the record's pointer to a line of raw samples."""
    return {
        "file": file,
        "digest": digest_bytes(line.encode()),
        "counted": sum(map(len, outcome.bursts_ms)),
        "rewarming": sum(map(len, outcome.rewarming_ms)),
    }


def read_facts(program: Path, entry: WorkloadEntry, cell: Cell) -> WorkloadFacts:
    """Return what a prepared program's directory says of it; what its entry says when it was not prepared."""
    path = program / FACTS_FILE
    if path.exists():
        return WorkloadFacts.model_validate(json.loads(path.read_text(encoding="utf-8"))["facts"])
    return WorkloadFacts(
        name=cell.workload,
        tier=entry.tier,
        source=None if entry.origin is None else entry.origin.source,
        source_digest=None if entry.origin is None else entry.origin.digest,
        parameters=dict(cell.parameters),
        inputs=[],
        dynamic={},
        timed_sizes={},
        parameter_count=0,
        digest="",
    )


def _meta(design: Design, scene: Scene, outcome: Outcome) -> dict[str, Any]:
    empty = dict.fromkeys(("load_average_before", "load_average_after", "steal_ms", "throttled_ms", "swapped_pages"))
    return {
        "time_utc": outcome.time_utc,
        "study_commit": scene.study_commit,
        "study_dirty": scene.study_dirty,
        "ablatrix_commit": scene.ablatrix_commit,
        "ablatrix_dirty": scene.ablatrix_dirty,
        "versions": {**scene.versions, **outcome.result.get("versions", {})},
        "machine": {**scene.machine.model_dump(), "gpu": outcome.result.get("gpu", {}).get("device")},
        "noise": {**(outcome.noise or empty), **outcome.result.get("noise", {})},
        "threads": outcome.result.get("threads", {}),
        "environment": outcome.result.get("environment", {}),
        "process": outcome.result.get("process", "forked"),
        "spawned_because": outcome.result.get("spawned_because"),
        "cpus": outcome.result.get("cpus"),
        "seed": design.seed,
        "block": outcome.trial.block,
        "position": outcome.trial.position,
    }


def _hot_times(outcome: Outcome) -> dict[str, Any]:
    counted = [sample for burst in outcome.bursts_ms for sample in burst]
    summary = summarise(counted, [one for one in SAMPLE_METRICS.values() if isinstance(one, int | float)])
    everything = (outcome.warm_up_ms, *outcome.rewarming_ms, counted)
    start = classify_warm_up(outcome.warm_up_ms)
    return {
        **{name: summary.value(statistic) for name, statistic in SAMPLE_METRICS.items()},
        "iterations": sum(map(len, everything)),
        "bursts": len(outcome.bursts_ms),
        "burst_ms_p50": list(map(median, outcome.bursts_ms)),
        "warm_up": {
            "iterations": start.iterations,
            "steady_from": start.steady_from,
            "classification": start.classification,
        },
    }
