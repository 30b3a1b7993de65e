"""Steady-state time of TVM on the encoder and the ResNet, against PyTorch eager in the same blocks.

Hot p50 with ``library: on`` against eager, ``schedule: vectorised`` without the library against the default
schedule, and ``regions`` against ``whole`` with the library. All ratios are paired within blocks.
"""

from __future__ import annotations

import json
import sys
import tempfile
from math import exp, log
from statistics import mean

import ablatrix
from ablatrix.cli.progress import watch

BEST = {"partition": "whole", "reuse": "release", "memory_plan": "on", "fusion": "on"}
TARGETS = {"library_over_eager": 1.5, "default_over_vectorised": 5.0, "regions_over_whole": 1.08}


def main(blocks: int) -> None:
    """Run the study with so many blocks, print the ratios and the verdict as JSON."""
    study = ablatrix.Study.model_validate(
        {
            "name": "run-time",
            "workloads": ["encoder", "resnet"],
            "compilers": [{"name": "tvm", "fixed": {"schedule": "vectorised", "library": "on", "weights": "input"}}],
            "modes": ["hot"],
            "baseline": BEST,
            "stages": [
                {"name": "primary", "factorial": {"partition": ["whole", "regions"]}},
                {
                    "name": "schedule",
                    "around": {**BEST, "library": "off", "schedule": "vectorised"},
                    "vary": {"schedule": ["vectorised", "default"]},
                },
            ],
            "checks": {"input_sets": 1},
            "protocol": {
                "hot": {
                    "blocks": blocks,
                    "most_blocks": blocks,
                    "rounds": 10,
                    "rewarm_iterations": 2,
                    "warm_up_ms": 500,
                }
            },
        }
    )
    with tempfile.TemporaryDirectory() as out, watch(quiet=False) as progress:
        summary = ablatrix.run(ablatrix.resolve_study(study), out, progress=progress)
        records = list(ablatrix.read_records(summary.results))
    library = {"library": "on", "partition": "whole", "schedule": "vectorised"}
    own = {"library": "off", "partition": "whole", "schedule": "vectorised"}
    figures: dict[str, float | int] = {"ok": sum(r.status == "ok" for r in records), "trials": len(records)}
    for workload in ("encoder", "resnet"):
        there = [r for r in records if r.workload.name == workload]
        figures |= {
            f"{workload}_eager_ms": exp(mean(log(p50(r)) for r in there if r.role == "reference")),
            f"{workload}_library_over_eager": ratio(there, library, None),
            f"{workload}_default_over_vectorised": ratio(there, {**own, "schedule": "default"}, own),
            f"{workload}_vectorised_over_eager": ratio(there, own, None),
            f"{workload}_regions_over_whole": ratio(there, {**library, "partition": "regions"}, library),
        }
    figures["encoder_task_overhead_us"] = max(
        r.runtime.task_overhead_us or 0.0 for r in records if r.runtime and r.workload.name == "encoder"
    )
    holds = (
        figures["ok"] == figures["trials"]
        and all(figures[f"{w}_library_over_eager"] <= TARGETS["library_over_eager"] for w in ("encoder", "resnet"))
        and all(
            figures[f"{w}_default_over_vectorised"] >= TARGETS["default_over_vectorised"] for w in ("encoder", "resnet")
        )
        and figures["encoder_regions_over_whole"] <= TARGETS["regions_over_whole"]
    )
    print(json.dumps({"benchmark": "tvm_run_time", "figures": figures, "targets": TARGETS, "holds": holds}))


def ratio(records: list[ablatrix.Record], over: dict[str, str], under: dict[str, str] | None) -> float:
    """Return the geometric mean over blocks of the ratio of hot medians; ``under`` None is the reference."""
    ratios = []
    for block in {r.block_id for r in records}:
        numerator = pick([r for r in records if r.block_id == block], over)
        denominator = pick([r for r in records if r.block_id == block], under)
        ratios.append(log(p50(numerator) / p50(denominator)))
    return exp(mean(ratios))


def pick(records: list[ablatrix.Record], levels: dict[str, str] | None) -> ablatrix.Record:
    """Return the block's measured record with these levels, or its reference."""
    if levels is None:
        return next(r for r in records if r.role == "reference")
    return next(
        r
        for r in records
        if r.role == "measured" and all(r.config.knobs[knob] == level for knob, level in levels.items())
    )


def p50(record: ablatrix.Record) -> float:
    """Return the hot median in milliseconds; a trial that has none ends the benchmark."""
    if record.runtime is None or record.runtime.run_ms_p50 is None:
        raise SystemExit(f"{record.workload.name} {record.config.knobs} is {record.status}: {record.error}")
    return record.runtime.run_ms_p50


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
