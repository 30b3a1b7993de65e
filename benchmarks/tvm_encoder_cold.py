"""What the primary knobs of the TVM compiler do to a 12-layer encoder, cold.

Runs a study of its own and reads everything from the records: compile time of ``regions`` against ``whole``, cache
misses against distinct tasks, planned bytes with and without ``memory_plan``, generated calls with and without
``fusion``. The peer of each ratio is the same compiler with the knob at its other level, in the same run.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable
from statistics import median

import ablatrix
from ablatrix.cli.progress import watch

# Weights are inputs, so that equal blocks are compiled once.
FIXED = {"schedule": "vectorised", "reuse": "release", "weights": "input"}
TARGETS = {"compile_ratio": 2.0, "planned_ratio_whole": 10.0, "calls_ratio": 1.0}


def main() -> None:
    """Run the study, print a line a configuration and the verdict as JSON."""
    study = ablatrix.Study.model_validate(
        {
            "name": "encoder-cold",
            "workloads": ["encoder"],
            "compilers": [{"name": "tvm", "fixed": FIXED}],
            "modes": ["cold"],
            "baseline": {"partition": "whole", "memory_plan": "off", "fusion": "off"},
            "stages": [
                {
                    "name": "primary",
                    "factorial": {
                        "partition": ["whole", "regions"],
                        "memory_plan": ["off", "on"],
                        "fusion": ["off", "on"],
                    },
                }
            ],
            "checks": {"input_sets": 2},
            "protocol": {"cold": {"replicates": 3}},
        }
    )
    with tempfile.TemporaryDirectory() as out, watch(quiet=False) as progress:
        summary = ablatrix.run(ablatrix.resolve_study(study), out, progress=progress)
        records = [r for r in ablatrix.read_records(summary.results) if r.role == "measured"]

    def over(value: Callable[[ablatrix.Record], float | None], **levels: str) -> float:
        chosen = [r for r in records if all(r.config.knobs[knob] == level for knob, level in levels.items())]
        return median(found for found in map(value, chosen) if found is not None)

    for partition, plan, fusion in itertools.product(("whole", "regions"), ("off", "on"), ("off", "on")):
        levels = {"partition": partition, "memory_plan": plan, "fusion": fusion}
        print(
            levels,
            f"compile_first_run {over(compile_ms, **levels):.0f} ms, planned {over(planned, **levels):.0f} bytes, "
            f"calls {over(calls, **levels):.0f}, misses {over(misses, **levels):.0f}",
        )
    on = {"memory_plan": "on", "fusion": "on"}
    figures = {
        "ok": sum(r.status == "ok" for r in records),
        "trials": len(records),
        "compile_ratio": over(compile_ms, partition="whole", **on) / over(compile_ms, partition="regions", **on),
        "misses_equal_distinct_tasks": all(
            r.compile is not None
            and r.plan is not None
            and r.compile.compile_cache_miss_delta_first_run == r.plan.distinct_tasks
            for r in records
        ),
        "planned_ratio_whole": planned_ratio(over, "whole"),
        "planned_ratio_regions": planned_ratio(over, "regions"),
        "calls_ratio": over(calls, partition="whole", memory_plan="on", fusion="off")
        / over(calls, partition="whole", **on),
    }
    holds = (
        figures["ok"] == figures["trials"]
        and bool(figures["misses_equal_distinct_tasks"])
        and all(figures[name] > target for name, target in TARGETS.items())
    )
    print(json.dumps({"benchmark": "tvm_encoder_cold", "figures": figures, "targets": TARGETS, "holds": holds}))


def planned_ratio(over: Callable[..., float], partition: str) -> float:
    """Return planned bytes without the memory plan over those with it, fusion on."""
    levels = {"partition": partition, "fusion": "on"}
    return over(planned, memory_plan="off", **levels) / over(planned, memory_plan="on", **levels)


def compile_ms(record: ablatrix.Record) -> float | None:
    """Time from the loaded program to the end of the first run."""
    return None if record.runtime is None else record.runtime.compile_first_run_ms


def planned(record: ablatrix.Record) -> float | None:
    """Arena between tasks and the largest task's own planned bytes."""
    return None if record.compile is None else record.compile.planned_bytes


def calls(record: ablatrix.Record) -> float | None:
    """Calls to generated kernels in one run."""
    return None if record.compile is None else record.compile.generated_calls


def misses(record: ablatrix.Record) -> float | None:
    """Tasks compiled anew."""
    return None if record.compile is None else record.compile.compile_cache_miss_delta_first_run


if __name__ == "__main__":
    main()
