"""What cutting a 12-layer encoder into its blocks saves Inductor when it compiles, and what it costs at run time.

Runs a study of its own for each kind of wrapper around the kernels: the Python that Inductor writes by default, and
the C++ that it writes for programs that are shipped. Everything is read from the records. The peer of each ratio is the
same compiler with ``partition`` at its other level, in the same run.
"""

from __future__ import annotations

import json
import tempfile
from statistics import median

import ablatrix
from ablatrix.cli.progress import watch
from tvm_encoder_cold import compile_ms
from tvm_run_time import ratio

TARGETS = {"compile_ratio": 2.5, "run_ratio": 1.08}
BEST = {"reuse": "release", "memory_plan": "off", "fusion": "on"}


def main() -> None:
    """Run both studies, print a line each and the verdict as JSON."""
    figures = {f"{name}_wrapper": measure(level) for name, level in (("python", "off"), ("cpp", "on"))}
    for name, found in figures.items():
        print(name, found)
    holds = all(
        found["ok"] == found["trials"]
        and found["compile_ratio"] >= TARGETS["compile_ratio"]
        and found["run_ratio"] <= TARGETS["run_ratio"]
        for found in figures.values()
    )
    print(json.dumps({"benchmark": "inductor_encoder_cold", "figures": figures, "targets": TARGETS, "holds": holds}))


def measure(cpp_wrapper: str) -> dict[str, float]:
    """Run the study with one kind of wrapper; return what ``whole`` takes over ``regions`` to compile, and the like."""
    study = ablatrix.Study.model_validate(
        {
            "name": "encoder-cold",
            "workloads": ["encoder"],
            "compilers": [{"name": "inductor", "fixed": {"cpp_wrapper": cpp_wrapper}}],
            "modes": ["cold", "hot"],
            "baseline": {"partition": "whole", **BEST},
            "stages": [{"name": "primary", "factorial": {"partition": ["whole", "regions"]}}],
            "checks": {"input_sets": 1},
            "protocol": {"cold": {"replicates": 3}, "hot": {"blocks": 3, "max_blocks": 3}},
        }
    )
    with tempfile.TemporaryDirectory() as out, watch(quiet=False) as progress:
        summary = ablatrix.run(ablatrix.resolve_study(study), out, progress=progress)
        records = list(ablatrix.read_records(summary.results))
    measured = [r for r in records if r.role == "measured"]
    cold = {
        level: median(
            compile_ms(r) or 0.0 for r in measured if r.mode == "cold" and r.config.knobs["partition"] == level
        )
        for level in ("whole", "regions")
    }
    hot = [r for r in records if r.mode == "hot" and r.role != "reference"]
    return {
        "ok": sum(r.status == "ok" for r in records),
        "trials": len(records),
        "whole_ms": cold["whole"],
        "regions_ms": cold["regions"],
        "compile_ratio": cold["whole"] / cold["regions"],
        "run_ratio": ratio(hot, {"partition": "regions", **BEST}, {"partition": "whole", **BEST}),
    }


if __name__ == "__main__":
    main()
