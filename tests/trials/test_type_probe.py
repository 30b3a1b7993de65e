"""Whether a compiler has a type is found by a small program, once, and a trial of a workload of that type says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.compilers.catalogue import Level
from ablatrix.errors import UnsupportedError
from ablatrix.trials.run import type_probe
from ablatrix.trials.run.type_probe import missing_type
from ablatrix.trials.worker.building import refuse_unsupported
from tests.trials.conftest import make_task
from tests.trials.without_types import Broken, NoHalf, entry_of


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path / "ablatrix" / "types"


def test_type_that_compiler_refuses_is_missing_with_its_message(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "compiler 'nohalf' does not run float16 here; tried on a small program, it said: no rule for f16 in pass 3"
    assert missing_type(entry_of(NoHalf), "float16") == said
    assert len(list(cache.iterdir())) == 1

    def again(*_: object) -> str:
        raise AssertionError("an answer that is kept is not asked for again")

    monkeypatch.setattr(type_probe, "_try", again)
    assert missing_type(entry_of(NoHalf), "float16") == said


def test_type_that_ends_the_process_is_missing_with_the_signal() -> None:
    assert missing_type(entry_of(NoHalf), "bfloat16").endswith("it said: its process was ended by SIGSEGV")


def test_compiler_that_fails_on_float32_too_lacks_no_type() -> None:
    assert missing_type(entry_of(Broken), "bfloat16") == ""


def test_trial_of_missing_type_is_unsupported_with_reason(tmp_path: Path) -> None:
    knobs: dict[str, Level] = {"partition": "whole"}
    task = make_task(tmp_path, entry=entry_of(NoHalf), knobs=knobs, missing_type="it has no float16")
    with pytest.raises(UnsupportedError, match="it has no float16"):
        refuse_unsupported(task, None)  # type: ignore[arg-type]  # the type is looked at first
