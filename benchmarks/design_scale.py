"""How long ``ablatrix design`` takes for large studies: 5,000 configurations, and a compiler of 200 knobs.

The compiler is a plug-in with 200 switches and four knobs of ten levels. Nothing is compiled: a design is made from the
catalogue alone. Each row is the whole command, with the start of its interpreter.

    python benchmarks/design_scale.py

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

TARGETS = {"cpu_s": 10.0, "peak_gib": 1.0}
PLUGIN = """\
from ablatrix.plugin import CompilerEntry, KnobEntry, LevelEntry


def knob(name, levels):
    entries = tuple(LevelEntry(name=level, summary="One of them.") for level in levels)
    return KnobEntry(
        name=name, kind="primary", summary="A knob.", levels=entries, default=levels[0], affects="code"
    )


SWITCHES = tuple(knob(f"switch_{number:03}", ("off", "on")) for number in range(200))
WIDE = tuple(knob(f"wide_{number}", tuple(f"l{level}" for level in range(10))) for number in range(4))
COMPILERS = [
    CompilerEntry(
        name="many", summary="Compiles nothing.", modules=(), extra="", adapter="nothing:Nothing",
        knobs=(*SWITCHES, *WIDE),
    )
]
"""
STUDY = """\
name: large
plugins: [many.py]
workloads:
{workloads}
compilers: [many]
modes: [cold, hot]
stages:
  - name: one
    {stage}
"""
WIDE = ", ".join(f"l{level}" for level in range(10))
HALF = ", ".join(f"l{level}" for level in range(5))
CORNERS = f"""configurations: 5000
    factorial: {{wide_0: [{WIDE}], wide_1: [{WIDE}], wide_2: [{WIDE}], wide_3: [{HALF}]}}"""
SWITCHES = f"[{', '.join(f'switch_{number:03}' for number in range(200))}]"
ALONE = f"around: {{}}\n    vary: {SWITCHES}"
SCREENED = f"screen: {SWITCHES}"
STUDIES = {
    "5,000 corners": (1, CORNERS),
    "200 switches, one at a time": (1, ALONE),
    "200 switches, one at a time, 25 workloads": (25, ALONE),
    "200 switches, screened": (1, SCREENED),
    "200 switches, screened, 25 workloads": (25, SCREENED),
}


def main(place: Path) -> int:
    """Time each study, print a table and one JSON object, and return the exit code."""
    (place / "many.py").write_text(PLUGIN)
    figures = {name: design(place / "study.yaml", *given) for name, given in STUDIES.items()}
    holds = all(one["cpu_s"] <= TARGETS["cpu_s"] and one["peak_gib"] <= TARGETS["peak_gib"] for one in figures.values())
    print(json.dumps({"benchmark": "design_scale", "figures": figures, "targets": TARGETS, "holds": holds}))
    return int(not holds)


def design(study: Path, workloads: int, stage: str) -> dict[str, Any]:
    """Return what the command takes for a study, and what it says of it."""
    rows = (
        f"  - {{name: mlp_{number}, workload: mlp, parameters: {{hidden: {16 + number}}}}}"
        for number in range(workloads)
    )
    study.write_text(STUDY.format(workloads="\n".join(rows), stage=stage))
    begun = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ablatrix", "design", str(study)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    printed = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"the command failed: {printed}")
    figures = {
        "s": round(perf_counter() - begun, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_gib": round(used.ru_maxrss / 2**20, 2),
    }
    print(figures, printed.replace("\n", " ")[:200], flush=True)
    return figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="design-scale-") as scratch:
        sys.exit(main(Path(scratch)))
