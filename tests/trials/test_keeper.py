"""The keeper of a slot with its real runner, without a cluster: lock, blocks, spools, endings."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from ablatrix.records.schema import read_line
from ablatrix.study.design import make_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import study_text
from ablatrix.trials.host import is_dead
from ablatrix.trials.messages import encode
from ablatrix.trials.run.units import make_units, unit_design
from ablatrix.trials.slots import (
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Done,
    Ended,
    Entry,
    Keeper,
    Kept,
    Offer,
    OfferRequest,
    Prepared,
    PullRequest,
    Refused,
    Request,
    Setup,
    SetUpRequest,
    SpoolCopy,
    Told,
    decode_answer,
)

DATA = {
    "name": "kept",
    "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 8, "classes": 4, "batch": 2}}],
    "compilers": ["tvm"],
    "modes": ["cold"],
    "stages": [{"name": "primary", "factorial": {"fusion": ["off"]}}],
    "checks": {"input_sets": 1},
    "protocol": {"cold": {"replicates": 1}},
}
PATIENCE_S = 180.0


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path / "host", "", (), tmp_path)
    yield made
    made.leave(forget=True)


def ask(keeper: Keeper, request: Request) -> Answer:
    return decode_answer(keeper.handle(encode(request)))


def setup_of(resolved: ResolvedStudy) -> Setup:
    return Setup(
        run_id="run1",
        slot="made-0",
        host_id="0123456789abcdef",
        stratum="fedcba9876543210",
        study=study_text(resolved.study),
        study_digest=resolved.study.digest,
        files={},
        builds="",
        study_commit="c0ffee",
        study_dirty=False,
        keep_samples=True,
    )


def offer_of(resolved: ResolvedStudy, offer_id: str, first: int) -> Offer:
    design = make_design(resolved)
    cells = {cell.cell_id: cell for cell in design.cells}
    (unit,) = make_units([[(trial, cells[trial.cell_id]) for trial in block] for block in design.blocks()])
    attempts = {trial.trial_id: first for trial in design.trials}
    return Offer(offer_id=offer_id, design=unit_design(design, unit), attempts=attempts, budget_left_s=None)


def pulled(keeper: Keeper, offer_id: str, file: Path) -> list[Entry]:
    """Pull a spool to its end, as a run does."""
    copy, entries = SpoolCopy(file), list[Entry]()
    deadline = monotonic() + PATIENCE_S
    while copy.ended is None and monotonic() < deadline:
        chunk = ask(keeper, PullRequest(offer_id=offer_id, offset=copy.size, limit=4096, wait_s=1.0))
        assert isinstance(chunk, Chunk)
        if not copy.accept(chunk) and not chunk.is_running and not chunk.data:
            break
        entries += copy.new_entries()
    return entries


def test_offers_are_run_spooled_and_acknowledged(keeper: Keeper, tmp_path: Path) -> None:
    resolved = resolve_study(Study.model_validate(DATA))
    assert isinstance(ask(keeper, SetUpRequest(setup=setup_of(resolved))), Done)
    for offer_id, first in (("aaaa", 0), ("bbbb", 3)):  # the second by the runner that is there
        offer = offer_of(resolved, offer_id, first)
        assert isinstance(ask(keeper, OfferRequest(offer=offer)), Chunk)
        assert isinstance(ask(keeper, OfferRequest(offer=offer)), Chunk)  # asked twice, it is run once
        entries = pulled(keeper, offer_id, tmp_path / offer_id)
        records = [read_line(one.record, "spool").record for one in entries if isinstance(one, Kept)]
        finals = [one for one in records if one.final]  # noise on the host can make a trial run once more
        assert {(one.status, one.attempt >= first) for one in finals} == {("ok", True)}
        assert len(finals) == len(offer.attempts)
        places = {(one.meta.place.host_id, one.meta.place.slot) for one in records if one.meta.place}
        assert places == {("0123456789abcdef", "made-0")}
        assert {one.meta.study_commit for one in records} == {"c0ffee"}
        assert all(one.meta.noise.cluster_cpu_s is not None for one in records)
        assert [set(one.programs) for one in entries if isinstance(one, Prepared)] == [{"mlp"}]
        assert isinstance(ask(keeper, AcknowledgeRequest(offer_id=offer_id)), Done)
    described = ask(keeper, DescribeRequest())
    assert isinstance(described, Description)
    assert (described.run_id, described.spools) == ("run1", {"run1": ()})


def test_answer_waits_for_the_end_and_no_longer(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner is stood for by a file that grows: what is asked is when the keeper answers."""
    resolved = resolve_study(Study.model_validate(DATA))
    ask(keeper, SetUpRequest(setup=setup_of(resolved)))
    spool = keeper._spool("ffff")
    monkeypatch.setattr(keeper, "_runner", SimpleNamespace(poll=lambda: None, send_signal=print, wait=print))
    monkeypatch.setattr(keeper, "_offer", "ffff")
    told = Told(text='"kind":"ended"}', trial_id="", cell_id="", is_notice=False)
    spool.write_bytes(encode(told) + b"\n")
    began = monotonic()
    chunk = ask(keeper, PullRequest(offer_id="ffff", offset=0, limit=4096, wait_s=0.4))
    assert isinstance(chunk, Chunk)
    assert chunk.is_running
    assert monotonic() - began >= 0.4
    threading.Timer(0.3, lambda: spool.open("ab").write(encode(Ended(how="done", message="")) + b"\n")).start()
    began = monotonic()
    chunk = ask(keeper, PullRequest(offer_id="ffff", offset=0, limit=4096, wait_s=4.0))
    assert isinstance(chunk, Chunk)
    assert not chunk.is_running
    assert 0.2 < monotonic() - began < 3.0


def test_runner_ends_with_its_keeper_and_when_it_is_told(keeper: Keeper, tmp_path: Path) -> None:
    resolved = resolve_study(Study.model_validate(DATA))
    ask(keeper, SetUpRequest(setup=setup_of(resolved)))
    ask(keeper, OfferRequest(offer=offer_of(resolved, "cccc", 0)))
    first = keeper._runner
    assert first is not None
    assert first.stdin is not None
    first.stdin.close()  # as when the keeper is killed
    first.wait(PATIENCE_S)
    entries = pulled(keeper, "cccc", tmp_path / "cccc")
    chunk = ask(keeper, PullRequest(offer_id="cccc", offset=10**6, limit=10))
    assert not any(entry.kind == "ended" for entry in entries)
    assert isinstance(chunk, Chunk)
    assert (chunk.is_running, chunk.ending) == (False, "its runner was ended by SIGKILL")
    ask(keeper, OfferRequest(offer=offer_of(resolved, "dddd", 3)))
    second = keeper._runner
    assert second is not None
    ask(keeper, CancelRequest(hard=True))
    assert is_dead(second.pid)


def test_one_slot_at_a_time_measures_on_a_host(keeper: Keeper, tmp_path: Path) -> None:
    other = Keeper(tmp_path / "other", "", (), tmp_path)
    described = ask(other, DescribeRequest())
    assert isinstance(described, Description)
    assert "another slot or run measures on this host" in described.refusal
    refused = ask(other, SetUpRequest(setup=setup_of(resolve_study(Study.model_validate(DATA)))))
    assert isinstance(refused, Refused)
    keeper.leave()
    assert ask(other, DescribeRequest()) == described.__class__(**{**described.__dict__, "refusal": ""})
    other.leave()


def test_study_that_is_another_one_there_fails_its_offer(keeper: Keeper, tmp_path: Path) -> None:
    resolved = resolve_study(Study.model_validate(DATA))
    setup = setup_of(resolved)
    ask(keeper, SetUpRequest(setup=Setup(**{**setup.__dict__, "study_digest": "0" * 64})))
    ask(keeper, OfferRequest(offer=offer_of(resolved, "eeee", 0)))
    (ended,) = pulled(keeper, "eeee", tmp_path / "eeee")
    assert ended.kind == "ended"
    assert ended.how == "failed"
    assert "the study is another one on this host" in ended.message


def test_file_of_a_study_that_lies_outside_is_refused(keeper: Keeper) -> None:
    setup = setup_of(resolve_study(Study.model_validate(DATA)))
    answer = ask(keeper, SetUpRequest(setup=Setup(**{**setup.__dict__, "files": {"../x": ""}})))
    assert isinstance(answer, Refused)
    assert "lies outside its directory" in answer.reason


@pytest.mark.parametrize("is_root", [True, False])
def test_niceness_of_a_clusters_workers_is_taken_back_or_told(is_root: bool) -> None:
    if is_root and os.geteuid() != 0:
        pytest.skip("only root may take a niceness back")
    code = (
        "import os; from ablatrix.trials.slots import take_back_niceness as take; print(repr(take())); os.nice(7); "
        f"{'' if is_root or os.geteuid() else 'os.setuid(65534); '}print(repr(take())); print(os.getpriority(0, 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    usual, told, now = done.stdout.splitlines()
    assert usual == "''"
    if is_root:
        assert (told, now) == ("''", "0")
    else:
        assert "measures at niceness 7" in told
        assert "RAY_worker_niceness=0" in told
        assert now == "7"
