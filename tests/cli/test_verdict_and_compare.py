"""``ablatrix verdict`` and ``ablatrix compare``: exit codes, tables for people, the same figures for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, write_records

WORKLOADS = ["attention", "encoder", "resnet"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    records = [
        *make_records(workloads=WORKLOADS, modes=["cold"], blocks=3, noise=0.003),
        *make_records(workloads=WORKLOADS, modes=["hot"], blocks=5, noise=0.003),
    ]
    write_records(place / "whole" / "results.jsonl", records)
    few = make_records(workloads=["attention", "encoder"], blocks=3, noise=0.001)
    write_records(place / "a" / "results.jsonl", few)
    write_records(place / "b" / "results.jsonl", [one for one in few if one.workload.name == "encoder"])
    claim = {"name": "encoder on tvm: fusion makes it faster", "outcome": "reproduced"}
    report = {"schema_version": "1.0", "study_digest": records[0].study_digest, "host": "other", "claims": [claim]}
    (place / "report.json").write_text(json.dumps(report))
    return place


@pytest.mark.usefixtures("no_images")
def test_verdict_exits_with_0_only_if_all_four_hold(here: Ablatrix, results: Path) -> None:
    done = here("verdict", results / "whole", "--report", results / "report.json", "--json")
    held = json.loads(done.stdout)
    assert (done.returncode, done.stderr, held["holds"]) == (0, b"", True)
    assert [one["state"] for one in held["criteria"]] == ["holds"] * 4
    done = here("verdict", results / "b", "--margin", "0.01%")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (1, b"")
    for line in (
        "stable over repeats: FAILS",
        "figures can be made: HOLDS",
        "key results: UNDECIDED",
        "verdict: not done",
    ):
        assert line in text
    assert "(--json has all)" in text


def test_compare_exits_with_0_only_if_every_key_effect_reproduces(here: Ablatrix, results: Path) -> None:
    done = here("compare", results / "a", results / "b", "--json")
    held = json.loads(done.stdout)
    assert (done.returncode, done.stderr, held["reproduced"], held["shared"]) == (1, b"", False, 17)
    assert {one["workload"] for one in held["effects"] if one["reproduced"] is False} == {"attention"}
    done = here("compare", results / "b", results / "a")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "only in B: attention on tvm: fusion=on" in text
    assert "nothing that the records report has changed" in text
    assert "key effects reproduced; in size:" in text


def test_compare_shows_changed_statuses_first_and_exits_with_1(here: Ablatrix, tmp_path: Path) -> None:
    plants = [Plant("wrong_output", "encoder", "cold", {})]
    common: dict[str, Any] = {"workloads": ["encoder"], "modes": ["cold"], "blocks": 1}
    old = write_records(tmp_path / "old.jsonl", make_records(**common, plants=plants))
    new = write_records(tmp_path / "new.jsonl", make_records(**common, seed=3))
    done = here("compare", old, new)
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert text.lstrip().startswith("Cells that ended in another way")
    assert "1 wrong output" in text
    assert "not reproduced: 16 of 17 cells ended in another way" in text
    held = json.loads(here("compare", old, new, "--json").stdout)
    assert (held["reproduced"], len(held["outcomes"])) == (False, 16)
    assert held["outcomes"][0]["a"] == {"wrong_output": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verdict", "{a}", "--cold-margin", "2"], "--cold-margin 2: must lie between 0 and 100 %"),
        (["verdict", "{a}", "--report", "{a}/none.json"], "the reproduction report cannot be read"),
        (["verdict", "{a}", "--design", "{a}/none.json"], "the design cannot be read"),
        (["compare", "{a}", "{a}"], "holds the same records as"),
    ],
)
def test_verdict_and_compare_with_bad_input_exit_with_2(
    here: Ablatrix, results: Path, arguments: list[str], message: str
) -> None:
    done = here(*(one.format(a=results / "a") for one in arguments))
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
