"""Failures of the machine say nothing of a compiler: they have a status of their own and are run again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablatrix.errors import TrialError
from ablatrix.records.journal import read_records, record_line
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_study
from ablatrix.trials.results.directory import ResultDirectory
from ablatrix.trials.run import run

MODEL = """\
import errno
import os
import signal
import time
from pathlib import Path

import torch

TODO = Path(__file__).with_name("todo")


def make():
    first, *rest = (TODO.read_text() if TODO.exists() else "").split() or ["go"]
    TODO.write_text(" ".join(rest))
    if first == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if first == "kill_server":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if first == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return torch.nn.Linear(4, 8), (torch.ones(2, 4),)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("place")
    (directory / "net.py").write_text(MODEL)
    return directory


@pytest.fixture(scope="module")
def study(place: Path) -> ResolvedStudy:
    return resolve_study(make_study(["net.py:make"], ["tvm"], {"fusion": ["on"]}, ["cold"], directory=place))


@pytest.fixture(scope="module")
def done(place: Path, study: ResolvedStudy) -> Path:
    """A run whose preparation was killed, failed for want of disk space, lost its fork server, and then went well."""
    (place / "todo").write_text("kill kill full full kill_server")
    for number in range(3):
        summary = run(study, place / "out")
        records = list(read_records(summary.results))
        if number < 2:
            assert (summary.complete, summary.failed, summary.statuses) == (False, 0, {})
            assert {(one.status, one.final) for one in records} == {("place_failed", False)}
            assert len(records) == (number + 1) * summary.planned
    return place / "out"


def test_preparation_that_the_machine_failed_is_run_again(done: Path) -> None:
    records = list(read_records(done / "results.jsonl"))
    final = [one for one in records if one.final]
    assert {one.status for one in final} == {"ok"}
    assert [one.trial_id for one in final] == list(dict.fromkeys(one.trial_id for one in records))
    types = {one.error.type for one in records if one.error is not None}
    assert types == {"SIGKILL", "WorkloadError"}
    assert {one.error.phase for one in records if one.error is not None} == {"prepare"}


def copied(done: Path, out: Path) -> Path:
    """Return the prepared program of a run, copied into a new directory of results."""
    shutil.copytree(done / "work" / "programs", out / "work" / "programs")
    (program,) = (out / "work" / "programs").iterdir()
    return program


def test_program_that_a_power_cut_left_empty_is_prepared_anew(done: Path, study: ResolvedStudy, tmp_path: Path) -> None:
    (copied(done, tmp_path) / "program.json").write_text("")
    assert run(study, tmp_path).good


@pytest.mark.long
def test_program_that_cannot_be_loaded_is_prepared_anew(done: Path, study: ResolvedStudy, tmp_path: Path) -> None:
    (copied(done, tmp_path) / "draws.pt").write_bytes(b"what a power cut left")
    first = run(study, tmp_path)
    statuses = {one.status for one in read_records(first.results)}
    assert "place_failed" in statuses
    assert statuses <= {"place_failed", "ok"}
    assert run(study, tmp_path).good


@pytest.mark.parametrize(
    ("change", "said"),
    [({"cpu": "Another CPU"}, "on Another CPU with"), ({"cores": 999}, "with 999 cores")],
)
def test_run_is_not_resumed_on_another_kind_of_machine(
    done: Path, study: ResolvedStudy, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    records = list(read_records(done / "results.jsonl"))
    first = next(one for one in records if one.final)
    machine = first.meta.machine.model_copy(update=change)
    other = first.model_copy(update={"meta": first.meta.model_copy(update={"machine": machine})})
    shutil.copyfile(done / "design.json", tmp_path / "design.json")
    (tmp_path / "results.jsonl").write_text(record_line(other))
    with pytest.raises(TrialError, match="no table could hold both; choose another --out") as refused:
        run(study, tmp_path)
    assert said in str(refused.value)
    assert (tmp_path / "results.jsonl").read_text() == record_line(other)


def test_superseded_lines_keep_fields_of_a_newer_version(done: Path, tmp_path: Path) -> None:
    lines = [record_line(one) for one in read_records(done / "results.jsonl") if one.final]
    newer = json.loads(lines[0]) | {"schema_version": "1.99", "later": {"a": [1.5, "\u00e9"]}}
    (tmp_path / "results.jsonl").write_text(json.dumps(newer) + "\n" + "".join(lines[1:]))
    ResultDirectory(tmp_path).supersede({newer["trial_id"]})
    written = (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert json.loads(written[0]) == newer | {"final": False}
    assert written[1:] == lines[1:]
