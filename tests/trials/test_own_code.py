"""Code that a hot trial timed and that no trial of its cell built: an error with a message, never ``ok``."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ablatrix.canonical import digest_value
from ablatrix.records.correctness import Correctness
from ablatrix.records.model import CompileFacts, Mode
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.messages import TrialResult
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.own_code import BuiltCode

MINE, OTHERS = digest_value("mine"), digest_value("others")


def outcome(mode: str, digest: str, cell: str = "one", *, misses: int = 0, hits: int = 0, keys: int = 1) -> Outcome:
    trial = Trial(
        trial_id="t",
        cell_id=cell,
        block_id="b",
        block=0,
        replicate=0,
        position=0,
        mode=cast(Mode, mode),
        role="measured",
    )
    place = Cell(
        cell_id=cell, workload="mlp", parameters={}, compiler="mine", knobs={"tile": 4}, stage="s", baseline={"tile": 4}
    )
    known: dict[str, Any] = dict.fromkeys(CompileFacts.model_fields)
    known |= {"compile_ms": {}, "reasons": {}, "key_set_size": keys, "artifact_digest": digest}
    known |= {"compile_cache_miss_delta_first_run": misses, "compile_cache_hit_disk_delta_first_run": hits}
    facts = CompileFacts.model_construct(**known)
    checked: dict[str, Any] = dict.fromkeys(Correctness.model_fields)
    timed = digest if mode == "hot" else None
    correctness = Correctness.model_construct(**{**checked, "timed_digest": timed, "checked_digest": digest})
    result = TrialResult(compile=facts, correctness=correctness)
    return Outcome(trial=trial, cell=place, time_utc="", result=result)


def statuses(built: BuiltCode, *outcomes: Outcome) -> list[str]:
    return [str(one.result.status) for one in built.checked(outcomes)]


@pytest.mark.parametrize(
    ("hot", "status"),
    [
        pytest.param(outcome("hot", MINE, hits=1), "ok", id="found_what_cell_built"),
        pytest.param(outcome("hot", OTHERS, hits=1), "compile_error", id="found_what_other_cell_built"),
        pytest.param(outcome("hot", OTHERS, misses=1), "ok", id="built_itself"),
        pytest.param(outcome("hot", OTHERS, misses=1, hits=1), "compile_error", id="found_in_part"),
        pytest.param(outcome("hot", MINE, keys=0), "ok", id="own_cache_with_same_code"),
        pytest.param(outcome("hot", OTHERS, keys=0), "compile_error", id="own_cache_with_other_code"),
    ],
)
def test_hot_trial_after_cold_ones_must_time_code_of_its_cell(hot: Outcome, status: str) -> None:
    built = BuiltCode()
    cold = [outcome("cold", MINE, misses=1), outcome("cold", OTHERS, "other", misses=1)]
    assert statuses(built, *cold) == ["ok", "ok"]
    assert statuses(built, hot) == [status]


def test_hot_trial_without_cold_ones_may_build_for_later_ones() -> None:
    built = BuiltCode()
    assert statuses(built, outcome("hot", MINE, misses=1), outcome("hot", MINE, hits=1)) == ["ok", "ok"]
    assert statuses(built, outcome("hot", OTHERS, keys=0)) == ["ok"]  # it never asks the cache
    assert statuses(BuiltCode(), outcome("hot", MINE, hits=1)) == ["compile_error"]


def test_foreign_code_is_reported_with_both_digests() -> None:
    built = BuiltCode()
    built.checked([outcome("cold", MINE, misses=1)])
    (found,) = built.checked([outcome("hot", OTHERS, hits=1)])
    assert found.result.error is not None
    assert found.result.error.type == "ForeignCodeError"
    assert found.result.error.phase == "compile"
    assert f"(SHA-256 {OTHERS[:12]}) was built by no trial of this configuration" in found.result.error.message
    assert f"which built {MINE[:12]}; compiler 'mine' loads code" in found.result.error.message
