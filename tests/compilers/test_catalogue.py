"""The catalogue: plain data that names every level, and refuses those that a compiler does not have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import UnsupportedError
from ablatrix.study.model import HotProtocol
from ablatrix.trials.worker.monologue import run_here
from ablatrix.workloads.program import Program
from tests.trials.conftest import make_task

PRIMARY = ("partition", "reuse", "memory_plan", "fusion")
REASON = "its planner always runs"
PLANNED = KnobEntry(
    name="memory_plan",
    kind="primary",
    summary="Whether storage is planned.",
    levels=(LevelEntry("off", "It is not.", unsupported=REASON), LevelEntry("on", "It is.")),
    default="on",
    affects="code",
)
STUBBORN = CompilerEntry(
    name="stubborn", summary="One without a switch.", modules=(), extra="", adapter="", knobs=(PLANNED,)
)


def test_catalogue_loads_without_torch_or_compiler() -> None:
    heavy = sorted({module for entry in SHIPPED.values() for module in entry.modules})
    code = f"import sys, ablatrix.compilers.catalogue; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("entry", SHIPPED.values(), ids=lambda entry: entry.name)
def test_catalogue_entry_has_every_primary_knob_and_level_sentence(entry: CompilerEntry) -> None:
    names = [knob.name for knob in entry.knobs]
    assert len(set(names)) == len(names)
    assert tuple(knob.name for knob in entry.knobs if knob.kind == "primary") == (PRIMARY if names else ())
    for knob in entry.knobs:
        assert knob.has(knob.default)
        assert all(sentence.endswith(".") for sentence in (knob.summary, *(one.summary for one in knob.levels)))
    entry.refuse_unsupported(entry.defaults())


def test_catalogue_refuses_unsupported_level_only_and_with_reason() -> None:
    STUBBORN.refuse_unsupported({"memory_plan": "on"})
    with pytest.raises(UnsupportedError, match=f"'stubborn'.*'memory_plan: off': {REASON}"):
        STUBBORN.refuse_unsupported({"memory_plan": "off"})


def test_trial_of_unsupported_level_compiles_nothing(tmp_path: Path) -> None:
    class Stubborn(EagerCompiler):
        name = "stubborn"

        def compile(self, request: CompileRequest) -> Executable:
            raise AssertionError("it was asked to compile")

    task = make_task(tmp_path, role="measured", entry=STUBBORN, knobs={"memory_plan": "off"})
    nothing: Program = None  # type: ignore[assignment]
    result = run_here(task, Stubborn(), nothing, HotProtocol(), None)
    assert result.status == "unsupported"
    assert result.error is not None
    assert REASON in result.error.message
    assert result.plan is None
