"""Whole runs of the product for its own benchmarks: ``ablatrix run`` in a fresh process tree, ``ablatrix effects``.

What is judged is what the product prints; nothing of the engine is imported here.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
METRIC = "run_ms_paired"
Row = dict[str, Any]
"""One effect as ``ablatrix effects --json`` prints it."""


@dataclass(frozen=True)
class WholeRun:
    """One run.

    Attributes:
        results: Its directory.
        seconds: Wall time of ``ablatrix run``.
        cpu_s: Processor time of all its processes.
    """

    results: Path
    seconds: float
    cpu_s: float


def planted_study(seed: int, layout: str, stages: Sequence[Mapping[str, Any]], hot: Mapping[str, Any]) -> Row:
    """Return a study of the compiler in ``planted.py``.

    Args:
        seed: Seed of the study: orders and paddings of another seed are others.
        layout: What of the layout is drawn anew within a run.
        stages: Its stages.
        hot: Fields of the hot protocol that are not the default.
    """
    return {
        "name": "planted",
        "seed": seed,
        "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
        "compilers": ["planted"],
        "modes": ["hot"],
        "stages": list(stages),
        "checks": {"input_sets": 1},
        "protocol": {"layout": layout, "hot": dict(hot)},
        "plugins": [str(HERE / "planted.py")],
    }


def run_whole(study: Row, directory: Path) -> WholeRun:
    """Run a study in a directory that is empty; a run that does not end well ends the benchmark."""
    file, results = directory / "study.yaml", directory / "results"
    file.write_text(json.dumps(study), encoding="utf-8")
    before, start = _children_s(), perf_counter()
    _ablatrix("run", str(file), "--out", str(results), "--quiet")
    return WholeRun(results, perf_counter() - start, _children_s() - before)


def printed_effects(results: Path) -> list[Row]:
    """Return the rows with a verdict that ``ablatrix effects`` prints, in its order."""
    return verdict_rows(_ablatrix("effects", str(results), "--metric", METRIC, "--json"))


def verdict_rows(printed: str) -> list[Row]:
    """Return the effects that have a verdict: main effects, and those around a centre."""
    return [row for row in json.loads(printed)["effects"] if row["effect"] in {"main", "around"} and row["verdict"]]


def is_different(row: Row) -> bool:
    """Return whether a printed verdict says that there is a difference."""
    return str(row["verdict"]).startswith(("faster", "slower"))


def is_slower(row: Row) -> bool:
    """Return whether a printed verdict says that the new level is slower."""
    return str(row["verdict"]).startswith("slower")


def read_lines(keep: Path | None) -> list[Any]:
    """Return what earlier pieces of a benchmark have kept."""
    return [json.loads(line) for line in keep.read_text().splitlines()] if keep and keep.exists() else []


def append_line(keep: Path | None, value: Any) -> None:
    """Keep one value for later pieces of a benchmark."""
    if keep is not None:
        with keep.open("a") as stream:
            stream.write(json.dumps(value) + "\n")


def rate(name: str, hits: Sequence[bool]) -> dict[str, Any]:
    """Return a rate with its exact interval (Clopper and Pearson)."""
    from scipy.stats import binomtest

    low, high = binomtest(sum(hits), len(hits)).proportion_ci(0.95, "exact")
    return {name: sum(hits) / len(hits), f"{name}_interval": [float(low), float(high)]}


def _ablatrix(*arguments: str) -> str:
    command = [sys.executable, "-m", "ablatrix", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
