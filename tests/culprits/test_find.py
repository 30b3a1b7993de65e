"""Searches on a compiler with faults of its own: what is named, what is said otherwise, and resuming."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.culprits import (
    SeenPasses,
    find_candidates,
    find_culprits,
    finding_data,
    question_of_study,
    question_of_trial,
)
from ablatrix.culprits.asking import Asking
from ablatrix.culprits.journal import Begun, CulpritJournal
from ablatrix.culprits.slow import find_slow
from ablatrix.errors import StudyError, TrialError
from ablatrix.trials.run import run
from ablatrix.troubles import Looks
from tests.culprits.made import ON, SWITCHES, make_study

ALONE: dict[str, Any] = {"passes": False, "closer": False}
"""Knobs alone, and only until they are named."""


@pytest.mark.long
def test_find_culprits_names_two_that_are_wrong_together(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "spoil", ("second", "fourth"))
    told: list[str] = []
    found = find_culprits(question_of_study(resolved, "wrong_output", levels=ON), tmp_path / "out", tell=told.append)
    assert found.ending == "found" and found.holds
    assert {one.title for one in found.culprits} == {"second=on", "fourth=on"}
    assert (found.relation, found.alone) == ("together", True)
    assert found.confidence is not None and found.confidence > 0.5
    assert found.departure is not None
    assert found.departure.number == found.departure.count or "is not known" not in " ".join(found.why)
    before = len(told)
    again = find_culprits(question_of_study(resolved, "wrong_output", levels=ON), tmp_path / "out", tell=told.append)
    assert finding_data(again) == finding_data(found)
    assert not any(line.startswith("look ") for line in told[before:])


@pytest.mark.slow
def test_find_culprits_of_a_crash_names_one(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "crash", ("third",))
    found = find_culprits(question_of_study(resolved, "crashed", levels=ON, **ALONE), tmp_path / "out")
    assert [one.title for one in found.culprits] == ["third=on"]
    assert found.trouble is not None and found.trouble.error == "SIGABRT"


@pytest.mark.long
def test_find_culprits_of_a_slow_down_confirms_it(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "slow", ("first",))
    found = find_culprits(question_of_study(resolved, "slower", levels=ON, **ALONE), tmp_path / "out")
    assert [one.title for one in found.culprits] == ["first=on"]
    assert found.cured is not None and found.cured.value > 1.5
    assert (tmp_path / "out" / "looks" / found.compared / "results.jsonl").exists()


@pytest.mark.long
def test_find_slow_leaves_each_pass_out_where_most_help(tmp_path: Path) -> None:
    question = question_of_study(make_study(tmp_path, "trade", ("first", "second")), "slower", levels=ON, **ALONE)
    candidates, told = find_candidates(question, SeenPasses()), list[str]()
    passes = replace(candidates, every=tuple(replace(one, kind="pass") for one in candidates.every))
    out = tmp_path / "out"
    with CulpritJournal(out, Begun(question="")) as journal, Looks(out / "looks") as looks:
        found = find_slow(Asking(question=question, candidates=passes, journal=journal, looks=looks, tell=told.append))
    assert [one.title for one in found.culprits] == ["first=on"]
    assert found.holds and found.cured is not None and found.cured.value > 1.5
    assert "all off at once is not faster, so each of 4 is left out by itself" in told


@pytest.mark.long
def test_find_culprits_of_a_flaky_fault_says_so(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "flaky", ("first",))
    found = find_culprits(question_of_study(resolved, "wrong_output", levels=ON, **ALONE), tmp_path / "out")
    assert found.ending == "flaky"
    shown, looks = found.shown
    assert 0 < shown < looks


@pytest.mark.slow
def test_find_culprits_of_another_trouble_names_that(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "crash", ("first",))
    found = find_culprits(question_of_study(resolved, "wrong_output", levels=ON, **ALONE), tmp_path / "out")
    assert found.ending == "other_trouble"
    assert found.trouble is not None and found.trouble.kind == "crashed"


@pytest.mark.slow
def test_find_culprits_of_what_is_fine_finds_no_trouble(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "spoil", ("first",))
    levels = {**ON, "first": "off"}
    found = find_culprits(question_of_study(resolved, "wrong_output", levels=levels, **ALONE), tmp_path / "out")
    assert found.ending == "no_trouble" and not found.holds


@pytest.mark.long
def test_find_culprits_refuses_the_directory_of_another_question(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "spoil", ("first",))
    question = question_of_study(resolved, "wrong_output", levels={**ON, "first": "off"}, **ALONE)
    find_culprits(question, tmp_path / "out")
    with pytest.raises(TrialError, match="the journal of another bisection"):
        find_culprits(replace(question, kind="crashed"), tmp_path / "out")


@pytest.mark.slow
def test_question_of_a_trial_takes_what_its_record_shows(tmp_path: Path) -> None:
    resolved = make_study(tmp_path, "spoil", ("first",))
    out = tmp_path / "results"
    run(resolved, out, only=["second=on", "third=on", "fourth=on"])
    from ablatrix.records.journal import read_records

    records = [one for one in read_records(out / "results.jsonl") if one.config.compiler == "made"]
    wrong = next(one for one in records if one.status == "wrong_output")
    asked = question_of_trial(resolved, out / "results.jsonl", wrong.trial_id, None)
    assert asked.kind == "wrong_output" and {*asked.differing} <= {*SWITCHES}
    with pytest.raises(TrialError, match="not as crashed"):
        question_of_trial(resolved, out / "results.jsonl", wrong.trial_id, "crashed")
    fine = [one for one in read_records(out / "results.jsonl") if one.status == "ok"]
    with pytest.raises(TrialError, match=r"is fine: it ended as ok|of the reference"):
        question_of_trial(resolved, out / "results.jsonl", fine[0].trial_id, None)
    with pytest.raises(TrialError, match="no finished trial"):
        question_of_trial(resolved, out / "results.jsonl", "zzz", None)


@pytest.mark.parametrize(
    ("kind", "further", "message"),
    [
        ("sloow", {}, "there is no trouble 'sloow'"),
        ("crashed", {"compiler": "tvm"}, "has no compiler 'tvm'; it has: made"),
        ("crashed", {"workload": "bert"}, "has no workload 'bert'; it has: mlp"),
        ("crashed", {"levels": {"fifth": "on"}}, "has no knob 'fifth'"),
        ("crashed", {"levels": {"first": "maybe"}}, "has no level 'maybe'"),
        ("slower", {"metric": "weight"}, "there is no metric 'weight'"),
    ],
)
def test_question_of_a_study_refuses_what_it_has_not(
    tmp_path: Path, kind: str, further: dict[str, object], message: str
) -> None:
    resolved = make_study(tmp_path, "spoil", ("first",))
    with pytest.raises(StudyError, match=message):
        question_of_study(resolved, kind, **further)  # type: ignore[arg-type]
