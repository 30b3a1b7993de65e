"""kill -9 of the runner at random moments, with resume after each: nothing is lost, doubled or left alive.

One small study is run again and again into a directory, and its runner is killed at a random moment; when it comes to
its end before, the directory is checked and a new one is begun, until there were enough kills. After every kill: no
process is left, every whole line is valid, no trial has two final lines, each pointer to raw samples leads to a line
with its digest. At the end of every directory: exactly one final line for each trial that was issued.

    python benchmarks/kill_resume.py [kills] [seed]
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic, sleep

from ablatrix.canonical import digest_bytes
from ablatrix.records.journal import read_records, scan
from ablatrix.records.model import Record
from ablatrix.records.schema import validate_line

TARGETS = {"kills": 100, "faults": 0}
EARLIEST_S, LATEST_S = 0.5, 6.0
MARK = "ABLATRIX_KILL_BENCHMARK"
STUDY = """\
name: killed
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [tvm]
modes: [cold, hot]
stages:
  - name: primary
    factorial:
      partition: [whole, regions]
      fusion: [off, on]
checks: {input_sets: 1}
protocol:
  cold: {replicates: 2, timeout_s: 120}
  hot: {blocks: 3, max_blocks: 4, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""


def main(kills: int, seed: int) -> None:
    """Kill and resume, check, and print the verdict as JSON."""
    moments = random.Random(seed)
    faults: list[str] = []
    killed, finished, torn, interrupted = 0, 0, 0, 0
    trials = 0
    with tempfile.TemporaryDirectory(prefix="ablatrix-kill-") as parent:
        study = Path(parent) / "killed.yaml"
        study.write_text(STUDY)
        out = Path(parent) / "0"
        while killed < kills:
            code = run(study, out, moments.uniform(EARLIEST_S, LATEST_S))
            faults += [f"{out.name}: {left} processes are left" for left in [wait_until_gone(out)] if left]
            faults += faults_so_far(out)
            if code == -signal.SIGKILL:
                killed += 1
                torn += bool((out / "results.jsonl").exists() and scan(out / "results.jsonl").torn_bytes)
                print(f"{killed}/{kills} killed, {finished} finished, {len(faults)} faults", flush=True)
                continue
            faults += faults_at_the_end(out, code)
            finished += 1
            out = Path(parent) / f"{finished}"
        code = run(study, out, None)
        faults += faults_so_far(out) + faults_at_the_end(out, code)
        for directory in Path(parent).glob("*/results.jsonl"):
            records = list(read_records(directory))
            trials += sum(record.final for record in records)
            interrupted += sum(not record.final for record in records)
    for fault in faults:
        print(fault)
    figures = {
        "kills": killed,
        "studies": finished + 1,
        "final_lines": trials,
        "superseded_lines": interrupted,
        "torn_tails": torn,
        "faults": len(faults),
    }
    holds = killed >= TARGETS["kills"] and not faults
    print(json.dumps({"benchmark": "kill_resume", "figures": figures, "targets": TARGETS, "holds": holds}))


def run(study: Path, out: Path, kill_after_s: float | None) -> int:
    """Run the study, kill the runner after some time if it is still there, and return its exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out), "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, MARK: str(out)},
    ) as process:
        try:
            return process.wait(kill_after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def faults_so_far(out: Path) -> list[str]:
    """Return what is wrong with a journal that a kill may have cut off."""
    journal = out / "results.jsonl"
    if not journal.exists():
        return []
    faults, records = [], []
    with journal.open(encoding="utf-8", errors="replace") as stream:
        for number in range(1, scan(journal).lines + 1):
            try:
                records.append(validate_line(stream.readline()))
            except Exception as error:
                faults.append(f"{out.name}: line {number} is not valid: {error}")
    final = Counter(record.trial_id for record in records if record.final)
    faults += [f"{out.name}: trial {one} has {count} final lines" for one, count in final.items() if count > 1]
    attempts = Counter((record.trial_id, record.attempt) for record in records)
    faults += [f"{out.name}: attempt {one} has {count} lines" for one, count in attempts.items() if count > 1]
    return faults + [
        f"{out.name}: {record.trial_id} points at no samples" for record in records if dangles(out, record)
    ]


def dangles(out: Path, record: Record) -> bool:
    """Return whether the record points at raw samples that are not there."""
    samples = None if record.runtime is None else record.runtime.samples
    if samples is None or samples.file is None:
        return False
    file = out / samples.file
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    return samples.digest not in {digest_bytes(line) for line in lines}


def faults_at_the_end(out: Path, code: int) -> list[str]:
    """Return what is wrong with a directory whose run came to its end."""
    faults = [] if code == 0 else [f"{out.name}: the run ended with exit code {code}"]
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    records = list(read_records(out / "results.jsonl"))
    final = {record.trial_id for record in records if record.final}
    faults += [f"{out.name}: trial {one} was issued and has no final line" for one in sorted(issued - final)]
    return faults + [f"{out.name}: trial {one} was never issued" for one in sorted(final - issued)]


def wait_until_gone(out: Path) -> int:
    """Wait until no process that carries the run's mark is left, and return how many are after 20 s."""
    mark = f"{MARK}={out}".encode()
    deadline = monotonic() + 20
    while left := sum(carries(entry, mark) for entry in Path("/proc").glob("[0-9]*")):
        if monotonic() > deadline:
            return left
        sleep(0.05)
    return 0


def carries(process: Path, mark: bytes) -> bool:
    """Return whether a process is alive and has the mark in its environment."""
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [100, 2026][len(given) :]))
