"""Reading very many records one at a time: how long, and how much memory, whatever their number.

Records as in `records_scale`. Each way of reading runs in a process of its own:

- ``strict``: `read_records`, which every command uses that looks at lines (keys that stand twice are refused);
- ``own``: what a run reads of its own directory when it resumes;
- ``resume``: the same with what a run keeps of each trial, from which the memory of a resumed run follows.

Where the largest size is smaller than 10,000,000, time and memory of that many are extrapolated by a line through the
last two sizes, and the JSON says so.

    python benchmarks/records_stream.py [sizes, such as 100000,1000000]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from records_scale import measured, write_run

WANTED = 10_000_000
TARGETS = {"strict_peak_gib": 0.5, "own_peak_gib": 0.5}


def read_strictly(results: Path) -> dict[str, float]:
    """Read every record with all checks."""
    from ablatrix.records.journal import read_records

    return {"trials": sum(record.final for record in read_records(results, report=lambda _: None))}


def read_own(results: Path) -> dict[str, float]:
    """Read every record as a run reads its own."""
    from ablatrix.records.journal import read_own_records

    return {"trials": sum(record.final for record in read_own_records(results))}


def resume(results: Path) -> dict[str, float]:
    """Read every record, and keep what a run that resumes does."""
    from ablatrix.study.design_file import load_design
    from ablatrix.trials.results import Ledger, ResultDirectory, Silence

    small = results.parent / "nothing.json"
    small.write_text(json.dumps({"study": "s", "study_digest": "0" * 64, "seed": 1, "cells": [], "trials": []}))
    directory = ResultDirectory(results.parent)
    ledger = Ledger(load_design(small), directory, None, None, Silence(), True)
    return {"trials": len(ledger.open())}


WAYS: dict[str, Callable[[Path], dict[str, float]]] = {"strict": read_strictly, "own": read_own, "resume": resume}


def main(sizes: list[int]) -> None:
    """Read each size in each way, and print all figures as JSON."""
    found: dict[str, dict[int, Any]] = {name: {} for name in WAYS}
    for size in sizes:
        directory = Path(tempfile.mkdtemp(prefix="records-stream-"))
        try:
            made = write_run(directory, size)
            for name, way in WAYS.items():
                found[name][size] = made | measured(way, directory / "results.jsonl")
                one = found[name][size]
                print(f"{size:>10,} {name:<7} {one['seconds']:8.1f} s  {one['peak_gib']:6.2f} GiB", flush=True)
        finally:
            shutil.rmtree(directory)
    figures: dict[str, Any] = dict(found)
    largest = sizes[-1]
    figures["extrapolated"] = largest < WANTED and len(sizes) > 1
    if figures["extrapolated"]:
        figures[f"at {WANTED}"] = {name: _extrapolated(held, sizes[-2:]) for name, held in found.items()}
    holds = all(found[name][largest]["peak_gib"] <= TARGETS[f"{name}_peak_gib"] for name in ("strict", "own"))
    print(json.dumps({"benchmark": "records_stream", "figures": figures, "targets": TARGETS, "holds": holds}))


def _extrapolated(held: dict[int, Any], sizes: list[int]) -> dict[str, float]:
    few, many = sizes
    return {
        name: held[many][name] + (held[many][name] - held[few][name]) / (many - few) * (WANTED - many)
        for name in ("seconds", "cpu_s", "peak_gib")
    }


if __name__ == "__main__":
    main([int(text) for text in (sys.argv[1] if len(sys.argv) > 1 else "100000,1000000").split(",")])
