"""``ablatrix status``, ``watch`` and ``show``: a run from outside, and one trial in words."""

from __future__ import annotations

import fcntl
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.cli.run import _show_one_failure
from ablatrix.cli.run_state import read_state
from ablatrix.cli.trial_text import describe
from ablatrix.records.build import BuildFacts
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.trials.slots import SlotBook, SlotState
from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, write_records

PLANTS = [Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"}, block=0)]


def write_run(directory: Path, records: list[Record], planned: list[Record]) -> Path:
    """Write a run into a directory: the design of all planned trials, and some of their records."""
    cells: dict[str, dict[str, Any]] = {}
    for one in planned:
        where: dict[str, Any] = {"workload": one.workload.name, "compiler": one.config.compiler, "stage": None}
        levels: dict[str, Any] = {"parameters": {}, "knobs": one.config.knobs or {}, "baseline": {}}
        cells[one.cell_id] = {"cell_id": one.cell_id, **where, **levels}
    trials = [
        {
            **{key: getattr(one, key) for key in ("trial_id", "cell_id", "block_id", "mode", "role")},
            "block": one.meta.block,
            "replicate": 0,
            "position": one.meta.position,
        }
        for one in planned
    ]
    design = {"study": "synthetic", "study_digest": "0" * 64, "seed": 1, "cells": list(cells.values())}
    directory.mkdir(exist_ok=True)
    (directory / "design.json").write_text(json.dumps({**design, "trials": trials}))
    if records:
        write_records(directory / "results.jsonl", records)
    return directory


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return make_records(workloads=["encoder"], blocks=2, plants=PLANTS)


def test_one_failure_of_quiet_run_is_one_line(
    tmp_path: Path, records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", records[:40], records)
    _show_one_failure(run)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("encoder on tvm: wrong_output: ")
    assert line.endswith(f"(all: ablatrix status {run})")


def test_status_of_half_a_run_counts_what_is_done_and_left(
    here: Ablatrix, tmp_path: Path, records: list[Record]
) -> None:
    run = write_run(tmp_path / "run", records[:40], records)
    state = read_state(run)
    assert [(one.workload, one.compiler, one.mode, one.planned, one.done) for one in state.units] == [
        ("encoder", "tvm", "cold", 36, 36),
        ("encoder", "tvm", "hot", 36, 4),
    ]
    assert (state.done, len(state.failures), state.is_running) == (40, 4, None)
    assert sum(one.statuses.get(Status.WRONG_OUTPUT, 0) for one in state.units) == 4
    assert state.left_s is not None
    done = here("status", run)
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (1, b"")
    assert "Run of synthetic: not running here, 40 of" in text
    assert "wrong output" in text
    assert "... and 1 more failed trials" in text


def test_status_knows_a_run_that_holds_the_lock(tmp_path: Path, records: list[Record]) -> None:
    run = write_run(tmp_path / "run", [], records)
    (run / "work").mkdir()
    with (run / "work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read_state(run).is_running is True
    assert read_state(run).is_running is False


def test_watch_of_finished_run_shows_it_once_and_exits_with_0(here: Ablatrix, tmp_path: Path) -> None:
    good = make_records(workloads=["encoder"], modes=["cold"], blocks=1)
    done = here("watch", write_run(tmp_path / "run", good, good))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().count("Run of synthetic: ") == 1


@pytest.mark.parametrize("command", ["status", "watch"])
def test_status_of_other_directory_is_refused_in_one_line(here: Ablatrix, tmp_path: Path, command: str) -> None:
    done = here(command, tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == (
        f"error: {tmp_path}: not a directory of results: it contains no design.json; name the --out of 'ablatrix run'\n"
    )


def test_show_says_everything_about_a_trial_in_words(here: Ablatrix, tmp_path: Path, records: list[Record]) -> None:
    write_records(tmp_path / "results.jsonl", records)
    wrong = next(one for one in records if one.status == Status.WRONG_OUTPUT)
    text = here("show", wrong.trial_id[:12], "--results", tmp_path).stdout.decode()
    assert text.startswith(f"Trial {wrong.trial_id} of study {wrong.study}: wrong output\n")
    for line in (
        "cold trial of encoder on tvm",
        "fusion=on",
        "Outputs\n  WRONG: ",
        "from the loaded program to the end of the first run: ",
        "on bench-1: ",
        "trials of this cell in cold mode: ",
    ):
        assert line in text, line
    hot = next(one for one in records if one.mode == "hot" and one.role == "twin")
    text = here("show", hot.record_id, "--results", tmp_path / "results.jsonl").stdout.decode()
    assert "hot trial of encoder on tvm, the A/A control of the baseline" in text
    assert "moved from the baseline: nothing, it is the baseline" in text
    assert "a run: p50 " in text
    (plain,) = here("show", hot.trial_id, "--results", tmp_path, "--json").stdout.splitlines()
    assert json.loads(plain)["record_id"] == hot.record_id


def test_show_names_the_build_that_a_control_is_of(records: list[Record]) -> None:
    build = BuildFacts(name="old", digest="0" * 64, commit=None, dirty=None, program=None, complete_code=True)
    twin = next(one for one in records if one.role == "twin")
    twin = twin.model_copy(update={"meta": twin.meta.model_copy(update={"build": build})})
    ((_, lines), *_) = describe([twin], [twin])
    assert lines[0] == f"{twin.mode} trial of {twin.workload.name} on tvm, the A/A control of the baseline in build old"


def test_show_of_unknown_or_unclear_id_is_refused(here: Ablatrix, tmp_path: Path, records: list[Record]) -> None:
    write_records(tmp_path / "results.jsonl", records)
    unknown = here("show", "xyz", "--results", tmp_path)
    assert unknown.returncode == 2
    assert b"no trial and no record has an id that begins with 'xyz'" in unknown.stderr
    unclear = here("show", "", "--results", tmp_path)
    assert unclear.returncode == 2
    assert f"{len(records)} trials have an id that begins with ''".encode() in unclear.stderr
    cell = here("show", records[0].cell_id, "--results", tmp_path)
    assert b"it is a cell, with trials " in cell.stderr


def test_show_of_quantised_trial_says_type_and_distance(records: list[Record]) -> None:
    one = records[0]
    assert one.correctness is not None
    facts = one.workload.model_copy(update={"dtype": "bfloat16"})
    checks = one.correctness.model_copy(update={"float_distance": 0.0123})
    one = one.model_copy(update={"workload": facts, "correctness": checks})
    lines = [line for _, held in describe([one], [one]) for line in held]
    assert any("weights in bfloat16 (" in line for line in lines)
    assert "the quantised model is 0.012 (RMS, relative) from the model before" in lines


def test_status_of_several_hosts_shows_their_slots(tmp_path: Path, records: list[Record], here: Ablatrix) -> None:
    run = write_run(tmp_path / "run", records[:40], records)
    busy = SlotState(
        slot="ray-node-a",
        host="node-a",
        host_id="0123456789abcdef",
        stratum="fedcba9876543210",
        state="busy",
        what="encoder on tvm, hot, repeat 1",
        blocks=3,
        losses=1,
        heard_utc="2026-01-01T10:11:12.000Z",
    )
    why = "governor is powersave, not performance"
    SlotBook(run / "work").show([busy, replace(busy, slot="ray-node-b", state="refused", what=why, host_id="")])
    text = here("status", run).stdout.decode()
    assert "Slots: 1 busy, 1 refused" in text
    assert "encoder on tvm, hot, repeat 1" in text
    assert "012345" in text
    assert "10:11:12" in text
    assert why in " ".join(text.split())
