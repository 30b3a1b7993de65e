"""``ablatrix bisect``: its sentences, what it refuses, and what is kept of it for the page."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.cli.culprit_text import finding_lines
from ablatrix.cli.looks import command_line
from ablatrix.culprits import Candidate, Finding, Question, question_of_study
from ablatrix.culprits.journal import Looked
from ablatrix.records.kept_findings import kept_findings
from ablatrix.troubles import Trouble
from tests.cli.conftest import Ablatrix
from tests.culprits.made import ON, make_study

OWN_ON = [word for name in ON for word in ("--knob", f"{name}=on")]
ALONE = ["--no-passes", "--named-alone", "--quiet"]


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Question:
    return question_of_study(
        make_study(tmp_path_factory.mktemp("made"), "spoil", ("first",)), "wrong_output", levels=ON
    )


def looked(answer: Any) -> Looked:
    return Looked(off=(), why="does it show", answer=answer, trials=1, seconds=1.0, results=("001",))


CRASH = Trouble(kind="crashed", error="SIGSEGV", phase="compile")
YES, NO = looked("yes"), looked("no")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ending": "no_trouble", "looks": (NO, NO)}, "does not have the trouble (wrong output) in any of 2 looks"),
        (
            {"ending": "other_trouble", "trouble": CRASH},
            "has another trouble, crashed (SIGSEGV) while compiling; ask for that one with --trouble",
        ),
        (
            {"ending": "flaky", "looks": (YES, NO, YES)},
            "is flaky, wrong output in 2 of 3 trials, so that switching passes off proves nothing",
        ),
        ({"ending": "not_among"}, "is wrong output with every candidate off, so it is none of them"),
        ({"ending": "unstable"}, "contradict each other, as the trouble (wrong output) comes and goes"),
        ({"ending": "most_looks"}, "no culprit yet: as many looks were made as --most-looks allows"),
    ],
)
def test_each_ending_without_a_culprit_is_one_sentence(
    question: Question, fields: dict[str, Any], sentence: str
) -> None:
    lines = finding_lines(Finding(question=question, **{"trouble": None, **fields}))
    assert lines[0].text.startswith("no culprit") and lines[0].text.endswith(sentence)
    assert [line.text.partition(" candidates")[0] for line in lines[1:]] == ["0"]


def test_what_is_not_slower_is_one_sentence(question: Question) -> None:
    lines = finding_lines(Finding(question=replace(question, kind="slower"), ending="no_trouble", trouble=None))
    assert lines[0].text == "no culprit: mlp on made is not slower than without its knobs and passes"


def test_nothing_to_switch_off_is_said_with_its_reason(question: Question) -> None:
    why = "'openvino' has no pass that can be switched off"
    (line, _) = finding_lines(Finding(question=question, ending="no_candidates", trouble=None, note=why))
    assert line.text == f"no culprit: nothing can be switched off on mlp on made: {why}"


def test_what_is_said_of_passes_is_said_beside_a_culprit(question: Question) -> None:
    culprit = Candidate(knob="first", title="first=on", kind="knob", bad="on", neutral="off")
    why = "'openvino' has no pass that can be switched off"
    found = Finding(question=question, ending="found", trouble=None, culprits=(culprit,), note=why)
    assert f"of passes: {why}" in [line.text for line in finding_lines(found)]


@pytest.mark.slow
def test_bisect_keeps_its_answer_beside_the_results(here: Ablatrix, tmp_path: Path) -> None:
    make_study(tmp_path, "spoil", ("first",))
    study, results = tmp_path / "study.yaml", tmp_path / "results"
    run = here("run", study, "--out", results, "--only", "second=off", "--only", "third=off", "--only", "fourth=off")
    assert run.returncode == 1, run.stderr  # a trial failed
    records = [json.loads(line) for line in (results / "results.jsonl").read_text().splitlines()]
    trials = {one["status"]: one["trial_id"] for one in records if one["config"]["compiler"] == "made"}
    of = ["--results", results, "--study", study, "--out", tmp_path / "out", *ALONE]
    fine = here("bisect", trials["ok"], *of)
    assert (fine.returncode, fine.stdout) == (2, b"")
    assert fine.stderr.decode().count("\n") == 1 and "is fine: it ended as ok" in fine.stderr.decode()
    done = here("bisect", trials["wrong_output"], *of)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith("culprit: first=on\n")
    (kept,) = kept_findings([results / "results.jsonl"])
    assert (kept.kind, kept.lines[0]) == ("bisect", "culprit: first=on")
    assert trials["wrong_output"] in kept.title and kept.command.startswith(f"ablatrix bisect {trials['wrong_output']}")


def test_command_line_has_every_option_that_was_given_as_words_of_a_shell() -> None:
    given = {"--results": Path("my results"), "--trouble": None, "--good": ["a=on", "b=x y"], "--no-passes": True}
    assert command_line("bisect", ["8974259a"], given | {"--json": False, "--least": 0.02}) == (
        "ablatrix bisect 8974259a --results 'my results' --good a=on --good 'b=x y' --no-passes --least 0.02"
    )
    assert command_line("explain", ["my results", "1f3c", "9ab0"], {}) == "ablatrix explain 'my results' 1f3c 9ab0"


@pytest.mark.slow
def test_bisect_of_what_does_not_show_again_is_one_sentence(here: Ablatrix, tmp_path: Path) -> None:
    make_study(tmp_path, "spoil", ("first",))
    out = tmp_path / "out"
    done = here(
        "bisect", tmp_path / "study.yaml", "--trouble", "wrong_output", "--out", out, *ALONE, "--knob", "second=on"
    )
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[0] == (
        "no culprit: mlp on made does not have the trouble (wrong output) in any of 2 looks"
    )


@pytest.mark.slow
def test_bisect_of_a_fault_of_no_switch_says_none_of_them(here: Ablatrix, tmp_path: Path) -> None:
    make_study(tmp_path, "spoil", ())  # it is always there
    asked = ["bisect", tmp_path / "study.yaml", "--trouble", "wrong_output", *ALONE]
    none = here(*asked, "--out", tmp_path / "all", *OWN_ON)
    assert none.returncode == 1
    assert "with every candidate off, so it is none of them" in " ".join(none.stdout.decode().split())
    nothing = here(*asked, "--out", tmp_path / "nothing")
    assert nothing.returncode == 1
    assert nothing.stdout.decode().startswith("no culprit: nothing can be switched off on mlp on made\n")
