"""Kills on a cluster at random moments: nothing is lost, doubled or left alive.

A Ray cluster of some nodes on this machine, each of which counts as a host of its own and, where this is allowed (root,
with ``ip``), has a network of its own, runs one small study again and again. At random moments one of these ends by
SIGKILL: the process of a trial, the runner of a slot, the actor of a slot, a raylet, a whole node with all that it
started, or the driver, which is then started again; or the link of a node is cut, for longer or shorter than a run
waits (without networks of their own, the actor is stopped for so long). A node that was killed is replaced by another
one. At the end of every study: each trial has exactly one final line, no attempt has two, each line is valid, each
pointer to raw samples leads to a line with its digest, and no process of a slot is left.

What each study brought is kept in a file, so that many kills can be had in pieces; the figures are of all of it.

    python benchmarks/cluster_kills.py [--kills 100] [--seed 0] [--nodes 3] [--keep FILE] [--kinds cut,driver]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep

from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.trials.host.linux import descendants_of
from kill_resume import dangles

TARGETS = {"kills": 100, "lost": 0, "doubled": 0, "processes_left": 0, "invalid": 0}
KINDS = ("worker", "runner", "actor", "raylet", "node", "driver", "cut")
EARLIEST_S, LATEST_S, GONE_S, STUDY_S, READY_S = 4.0, 25.0, 40.0, 1800.0, 120.0
TRIES = 5
CUTS_S = (3.0, 15.0, 75.0)
"""How long links are cut: a slot is given up after 60 s."""
BRIDGE, NETWORK = "ablatrix0", "10.77.0"
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
SMALL = ("--num-gpus=0", "--disable-usage-stats", "--object-store-memory=83886080", "--block")


class Networks:
    """A network for each node, joined by a bridge; none where this is not allowed."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.is_allowed = os.geteuid() == 0 and shutil.which("ip") is not None and self._has_bridge()

    def add(self, host: str) -> None:
        """Make the network of a node, which reaches this machine and all others."""
        if not self.is_allowed:
            return
        number, name = len(self.names) + 10, f"ablatrix-{host}"
        self._forget(name)  # of a run that was killed
        self.names.append(name)
        _ip("netns", "add", name)
        _ip("link", "add", f"{name}-v", "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", f"{name}-v", "master", BRIDGE, "up")
        for words in (
            ("addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", f"{NETWORK}.1"),
        ):
            _ip("-n", name, *words)

    def within(self, host: str) -> list[str]:
        """Return how a command runs in the network of a node."""
        return ["nsenter", f"--net=/run/netns/ablatrix-{host}"] if self.is_allowed else []

    def address(self, host: str) -> list[str]:
        """Return what tells a node of its address."""
        number = self.names.index(f"ablatrix-{host}") + 10 if self.is_allowed else 0
        return [f"--node-ip-address={NETWORK}.{number}"] if self.is_allowed else []

    def link(self, host: str, state: str) -> None:
        """Set the link of a node ``up`` or ``down``."""
        _ip("link", "set", f"ablatrix-{host}-v", state)

    def remove(self) -> None:
        """Remove all of it."""
        for name in self.names:
            self._forget(name)
        if self.is_allowed:
            _ip("link", "del", BRIDGE)

    def _forget(self, name: str) -> None:
        for words in (("link", "del", f"{name}-v"), ("netns", "del", name)):
            with suppress(subprocess.CalledProcessError):
                _ip(*words)

    def _has_bridge(self) -> bool:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", BRIDGE)
        try:
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
            _ip("link", "set", BRIDGE, "up")
        except subprocess.CalledProcessError:
            return False
        return True


class Nodes:
    """A cluster on this machine: a head without a slot, and nodes with one each."""

    def __init__(self, count: int, networks: Networks, log: Path) -> None:
        self.networks, self._log = networks, log
        self.mended_at = 0.0
        with socket.socket() as free:
            free.bind(("", 0))
            port = free.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
            route.connect(("192.0.2.1", 9))  # nothing is sent: it tells the address that others reach
            own = route.getsockname()[0]
        self.address = f"{own}:{port}"
        head = ("--head", f"--port={port}", f"--node-ip-address={own}", "--include-dashboard=false", "--num-cpus=0")
        self.processes = {"": self._start([], head)}
        for number in range(count):
            networks.add(f"h{number}")
            self.add(f"h{number}")

    @property
    def hosts(self) -> list[str]:
        """Names of the nodes that have slots."""
        return sorted(host for host in self.processes if host)

    def add(self, host: str) -> None:
        """Start a node that counts as a host."""
        words = ("--address=" + self.address, "--num-cpus=0", '--resources={"ablatrix_slot": 1}')
        label = f"--labels=ablatrix-host={host}"
        self.processes[host] = self._start(self.networks.within(host), (*words, label, *self.networks.address(host)))

    def raylet(self, host: str) -> int:
        """Return the process of a node."""
        return next((one for one in descendants_of(self.processes[host].pid) if "raylet/raylet" in _words(one)), 0)

    def replace(self, host: str) -> None:
        """Start a node in place of one that is gone."""
        self._end(host)
        self.add(host)

    def revive(self) -> None:
        """Replace nodes that ended by themselves: a raylet that was given up while its link was cut does so."""
        for host in self.hosts:
            if self.processes[host].poll() is not None:
                self.replace(host)

    def later(self, seconds: float, mend: Callable[[], None]) -> None:
        """Mend a cut after a while."""
        self.mended_at = max(self.mended_at, monotonic() + seconds)
        timer = threading.Timer(seconds, mend)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """End all of it."""
        for host in list(self.processes):
            self._end(host)

    def _start(self, within: Sequence[str], words: Sequence[str]) -> subprocess.Popen[bytes]:
        ray = Path(sys.executable).with_name("ray")
        for _ in range(TRIES):  # a busy machine may take longer than Ray gives a process to start
            with self._log.open("ab") as log:
                before = log.tell()
                process = subprocess.Popen([*within, str(ray), "start", *words, *SMALL], stdout=log, stderr=log)
            ends = monotonic() + READY_S
            while monotonic() < ends and process.poll() is None:
                if b"Ray runtime started" in self._log.read_bytes()[before:]:
                    return process
                sleep(0.5)
            _end(process)
        raise SystemExit(f"a node of Ray did not start:\n{self._log.read_text()[-2000:]}")

    def _end(self, host: str) -> None:
        _end(self.processes.pop(host))


def _end(process: subprocess.Popen[bytes]) -> None:
    for one in (*descendants_of(process.pid), process.pid):
        _kill(one)
    process.wait()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def main(arguments: list[str] | None = None) -> int:
    """Kill and go on, check, and print the verdict over all that was kept as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="in this piece")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("cluster_kills.jsonl"))
    parser.add_argument("--kinds", default=",".join(KINDS))
    chosen = parser.parse_args(arguments)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    moments, done = random.Random(chosen.seed), Counter[str]()
    with ExitStack() as stack:
        parent = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-cluster-")))
        os.environ |= {MARK: str(parent), "XDG_CACHE_HOME": f"{parent}/cache", "ABLATRIX_LOCK_DIR": str(parent)}
        networks = Networks()
        stack.callback(networks.remove)
        print("each node has a network of its own" if networks.is_allowed else "all nodes share one network")
        nodes = Nodes(chosen.nodes, networks, parent / "ray.log")
        stack.callback(nodes.close)
        study = parent / "killed.yaml"
        study.write_text(STUDY)
        number = 0
        while done.total() < chosen.kills:
            before, out = done.copy(), parent / f"{number}"
            run_study(study, out, nodes, moments, chosen.kills, done, tuple(chosen.kinds.split(",")))
            kept = outcome(out, done - before, nodes)
            with chosen.keep.open("a") as stream:
                stream.write(json.dumps(kept) + "\n")
            print(f"{done.total()}/{chosen.kills} kills: {kept}", flush=True)
            number += 1
    figures = totals(chosen.keep)
    holds = figures["kills"] >= TARGETS["kills"] and not any(figures[name] for name in TARGETS if name != "kills")
    print(json.dumps({"benchmark": "cluster_kills", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


def outcome(out: Path, kills: Counter[str], nodes: Nodes) -> dict[str, int]:
    """Return what a study brought, and what is wrong with it."""
    records = list(read_records(out / "results.jsonl"))
    faults: Counter[str] = Counter()
    for fault in faults_of(out, records):
        print(f"{out.name}: {fault}", flush=True)
        faults[fault.partition(":")[0]] += 1
    return {
        "final_lines": sum(record.final for record in records),
        "node_lost_lines": sum(record.status == "node_lost" for record in records),
        **{f"kills_{kind}": kills[kind] for kind in KINDS},
        **{name: faults[name] for name in ("lost", "doubled", "invalid")},
        "processes_left": wait_until_gone(nodes.mended_at),
        "networks": int(nodes.networks.is_allowed),
    }


def totals(keep: Path) -> dict[str, int]:
    """Return the figures of all studies that were kept."""
    found: Counter[str] = Counter()
    for line in keep.read_text().splitlines():
        found.update(json.loads(line))
        found["studies"] += 1
    return {"kills": sum(found[f"kills_{kind}"] for kind in KINDS), **found}


def run_study(
    study: Path,
    out: Path,
    nodes: Nodes,
    moments: random.Random,
    kills: int,
    done: Counter[str],
    kinds: Sequence[str],
) -> None:
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
                nodes.revive()
                kind = moments.choice(kinds)
                if strike(kind, nodes, moments, driver):
                    done[kind] += 1
                    print(f"{done.total()}: {kind}", flush=True)
        if driver.returncode in (0, 1) and not unfinished(out):
            return  # a worker that was killed leaves `place_failed`: exit code 1, and the same command runs it again
    raise SystemExit(f"{out}: the study did not end within {STUDY_S:.0f} s")


def unfinished(out: Path) -> set[str]:
    """Return the trials that have no final line."""
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    return issued - {record.trial_id for record in read_records(out / "results.jsonl") if record.final}


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
    host = moments.choice(nodes.hosts)
    raylet = nodes.raylet(host)
    if kind in ("raylet", "node"):
        below = descendants_of(raylet)
        if raylet:
            _kill(raylet)
        for process in below if kind == "node" else ():
            _kill(process)
        nodes.replace(host)
        return True
    if kind == "cut" and nodes.networks.is_allowed:
        nodes.networks.link(host, "down")
        nodes.later(moments.choice(CUTS_S), lambda: nodes.networks.link(host, "up"))
        return True
    words = {process: _words(process) for process in descendants_of(raylet)}
    runners = [process for process, held in words.items() if "slot_process" in held]
    chosen = {
        "actor": (actors := [process for process, held in words.items() if "RayKeeper" in held]),
        "cut": actors,
        "runner": runners[:1],
        "worker": [process for runner in runners[:1] for process in descendants_of(runner)],
    }[kind]
    if chosen and kind == "cut":
        os.kill(chosen[0], signal.SIGSTOP)
        nodes.later(moments.choice(CUTS_S), lambda: _kill(chosen[0], signal.SIGCONT))
    elif chosen:
        _kill(moments.choice(chosen))
    return bool(chosen)


def faults_of(out: Path, records: list[Record]) -> list[str]:
    """Return what is wrong with the results of a study that came to its end."""
    final = Counter(record.trial_id for record in records if record.final)
    attempts = Counter((record.trial_id, record.attempt) for record in records)
    return [
        *(f"lost: trial {one} has no final line" for one in sorted(unfinished(out))),
        *(f"doubled: trial {one} has {count} final lines" for one, count in final.items() if count > 1),
        *(f"doubled: attempt {one} has {count} lines" for one, count in attempts.items() if count > 1),
        *(f"invalid: {one.record_id} points at no samples" for one in records if dangles(out, one)),
    ]


def wait_until_gone(mended_at: float) -> int:
    """Wait until no process of a slot is left, and return how many are a while after all links were mended."""
    ends = max(monotonic(), mended_at) + GONE_S
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


def _words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _kill(process: int, sent: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.kill(process, sent)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
