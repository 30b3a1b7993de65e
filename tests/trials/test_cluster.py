"""A run over hosts that die, hang and deliver badly: nothing is lost, nothing is doubled, and it resumes."""

from __future__ import annotations

import json
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from ablatrix.canonical import content_id
from ablatrix.errors import RecordError, TrialError
from ablatrix.records.journal import Journal, read_records, record_line
from ablatrix.records.model import Record
from ablatrix.study.design import Design, make_design
from ablatrix.study.design_file import write_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import Ledger, ResultDirectory, Silence
from ablatrix.trials.results import ledger as ledger_module
from ablatrix.trials.run import dialogue as dialogue_module
from ablatrix.trials.run import seats as seats_module
from ablatrix.trials.run.cluster import Cluster
from ablatrix.trials.run.seats import Seats
from ablatrix.trials.run.session import Session
from ablatrix.trials.run.slot_setup import make_setup
from ablatrix.trials.slots import (
    AcknowledgeRequest,
    OfferRequest,
    SlotBook,
    SlotLost,
    read_fingerprint,
    read_slot_states,
)
from ablatrix.trials.slots import book as book_module
from tests.trials.unreliable_hosts import DriverKilled, Faults, Host, Hosts, Spool, with_faults

DATA = {
    "name": "clustered",
    "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}, "attention"],
    "compilers": ["tvm"],
    "modes": ["cold", "hot"],
    "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
    "protocol": {"repeats": 1, "cold": {"replicates": 2}, "hot": {"blocks": 2, "max_blocks": 2}},
}


own_fingerprint = cache(read_fingerprint)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDLE_S", "GRACE_S"):
        monkeypatch.setattr(dialogue_module, name, 0.0)
    for name in ("TURN_S", "STATES_S", "GRACE_S"):
        monkeypatch.setattr(seats_module, name, 0.0)
    monkeypatch.setattr(seats_module, "read_fingerprint", own_fingerprint)
    for name in ("TURN_S", "DISK_S"):
        monkeypatch.setattr(f"ablatrix.trials.run.cluster.{name}", 0.0)
    monkeypatch.setattr("ablatrix.trials.run.cluster.STOP_S", 0.1)


def made_hosts(
    tmp_path: Path, seed: int, count: int = 3, faults: Faults | None = None, data: object = DATA
) -> tuple[ResolvedStudy, Hosts]:
    resolved = resolve_study(Study.model_validate(data))
    own = own_fingerprint()
    rng = random.Random(seed)
    hosts = [
        Host(f"host{number}", resolved, random.Random(rng.random()), faults or Faults(), tmp_path, own)
        for number in range(count)
    ]
    return resolved, Hosts(hosts)


def drive(
    resolved: ResolvedStudy,
    out: Path,
    hosts: Hosts,
    *,
    kill: bool = False,
    stop_after: int | None = None,
    max_live: int | None = None,
) -> bool:
    """Run what is missing, as ``run`` does; return whether it came to its end before the driver was killed."""
    directory = ResultDirectory(out)
    design = directory.make(resolved.study, make_design(resolved, max_live))
    with ExitStack() as stack, Interrupt() as interrupt:
        ledger = Ledger(design, directory, None, None, Silence(), True)
        session = Session(resolved, design, directory, ledger, interrupt, Silence())
        book = SlotBook(directory.work)
        seats = Seats(hosts, book, make_setup(resolved, directory, None, keep_samples=True), Silence())
        if kill:  # a process that is killed says goodbye to nobody
            seats.leave = lambda: None  # type: ignore[method-assign]
        if stop_after is not None:
            hosts.stop_after(stop_after, lambda: setattr(interrupt, "number", signal.SIGINT))
        try:
            session.run([], stack, Cluster(resolved, ledger, book, seats, interrupt, Silence(), session))
        except DriverKilled:
            return False
        except TrialError as error:
            assert "no slot is left" in str(error) or "no host can take part" in str(error)
            return False
    return True


def check(out: Path, hosts: Hosts) -> list[Record]:
    records = list(read_records(out / "results.jsonl"))
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    final = Counter(record.trial_id for record in records if record.final)
    attempts = Counter((record.trial_id, record.attempt) for record in records)
    assert set(final) == issued
    assert max(final.values()) == max(attempts.values()) == 1
    measured = {key for host in hosts.hosts for key in host.written}
    assert measured <= set(attempts)
    hosts_of: dict[tuple[str, str, int | None], set[str]] = {}
    for record in records:
        if record.final and record.meta.place is not None:
            unit = (record.workload.name, record.mode, record.meta.replicate)
            hosts_of.setdefault(unit, set()).add(record.meta.place.host_id)
    assert {len(found) for found in hosts_of.values()} == {1}  # each unit is whole on one host
    return records


def test_hosts_that_never_fail_bring_all_in_design_order(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 1)
    assert drive(resolved, tmp_path / "out", hosts)
    records = check(tmp_path / "out", hosts)
    positions = [record.meta.position for record in records]
    assert positions == sorted(positions)
    states = read_slot_states(tmp_path / "out")
    assert {one.state for one in states} == {"closed"}
    assert sum(one.blocks for one in states) == 8


@pytest.mark.parametrize("seed", range(4))
def test_faults_of_any_kind_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    faults = Faults(cut=0.01, unheard=0.01, damaged=0.1, stale=0.2, late=0.2, runner=0.03, actor=0.01, driver=0.01)
    resolved, hosts = made_hosts(tmp_path, seed, faults=faults)
    for _ in range(60):
        if drive(resolved, tmp_path / "out", hosts, kill=True):
            break
    drive(resolved, tmp_path / "out", with_faults(hosts, Faults()))
    drive(resolved, tmp_path / "out", hosts)
    check(tmp_path / "out", hosts)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 200))
def test_faults_of_any_kind_at_length(tmp_path: Path, seed: int) -> None:
    test_faults_of_any_kind_lose_and_double_nothing(tmp_path, seed)


def size_of(file: Path) -> int | None:
    """Return the size of a file; None where it is gone, which spools go at any moment."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return None


def test_slots_are_told_only_what_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved, hosts = made_hosts(tmp_path, 9, 4)
    offers, out = tmp_path / "out" / "work" / "slots" / "offers", tmp_path / "out"
    on_disk: dict[Path, int] = {}
    notes = tmp_path / "out" / "work" / "slots" / "offers.jsonl"
    noted: list[str] = [""]
    waits: list[int] = []

    def synced(files: Iterable[Path], *, may_be_gone: bool = False) -> None:
        sizes = {file: size_of(file) for file in files}
        assert may_be_gone or None not in sizes.values()
        on_disk.update({file: size for file, size in sizes.items() if size is not None})
        if notes in sizes:
            noted[0] = notes.read_text()
            waits.append(len(noted[0].splitlines()))

    def is_there(file: Path) -> bool:
        size = size_of(file)
        return size is None or on_disk.get(file) == size

    told: list[str] = []

    def asked(request: object) -> None:
        if isinstance(request, OfferRequest):
            assert request.offer.offer_id in noted[0]
        acknowledged = getattr(request, "acknowledged", "")
        acknowledged = request.offer_id if isinstance(request, AcknowledgeRequest) else acknowledged
        if acknowledged:
            told.append(acknowledged)
            assert is_there(offers / f"{acknowledged}.spool")

    def written(journal: Journal, names: Sequence[str], texts: Sequence[str]) -> None:
        blocks = {json.loads(text)["block_id"] for text in texts}
        assert all(is_there(out / "samples" / f"{block}.jsonl") for block in blocks)
        append(journal, names, texts)

    append = Journal.append_lines
    monkeypatch.setattr(Journal, "append_lines", written)
    for module in (book_module, ledger_module):
        monkeypatch.setattr(module, "sync_files", synced)
    for host in hosts.hosts:
        host.on_request = asked
    assert drive(resolved, out, hosts)
    check(out, hosts)
    assert len(told) == 8
    assert waits[0] == 4  # four offers that are written down wait together


def test_slots_go_on_while_the_disk_is_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved, hosts = made_hosts(tmp_path, 12)
    awaited, heard = threading.Event(), threading.Event()

    def synced(files: Iterable[Path]) -> None:
        awaited.set()
        assert heard.wait(60.0)

    def asked(request: object) -> None:
        if awaited.is_set() and isinstance(request, OfferRequest):
            heard.set()

    monkeypatch.setattr(ledger_module, "sync_files", synced)
    for host in hosts.hosts:
        host.on_request = asked
    assert drive(resolved, tmp_path / "out", hosts)
    check(tmp_path / "out", hosts)
    assert heard.is_set()


def test_disk_that_refuses_records_ends_the_run_and_loses_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved, hosts = made_hosts(tmp_path, 13)

    def refused(journal: Journal, names: Sequence[str], texts: Sequence[str]) -> None:
        raise RecordError("no space is left")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append_lines", refused)
        with pytest.raises(RecordError, match="no space is left"):
            drive(resolved, tmp_path / "out", hosts)
    assert list(read_records(tmp_path / "out" / "results.jsonl")) == []
    assert drive(resolved, tmp_path / "out", hosts)
    check(tmp_path / "out", hosts)


def test_design_is_written_once_for_further_repeats_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = {**DATA["protocol"], "hot": {"blocks": 2, "max_blocks": 3}}  # type: ignore[dict-item]
    resolved, hosts = made_hosts(tmp_path, 14, data={**DATA, "protocol": protocol})
    sizes: list[int] = []

    def written(design: Design, path: Path) -> None:
        sizes.append(len(design.trials))
        write_design(design, path)

    monkeypatch.setattr("ablatrix.trials.run.session.write_design", written)
    assert drive(resolved, tmp_path / "out", hosts)
    records = check(tmp_path / "out", hosts)
    assert sizes == [sum(record.final for record in records)]
    assert {(one.workload.name, one.meta.replicate) for one in records if one.mode == "hot"} >= {
        ("mlp", 2),
        ("attention", 2),
    }


def test_unit_whose_end_a_host_did_not_hear_of_counts(tmp_path: Path) -> None:
    """The first unit takes long, so that others wait for it; a host dies before it hears that its own came."""
    resolved, hosts = made_hosts(tmp_path, 10, 2)
    first, second = hosts.hosts
    first.pace = 100
    deaf = [second]

    def asked(request: object) -> None:
        if getattr(request, "acknowledged", "") and deaf:
            deaf.pop().kill_actor()
            raise SlotLost("ActorDiedError")

    second.on_request = asked
    assert drive(resolved, tmp_path / "out", hosts)
    records = check(tmp_path / "out", hosts)
    assert not deaf
    assert all(not record.error or record.error.type != "node_lost" for record in records if record.final)
    assert second.spools == {}


def test_what_lies_on_a_host_is_brought_although_all_is_finished(tmp_path: Path) -> None:
    """A slot was closed with lines on its host's disk, and the others finished the study."""
    resolved, hosts = made_hosts(tmp_path, 15)
    first = hosts.hosts[0]
    measured: list[bytes] = []
    first.on_request = lambda request: measured.extend(spool.data for spool in first.spools.values())
    assert drive(resolved, tmp_path / "out", hosts)
    before = check(tmp_path / "out", hosts)
    late = measured[0].replace(b'"attempt":0', b'"attempt":2')  # as if another offer had been run there
    first.spools["0123456789abcdef"] = Spool(late, len(late), dead=True)
    assert drive(resolved, tmp_path / "out", hosts)
    brought = check(tmp_path / "out", hosts)[len(before) :]
    assert brought
    assert {(one.attempt, one.status, one.final) for one in brought} == {(2, "node_lost", False)}
    assert first.spools == {}


def test_parts_of_a_split_repeat_stay_on_one_host(tmp_path: Path) -> None:
    stages = [{"name": "primary", "factorial": {"fusion": ["off", "on"], "reuse": ["keep", "release"]}}]
    resolved, hosts = made_hosts(tmp_path, 11, 3, data={**DATA, "stages": stages})
    out = tmp_path / "out"
    assert drive(resolved, out, hosts, max_live=4)
    records = check(out, hosts)
    parts: dict[tuple[str, int | None], set[str]] = {}
    for record in records:
        if record.mode == "hot":
            parts.setdefault((record.workload.name, record.meta.replicate), set()).add(record.block_id)
    assert {len(blocks) for blocks in parts.values()} == {3}
    part = next(record.block_id for record in records if record.mode == "hot")
    torn = [record for record in records if record.block_id != part]  # as if a run here had left one part out
    (out / "results.jsonl").write_text("".join(map(record_line, torn)))
    assert drive(resolved, out, hosts)
    again = {record.block_id for record in check(out, hosts) if record.attempt > 1}
    assert len(again) == 2  # the other parts of its repeat
    assert part not in again


def test_run_that_is_stopped_resumes_with_whole_units(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 8)
    assert drive(resolved, tmp_path / "out", hosts, stop_after=60)
    finished = {record.block_id for record in read_records(tmp_path / "out" / "results.jsonl") if record.final}
    assert len(finished) < 8
    assert drive(resolved, tmp_path / "out", hosts)
    check(tmp_path / "out", hosts)


def test_second_loss_closes_a_slot_and_others_go_on(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 3)
    hosts.hosts[0].faults = Faults(runner=1.0)
    assert drive(resolved, tmp_path / "out", hosts)
    records = check(tmp_path / "out", hosts)
    first = next(one for one in read_slot_states(tmp_path / "out") if one.host == "host0")
    assert (first.losses, first.blocks) == (2, 0)
    lost = [record for record in records if record.status == "node_lost"]
    assert lost
    assert not any(record.final for record in lost)
    assert {record.meta.place.slot for record in lost if record.meta.place} == {"made-host0"}


def test_unit_that_was_lost_stays_in_its_stratum(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 4, 4)
    for host in hosts.hosts[:2]:
        host.fingerprint = type(host.fingerprint)(**{**host.fingerprint.__dict__, "cpu": "another"})
    hosts.hosts[0].faults = Faults(runner=1.0)
    assert drive(resolved, tmp_path / "out", hosts)
    records = check(tmp_path / "out", hosts)
    strata = {
        record.block_id: {
            one.meta.place.stratum for one in records if one.block_id == record.block_id and one.meta.place
        }
        for record in records
        if record.status == "node_lost"
    }
    assert strata
    assert all(len(found) == 1 for found in strata.values())


def test_host_with_other_software_is_refused_with_the_difference(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 5, 3)
    host = hosts.hosts[1]
    packages = {**host.fingerprint.packages, "torch": "2.12.0+cpu sha256:00000000"}
    host.fingerprint = type(host.fingerprint)(**{**host.fingerprint.__dict__, "packages": packages})
    assert drive(resolved, tmp_path / "out", hosts)
    state = next(one for one in read_slot_states(tmp_path / "out") if one.host == "host1")
    assert state.state == "refused"
    assert state.what.startswith("package torch is 2.12.0+cpu sha256:00000000, not ")


def test_host_that_prepares_another_program_is_closed(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 6, 2)
    host = hosts.hosts[1]
    take = host._take

    def other(offer: object) -> None:
        take(offer)  # type: ignore[arg-type]
        for spool in host.spools.values():
            spool.data = spool.data.replace(b'{"programs":{}', b'{"programs":{"mlp":"f00d"}')

    def first(offer: object, take: object = hosts.hosts[0]._take) -> None:
        take(offer)  # type: ignore[operator]
        for spool in hosts.hosts[0].spools.values():
            spool.data = spool.data.replace(b'{"programs":{}', b'{"programs":{"mlp":"beef"}')

    host._take, hosts.hosts[0]._take = other, first  # type: ignore[method-assign]
    assert drive(resolved, tmp_path / "out", hosts)
    texts = [one.what for one in read_slot_states(tmp_path / "out")]
    assert any("the prepared program of mlp is another one there" in text for text in texts)
    check(tmp_path / "out", hosts)


def test_ids_of_hosts_are_those_of_records(tmp_path: Path) -> None:
    resolved, hosts = made_hosts(tmp_path, 7, 1)
    assert drive(resolved, tmp_path / "out", hosts)
    assert [one.host_id for one in read_slot_states(tmp_path / "out")] == [content_id("host0")]
