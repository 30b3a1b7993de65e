"""A study of a million trials on 1 to 1,000 hosts, simulated event by event from costs that are measured here.

The driver is that of the product: it wakes, takes the answers that are there one after the other, has what they
brought and the offers that follow written down, and sleeps; the disk is waited for beside that, once for all that came
together, and offers are sent when it has them. A slot answers a look after some time, or as soon as its block ends;
looks before the end are charged with it. What a block takes and how long its
lines are comes from records (docs/quick.zip). What the driver takes for a block, a look and the disk is measured with
the product's code (`cluster_driver`), and a call with Ray where it is installed, else with TCP. Hosts die at random,
are missed after a silence, come back, and their block runs again from its beginning; hosts differ in speed. Efficiency
is the time of blocks that counted, over hosts x the time from start to end.

    python benchmarks/cluster_simulation.py [--records docs/quick.zip] [--trials 1000000]
    python benchmarks/cluster_simulation.py --against LOCAL CLUSTER     # two results of one study

The second form holds the simulation against a run: from the results of a run on one host it takes what a host needs
between two units, from those of a run over slots how long each unit took, and compares the time of the latter with that
of a simulation of these units on as many hosts.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import itertools
import json
import os
import random
import socket
import statistics
import sys
import threading
import zipfile
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

from cluster_driver import DriverCosts, measure_driver

HOSTS = (1, 4, 16, 64, 256, 1000)
TARGETS = {"efficiency_64": 0.95, "efficiency_1000": 0.90}


TURN_S, DISK_S, CHECK_S, LOOK_S, LOOK_EACH_S, LONGEST_WAIT_S = 0.05, 0.005, 0.05, 0.5, 0.01, 10.0
SHOWN_S = 1.0
"""As in ``ablatrix.trials.run.dialogue`` and ``ablatrix.trials.slots.keeper``."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things take.

    Attributes:
        blocks: Seconds of each recorded block, on one host: from its first trial to the next block's.
        trials: Trials of a block, in the mean.
        line_bytes: Of a record, in the mean.
        call_s: Processor time of the driver for a call to a slot and its answer.
        way_s: From a call to its answer.
        driver: What the driver takes beside calls.
        gap_s: What a slot takes besides, between an offer and its first trial.
    """

    blocks: tuple[float, ...]
    trials: float
    line_bytes: float
    call_s: float
    way_s: float
    driver: DriverCosts
    gap_s: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A cluster.

    Attributes:
        mtbf_s: Mean time between two failures of a host; 0: none.
        missed_s: Silence after which a host is given up.
        repair_s: Until it is back.
        speed_spread: Standard deviation of the logarithm of a host's speed.
        beside: Whether the disk is waited for beside all else, or the driver does nothing meanwhile.
    """

    hosts: int
    mtbf_s: float = 7 * 24 * 3600.0
    missed_s: float = 60.0
    repair_s: float = 600.0
    speed_spread: float = 0.05
    beside: bool = True

    @property
    def look_s(self) -> float:
        """How long a slot has for its answer while its block goes on."""
        return min(LONGEST_WAIT_S, max(LOOK_S, LOOK_EACH_S * self.hosts))


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
    parser.add_argument("--repeats", type=int, default=12, help="of the study by which the driver is measured")
    parser.add_argument("--gap", type=float, default=0.1, help="seconds that a slot takes for an offer (assumed)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of what the driver and its disk take: a calmer machine"
    )
    parser.add_argument("--longer", type=float, default=1.0, help="how much longer blocks take than those recorded")
    parser.add_argument("--against", type=Path, nargs=2, metavar=("LOCAL", "CLUSTER"))
    chosen = parser.parse_args(arguments)
    if chosen.against:
        return hold_against(chosen.against[0], chosen.against[1], chosen.records, chosen.repeats)
    costs = scaled(measure(chosen.records, chosen.repeats, chosen.gap), chosen.scale)
    costs = replace(costs, blocks=tuple(chosen.longer * block for block in costs.blocks))
    print(_told(costs))
    day = 24 * 3600.0
    tables = {
        "a failure a host and week": [Setting(hosts=hosts) for hosts in HOSTS],
        "a failure a host and day": [Setting(hosts=hosts, mtbf_s=day) for hosts in (64, 1000)],
        "the driver waits for the disk": [Setting(hosts=hosts, beside=False) for hosts in (64, 256, 1000)],
    }
    found = {name: _table(name, costs, settings, chosen.trials) for name, settings in tables.items()}
    limits = {beside: saturation(costs, beside=beside) for beside in (True, False)}
    beyond = Setting(hosts=int(2 * limits[True]))
    over = simulate(costs, beyond, max(chosen.trials, int(20 * beyond.hosts * costs.trials)))
    memory, size = measure_memory(chosen.trials), round(chosen.trials * costs.line_bytes)
    print(
        f"\nthe driver saturates at about {limits[True]:,.0f} hosts ({limits[False]:,.0f} where it waits "
        f"for the disk itself); twice as many, {over.hosts:,}, have an efficiency of {over.efficiency:.2f}"
    )
    print(f"results {size / 1e9:.1f} GB; what the driver holds of the trials {memory / 1e6:.0f} MB")
    efficiency = {one.hosts: one.efficiency for one in found["a failure a host and week"]}
    figures = {
        "block_s": statistics.fmean(costs.blocks),
        "scale": chosen.scale,
        "longer": chosen.longer,
        "driver_block_ms": 1e3 * costs.driver.block_s,
        "driver_look_ms": 1e3 * costs.driver.look_s,
        "call_ms": 1e3 * costs.call_s,
        "sync_ms": 1e3 * costs.driver.sync_s,
        "efficiency": {name: {one.hosts: round(one.efficiency, 4) for one in rows} for name, rows in found.items()},
        "hours": {one.hosts: round(one.hours, 3) for one in found["a failure a host and week"]},
        "driver_busy": {one.hosts: round(one.driver_busy, 4) for one in found["a failure a host and week"]},
        "saturates_at_hosts": {"beside": round(limits[True]), "waiting": round(limits[False])},
        "result_bytes": size,
        "driver_bytes": memory,
    }
    holds = efficiency[64] >= TARGETS["efficiency_64"] and efficiency[1000] >= TARGETS["efficiency_1000"]
    print(json.dumps({"benchmark": "cluster_simulation", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A run as its results tell of it.

    Attributes:
        units: Seconds that the trials of each block took, in their order; none was split.
        hosts: How many there were.
        seconds: From the first trial to the end of the last.
    """

    units: tuple[float, ...]
    hosts: int
    seconds: float

    @classmethod
    def read(cls, results: Path) -> Ran:
        """Return what a directory of results tells."""
        units: dict[str, float] = {}
        hosts, starts, ends = set(), [], []
        for line in (results / "results.jsonl").read_text().splitlines():
            record = json.loads(line)
            if not record["final"]:
                continue
            meta = record["meta"]
            units[record["block_id"]] = units.get(record["block_id"], 0.0) + record["wall_s"]
            hosts.add(meta["place"]["host_id"])
            began = datetime.fromisoformat(meta["time_utc"]).timestamp()
            starts.append(began)
            ends.append(began + max(record["wall_s"], meta["noise"]["span_s"] or 0.0))
        return cls(units=tuple(units.values()), hosts=len(hosts), seconds=max(ends) - min(starts))


def hold_against(local: Path, cluster: Path, records: Path, repeats: int) -> int:
    """Print how long a run over slots took, and how long it takes in the simulation."""
    alone, real = Ran.read(local), Ran.read(cluster)
    gap_s = max(0.0, alone.seconds - sum(alone.units)) / len(alone.units)
    costs = replace(measure(records, repeats, gap_s), blocks=real.units)
    setting = Setting(hosts=real.hosts, mtbf_s=0.0, speed_spread=0.0)
    run = _Run(costs, setting, len(real.units), random.Random(0))
    run.todo = deque(real.units)
    simulated = 3600.0 * run.to_the_end().hours
    off = simulated / real.seconds - 1.0
    print(
        f"{len(real.units)} units of {statistics.fmean(real.units):.1f} s on {real.hosts} hosts, {gap_s:.2f} s between "
        f"two on one host: {real.seconds:.1f} s, simulated {simulated:.1f} s ({off:+.1%})"
    )
    figures = {"seconds": real.seconds, "simulated_s": simulated, "off": off, "hosts": real.hosts, "gap_s": gap_s}
    targets, holds = {"off": 0.1}, abs(off) <= 0.1
    print(
        json.dumps({"benchmark": "cluster_simulation_against", "figures": figures, "targets": targets, "holds": holds})
    )
    return 0 if holds else 1


def _told(costs: Costs) -> str:
    driver = costs.driver
    return (
        f"measured: block {statistics.median(costs.blocks):.1f} s (median of {len(costs.blocks)}, mean "
        f"{statistics.fmean(costs.blocks):.1f} s, {costs.trials:.1f} trials), line {costs.line_bytes:.0f} bytes; the "
        f"driver {1e3 * driver.block_s:.2f} ms a block, {1e3 * driver.look_s:.2f} ms a look, {1e3 * costs.call_s:.2f} "
        f"ms a call, {1e6 * driver.seat_s:.1f} us a slot and turn; the disk {1e3 * driver.sync_s:.1f} ms and "
        f"{1e3 * driver.file_s:.2f} ms for each further file"
    )


def _table(title: str, costs: Costs, settings: Sequence[Setting], trials: int) -> list[Outcome]:
    found = [simulate(costs, setting, trials) for setting in settings]
    print(f"\n{title}\n{'hosts':>6} {'hours':>9} {'efficiency':>11} {'lost blocks':>12} {'driver busy':>12}")
    for one in found:
        counts = f"{one.lost_blocks:>12} {one.driver_busy:>12.4f}"
        print(f"{one.hosts:>6} {one.hours:>9.2f} {one.efficiency:>11.3f} {counts}")
    return found


def measure(records: Path, repeats: int, gap_s: float) -> Costs:
    """Return what the records and this machine say of costs."""
    with zipfile.ZipFile(records) as bundle:
        name = next(one for one in bundle.namelist() if one.endswith("results.jsonl"))
        lines = bundle.read(name).splitlines(keepends=True)
    starts: dict[str, float] = {}
    end = 0.0
    for line in lines:
        record = json.loads(line)
        began = datetime.fromisoformat(record["meta"]["time_utc"]).timestamp()
        starts[record["block_id"]] = min(began, starts.get(record["block_id"], began))
        end = max(end, began + max(record["wall_s"], record["meta"]["noise"]["span_s"] or 0.0))
    order = [*sorted(starts.values()), end]
    blocks = [after - before for before, after in itertools.pairwise(order)]
    call_s, way_s = _times_of_call()
    return Costs(
        blocks=tuple(blocks),
        trials=len(lines) / len(blocks),
        line_bytes=sum(map(len, lines)) / len(lines),
        call_s=call_s,
        way_s=way_s,
        driver=measure_driver(records, repeats),
        gap_s=gap_s,
    )


def scaled(costs: Costs, factor: float) -> Costs:
    """Return costs with all that the driver and its disk take multiplied."""
    driver = DriverCosts(**{name: factor * value for name, value in asdict(costs.driver).items()})
    return replace(costs, driver=driver, call_s=factor * costs.call_s, way_s=factor * costs.way_s)


def _times_of_call(times: int = 500) -> tuple[float, float]:
    """Return the driver's processor time of a call, and how long it takes to be answered: by Ray, else by TCP."""
    try:
        import ray
    except ImportError:
        return _times_of_tcp_call()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}  # else it leaves a token at home
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")

    class Echo:
        def answer(self, request: bytes) -> bytes:
            return request

    actor = ray.remote(Echo).remote()
    ray.get(actor.answer.remote(b""))
    cpu, began = process_time(), perf_counter()
    for _ in range(times):
        actor.answer.remote(b"x" * 256).future().result()
    found = (process_time() - cpu) / times, (perf_counter() - began) / times
    ray.shutdown()
    return found


def _times_of_tcp_call(times: int = 2000) -> tuple[float, float]:
    """Return the same of a small message to another process's thread and back, through TCP."""
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
    return taken, taken


def simulate(costs: Costs, setting: Setting, trials: int, seed: int = 20) -> Outcome:
    """Run the study on the clock of the simulation."""
    run = _Run(costs, setting, max(1, round(trials / costs.trials)), random.Random(seed))
    return run.to_the_end()


class _Run:
    """A simulated run: events are (time, order, kind, host, life), those of an answer for the driver among them.

    A host has a life between two deaths, and events of one that is over are dropped.
    """

    def __init__(self, costs: Costs, setting: Setting, count: int, rng: random.Random) -> None:
        self.costs, self.setting, self.count, self.rng = costs, setting, count, rng
        self.todo = deque(rng.choice(costs.blocks) for _ in range(count))
        self.speed = [rng.lognormvariate(0.0, setting.speed_spread) for _ in range(setting.hosts)]
        self.life = [0] * setting.hosts
        self.running: list[tuple[float, float] | None] = [None] * setting.hosts  # work of a block, and when it ends
        self.idle = deque(range(setting.hosts))
        self.waiting: list[tuple[int, int]] = []  # hosts with the life that they had, whose offers are not on disk yet
        self.storing: list[tuple[int, int]] = []
        self.copies = self.unsettled = 0
        self.is_storing = self.is_settling = False
        self.disk_free = self.shown = 0.0
        self.events: list[tuple[float, int, str, int, int]] = []
        self.now = self.busy = self.useful = 0.0
        self.done = self.lost = self.order = 0

    def to_the_end(self) -> Outcome:
        """Let the driver take its turns until every block is in the results."""
        for host in range(self.setting.hosts if self.setting.mtbf_s else 0):
            self.at(self.rng.expovariate(1.0 / self.setting.mtbf_s), "dies", host)
        while self.done < self.count:
            began = self.now
            self.turn()
            self.busy += self.now - began
            if self.done == self.count:
                break
            self.now += DISK_S if self.is_storing or self.is_settling else TURN_S
            if self.events and self.events[0][0] > self.now:  # it wakes for nothing until then
                quiet = int((self.events[0][0] - self.now) / TURN_S)
                self.now += quiet * TURN_S
                self.busy += quiet * self.setting.hosts * self.costs.driver.seat_s
        return Outcome(
            hosts=self.setting.hosts,
            blocks=self.count,
            hours=self.now / 3600.0,
            efficiency=self.useful / (self.setting.hosts * self.now),
            lost_blocks=self.lost,
            driver_busy=min(1.0, self.busy / self.now),
        )

    def at(self, time: float, kind: str, host: int) -> None:
        """Plan an event."""
        self.order += 1
        heapq.heappush(self.events, (time, self.order, kind, host, self.life[host]))

    def turn(self) -> None:
        """Take what has come by now, offer what follows, and begin to wait for the disk."""
        came = self.now
        self.now += self.setting.hosts * self.costs.driver.seat_s
        if came - self.shown > max(SHOWN_S, LOOK_EACH_S * self.setting.hosts / 2):
            self.shown = came
            self.now += self.setting.hosts * self.costs.driver.shown_s
        while self.events and self.events[0][0] <= came:
            time, _, kind, host, life = heapq.heappop(self.events)
            if kind == "stored":
                self.stored()
            elif kind == "settled":
                self.is_settling = False
            elif life == self.life[host] or kind == "missed":
                getattr(self, kind)(host, time)
        while self.idle and self.todo and len(self.waiting) + len(self.storing) < len(self.todo):
            host = self.idle.popleft()
            self.waiting.append((host, self.life[host]))
        if not self.is_storing and (self.waiting or self.copies):
            files = self.copies + 1  # copies of spools, the notes of all offers
            self.storing, self.waiting, self.copies, self.is_storing = self.waiting, [], 0, True
            self.at(self.on_disk(files), "stored", 0)
        if not self.is_settling and self.unsettled:
            self.on_disk(self.unsettled)  # raw samples
            self.unsettled, self.is_settling = 0, True
            self.at(self.on_disk(1), "settled", 0)  # records

    def ended(self, host: int, _: float) -> None:
        """Take all of a block that has ended; what looks at it took before is charged now."""
        held = self.running[host]
        if held is None:
            return
        looks = 1 + int(held[0] / self.setting.look_s)
        self.now += looks * (self.costs.call_s + self.costs.driver.look_s) + self.costs.driver.block_s
        self.running[host] = None
        self.useful += held[0]
        self.done += 1
        self.copies += 1
        self.unsettled += 1
        self.idle.append(host)

    def stored(self) -> None:
        """Send the offers that are on disk; the answer to each is the first look."""
        self.is_storing = False
        for host, life in self.storing:
            if life == self.life[host] and self.todo:
                self.begin(host)
        self.storing = []

    def on_disk(self, files: int) -> float:
        """Return when some files are on disk, which takes one group of files after the other."""
        driver = self.costs.driver
        self.disk_free = max(self.now, self.disk_free) + driver.sync_s + (files - 1) * driver.file_s
        if not self.setting.beside:
            self.now = self.disk_free
        return self.disk_free

    def begin(self, host: int) -> None:
        """Give a host its next block; it answers a look as soon as it sees that the block has ended."""
        took = self.todo.popleft() * self.speed[host]
        ends = self.now + self.costs.way_s / 2 + self.costs.gap_s + took
        self.running[host] = (took, ends)
        self.at(ends + self.rng.uniform(0.0, CHECK_S) + self.costs.way_s, "ended", host)

    def dies(self, host: int, time: float) -> None:
        """Lose a host; it is missed after a silence, and comes back."""
        self.life[host] += 1
        if host in self.idle:
            self.idle.remove(host)
        self.waiting = [one for one in self.waiting if one[0] != host]
        self.at(time + self.setting.missed_s, "missed", host)
        self.at(time + self.setting.missed_s + self.setting.repair_s, "back", host)

    def missed(self, host: int, _: float) -> None:
        """Run the block of a host that is lost again."""
        held = self.running[host]
        if held is not None:
            self.running[host] = None
            self.lost += 1
            self.todo.appendleft(held[0] / self.speed[host])

    def back(self, host: int, time: float) -> None:
        """Take a host again."""
        self.at(time + self.rng.expovariate(1.0 / self.setting.mtbf_s), "dies", host)
        self.idle.append(host)


def saturation(costs: Costs, *, beside: bool) -> float:
    """Return with how many hosts the driver, or the disk, has no time left.

    What one host asks of it a second is 1 / that. With so many, looks are as rare as they get.
    """
    driver, block = costs.driver, statistics.fmean(costs.blocks) + costs.gap_s
    looks = max(1.0, block / LONGEST_WAIT_S)
    asked = driver.block_s + looks * (costs.call_s + driver.look_s) + block / LONGEST_WAIT_S * 2 * driver.shown_s
    disk = 2 * driver.file_s  # a copy of a spool, raw samples; what comes together waits together
    return block / (max(asked, disk) if beside else asked + disk)


def measure_memory(trials: int) -> int:
    """Return the bytes of what a driver holds of a study while it runs: attempt, block and end of each trial, by id."""
    sample = {hashlib.sha256(str(number).encode()).hexdigest()[:16]: (number, 0, True) for number in range(20_000)}
    own = sum(sys.getsizeof(key) + sys.getsizeof(value) + sys.getsizeof(value[0]) for key, value in sample.items())
    return round((sys.getsizeof(sample) + own) / len(sample) * trials)


if __name__ == "__main__":
    sys.exit(main())
