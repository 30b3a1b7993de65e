"""What the process that runs a study over slots takes for each block: the product's code, over hosts that never wait.

The study is that of docs/quick.zip with more repeats, and the hosts answer at once with its records and raw samples of
the length that these have: describing, offering, pulling, validating, deciding, writing and acknowledging are what a
run does, on this disk, with the lines and the log of a run that nobody looks at. What the hosts take is not counted.
Processor time a block and a look follow from two runs that look at each block a different number of times.

    python benchmarks/cluster_driver.py [--records docs/quick.zip] [--repeats 12] [--slots 16]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from ablatrix.canonical import content_id
from ablatrix.cli.progress import PlainLines
from ablatrix.records.disk import sync_files
from ablatrix.records.journal import read_own_record
from ablatrix.records.machine import read_machine
from ablatrix.records.model import SCHEMA_VERSION
from ablatrix.records.schema import read_line
from ablatrix.statistics.ratio import paired_ratio
from ablatrix.study.design import make_design
from ablatrix.study.design_file import load_design
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.messages import Interrupt, decode
from ablatrix.trials.results import Ledger, LoggedProgress, ResultDirectory, Silence, run_log
from ablatrix.trials.run import cluster as cluster_module
from ablatrix.trials.run import dialogue as dialogue_module
from ablatrix.trials.run.cluster import Cluster
from ablatrix.trials.run.seats import Seats
from ablatrix.trials.run.session import Session
from ablatrix.trials.run.slot_setup import make_setup
from ablatrix.trials.run.workplace import Following, Pairs
from ablatrix.trials.slots import (
    Chunk,
    DescribeRequest,
    Description,
    Done,
    Ended,
    Fingerprint,
    Kept,
    Offer,
    OfferRequest,
    Prepared,
    PullRequest,
    SlotBook,
    Told,
    encode_answer,
    encode_entry,
    read_fingerprint,
)
from ablatrix.trials.slots.messages import REQUEST

LOOKS = (2, 18)
TRIES = 3
TARGETS = {"block_ms": 7.0}
"""At 1,000 hosts a block of docs/quick.zip ends every 8 ms."""


@dataclass(frozen=True, kw_only=True)
class DriverCosts:
    """What the driver takes.

    Attributes:
        block_s: Processor time of a block, from its offer to its records on disk, without waits for the disk.
        look_s: Of a look at a block that goes on.
        seat_s: Of a slot that has not answered yet, in each turn.
        shown_s: Of a slot in the file that ``status`` reads, which is written once a second.
        sync_s, file_s: Wait for the disk: of one file, and of each further one that waits with it.
    """

    block_s: float
    look_s: float
    seat_s: float
    shown_s: float
    sync_s: float
    file_s: float


@dataclass
class Templates:
    """Records of a bundle, from which hosts make those that they are asked for."""

    by_cell: dict[tuple[str, str, str], dict[str, Any]]
    by_role: dict[tuple[str, str], dict[str, Any]]

    @classmethod
    def read(cls, bundle: Path) -> Templates:
        """Return the records of a bundle in today's form."""
        with zipfile.ZipFile(bundle) as held:
            name = next(one for one in held.namelist() if one.endswith("results.jsonl"))
            lines = held.read(name).decode().splitlines()
        made = cls({}, {})
        for line in lines:
            data = {**read_line(line).record.model_dump(mode="json"), "schema_version": SCHEMA_VERSION}
            if data["runtime"] is not None:  # what the driver decides, no host has
                data["runtime"]["stopping"] = None
            made.by_cell.setdefault((data["cell_id"], data["mode"], data["role"]), data)
            made.by_role.setdefault((data["mode"], data["role"]), data)
        return made


@dataclass
class Quick:
    """A host that has measured before it is asked; the time that it takes is counted in ``outside_s``."""

    name: str
    templates: Templates
    fingerprint: Fingerprint
    looks: int
    rng: random.Random
    scratch: Path
    refusal: str = ""
    outside_s: float = 0.0
    _spool: bytes = b""
    _answer: bytes = b""
    _looked: int = field(default=0)

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    def connect(self, run_id: str) -> Quick:
        """Be the way to itself."""
        return self

    def is_there(self) -> bool:
        """Return that it is."""
        return True

    def close(self) -> None:
        """Nothing is open."""

    def send(self, request: bytes) -> None:
        """Make the answer at once."""
        began = process_time()
        self._answer = encode_answer(self._reply(decode(request, REQUEST)))
        self.outside_s += process_time() - began

    def receive(self) -> bytes | None:
        """Return the answer."""
        return self._answer

    def _reply(self, request: object) -> Any:
        if isinstance(request, DescribeRequest):
            machine = read_machine().model_dump_json()
            known = {"name": self.name, "machine": machine, "refusal": "", "run_id": "", "spools": {}}
            return Description(host_id=content_id(self.name), fingerprint=self.fingerprint, **known)  # type: ignore[arg-type]
        if isinstance(request, OfferRequest):
            self._spool, self._looked = self._measured(request.offer), 0
        if isinstance(request, OfferRequest | PullRequest):
            self._looked += 1
            offset = request.offset if isinstance(request, PullRequest) else 0
            end = len(self._spool) * self._looked // self.looks
            data = self._spool[offset : min(end, offset + request.limit)]
            digest, running = hashlib.sha256(data).hexdigest(), end < len(self._spool)
            return Chunk(offset=offset, data=data, sha256=digest, is_running=running, ending="")
        return Done()

    def _measured(self, offer: Offer) -> bytes:
        file = self.scratch / "offer.json"
        file.write_text(offer.design, encoding="utf-8")
        entries: list[Any] = [Prepared(programs={})]
        for trial in load_design(file).trials:
            entries.append(Told(text="hot: building", trial_id=trial.trial_id, cell_id=trial.cell_id, is_notice=False))
            like = self.templates.by_role[trial.mode, trial.role]
            like = self.templates.by_cell.get((trial.cell_id, trial.mode, trial.role), like)
            attempt = offer.attempts[trial.trial_id]
            record_id = content_id({"trial": trial.trial_id, "attempt": attempt})
            ids = {"trial_id": trial.trial_id, "block_id": trial.block_id, "attempt": attempt, "record_id": record_id}
            meta = {**like["meta"], "replicate": trial.replicate, "block": trial.block, "position": trial.position}
            text = json.dumps({**like, **ids, "meta": meta}, separators=(",", ":"), ensure_ascii=False) + "\n"
            facts = like["runtime"] and like["runtime"]["samples"]
            times = [self.rng.random() for _ in range(facts["counted"])] if facts else None
            entries.append(Kept(record=text, samples=json.dumps({**ids, "bursts_ms": times}) if times else None))
        return b"".join(encode_entry(one) + b"\n" for one in (*entries, Ended(how="done", message="")))


@dataclass
class Field:
    """Such hosts as a cluster."""

    hosts: Sequence[Any]
    word: str = "quick"

    def sites(self) -> Sequence[Any]:
        """Return the hosts."""
        return self.hosts

    def __enter__(self) -> Field:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class Mute:
    """A host that never answers."""

    refusal = ""

    def __init__(self, number: int) -> None:
        self.key = self.name = f"mute{number}"

    def connect(self, run_id: str) -> Mute:
        """Be the way to itself."""
        return self

    def is_there(self) -> bool:
        """Return that it is."""
        return True

    def send(self, request: bytes) -> None:
        """Hear nothing."""

    def receive(self) -> bytes | None:
        """Return nothing."""
        return None

    def close(self) -> None:
        """Nothing is open."""


class Timed(Cluster):
    """The product's driver; processor time of its blocks is counted without that of hosts, and without its start."""

    taken_s = 0.0
    hosts: Sequence[Quick] = ()

    def run(self, blocks: Sequence[Pairs], following: Following) -> None:
        """Run blocks."""
        began = process_time() - sum(host.outside_s for host in self.hosts)
        super().run(blocks, following)
        self.taken_s += process_time() - sum(host.outside_s for host in self.hosts) - began


def measure_driver(bundle: Path, repeats: int = 12, slots: int = 16) -> DriverCosts:
    """Return what the driver takes, measured here."""
    fingerprint, templates = read_fingerprint(), Templates.read(bundle)
    paired_ratio([0.1, 0.2])  # imports what its first use needs
    few, many = (  # the least of some: other programs of the machine only add
        min(_time_of_block(bundle, templates, fingerprint, looks, repeats, slots) for _ in range(TRIES))
        for looks in LOOKS
    )
    look_s = max(0.0, many - few) / (LOOKS[1] - LOOKS[0])
    (seat_s, shown_s), (sync_s, file_s) = _times_of_seat(), _times_of_sync()
    return DriverCosts(
        block_s=few - LOOKS[0] * look_s,
        look_s=look_s,
        seat_s=seat_s,
        shown_s=shown_s,
        sync_s=sync_s,
        file_s=file_s,
    )


def _study(bundle: Path, directory: Path, repeats: int) -> ResolvedStudy:
    with zipfile.ZipFile(bundle) as held:
        text = held.read(next(one for one in held.namelist() if one.endswith("study.yaml"))).decode()
    text = re.sub(r"replicates: \d+", f"replicates: {repeats}", text)
    text = re.sub(r"blocks: \d+, max_blocks: \d+", f"blocks: {repeats}, max_blocks: {repeats}", text)
    (directory / "study.yaml").write_text(text)
    return load_study(directory / "study.yaml")


def _time_of_block(
    bundle: Path, templates: Templates, fingerprint: Fingerprint, looks: int, repeats: int, slots: int
) -> float:
    """Return the driver's processor time a block, waits for the disk not counted."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack, Interrupt() as interrupt:
        path = Path(temporary)
        resolved = _study(bundle, path, repeats)
        hosts = [
            Quick(f"quick{number}", templates, fingerprint, looks, random.Random(number), path)
            for number in range(slots)
        ]
        directory = ResultDirectory(path / "out")
        design = directory.make(resolved.study, make_design(resolved))
        stack.enter_context(redirect_stderr(stack.enter_context(Path(os.devnull).open("w"))))
        stack.enter_context(run_log(directory.log))
        progress = LoggedProgress(PlainLines(), only_failures=True)
        ledger = Ledger(design, directory, None, None, progress, True)
        session = Session(resolved, design, directory, ledger, interrupt, progress)
        book = SlotBook(directory.work)
        setup = make_setup(resolved, directory, None, keep_samples=True)
        seats = Seats(Field(hosts), book, setup, progress)
        vars(cluster_module)["TURN_S"] = vars(dialogue_module)["IDLE_S"] = 0.0  # nobody needs time here
        timed = Timed(resolved, ledger, book, seats, interrupt, progress, session)
        timed.hosts = hosts
        session.run([], stack, timed)
        return timed.taken_s / len(design.blocks())


def _times_of_seat(count: int = 1000, turns: int = 20) -> tuple[float, float]:
    """Return the time of a turn over slots that have not answered, and of showing where all stand, for each."""
    with tempfile.TemporaryDirectory() as temporary:
        hosts = Field([Mute(number) for number in range(count)])
        seats = Seats(hosts, SlotBook(Path(temporary)), None, Silence())
        for site in hosts.sites():
            seats._add(site)
        for _ in range(2):
            seats.turn(lambda seat: None, None)
        times = []

        def turn() -> None:
            seats.turn(lambda seat: None, None)

        for do in (turn, seats._show):
            began = process_time()
            for _ in range(turns):
                do()
            times.append((process_time() - began) / turns / count)
        return times[0], times[1]


def _time_of_record(templates: Templates, times: int = 20) -> float:
    """Return the processor time of validating a record whole, which nothing here does: how fast this machine is now."""
    lines = [json.dumps(one, ensure_ascii=False) for one in templates.by_cell.values()]
    found = []
    for _ in range(times):
        began = process_time()
        for line in lines:
            read_own_record(line)
        found.append((process_time() - began) / len(lines))
    return min(found)


def _times_of_sync(times: int = 12, counts: Sequence[int] = (1, 4, 16, 48)) -> tuple[float, float]:
    """Return the wait for one file, and what each further one that waits with it adds: a line by least squares."""
    found: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for count in counts:
            for time in range(times):
                files = [Path(temporary) / f"{count}-{time}-{number}" for number in range(count)]
                for file in files:
                    file.write_bytes(b"x" * 60_000)
                began = perf_counter()
                sync_files(files)
                found.append((count - 1, perf_counter() - began))
    x = sum(count for count, _ in found) / len(found)
    y = sum(took for _, took in found) / len(found)
    slope = sum((count - x) * (took - y) for count, took in found) / sum((count - x) ** 2 for count, _ in found)
    return max(1e-5, y - slope * x), max(0.0, slope)


def main(arguments: list[str] | None = None) -> int:
    """Print the costs, and the figures as JSON."""
    parser = argparse.ArgumentParser(description="What the driver of a run over slots takes.")
    parser.add_argument("--records", type=Path, default=Path(__file__).parents[1] / "docs" / "quick.zip")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--slots", type=int, default=16)
    chosen = parser.parse_args(arguments)
    costs = measure_driver(chosen.records, chosen.repeats, chosen.slots)
    record_s = _time_of_record(Templates.read(chosen.records))
    print(f"validating one record takes {1e6 * record_s:.0f} us here and now, load {os.getloadavg()[0]:.1f}")
    print(
        f"a block {1e3 * costs.block_s:.2f} ms, a look {1e3 * costs.look_s:.3f} ms, a slot that is silent "
        f"{1e6 * costs.seat_s:.1f} us a turn; the disk {1e3 * costs.sync_s:.1f} ms and {1e3 * costs.file_s:.2f} ms for "
        "each further file"
    )
    figures = {
        "block_ms": 1e3 * costs.block_s,
        "look_ms": 1e3 * costs.look_s,
        "seat_us": 1e6 * costs.seat_s,
        "shown_us": 1e6 * costs.shown_s,
        "sync_ms": 1e3 * costs.sync_s,
        "file_ms": 1e3 * costs.file_s,
        "record_us": 1e6 * record_s,
    }
    holds = figures["block_ms"] <= TARGETS["block_ms"]
    print(json.dumps({"benchmark": "cluster_driver", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
