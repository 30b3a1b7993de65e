"""Whatever a trial does, it ends as a typed outcome and the next trial runs."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from ablatrix.trials.host.linux import children_of
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.run.block import run_cold, run_hot
from tests.trials.conftest import Bench

LONG = pytest.mark.long


def cold(bench: Bench, fault: str, **protocol: Any) -> Outcome:
    block = bench.block([fault], **protocol)
    return run_cold(block, *block.trials[0], bench.server)


@pytest.mark.parametrize(
    ("fault", "status", "type_", "phase"),
    [
        ("none", "ok", None, None),
        ("segfault", "crashed", "SIGSEGV", "compile"),
        ("abort", "crashed", "SIGABRT", "compile"),
        ("exit", "crashed", "exit", "compile"),
        ("raise", "compile_error", "ValueError", "compile"),
        ("unsupported", "unsupported", "UnsupportedError", "compile"),
        ("nan output", "wrong_output", "wrong_output", "check"),
        ("wrong output", "wrong_output", "wrong_output", "check"),
        ("wrong shape", "wrong_output", "wrong_output", "check"),
        ("drift", "wrong_output", "wrong_output", "check"),
        ("no output", "missing_check", "missing_check", "check"),
        ("fork and leave", "crashed", "exit", "compile"),
    ],
)
def test_fault_becomes_status_with_type_and_phase(
    bench: Bench, fault: str, status: str, type_: str | None, phase: str | None
) -> None:
    outcome = cold(bench, fault)
    assert outcome.result.status == status, outcome.result
    error = outcome.result.error
    assert (error and error.type, error and error.phase) == (type_, phase)


def test_hang_in_c_ends_at_time_limit(bench: Bench) -> None:
    outcome = cold(bench, "hang", cold={"replicates": 1, "timeout_s": 1})
    assert outcome.result.status == "timeout"
    assert 1 <= outcome.wall_s < 5


def test_worker_out_of_memory_has_its_own_status(bench: Bench) -> None:
    outcome = cold(bench, "allocate", memory_limit_mb=2000)
    assert outcome.result.status == "out_of_memory", outcome.result


def test_trial_with_hundred_megabytes_on_stdout_is_not_disturbed(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = cold(bench, "print a lot")
    assert outcome.result.status == "ok"
    assert capfd.readouterr() == ("", "")


def test_wrong_output_counts_check_and_names_largest_difference(bench: Bench) -> None:
    correctness = cold(bench, "wrong output").result.correctness
    assert correctness is not None
    assert correctness.missing == 0
    assert correctness.ok is False
    assert correctness.max_abs_diff == pytest.approx(0.01, rel=1e-3)


def test_missing_output_is_counted_and_never_zero_error(bench: Bench) -> None:
    correctness = cold(bench, "no output").result.correctness
    assert correctness is not None
    assert (correctness.checked, correctness.missing) == (0, 2)
    assert correctness.ok is None
    assert correctness.max_abs_diff is None


def test_cold_trial_parts_add_up(bench: Bench) -> None:
    runtime = cold(bench, "none").result.runtime
    assert runtime is not None
    spent = runtime.model_dump()
    parts = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms", "run_ms_cold")
    assert [part for part in parts if spent[part] is None] == ["import_ms", "link_ms"]  # this compiler has none
    assert spent["compile_first_run_ms"] == pytest.approx(sum(spent[part] or 0.0 for part in parts))
    assert spent["run_ms_cold"] > 0


def test_compile_time_outside_phases_is_counted(bench: Bench) -> None:
    result = cold(bench, "sleep in no phase").result
    assert result.compile is not None
    assert result.runtime is not None
    assert result.compile.compile_ms["other"] > 200
    assert result.runtime.other_ms == pytest.approx(result.compile.compile_ms["other"])
    assert (result.runtime.compile_first_run_ms or 0.0) > 200


@pytest.mark.parametrize(
    "phase", ["optimise", "check", "plan", *(pytest.param(one, marks=LONG) for one in ("first_run", "run", "validate"))]
)
def test_compile_time_in_phase_of_any_name_is_counted(bench: Bench, phase: str) -> None:
    result = cold(bench, f"sleep in {phase}").result
    assert result.compile is not None
    assert result.runtime is not None
    assert result.compile.compile_ms[phase] > 200
    assert result.runtime.other_ms == pytest.approx(
        result.compile.compile_ms["other"] + result.compile.compile_ms[phase]
    )
    assert (result.runtime.compile_first_run_ms or 0.0) > 200
    assert (result.runtime.run_ms_cold or 0.0) < 100
    assert (result.runtime.plan_ms or 0.0) < 100


@pytest.mark.parametrize(
    "phase", ["no phase", "compile", "check", *(pytest.param(one, marks=LONG) for one in ("optimise", "run", "plan"))]
)
def test_exception_in_compile_is_compile_error(bench: Bench, phase: str) -> None:
    result = cold(bench, f"raise in {phase}").result
    assert result.status == "compile_error"
    assert result.error is not None
    assert (result.error.type, result.error.phase) == ("RuntimeError", "compile")


def test_error_that_compiler_catches_leaves_later_phases_right(bench: Bench) -> None:
    result = cold(bench, "catch in optimise").result
    assert result.status == "ok"
    assert result.runtime is not None
    assert (result.runtime.run_ms_cold or 0.0) > 0
    assert cold(bench, "catch in optimise, fail later").result.status == "run_error"


def test_processes_left_by_worker_are_ended(bench: Bench) -> None:
    cold(bench, "fork and leave")
    deadline = time.monotonic() + 5
    zygotes = children_of(os.getpid())
    while time.monotonic() < deadline:
        workers = [worker for zygote in zygotes for child in children_of(zygote) for worker in children_of(child)]
        if not workers:
            return
        time.sleep(0.05)
    pytest.fail(f"still alive: {workers}")


def test_worker_that_fails_in_burst_does_not_stop_its_neighbours(bench: Bench) -> None:
    block = bench.block(["none", "crash in a burst", "hang in a burst"], "hot")
    quick = {**block.study.protocol.hot.model_dump(), "timeout_s": 2}
    block = bench.block(["none", "crash in a burst", "hang in a burst"], "hot", hot=quick)
    good, crashed, hung = run_hot(block, lambda cell: bench.server, lambda trial, what: None)
    assert [one.result.status for one in (good, crashed, hung)] == ["ok", "crashed", "timeout"]
    assert crashed.result.error is not None
    assert crashed.result.error.phase == "run"
    assert len(good.bursts_ms) == 3


def test_wrong_output_is_never_timed_hot(bench: Bench) -> None:
    block = bench.block(["wrong output", "none"], "hot")
    wrong, good = run_hot(block, lambda cell: bench.server, lambda trial, what: None)
    assert wrong.result.status == "wrong_output"
    assert wrong.bursts_ms == ()
    assert wrong.warm_up_ms == ()
    assert good.result.correctness is not None
    assert good.result.correctness.timed_digest == good.result.correctness.checked_digest
