"""A study of a million trials on 1 to 1,000 hosts, simulated event by event from costs that are measured here.

One driver offers blocks to slots, one slot a host, looks at each running slot every few seconds, pulls what its spool
has, appends it with fsync and acknowledges it, one thing after the other. What a block takes and how long its lines are
comes from records (docs/quick.zip); what the driver needs for a call and for appending a block is measured on this
machine. Hosts die at random, are missed after a silence, come back, and their block runs again from its beginning;
hosts differ in speed. Efficiency is the time of blocks that counted, over hosts x the time from start to end.

    python benchmarks/cluster_simulation.py [--records docs/quick.zip] [--trials 1000000]
"""

import argparse
import hashlib
import heapq
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import zipfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

HOSTS = (1, 4, 16, 64, 256, 1000)
TARGETS = {"efficiency_64": 0.95, "efficiency_1000": 0.90}


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things take.

    Attributes:
        blocks: Seconds of each recorded block.
        trials: Trials of a block, in the mean.
        line_bytes: Of a record, in the mean.
        call_s: A call to a slot and its answer.
        write_s: Taking the digest of a block's lines and writing them.
        fsync_s: Having them on disk.
    """

    blocks: tuple[float, ...]
    trials: float
    line_bytes: float
    call_s: float
    write_s: float
    fsync_s: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A cluster.

    Attributes:
        look_s: Between two looks at a running slot.
        mtbf_s: Mean time between two failures of a host; 0: none.
        missed_s: Silence after which a host is given up.
        repair_s: Until it is back.
        speed_spread: Standard deviation of the logarithm of a host's speed.
        grouped: Whether blocks that wait for the driver together are appended with one fsync.
    """

    hosts: int
    look_s: float = 5.0
    mtbf_s: float = 7 * 24 * 3600.0
    missed_s: float = 60.0
    repair_s: float = 600.0
    speed_spread: float = 0.05
    grouped: bool = True


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulated run took; ``driver_busy`` is the share of it in which the driver was at work."""

    hosts: int
    blocks: int
    hours: float
    efficiency: float
    lost_blocks: int
    driver_busy: float


def main(arguments: list[str] | None = None) -> int:
    """Print a row for each size of cluster, where the driver saturates, and the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=Path(__file__).parents[1] / "docs" / "quick.zip")
    parser.add_argument("--trials", type=int, default=1_000_000)
    chosen = parser.parse_args(arguments)
    costs = measure(chosen.records)
    print(
        f"measured: block {statistics.median(costs.blocks):.1f} s (median of {len(costs.blocks)}, mean "
        f"{statistics.fmean(costs.blocks):.1f} s, {costs.trials:.1f} trials), line {costs.line_bytes:.0f} bytes, call "
        f"{1e3 * costs.call_s:.2f} ms, writing a block {1e3 * costs.write_s:.2f} ms, fsync {1e3 * costs.fsync_s:.2f} ms"
    )
    day = 24 * 3600.0
    tables = {
        "a failure a host and week": [Setting(hosts=hosts) for hosts in HOSTS],
        "a failure a host and day": [Setting(hosts=hosts, mtbf_s=day) for hosts in (64, 1000)],
        "an fsync a block": [Setting(hosts=hosts, grouped=False) for hosts in (64, 256, 1000)],
    }
    found = {name: _table(name, costs, settings, chosen.trials) for name, settings in tables.items()}
    limits = {grouped: saturation(costs, Setting(hosts=1, grouped=grouped)) for grouped in (True, False)}
    beyond = Setting(hosts=int(2 * limits[False]), grouped=False)
    over = simulate(costs, beyond, max(chosen.trials, int(40 * beyond.hosts * costs.trials)))
    memory, size = measure_memory(chosen.trials), round(chosen.trials * costs.line_bytes)
    one_each = (
        f"{limits[False]:,.0f} with an fsync a block, where {over.hosts:,} have an efficiency of {over.efficiency:.2f}"
    )
    print(f"\nthe driver saturates at about {limits[True]:,.0f} hosts ({one_each})")
    print(f"results {size / 1e9:.1f} GB; what the driver holds of the trials {memory / 1e6:.0f} MB")
    efficiency = {one.hosts: one.efficiency for one in found["a failure a host and week"]}
    figures = {
        "block_s": statistics.fmean(costs.blocks),
        "call_s": costs.call_s,
        "write_s": costs.write_s,
        "fsync_s": costs.fsync_s,
        "efficiency": {name: {one.hosts: round(one.efficiency, 4) for one in rows} for name, rows in found.items()},
        "hours": {one.hosts: round(one.hours, 3) for one in found["a failure a host and week"]},
        "saturates_at_hosts": {"grouped": round(limits[True]), "fsync a block": round(limits[False])},
        "result_bytes": size,
        "driver_bytes": memory,
    }
    holds = efficiency[64] >= TARGETS["efficiency_64"] and efficiency[1000] >= TARGETS["efficiency_1000"]
    print(json.dumps({"benchmark": "cluster_simulation", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


def _table(title: str, costs: Costs, settings: Sequence[Setting], trials: int) -> list[Outcome]:
    found = [simulate(costs, setting, trials) for setting in settings]
    print(f"\n{title}\n{'hosts':>6} {'hours':>9} {'efficiency':>11} {'lost blocks':>12} {'driver busy':>12}")
    for one in found:
        counts = f"{one.lost_blocks:>12} {one.driver_busy:>12.4f}"
        print(f"{one.hosts:>6} {one.hours:>9.2f} {one.efficiency:>11.3f} {counts}")
    return found


def measure(records: Path) -> Costs:
    """Return what the records and this machine say of costs."""
    with zipfile.ZipFile(records) as bundle:
        name = next(one for one in bundle.namelist() if one.endswith("results.jsonl"))
        lines = bundle.read(name).splitlines(keepends=True)
    blocks: dict[str, float] = {}
    for line in lines:
        record = json.loads(line)
        blocks[record["block_id"]] = blocks.get(record["block_id"], 0.0) + record["wall_s"]
    trials = len(lines) / len(blocks)
    write_s, fsync_s = _times_of_append(b"".join((lines * 2)[: max(1, round(trials))]))
    return Costs(
        blocks=tuple(blocks.values()),
        trials=trials,
        line_bytes=sum(map(len, lines)) / len(lines),
        call_s=_time_of_call(),
        write_s=write_s,
        fsync_s=fsync_s,
    )


def _times_of_append(spool: bytes, times: int = 200) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as directory:
        file = os.open(Path(directory) / "results.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        written, synced = [], []
        for _ in range(times):
            start = perf_counter()
            hashlib.sha256(spool).hexdigest()
            os.write(file, spool)
            middle = perf_counter()
            os.fsync(file)
            written.append(middle - start)
            synced.append(perf_counter() - middle)
        os.close(file)
    return statistics.fmean(written), statistics.fmean(synced)


def _time_of_call(times: int = 2000) -> float:
    """Return the time of a small message to another process's thread and back, through TCP."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with server.accept()[0] as link:
            while held := link.recv(512):
                link.sendall(held)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with socket.create_connection(server.getsockname()) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = perf_counter()
        for _ in range(times):
            link.sendall(b"x" * 256)
            link.recv(512)
        taken = (perf_counter() - start) / times
    thread.join()
    server.close()
    return taken


def simulate(costs: Costs, setting: Setting, trials: int, seed: int = 20) -> Outcome:
    """Run the study on the clock of the simulation."""
    run = _Run(costs, setting, max(1, round(trials / costs.trials)), random.Random(seed))
    return run.to_the_end()


class _Run:
    """A simulated run: events are (time, order, kind, host, life).

    Whatever the driver does waits until it has done what came before. A host has a life between two deaths, and events
    of one that is over are dropped.
    """

    def __init__(self, costs: Costs, setting: Setting, count: int, rng: random.Random) -> None:
        self.costs, self.setting, self.count, self.rng = costs, setting, count, rng
        self.todo = deque(rng.choice(costs.blocks) for _ in range(count))
        self.speed = [rng.lognormvariate(0.0, setting.speed_spread) for _ in range(setting.hosts)]
        self.life = [0] * setting.hosts
        self.running: list[tuple[float, float] | None] = [None] * setting.hosts  # work of a block, and when it ends
        self.idle: deque[int] = deque()
        self.waiting: deque[tuple[int, int]] = deque()  # hosts whose block is done and not appended yet
        self.events: list[tuple[float, int, str, int, int]] = []
        self.now = self.free = self.busy = self.useful = 0.0
        self.done = self.lost = self.order = 0

    def to_the_end(self) -> Outcome:
        """Handle events until every block is appended."""
        for host in range(self.setting.hosts):
            if self.setting.mtbf_s:
                self.at(self.rng.expovariate(1.0 / self.setting.mtbf_s), "dies", host)
            self.offer(host)
        while self.done < self.count:
            self.now, _, kind, host, life = heapq.heappop(self.events)
            if life == self.life[host] or kind == "turn":
                getattr(self, kind)(host)
        end = max(self.now, self.free)
        return Outcome(
            hosts=self.setting.hosts,
            blocks=self.count,
            hours=end / 3600.0,
            efficiency=self.useful / (self.setting.hosts * end),
            lost_blocks=self.lost,
            driver_busy=min(1.0, self.busy / end),
        )

    def at(self, time: float, kind: str, host: int) -> None:
        """Plan an event."""
        self.order += 1
        heapq.heappush(self.events, (time, self.order, kind, host, self.life[host]))

    def drive(self, cost: float) -> float:
        """Have the driver do something, and return when it has."""
        self.free = max(self.free, self.now) + cost
        self.busy += cost
        return self.free

    def offer(self, host: int) -> None:
        """Give a host its next block."""
        if not self.todo:
            self.idle.append(host)
            return
        work = self.todo.popleft()
        start = self.drive(self.costs.call_s)
        took = work * self.speed[host]
        self.running[host] = (took, start + took)
        self.at(start + min(took, self.setting.look_s), "look", host)

    def look(self, host: int) -> None:
        """Look at a running slot; a slot answers at once when its block ends."""
        held = self.running[host]
        if held is None:
            return
        seen = self.drive(self.costs.call_s)
        if held[1] > seen:
            self.at(min(max(held[1], seen), seen + self.setting.look_s), "look", host)
            return
        self.waiting.append((host, self.life[host]))
        if len(self.waiting) == 1:
            self.at(seen, "turn", host)

    def turn(self, _: int) -> None:
        """Append what is waiting: all of it with one fsync, or the first block alone."""
        costs = self.costs
        batch = [self.waiting.popleft() for _ in range(len(self.waiting) if self.setting.grouped else 1)]
        self.drive(costs.fsync_s + len(batch) * (costs.write_s + costs.call_s))  # the call acknowledges
        for host, life in batch:
            held = self.running[host]
            if held is None:
                continue  # missed while it waited: its block is to run again
            self.running[host] = None
            self.useful += held[0]
            self.done += 1
            if life == self.life[host]:
                self.offer(host)
        if self.waiting:
            self.at(self.free, "turn", self.waiting[0][0])

    def dies(self, host: int) -> None:
        """Lose a host; it is missed after a silence, and comes back."""
        self.life[host] += 1
        self.at(self.now + self.setting.missed_s, "missed", host)
        self.at(self.now + self.setting.missed_s + self.setting.repair_s, "back", host)

    def missed(self, host: int) -> None:
        """Run the block of a host that is lost again."""
        held = self.running[host]
        if held is None:
            return
        self.running[host] = None
        self.lost += 1
        self.todo.appendleft(held[0] / self.speed[host])
        if self.idle:
            self.offer(self.idle.popleft())

    def back(self, host: int) -> None:
        """Take a host again."""
        self.at(self.now + self.rng.expovariate(1.0 / self.setting.mtbf_s), "dies", host)
        self.offer(host)


def saturation(costs: Costs, setting: Setting) -> float:
    """Return with how many hosts the driver has no time left: what one host asks of it a second is 1 / that many."""
    block = statistics.fmean(costs.blocks)
    fsync = 0.0 if setting.grouped else costs.fsync_s
    return block / (3 * costs.call_s + costs.write_s + fsync + costs.call_s * block / setting.look_s)


def measure_memory(trials: int) -> int:
    """Return the bytes of what a driver holds of a study while it runs: attempt, block and end of each trial, by id."""
    sample = {hashlib.sha256(str(number).encode()).hexdigest()[:16]: (number, 0, True) for number in range(20_000)}
    own = sum(sys.getsizeof(key) + sys.getsizeof(value) + sys.getsizeof(value[0]) for key, value in sample.items())
    return round((sys.getsizeof(sample) + own) / len(sample) * trials)


if __name__ == "__main__":
    sys.exit(main())
