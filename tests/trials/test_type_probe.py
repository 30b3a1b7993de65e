"""Whether a compiler has a type is found by a small program, once, and a trial of a workload of that type says so."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ablatrix.builds import Build
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.errors import UnsupportedError
from ablatrix.records.model import Device
from ablatrix.trials.run import type_probe, type_process
from ablatrix.trials.run.task_making import type_order
from ablatrix.trials.run.type_probe import missing_type
from ablatrix.trials.worker.building import refuse_unsupported
from ablatrix.workloads.numeric_types import AS_BUILT
from tests.trials.conftest import make_task
from tests.trials.without_types import Broken, NoHalf, entry_of


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path / "ablatrix" / "types"


def try_here(entry: CompilerEntry, dtype: str, device: Device, build: Build | None = None) -> str:
    """Try a type as the process does that is started for it, but in this one: each takes seconds to start."""
    with TemporaryDirectory() as scratch:
        return type_process._try(type_order(entry, dtype, type_probe.PROBE, device, Path(scratch)))


TRY_APART = type_probe._try


@pytest.fixture
def float32_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a type is compared with, the same program in float32, is tried in this process."""

    def attempt(entry: CompilerEntry, dtype: str, device: Device, build: Build | None) -> str:
        return (try_here if dtype == AS_BUILT else TRY_APART)(entry, dtype, device, build)

    monkeypatch.setattr(type_probe, "_try", attempt)


@pytest.mark.usefixtures("float32_here")
def test_type_that_compiler_refuses_is_missing_with_its_message(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "compiler 'nohalf' does not run float16 here; tried on a small program, it said: no rule for f16 in pass 3"
    assert missing_type(entry_of(NoHalf), "float16") == said
    assert len(list(cache.iterdir())) == 1

    def again(*_: object) -> str:
        raise AssertionError("an answer that is kept is not asked for again")

    monkeypatch.setattr(type_probe, "_try", again)
    assert missing_type(entry_of(NoHalf), "float16") == said


@pytest.mark.usefixtures("float32_here")
def test_type_that_ends_the_process_is_missing_with_the_signal() -> None:
    assert missing_type(entry_of(NoHalf), "bfloat16").endswith("it said: its process was ended by SIGSEGV")


def test_compiler_that_fails_on_float32_too_lacks_no_type(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_probe, "_try", try_here)
    assert missing_type(entry_of(Broken), "bfloat16") == ""
    assert not cache.exists()
    assert "no toolchain" in try_here(entry_of(Broken), "float32", "cpu")
    assert try_here(entry_of(NoHalf), "float32", "cpu") == ""


def test_trial_of_missing_type_is_unsupported_with_reason(tmp_path: Path) -> None:
    knobs: dict[str, Level] = {"partition": "whole"}
    task = make_task(tmp_path, entry=entry_of(NoHalf), knobs=knobs, missing_type="it has no float16")
    with pytest.raises(UnsupportedError, match="it has no float16"):
        refuse_unsupported(task, None)  # type: ignore[arg-type]  # the type is looked at first
