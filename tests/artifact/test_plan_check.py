"""Records against the plan: what is missing, repeated, not planned or contradicting is counted and named."""

from typing import Any

import polars as pl
import pytest

from ablatrix.analysis.table import PlannedTrials
from ablatrix.artifact.contents.completeness import check_plan

FIELDS = ("cell_id", "block_id", "mode", "role")
TRIAL = {"cell_id": "c0", "block_id": "b0", "mode": "hot", "role": "measured"}


def line(trial: str, record: str, final: bool = True, **changed: str) -> dict[str, Any]:
    return {"trial_id": trial, "record_id": record, "study_digest": "s0", **TRIAL, "final": final, **changed}


def details(lines: list[dict[str, Any]], trials: list[dict[str, Any]], **design: Any) -> list[str]:
    return [
        problem.detail for problem in check_plan(pl.DataFrame(lines), PlannedTrials.of({"trials": trials, **design}))
    ]


def planned(*names: str, **said: Any) -> list[dict[str, Any]]:
    return [{"trial_id": name, **said} for name in names]


def test_plan_check_of_whole_records_finds_nothing() -> None:
    lines = [line("t1", "r1"), line("t2", "r2", final=False), line("t2", "r3")]
    assert details(lines, planned("t1", "t2", **TRIAL), study_digest="s0") == []


def test_plan_check_of_plan_that_says_only_ids_finds_nothing() -> None:
    assert details([line("t1", "r1"), line("t2", "r2")], planned("t1", "t2")) == []


def test_plan_check_names_trials_in_the_order_of_the_plan() -> None:
    lines = [line("t2", "r1"), line("t9", "r2", final=False)]
    assert details(lines, planned("t9", "t2", "t1")) == ["2 of 3 planned trials have no final record: t9, t1"]


def test_plan_check_names_ten_trials_and_counts_the_others() -> None:
    names = [f"t{number:02d}" for number in range(13)]
    (found,) = details([line(names[0], "r0")], planned(*names))
    assert found == f"12 of 13 planned trials have no final record: {', '.join(names[1:11])} and 2 more"


def test_plan_check_of_repeated_and_unplanned_records_names_them() -> None:
    lines = [line("t1", "r1"), line("t1", "r2"), line("z", "r3"), line("a", "r3")]
    assert details(lines, planned("t1")) == [
        "1 trials have more than one final record: t1",
        "records of 2 trials that were not planned: a, z",
        "record ids occur twice: r3",
    ]


def test_plan_check_of_trial_planned_twice_goes_by_the_last() -> None:
    trials = [*planned("t1", **{**TRIAL, "mode": "cold"}), *planned("t1", **TRIAL)]
    assert details([line("t1", "r1")], trials) == ["a trial_id occurs twice"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("said", ["other", None, 7])
def test_plan_check_of_other_field_names_the_record(field: str, said: Any) -> None:
    trials = [*planned("t1", **{**TRIAL, field: said}), *planned("t2", **TRIAL)]
    found = details([line("t1", "r1"), line("t2", "r2")], trials)
    assert found == ["1 records contradict the design in study, cell, block, mode or role: r1"]


def test_plan_check_of_other_study_names_planned_records_only() -> None:
    lines = [line("t1", "r1"), line("t2", "r2", study_digest="s1"), line("t3", "r3")]
    assert details(lines, planned("t1", "t2"), study_digest="s1") == [
        "records of 1 trials that were not planned: t3",
        "1 records contradict the design in study, cell, block, mode or role: r1",
    ]


def test_plan_check_of_no_record_names_every_trial() -> None:
    schema = {**dict.fromkeys(("trial_id", "record_id", "study_digest", *FIELDS), pl.String()), "final": pl.Boolean()}
    problems = check_plan(pl.DataFrame(schema=schema), PlannedTrials.of({"trials": planned("t1", "t2")}))
    assert [problem.detail for problem in problems] == ["2 of 2 planned trials have no final record: t1, t2"]
