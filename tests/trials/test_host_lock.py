"""The lock of a host: a slot is alone on it, runs of people share it and are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.errors import TrialError
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.run import run
from ablatrix.trials.slots import measuring_here
from ablatrix.trials.slots.host_lock import HostLock, lock_path


def test_run_that_is_alone_says_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):  # one after the other
        with measuring_here(told.append, tmp_path / "lock"):
            pass
    assert told == []


def test_second_run_of_a_machine_goes_on_and_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    with measuring_here(told.append, tmp_path / "lock"), measuring_here(told.append, tmp_path / "lock"):
        pass
    assert told == ["another run measures on this machine, too: each disturbs the other unless their CPUs are apart"]


def test_run_beside_a_slot_is_refused_until_it_leaves(tmp_path: Path) -> None:
    slot = HostLock(tmp_path / "lock")
    with (
        pytest.raises(TrialError, match=r"a slot of a cluster measures on this host.*wait for it"),
        measuring_here(lambda text: None, tmp_path / "lock"),
    ):
        raise AssertionError
    slot.release()
    with measuring_here(lambda text: None, tmp_path / "lock"):
        pass


def test_study_is_not_run_where_a_slot_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATRIX_LOCK_DIR", str(tmp_path))
    data = {
        "name": "s",
        "workloads": ["mlp"],
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "p", "factorial": {"fusion": ["off"]}}],
    }
    slot = HostLock(lock_path())
    with pytest.raises(TrialError, match="a slot of a cluster measures on this host"):
        run(resolve_study(Study.model_validate(data)), tmp_path / "out")
    slot.release()
    assert not (tmp_path / "out" / "results.jsonl").exists()


def test_slot_beside_a_run_is_refused(tmp_path: Path) -> None:
    with (
        measuring_here(lambda text: None, tmp_path / "lock"),
        pytest.raises(TrialError, match="another slot or run measures on this host"),
    ):
        HostLock(tmp_path / "lock")
    HostLock(tmp_path / "lock").release()


def test_lock_that_cannot_be_opened_stops_no_run(tmp_path: Path) -> None:
    told: list[str] = []
    with measuring_here(told.append, tmp_path / "none" / "lock"):
        pass
    assert len(told) == 1
    assert "is not known" in told[0]


def test_variable_names_the_directory_of_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATRIX_LOCK_DIR", str(tmp_path))
    assert lock_path("part 1") == tmp_path / "ablatrix-host-part_1.lock"
    monkeypatch.setenv("ABLATRIX_LOCK_DIR", "")
    assert lock_path().parent.is_dir()
