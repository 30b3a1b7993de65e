"""How many copies of a model's weights a run holds while the workers of a whole block are alive.

    PYTHONPATH=. python benchmarks/live_weights.py [--hidden 1024,4096] [--compilers inductor,tvm,...]

A block of hot trials has a worker for each configuration, all alive at once. Workers are forks of a server that has
the program loaded, so that weights should be there once a server, however many workers there are. Two runs of each
compiler, of a model of two layers that are small and large, tell what a byte of weights costs while all workers are
alive, as the most that is seen once a second or so: *copies* in all processes of the run (each page once: ``Pss``),
and a worker's *own*, in pages that no other process has. Models of 2 GiB: ``--hidden 1024,16384``.

With weights as inputs a worker is asked to have none of its own. Compilers that fold and pack weights which are
constants have theirs in each process. Prints a table and one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil

from kill_resume import processes_of

TARGETS = {"own": 0.1}
"""Copies that a worker may have of its own where weights are inputs."""
EACH_S, SHARE = 1.0, 10
"""Processes are looked at no more often than this, nor for more than a tenth of the time: the kernel goes through all
that each has mapped."""
LAYERS = 2
STUDY = """\
name: live
workloads:
  - name: mlp
    parameters: {{layers: {layers}, hidden: {hidden}, batch: 1}}
compilers:
  - name: {compiler}
    fixed: {{weights: {weights}}}
modes: [hot]
stages:
  - name: primary
    factorial: {{{levels}}}
checks: {{input_sets: 1}}
protocol:
  repeats: 0
  hot: {{blocks: 1, max_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, max_live: 64, timeout_s: 900}}
"""
FOUR = "partition: [whole, regions], reuse: [keep, release], memory_plan: [off, on], fusion: [off, on]"
THREE = "partition: [whole, regions], reuse: [keep, release], fusion: [off, on]"
LEVELS = {"inductor": FOUR, "tvm": FOUR, "onnxruntime": FOUR, "xla": THREE, "openvino": THREE}
CASES = [(name, "input") for name in LEVELS] + [(name, "constant") for name in ("tvm", "onnxruntime", "openvino")]


@dataclass(frozen=True)
class Seen:
    """What the processes of a run held at a moment.

    Attributes:
        workers: How many there were.
        held: Bytes of all processes.
        own: Bytes of workers, with what they have started, that no other process has.
    """

    workers: int
    held: int
    own: int


def main(hidden: tuple[int, int], names: set[str], place: Path) -> int:
    """Measure each case, print a table and one JSON object, and return the exit code."""
    figures: dict[str, dict[str, float]] = {}
    for compiler, weights in CASES:
        if compiler not in names:
            continue
        small, large = (run(place / f"{compiler}-{weights}-{size}", compiler, weights, size) for size in hidden)
        bytes_more = LAYERS * 4 * (hidden[1] ** 2 - hidden[0] ** 2)
        one = {
            "workers": min(small.workers, large.workers),
            "small_gib": round(small.held / 2**30, 2),
            "large_gib": round(large.held / 2**30, 2),
            "copies": round((large.held - small.held) / bytes_more, 2),
            "own": round((large.own / large.workers - small.own / small.workers) / bytes_more, 3),
        }
        figures[f"{compiler} {weights}"] = one
        print(f"{compiler}, weights {weights}: {one}", flush=True)
    holds = all(one["own"] <= TARGETS["own"] for case, one in figures.items() if case.endswith(" input"))
    print(json.dumps({"benchmark": "live_weights", "figures": figures, "targets": TARGETS, "holds": holds}))
    return int(not holds)


def run(place: Path, compiler: str, weights: str, hidden: int) -> Seen:
    """Run a study, and return the most that its processes held while most workers were alive."""
    place.mkdir(parents=True)
    study = place / "study.yaml"
    study.write_text(
        STUDY.format(layers=LAYERS, hidden=hidden, compiler=compiler, weights=weights, levels=LEVELS[compiler])
    )
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(place / "out")],
            stdout=log,
            stderr=log,
            env={**os.environ, "ABLATRIX_CACHE_DIR": str(place / "cache")},
        )
        seen = list(watch(process))
    if process.returncode:
        sys.exit(f"{compiler}: the run failed: {(place / 'log').read_text()[-2000:]}")
    return max(seen, key=lambda one: (one.workers, one.held))


def watch(process: subprocess.Popen[bytes]) -> Iterator[Seen]:
    """Yield what the processes of a run hold while there are as many workers as ever, until it ends."""
    most, taken = 1, 0.0
    while process.poll() is None:
        sleep(max(EACH_S, SHARE * taken))
        began = monotonic()
        workers = processes_of(process.pid, "worker")
        if len(workers) < most:
            continue
        most = len(workers)
        theirs = {one for worker in workers for one in all_of(worker)}
        mapped = {one: mapped_bytes(one) for one in all_of(process.pid)}
        held = sum(shared for shared, _ in mapped.values())
        own = sum(alone for one, (_, alone) in mapped.items() if one in theirs)
        taken = monotonic() - began
        yield Seen(most, held, own)


def all_of(pid: int) -> list[psutil.Process]:
    """Return a process and all below it; none of one that has just ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def mapped_bytes(process: psutil.Process) -> tuple[int, int]:
    """Return a process's share of the memory that it has mapped, and what no other has; 0 of one that has ended."""
    try:
        found = process.memory_full_info()
    except psutil.NoSuchProcess:
        return 0, 0
    return found.pss, found.uss


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", default="1024,4096")
    parser.add_argument("--compilers", default=",".join(LEVELS))
    given = parser.parse_args()
    first, second = map(int, given.hidden.split(","))
    with tempfile.TemporaryDirectory(prefix="live-weights-") as scratch:
        sys.exit(main((first, second), set(given.compilers.split(",")), Path(scratch)))
