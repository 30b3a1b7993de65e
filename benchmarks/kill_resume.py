"""kill -9 at random moments of the runner or of what it started, with resume after each: nothing is lost or doubled.

One small study is run again and again into a directory, and a process of it is killed at random moments; when the run
comes to its end, the directory is checked and a new one is begun, until there were enough kills. After every kill of a
runner, and every end: no process is left, every whole line is valid, no trial has two final lines, each pointer to raw
samples leads to a line with its digest, and nothing was printed that is a traceback. At the end of every directory:
exactly one final line for each trial that was issued, and all of them ``ok``: no kill is a verdict on a compiler.

    python benchmarks/kill_resume.py [kills] [seed] [runner | zygote | server | worker]

``zygote`` is a fork server, which has imported a compiler; ``server`` is its fork that has a program loaded; ``worker``
is the process of a trial, or the one that prepares a workload.
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
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from ablatrix.canonical import digest_bytes
from ablatrix.records.journal import read_records, scan
from ablatrix.records.model import Record
from ablatrix.records.schema import validate_line
from ablatrix.trials.host.linux import children_of

TARGETS = {"faults": 0}
MOST_VAIN = 4
"""Runs without a kill in which a directory must come to its end."""
EARLIEST_S, LATEST_S = 0.5, 6.0
SOON_S = 0.2, 1.5
"""For what a run goes on without: it is killed several times in one run."""
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


def main(kills: int, seed: int, role: str) -> None:
    """Kill and resume, check, and print the verdict as JSON."""
    moments = random.Random(seed)
    faults: list[str] = []
    killed, finished, torn, interrupted = 0, 0, 0, 0
    trials = 0
    with tempfile.TemporaryDirectory(prefix="ablatrix-kill-") as parent:
        study = Path(parent) / "killed.yaml"
        study.write_text(STUDY)
        out = Path(parent) / "0"
        vain = 0
        while killed < kills or vain or not finished:
            ended = run(study, out, moments, role, kills - killed)
            killed += ended.killed
            faults += [f"{out.name}: {left} processes are left" for left in [wait_until_gone(out)] if left]
            faults += faults_so_far(out) + [f"{out.name}: {line}" for line in ended.traces]
            torn += bool((out / "results.jsonl").exists() and scan(out / "results.jsonl").torn_bytes)
            print(f"{killed}/{kills} killed, {finished} finished, {len(faults)} faults, code {ended.code}", flush=True)
            if ended.code == 0:
                faults += faults_at_the_end(out)
                finished += 1
                vain = 0
                out = Path(parent) / f"{finished}"
            else:
                vain = vain + 1 if not ended.killed else 1
            if vain > MOST_VAIN:
                faults.append(f"{out.name}: {MOST_VAIN} runs without a kill did not end it: {ended.said}")
                break
        for directory in Path(parent).glob("*/results.jsonl"):
            records = list(read_records(directory))
            trials += sum(record.final for record in records)
            interrupted += sum(not record.final for record in records)
    for fault in faults:
        print(fault)
    figures = {
        "role": role,
        "kills": killed,
        "studies": finished,
        "final_lines": trials,
        "superseded_lines": interrupted,
        "torn_tails": torn,
        "faults": len(faults),
    }
    holds = killed >= kills and not faults
    print(json.dumps({"benchmark": "kill_resume", "figures": figures, "targets": TARGETS, "holds": holds}))


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, kills in it, the last line that it said, and lines of tracebacks."""

    code: int
    killed: int
    said: str
    traces: list[str]


def run(study: Path, out: Path, moments: random.Random, role: str, most: int) -> Ended:
    """Run the study, killing processes of a role at random moments, and return how it ended."""
    killed = 0
    log = out.with_suffix(".log")
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "ablatrix", "run", str(study), "--out", str(out)],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, MARK: str(out)},
        ) as process,
    ):
        while process.poll() is None:
            if killed >= most:
                process.wait()
                break
            try:
                process.wait(moments.uniform(*((EARLIEST_S, LATEST_S) if role == "runner" else SOON_S)))
            except subprocess.TimeoutExpired:
                there = [process.pid] if role == "runner" else processes_of(process.pid, role)
                if there:
                    os.kill(moments.choice(there), signal.SIGKILL)
                    killed += 1
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    traces = [line for line in lines if line.startswith("Traceback")]
    return Ended(process.returncode, killed, lines[-1] if lines else "", traces)


def processes_of(runner: int, role: str) -> list[int]:
    """Return the processes of a role below a runner; workers lead groups of their own, servers none."""
    zygotes = children_of(runner)
    below = [one for zygote in zygotes for one in children_of(zygote)]
    servers = [one for one in below if group_of(one) != one]
    workers = [
        one for one in [*below, *(one for server in servers for one in children_of(server))] if group_of(one) == one
    ]
    return {"zygote": zygotes, "server": servers, "worker": workers}[role]


def group_of(pid: int) -> int:
    """Return the process group of a process, 0 where it is gone."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


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


def faults_at_the_end(out: Path) -> list[str]:
    """Return what is wrong with a directory whose run came to its end."""
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    records = list(read_records(out / "results.jsonl"))
    final = {record.trial_id for record in records if record.final}
    faults = [f"{out.name}: trial {one} was issued and has no final line" for one in sorted(issued - final)]
    faults += [f"{out.name}: {one.trial_id} is {one.status}" for one in records if one.final and one.status != "ok"]
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
    words = sys.argv[1:]
    main(
        int(words[0]) if words else 100,
        int(words[1]) if len(words) > 1 else 2026,
        words[2] if len(words) > 2 else "runner",
    )
