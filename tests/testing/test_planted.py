"""The contract suite catches each planted fault, with a message that names the case, the rule and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.adapter import Compiler, CompileRequest
from ablatrix.compilers.built_task import TaskFacts
from ablatrix.compilers.catalogue import TVM
from ablatrix.compilers.catalogue.knobs import switch
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.testing import planted
from ablatrix.testing.checks import ContractError
from ablatrix.testing.compiler_contract import CompilerContract
from ablatrix.testing.subject import Subject
from ablatrix.workloads.program import TaskProgram
from tests.testing.tape_compiler import ENTRY as TAPE
from tests.testing.tape_compiler import TapeCompiler

CONFIGURATIONS = CompilerContract.test_configurations_are_right_quiet_and_give_facts
PROGRAMS = partial(CompilerContract.test_small_programs_give_right_outputs, program="filters")
KEYS = CompilerContract.test_other_knobs_leave_cache_keys_unchanged
SHARING = CompilerContract.test_configurations_share_no_code
REBUILD = CompilerContract.test_rebuild_gives_same_code
THREADS = CompilerContract.test_threads_set_are_in_force
DYNAMIC = CompilerContract.test_dynamic_program_is_right_up_to_bound
Plant = Callable[[Compiler], Compiler]


SQUASH = switch("squash", "secondary", "code", "Whether the last step is written twice.", "Once.", "Twice.")


class SquashingTape(TapeCompiler):
    """A subclass with a knob of its own, of which the keys of the adapter that it derives from say nothing."""

    def build(self, request: CompileRequest, options: bool, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        file, facts = super().build(request, options, task, key)
        if request.knobs["squash"] == "on":
            tape = json.loads(file.read_text())
            tape["steps"].append(tape["steps"][-1])
            file.write_text(json.dumps(tape))
        return file, facts


class TvmContract(CompilerContract):
    __test__ = False
    entry = TVM


def subject_of(plant: Plant, directory: Path) -> Subject:
    return Subject(plant(TvmCompiler()), TVM, directory)


@pytest.mark.parametrize(
    ("plant", "rule", "message"),
    [
        (
            planted.ReturnsAWrongValue,
            CONFIGURATIONS,
            "the outputs are not those of the float64 reference: .* elements are wrong",
        ),
        (planted.ForgetsAnOutput, PROGRAMS, "the program returned 1 outputs of 2"),
        (planted.WritesItsInputs, CONFIGURATIONS, "an input was written; copy it"),
        (planted.SpoilsItsConstants, CONFIGURATIONS, "a weight was written: "),
        (planted.Drifts, CONFIGURATIONS, "outputs differ from run to run"),
        (planted.FallsBack, CONFIGURATIONS, "it runs the program eagerly"),
        (planted.RunsTheCheck, CONFIGURATIONS, "or checks while it is timed"),
        (planted.Prints, CONFIGURATIONS, "printed to standard output: 'compiling"),
        (planted.GuessesZero, CONFIGURATIONS, "compiler_planned_bytes is None and reasons"),
        (planted.HidesItsTime, CONFIGURATIONS, r"nothing was charged to \['compile', 'load'\]"),
        (planted.BypassesTheCache, CONFIGURATIONS, "the cache answered .*misses=0.*, expected .*misses=1"),
        (planted.ChangesItsDigest, REBUILD, "the same request gave artifact_digest 0+[.]{3}, then"),
        (planted.IgnoresThreads, THREADS, "2 threads were set, none of"),
        (planted.TakesAnySize, DYNAMIC, "size 17 is beyond the bound and was taken"),
    ],
)
def test_planted_fault_is_caught(tmp_path: Path, plant: Plant, rule: Callable[..., None], message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        rule(TvmContract(), subject_of(plant, tmp_path))
    assert str(caught.value).startswith("compiler 'tvm'")


def test_planted_adapter_that_shares_code_is_caught(tmp_path: Path) -> None:
    entry = replace(TAPE, adapter="tests.testing.tape_compiler:TapeCompiler", knobs=(*TAPE.knobs, SQUASH))
    subject = Subject(planted.SharesCode(SquashingTape()), entry, tmp_path)
    with pytest.raises(ContractError, match=r"so levels of 'squash' share code; keep what is built in request[.]cache"):
        SHARING(TvmContract(), subject)


def test_knob_that_adapter_omits_from_keys_shares_no_code(tmp_path: Path) -> None:
    entry = replace(TAPE, adapter="tests.testing.tape_compiler:TapeCompiler", knobs=(*TAPE.knobs, SQUASH))
    SHARING(TvmContract(), Subject(SquashingTape(), entry, tmp_path))


def test_planted_run_time_knob_in_keys_is_caught(tmp_path: Path) -> None:
    later = replace(SQUASH, affects="run_time")
    entry = replace(TAPE, adapter="tests.testing.tape_compiler:TapeCompiler", knobs=(*TAPE.knobs, later))

    class NamesIt(SquashingTape):
        def key_facts(self, request: CompileRequest, options: Any, task: TaskProgram) -> Mapping[str, Any]:
            return {**super().key_facts(request, options, task), "squash": request.knobs["squash"]}

    with pytest.raises(ContractError, match="squash: on: 'squash' changes the cache's keys, which it must not; leave"):
        KEYS(TvmContract(), Subject(NamesIt(), entry, tmp_path))


def test_planted_knob_that_changes_nothing_is_caught(tmp_path: Path) -> None:
    subject = subject_of(lambda inner: planted.IgnoresAKnob(inner, "fusion", "off"), tmp_path)
    with pytest.raises(ContractError, match="compiler 'tvm': 'fusion: on' must change the code of a small program"):
        TvmContract().test_code_knobs_change_code(subject)


def test_planted_thread_left_by_preload_is_caught(tmp_path: Path) -> None:
    entry = replace(TVM, name="planted", adapter="ablatrix.testing.planted:StartsAThread")
    with pytest.raises(ContractError, match="after preload the process cannot be forked: threads beside the main one"):
        TvmContract().test_preload_leaves_process_forkable(Subject(planted.Around(), entry, tmp_path))


def test_planted_faults_all_have_tests() -> None:
    faults = {
        name
        for name, kind in vars(planted).items()
        if isinstance(kind, type) and issubclass(kind, planted.Around) and kind is not planted.Around
    }
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in faults if f"planted.{name}" not in text and f"planted:{name}" not in text} == set()


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        ({"acts_not": {"fussion": "never"}}, "has no knob or further level 'fussion'; it has: .*fusion"),
        ({"acts_not": {"fusion: off": "the default"}}, "has no knob or further level 'fusion: off'"),
        ({"acts_not": {"fusion": ""}}, r"acts_not\['fusion'\] must give a reason"),
        ({"acts_on": {"fusion": "gate"}}, "there is no program 'gate'; there are: gates, attention, filters"),
    ],
)
def test_statement_about_nothing_is_refused(tmp_path: Path, statements: dict[str, Any], message: str) -> None:
    stated = type("Stated", (TvmContract,), statements)()
    with pytest.raises(ContractError, match=message):
        stated.test_code_knobs_change_code(subject_of(planted.Around, tmp_path))


def test_reason_allows_knob_to_change_nothing(tmp_path: Path) -> None:
    reasons = {knob.name: "not looked at here" for knob in TVM.knobs if knob.name != "fusion"}
    stated = type("Stated", (TvmContract,), {"acts_not": {**reasons, "fusion: on": "it is broken"}})()
    broken = subject_of(lambda inner: planted.IgnoresAKnob(inner, "fusion", "off"), tmp_path)
    stated.test_code_knobs_change_code(broken)
