"""Kills on a cluster at random moments: nothing is lost, doubled or left alive.

A Ray cluster of some nodes on this machine, each of which counts as a host of its own, runs one small study again and
again. At random moments one of these ends by SIGKILL: the process of a trial, the runner of a slot, the actor of a
slot, a raylet, a whole node with all that it started, or the driver, which is then started again. A node that was
killed is replaced by another one. At the end of every study: each trial has exactly one final line, no attempt has two,
each line is valid, each pointer to raw samples leads to a line with its digest, and no process of a slot is left.

    python benchmarks/cluster_kills.py [kills] [seed] [nodes]
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
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from kill_resume import dangles

TARGETS = {"kills": 100, "lost": 0, "doubled": 0, "processes_left": 0, "invalid": 0}
KINDS = ("worker", "runner", "actor", "raylet", "node", "driver")
EARLIEST_S, LATEST_S, GONE_S, STUDY_S = 4.0, 25.0, 40.0, 1800.0
T = TypeVar("T")
TRIES = 5
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
      fusion: [off, on]
checks: {input_sets: 1}
protocol:
  repeats: 1
  cold: {replicates: 3, timeout_s: 120}
  hot: {blocks: 4, max_blocks: 4, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""


class Nodes:
    """A cluster on this machine: a head without a slot, and nodes with one each."""

    def __init__(self, count: int) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, **_SMALL}
        self.cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
        self.nodes: dict[str, Any] = {}
        for number in range(count):
            self.add(f"h{number}")

    @property
    def address(self) -> str:
        """Where the cluster is."""
        return str(self.cluster.address)

    def add(self, host: str) -> None:
        """Start a node that counts as a host."""
        resources, labels = {"ablatrix_slot": 1}, {"ablatrix-host": host}
        self.nodes[host] = patiently(
            lambda: self.cluster.add_node(num_cpus=1, resources=resources, labels=labels, **_SMALL)
        )

    def raylet(self, host: str) -> int:
        """Return the process of a node."""
        info = next(iter(self.nodes[host].all_processes["raylet"]))
        return int(info.process.pid)

    def replace(self, host: str) -> None:
        """Start a node in place of one that is gone."""
        self.cluster.remove_node(self.nodes[host], allow_graceful=False)
        self.add(host)


_SMALL: dict[str, Any] = {"num_gpus": 0, "include_dashboard": False, "object_store_memory": 80 * 2**20}


def patiently(start: Callable[[], T]) -> T:
    """Start something of Ray, which gives a process 30 s to start; a busy machine may take longer."""
    for left in reversed(range(TRIES)):
        try:
            return start()
        except Exception:
            if not left:
                raise
    raise AssertionError


def main(kills: int, seed: int, count: int) -> None:
    """Kill and go on, check, and print the verdict as JSON."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"}
    moments = random.Random(seed)
    done: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    studies, lost_lines, final_lines = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="ablatrix-cluster-") as parent:
        os.environ[MARK] = parent
        os.environ["XDG_CACHE_HOME"] = f"{parent}/cache"
        nodes = Nodes(count)
        study = Path(parent) / "killed.yaml"
        study.write_text(STUDY)
        try:
            while done.total() < kills:
                out = Path(parent) / f"{studies}"
                run_study(study, out, nodes, moments, kills, done)
                records = list(read_records(out / "results.jsonl"))
                found = faults_of(out, records)
                for fault in found:
                    print(f"{out.name}: {fault}", flush=True)
                faults.update(fault.partition(":")[0] for fault in found)
                studies += 1
                final_lines += sum(record.final for record in records)
                lost_lines += sum(record.status == "node_lost" for record in records)
                left = wait_until_gone(nodes)
                faults["processes_left"] += left
                print(f"{done.total()}/{kills} kills, {studies} studies, {dict(faults)}", flush=True)
        finally:
            nodes.cluster.shutdown()
    figures = {
        "kills": done.total(),
        **{f"kills_{kind}": done[kind] for kind in KINDS},
        "studies": studies,
        "final_lines": final_lines,
        "node_lost_lines": lost_lines,
        **{name: faults[name] for name in ("lost", "doubled", "processes_left", "invalid")},
    }
    holds = done.total() >= TARGETS["kills"] and not any(faults.values())
    print(json.dumps({"benchmark": "cluster_kills", "figures": figures, "targets": TARGETS, "holds": holds}))


def run_study(study: Path, out: Path, nodes: Nodes, moments: random.Random, kills: int, done: Counter[str]) -> None:
    """Run the study to its end, with kills on the way; slots that were lost twice are there again after a restart."""
    ends = monotonic() + STUDY_S
    while monotonic() < ends:
        driver = start(study, out, nodes.address)
        while driver.poll() is None:
            if done.total() >= kills:
                driver.wait(ends - monotonic())
                break
            try:
                driver.wait(moments.uniform(EARLIEST_S, LATEST_S))
            except subprocess.TimeoutExpired:
                kind = moments.choice(KINDS)
                if strike(kind, nodes, moments, driver):
                    done[kind] += 1
                    print(f"{done.total()}: {kind}", flush=True)
        if driver.returncode in (0, 1):  # 1: a worker that was killed is a trial that crashed
            return
    raise SystemExit(f"{out}: the study did not end within {STUDY_S:.0f} s")


def start(study: Path, out: Path, address: str) -> subprocess.Popen[bytes]:
    """Start the driver."""
    log = out.with_suffix(".log").open("ab")
    command = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out), "--slots", f"ray://{address}"]
    return subprocess.Popen(command, stdout=log, stderr=log)


def strike(kind: str, nodes: Nodes, moments: random.Random, driver: subprocess.Popen[bytes]) -> bool:
    """Kill one thing of a kind, and return whether there was one."""
    if kind == "driver":
        driver.kill()
        driver.wait()
        return True
    host = moments.choice(sorted(nodes.nodes))
    raylet = nodes.raylet(host)
    if kind in ("raylet", "node"):
        below = descendants(raylet)
        os.kill(raylet, signal.SIGKILL)
        for process in below if kind == "node" else ():
            _kill(process)
        nodes.replace(host)
        return True
    words = {process: _words(process) for process in descendants(raylet)}
    runners = [process for process, held in words.items() if "slot_process" in held]
    chosen = {
        "actor": [process for process, held in words.items() if "RayKeeper" in held],
        "runner": runners[:1],
        "worker": [process for runner in runners[:1] for process in descendants(runner)],
    }[kind]
    if chosen:
        _kill(moments.choice(chosen))
    return bool(chosen)


def faults_of(out: Path, records: list[Record]) -> list[str]:
    """Return what is wrong with the results of a study that came to its end."""
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    final = Counter(record.trial_id for record in records if record.final)
    attempts = Counter((record.trial_id, record.attempt) for record in records)
    return [
        *(f"lost: trial {one} has no final line" for one in sorted(issued - set(final))),
        *(f"doubled: trial {one} has {count} final lines" for one, count in final.items() if count > 1),
        *(f"doubled: attempt {one} has {count} lines" for one, count in attempts.items() if count > 1),
        *(f"invalid: {one.record_id} points at no samples" for one in records if dangles(out, one)),
    ]


def wait_until_gone(nodes: Nodes) -> int:
    """Wait until no process of a slot is left, and return how many are after a while."""
    ends = monotonic() + GONE_S
    while True:
        left = [process for process in marked() if "slot_process" in _words(process) or "RayKeeper" in _words(process)]
        if not left or monotonic() > ends:
            return len(left)
        sleep(0.5)


def marked() -> Iterator[int]:
    """Yield the processes that carry the mark of this benchmark."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"{MARK}=".encode() in (entry / "environ").read_bytes():
                    yield int(entry.name)
            except OSError:
                continue


def descendants(process: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    children: list[int] = []
    for listing in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children += map(int, listing.read_text().split())
        except OSError:
            continue
    return [*children, *(below for child in children for below in descendants(child))]


def _words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*(given + [100, 0, 3][len(given) :]))
