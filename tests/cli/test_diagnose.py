"""``ablatrix diagnose``: proof, causes, break-even and Pareto front, for people and as JSON."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ablatrix.analysis.diagnosis import find_causes
from ablatrix.cli.trouble_steps import trouble_steps
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
    assert set(held) == {"proofs", "blame", "break_even", "pareto", "excluded", "next"}
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


def test_diagnosis_names_the_commands_for_each_trouble(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], blocks=3, plants=PLANTS)
    path = write_records(tmp_path / "results.jsonl", records)
    found = tidied(records).trials
    steps = trouble_steps(found, find_causes(found), path.parent)
    assert list(dict.fromkeys(one.trouble for one in steps)) == ["wrong_output", "timeout", "slower than the baseline"]
    for trouble in ("wrong_output", "timeout"):
        bisect, reduce = (one for one in steps if one.trouble == trouble)
        trial = bisect.command.split()[2]
        assert {one.status for one in records if one.trial_id.startswith(trial)} == {trouble}
        given = f"{trial} --results {path.parent} --study STUDY"
        assert bisect.command == f"ablatrix bisect {given} --out bisect-{trial}"
        assert reduce.command == f"ablatrix reduce {given} --out reduced-{trial}"


def test_diagnosis_of_what_is_slower_asks_for_that_trouble(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("name: synthetic\n")
    records = make_records(workloads=["encoder"], blocks=3)
    found = tidied(records).trials
    explain, bisect, reduce = trouble_steps(found, find_causes(found), tmp_path)
    trial, study = bisect.command.split()[2], tmp_path / "study.yaml"
    (baseline,) = {one.cell_id for one in records if one.config.knobs and one.config.knobs == one.config.baseline}
    assert explain.command == f"ablatrix explain {tmp_path} {baseline[:8]} {trial} --study {study}"
    assert bisect.command.endswith(f"--study {study} --trouble slower --out bisect-{trial}")
    assert reduce.command.endswith(f"--study {study} --trouble slower --out reduced-{trial}")


def test_diagnosis_of_results_with_spaces_quotes_their_path(tmp_path: Path) -> None:
    place = tmp_path / "my results; $HOME"
    place.mkdir()
    (place / "study.yaml").write_text("name: synthetic\n")
    found = tidied(make_records(workloads=["encoder"], blocks=3)).trials
    for step in trouble_steps(found, find_causes(found), place):
        words = shlex.split(step.command)
        assert str(place) in words, step.command
        assert words[words.index("--study") + 1] == str(place / "study.yaml")


def test_diagnosis_as_json_has_the_commands(here: Ablatrix, tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", make_records(workloads=["encoder"], blocks=3, plants=PLANTS))
    steps = json.loads(here("diagnose", path.parent, "--json").stdout)["next"]
    assert {one["command"].split()[1] for one in steps} == {"bisect", "reduce", "explain"}
    assert {name: value for name, value in steps[0].items() if name != "command"} == {
        "workload": "encoder",
        "compiler": "tvm",
        "mode": "cold",
        "trouble": "wrong_output",
        "what": "the pass or setting behind it",
    }
