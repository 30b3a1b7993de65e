"""Layouts of address spaces are drawn within a run: padded workers, a fork server for each hot block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.catalogue import installed_catalogue
from ablatrix.records.journal import final_records, read_records
from ablatrix.records.model import Record
from ablatrix.study.design import make_design
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.trials.client import Servers, Side
from ablatrix.trials.fork_server.padding import run_padded
from ablatrix.trials.host.linux import children_of, is_dead, is_stopped
from ablatrix.trials.messages.interrupt import Interrupt
from ablatrix.trials.run.runner import RunSummary, run
from ablatrix.trials.run.task_making import padding_seed
from tests.trials.conftest import Bench
from tests.trials.placed import NOTES, PLACED

MOVED_BY_PADDING = ("stack", "c heap", "python heap", "mapping")
FORKS = """
import json, os, sys
from ablatrix.trials.fork_server.padding import run_padded
from tests.trials.placed import find_places

def show():
    print(json.dumps(find_places()), flush=True)

for seed in (None, None, 7, 7, 8):
    if os.fork() == 0:
        run_padded(seed, show)
        os._exit(0)
    os.wait()
"""


def randomises_addresses() -> bool:
    """Return whether a new program gets new addresses here."""
    code = "import ctypes; print(ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value)"
    found = {subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout for _ in range(3)}
    return len(found) > 1


def placed_study(layout: str, blocks: int = 2, **hot: Any) -> ResolvedStudy:
    study = Study.model_validate(
        {
            "name": "placed",
            "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
            "compilers": ["placed"],
            "modes": ["hot"],
            "stages": [{"name": "primary", "factorial": {"name": ["one", "other"]}}],
            "checks": {"input_sets": 1},
            "protocol": {
                "layout": layout,
                "repeats": 0,
                "hot": {
                    "blocks": blocks,
                    "max_blocks": blocks,
                    "rounds": 1,
                    "burst_ms": 0.1,
                    "warm_up_ms": 0,
                    "timeout_s": 120,
                    **hot,
                },
            },
        }
    )
    return resolve_study(study, installed_catalogue().including(PLACED, "test"))


Runner = Callable[..., RunSummary]


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Run a study whose workers note where things are, into ``out`` beside the notes."""
    monkeypatch.setenv(NOTES, str(tmp_path))
    return lambda resolved, **more: run(resolved, tmp_path / "out", **more)


def servers_by_block(records: list[Record]) -> list[set[str | None]]:
    """Return the fork servers of each block, in order of the blocks."""
    found: dict[int, set[str | None]] = {}
    for record in records:
        assert record.meta.layout is not None
        found.setdefault(record.meta.block, set()).add(record.meta.layout.server)
    return [found[block] for block in sorted(found)]


def places(directory: Path, records: list[Record]) -> dict[int, list[dict[str, int | None]]]:
    """Return the places of each block's trials of the compiler."""
    found: dict[int, list[dict[str, int | None]]] = {}
    for record in records:
        if record.config.compiler == "placed":
            noted = json.loads((directory / f"{record.trial_id}.json").read_text())
            found.setdefault(record.meta.block, []).append(noted)
    return found


def test_padding_moves_stack_heaps_and_mappings_by_its_seed() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", FORKS], check=True, capture_output=True, text=True, cwd=root, env={**os.environ}
    )
    bare, bare_again, seven, seven_again, eight = map(json.loads, done.stdout.splitlines())
    assert bare == bare_again
    assert seven == seven_again
    assert len({one["library"] for one in (bare, seven, eight)}) == 1
    for place in MOVED_BY_PADDING:
        if bare[place] is not None:
            assert len({one[place] for one in (bare, seven, eight)}) == 3, place


def test_padded_work_returns_and_raises_as_without_padding() -> None:
    done: list[int] = []
    run_padded(3, lambda: done.append(1))
    run_padded(None, lambda: done.append(2))
    assert done == [1, 2]
    with pytest.raises(SystemExit, match="9"):
        run_padded(4, lambda: sys.exit(9))


def test_padding_seed_follows_study_and_trial_and_fits_into_json() -> None:
    study = placed_study("padding").study
    one, other = make_design(placed_study("padding")).trials[:2]
    again = replace(one)
    assert padding_seed(study, one) == padding_seed(study, again)
    assert padding_seed(study, one) != padding_seed(study, other)
    assert padding_seed(study, one) != padding_seed(study.model_copy(update={"seed": 1}), one)
    assert all(0 <= padding_seed(study, trial) < 2**48 for trial in (one, other))


def test_layout_default_leaves_study_digest_as_it_was() -> None:
    plain = placed_study("padding").study
    data = plain.model_dump(mode="json")
    assert "layout" not in data["protocol"]
    assert Study.model_validate(data).protocol.layout == "padding"
    digests = {placed_study(layout).study.digest for layout in ("run", "padding", "block", "both")}
    assert len(digests) == 4


@pytest.mark.long
def test_run_with_both_has_server_for_each_block_and_padded_workers(run_here: Runner, tmp_path: Path) -> None:
    resolved = placed_study("both", blocks=3)
    summary = run_here(resolved)
    records = list(final_records(read_records(summary.results)))
    assert summary.good
    servers = servers_by_block(records)
    assert [len(one) for one in servers] == [1, 1, 1]
    assert len(set.union(*servers)) == 3
    trials = {trial.trial_id: trial for trial in make_design(resolved).trials}
    for record in records:
        assert record.meta.layout is not None
        assert record.meta.layout.sampling == "both"
        assert record.meta.layout.padding_seed == padding_seed(resolved.study, trials[record.trial_id])
    by_block = places(tmp_path, records)
    libraries = [{one["library"] for one in members} for members in by_block.values()]
    assert [len(one) for one in libraries] == [1, 1, 1]  # workers of one server share its libraries
    for members in by_block.values():
        for place in MOVED_BY_PADDING:
            assert members[0][place] is None or len({one[place] for one in members}) > 1, place
    if randomises_addresses():
        assert len(set.union(*libraries)) == 3


def test_run_with_padding_keeps_one_server(run_here: Runner, tmp_path: Path) -> None:
    summary = run_here(placed_study("padding"))
    records = list(final_records(read_records(summary.results)))
    assert len(set.union(*servers_by_block(records))) == 1
    assert len({record.meta.layout.padding_seed for record in records if record.meta.layout}) == len(records)
    members = [one for block in places(tmp_path, records).values() for one in block]
    assert len({one["mapping"] for one in members}) > 1


def test_run_with_old_sampling_keeps_server_and_pads_nothing(run_here: Runner, tmp_path: Path) -> None:
    summary = run_here(placed_study("run"))
    records = list(final_records(read_records(summary.results)))
    assert len(set.union(*servers_by_block(records))) == 1
    assert [record.meta.layout.padding_seed for record in records if record.meta.layout] == [None] * len(records)
    assert {record.meta.layout.sampling for record in records if record.meta.layout} == {"run"}
    members = [one for block in places(tmp_path, records).values() for one in block]
    assert len({one["mapping"] for one in members}) == 1


def test_servers_stop_the_one_that_starts_while_block_is_timed(bench: Bench, tmp_path: Path) -> None:
    program = next((bench.directory / "work" / "programs").iterdir())
    with Interrupt() as interrupt, Servers(placed_study("block"), tmp_path, interrupt) as servers:
        key = Side("placed"), program
        first = servers.get_new([key])[key]
        before = children_of(os.getpid())
        servers.anticipate([key])
        (starting,) = set(children_of(os.getpid())) - set(before)
        with servers.quiet():
            deadline = time.monotonic() + 5
            while not is_stopped(starting) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert is_stopped(starting)
            assert not is_dead(starting)
        second = servers.get_new([key])[key]
        assert second.identity != first.identity
        assert servers.get(*key).identity == first.identity
    assert starting not in children_of(os.getpid())


def test_run_whose_server_is_killed_loses_one_block_and_resumes_it(run_here: Runner, tmp_path: Path) -> None:
    def sink(record: Record) -> None:
        if record.meta.block == 0:
            (tmp_path / "kill").touch()

    resolved = placed_study("both", blocks=3)
    summary = run_here(resolved, sink=sink)
    records = list(read_records(summary.results))
    by_block = {block: {(one.status, one.final) for one in records if one.meta.block == block} for block in range(3)}
    assert by_block == {0: {("ok", True)}, 1: {("place_failed", False)}, 2: {("ok", True)}}
    assert (summary.complete, summary.failed, summary.good) == (False, 0, False)
    assert all(record.meta.layout is None for record in records if record.meta.block == 1)
    before = servers_by_block([one for one in records if one.final])
    kept = set[str | None]().union(*before)
    assert len(kept) == 2

    again = run_here(resolved)
    assert again.good
    resumed = list(final_records(read_records(again.results)))
    assert [record.status for record in resumed] == ["ok"] * summary.planned
    after = servers_by_block(resumed)
    assert [after[0], after[2]] == before
    assert not after[1] & kept
