"""Hosts that die, hang, and send pieces twice, cut, stale or damaged: a stand-in for a cluster on its worst day.

Spools and records are real; only what would measure is not there. Whatever a host wrote whole is remembered, so that
a test can hold the results against it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from ablatrix.canonical import content_id
from ablatrix.records.journal import record_line
from ablatrix.records.machine import read_machine
from ablatrix.records.place import Place
from ablatrix.study.design_file import load_design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.messages import decode
from ablatrix.trials.slots import (
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Done,
    Ended,
    Fingerprint,
    Kept,
    LeaveRequest,
    Offer,
    OfferRequest,
    Prepared,
    PullRequest,
    SetUpRequest,
    Site,
    SlotLost,
    Told,
    Transport,
    encode_answer,
    encode_entry,
)
from ablatrix.trials.slots.messages import REQUEST
from tests.made_study import _records


class DriverKilled(BaseException):
    """The process that runs the study is gone at this moment."""


@dataclass
class Faults:
    """How often each thing goes wrong, per answer."""

    cut: float = 0.0
    unheard: float = 0.0
    damaged: float = 0.0
    stale: float = 0.0
    late: float = 0.0
    runner: float = 0.0
    actor: float = 0.0
    driver: float = 0.0


@dataclass
class Spool:
    """What a host has of an offer, and how much of it a run was shown."""

    data: bytes
    shown: int = 0
    dead: bool = False


@dataclass
class Host:
    """One host: a site, its keeper, and the disk that outlives both."""

    name: str
    resolved: ResolvedStudy
    rng: random.Random
    faults: Faults
    scratch: Path
    fingerprint: Fingerprint
    written: dict[tuple[str, int], str] = field(default_factory=dict)
    spools: dict[str, Spool] = field(default_factory=dict)
    run_id: str = ""
    generation: int = 0
    refusal: str = ""
    place: Place | None = None
    pace: int = 3000
    on_answer: Callable[[], None] = lambda: None
    on_request: Callable[[object], None] = lambda request: None

    @property
    def key(self) -> str:
        return self.name

    def connect(self, run_id: str) -> Transport:
        self.run_id = run_id
        return Way(self, self.generation)

    def is_there(self) -> bool:
        return True

    def kill_actor(self) -> None:
        """End the keeper, and with it the runner: what it wrote last may be torn."""
        self.generation += 1
        for spool in self.spools.values():
            self._kill_runner(spool)

    def answer(self, request: object) -> Answer:
        self.on_answer()
        self.on_request(request)
        match request:
            case DescribeRequest():
                return Description(
                    host_id=content_id(self.name),
                    name=self.name,
                    fingerprint=self.fingerprint,
                    machine=read_machine().model_dump_json(),
                    refusal="",
                    run_id=self.run_id,
                    spools={self.run_id: tuple(sorted(self.spools))},
                )
            case OfferRequest():
                self.spools.pop(request.acknowledged, None)
                self._take(request.offer)
                return self._piece(request.offer.offer_id, 0)
            case PullRequest():
                return self._piece(request.offer_id, request.offset)
            case AcknowledgeRequest():
                self.spools.pop(request.offer_id, None)
            case CancelRequest():
                for spool in self.spools.values():
                    self._kill_runner(spool)
            case LeaveRequest():
                if request.forget:
                    self.spools.clear()
            case SetUpRequest():
                setup = request.setup
                self.place = Place(host_id=setup.host_id, slot=setup.slot, stratum=setup.stratum)
        return Done()

    def _take(self, offer: Offer) -> None:
        file = self.scratch / f"{offer.offer_id}.json"
        file.write_text(offer.design, encoding="utf-8")
        design = load_design(file)
        told = Told(text="hot: building", trial_id="", cell_id="", is_notice=False)
        entries = [encode_entry(Prepared(programs={})), encode_entry(told)]
        for record, samples in _records(self.rng, self.resolved, design, None):
            first = offer.attempts[record.trial_id]
            disturbed = self.rng.random() < 0.2
            for attempt in (first, first + 1) if disturbed and record.mode == "cold" else (first,):
                ids = {"attempt": attempt, "record_id": content_id({"trial": record.trial_id, "attempt": attempt})}
                last = not disturbed or record.mode == "hot" or attempt > first
                meta = record.meta.model_copy(update={"place": self.place})
                made = record.model_copy(update={**ids, "final": last, "runtime": None, "meta": meta})
                entries.append(encode_entry(Kept(record=record_line(made), samples=samples)))
        entries.append(encode_entry(Ended(how="done", message="")))
        self.spools[offer.offer_id] = Spool(b"".join(one + b"\n" for one in entries))

    def _kill_runner(self, spool: Spool) -> None:
        """End what runs at this moment: the spool ends where it is, perhaps within a line."""
        if not spool.dead:
            torn = self.rng.randint(0, 200)
            spool.data = spool.data[: spool.shown + torn]
            spool.dead = True
            spool.shown = len(spool.data)

    def _piece(self, offer_id: str, offset: int) -> Chunk:
        spool = self.spools.get(offer_id, Spool(b"", dead=True))
        if not spool.dead and self.rng.random() < self.faults.runner:
            self._kill_runner(spool)
        is_running = not spool.dead and spool.shown < len(spool.data)
        ending = "its runner was ended by SIGKILL" if spool.dead else ""
        spool.shown = min(len(spool.data), spool.shown + self.rng.randint(0, self.pace))
        if self.rng.random() < self.faults.stale:
            offset = self.rng.randint(0, offset)
        data = spool.data[offset : min(spool.shown, offset + self.rng.randint(1, 4000))]
        self._remember(spool)
        digest = hashlib.sha256(data).hexdigest()
        if data and self.rng.random() < self.faults.damaged:
            spot = self.rng.randrange(len(data))
            data = data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1 :]
        running = is_running or offset + len(data) < spool.shown
        return Chunk(offset=offset, data=data, sha256=digest, is_running=running, ending=ending)

    def _remember(self, spool: Spool) -> None:
        """Note which records are whole on this host's disk."""
        for line in spool.data[: spool.shown].split(b"\n")[:-1]:
            if b'"kind":"kept"' in line:
                text = line.decode()
                trial = text.partition('"trial_id":"')[2].partition('"')[0]
                attempt = int(text.partition('"attempt":')[2].partition(",")[0])
                self.written[trial, attempt] = self.name


class Way:
    """The way to a host; it ends with the actor that it leads to."""

    def __init__(self, host: Host, generation: int) -> None:
        self._host, self._generation = host, generation
        self._request: object = None

    def send(self, request: bytes) -> None:
        self._request = decode(request, REQUEST)

    def receive(self) -> bytes | None:
        host, faults, roll = self._host, self._host.faults, self._host.rng.random
        if roll() < faults.driver:
            raise DriverKilled
        if roll() < faults.actor:
            host.kill_actor()
        if self._generation != host.generation:
            raise SlotLost("ActorDiedError")
        if roll() < faults.cut:
            raise SlotLost("the link was cut")
        if roll() < faults.late:
            return None
        answer = encode_answer(host.answer(self._request))
        if roll() < faults.unheard:
            raise SlotLost("the link was cut before the answer came")
        return answer

    def close(self) -> None:
        if self._generation == self._host.generation:
            self._host.kill_actor()


@dataclass
class Hosts:
    """A cluster of such hosts."""

    hosts: Sequence[Host]
    word: str = "made"

    def sites(self) -> Sequence[Site]:
        return self.hosts

    def stop_after(self, answers: int, stop: Callable[[], None]) -> None:
        """Have somebody stop the run when hosts have answered so often."""
        left = count(answers, -1)
        for host in self.hosts:
            host.on_answer = lambda: None if next(left) else stop()

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


def with_faults(hosts: Hosts, faults: Faults) -> Hosts:
    """Return the same hosts, with other faults from now on."""
    for host in hosts.hosts:
        host.faults = replace(faults)
    return hosts
