"""``ablatrix diagnose``: proof, causes, break-even and Pareto front, for people and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from ablatrix.analysis.diagnosis import find_causes
from ablatrix.cli.diagnose import bisect_steps
from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, tidied, write_records

PLANTS = [
    Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"}),
    Plant("timeout", "encoder", "cold", {"partition": "regions"}, block=1),
]


def test_diagnosis_text_shows_knob_effects_and_causes(here: Ablatrix, tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", make_records(workloads=["encoder"], blocks=3, plants=PLANTS))
    done = here("blame", path.parent, "--show", "all", "--wide")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    for title in ("Knob proof", "Causes", "Break-even against the baseline", "Pareto front"):
        assert title in text
    for line in ("reuse=release, fusion=on (4)", "4 bad, 12 fine", "wrong output", "effective", "on the front"):
        assert line in text, line
    assert "cold, timeout: flaky: partition=regions" in text


def test_diagnosis_as_json_holds_the_same_in_full(here: Ablatrix, tmp_path: Path) -> None:
    path = write_records(tmp_path / "r.jsonl", make_records(workloads=["encoder"], blocks=3, plants=PLANTS))
    done = here("blame", path, "--json")
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    assert set(held) == {"proofs", "blame", "break_even", "pareto", "excluded"}
    wrong = next(blame for blame in held["blame"] if blame["trouble"] == "wrong_output")
    assert wrong["causes"][0]["sets"] == [
        [
            {"knob": "reuse", "levels": ["release"], "excluded": ["keep"]},
            {"knob": "fusion", "levels": ["on"], "excluded": ["off"]},
        ]
    ]
    assert [proof["verdict"] for proof in held["proofs"]] == ["effective"] * 4
    assert len(held["break_even"]) == 15
    assert len(held["pareto"][0]["points"]) + len(held["pareto"][0]["left_out"]) == 16


def test_diagnosis_of_results_from_two_commits_is_refused(here: Ablatrix, tmp_path: Path) -> None:
    one = write_records(tmp_path / "one.jsonl", make_records(workloads=["encoder"], blocks=1))
    two = write_records(
        tmp_path / "two.jsonl", make_records(workloads=["encoder"], blocks=1, host="bench-2", commit="d" * 40)
    )
    done = here("blame", one, two)
    assert done.returncode == 2
    assert b"ablatrix_commit: " in done.stderr
    assert b"Traceback" not in done.stderr


def test_diagnosis_says_where_cause_is_not_among_knobs(here: Ablatrix, tmp_path: Path) -> None:
    everywhere = [Plant("wrong_output", "encoder", "cold", {}), Plant("crashed", "encoder", "hot", {"fusion": "on"})]
    path = write_records(tmp_path / "r.jsonl", make_records(workloads=["encoder"], blocks=1, plants=everywhere))
    said = here("diagnose", path, "--show", "all").stdout.decode()
    assert "cold, wrong output: every configuration has it, so the cause is not among those that this study" in said
    assert "hot, crashed: found at each level of partition, reuse, memory_plan, so not caused by one of" in said


def test_diagnosis_names_the_commands_for_a_trial_with_the_trouble(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], blocks=3, plants=PLANTS)
    path = write_records(tmp_path / "results.jsonl", records)
    found = tidied(records).trials
    steps = dict(bisect_steps(found, find_causes(found), path.parent))
    trial = steps["the pass or setting behind it"].split()[2]
    assert [one.status for one in records if one.trial_id == trial] == ["wrong_output"]
    given = f"{trial} --results {path.parent} --study STUDY"
    assert steps["the pass or setting behind it"] == f"ablatrix bisect {given} --out bisect"
    assert steps["the smallest program that shows it"] == f"ablatrix reduce {given} --out reduced"


def test_diagnosis_of_what_is_slower_asks_for_that_trouble(tmp_path: Path) -> None:
    found = tidied(make_records(workloads=["encoder"], blocks=3)).trials
    steps = dict(bisect_steps(found, find_causes(found), tmp_path))
    assert steps["the pass or setting behind it"].endswith("--study STUDY --trouble slower --out bisect")
