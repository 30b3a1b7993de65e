"""``ablatrix effects`` of records with builds: their tables come first, and alone where they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ablatrix
from tests.synthetic import make_records, write_records
from tests.with_builds import Knobs, with_builds


def planted(workload: str, mode: str, knobs: Knobs) -> float:
    if mode == "cold":
        return 1.0
    return 0.9 if workload == "encoder" and knobs["fusion"] == "on" else 1.0


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    write_records(place / "results.jsonl", with_builds(make_records(blocks=5, noise=0.001), planted))
    return place


def test_builds_are_printed_alone_where_they_are_asked_for(here: Ablatrix, results: Path) -> None:
    done = here("effects", results, "--show", "builds", "--metric", "run_ms_paired")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.startswith("run_ms_paired (hot): build stable -> pr; below 0 is faster\n")
    assert "main effect of each knob" not in text
    assert "attention" in text
    assert "same within 1 %" in text
    assert "encoder on tvm: only with fusion=on: improvement with fusion=on (-10." in text
    assert "No configuration ended in another way under the other build." in text


def test_builds_come_first_and_are_in_the_json(here: Ablatrix, results: Path) -> None:
    text = here("effects", results).stdout.decode()
    assert text.index("build stable -> pr") < text.index("main effect of each knob")
    (held,) = json.loads(here("effects", results, "--json").stdout)["builds"]
    assert (held["base"], held["head"], held["sessions"]) == ("stable", "pr", 1)
    assert [one["metric"] for one in held["metrics"]] == [
        "run_ms_paired",
        "compile_first_run_ms",
        "planned_bytes",
        "peak_rss_delta_bytes",
    ]


def test_builds_of_records_without_any_are_one_line_and_exit_1(here: Ablatrix, tmp_path: Path) -> None:
    write_records(tmp_path / "results.jsonl", make_records(blocks=2))
    done = here("effects", tmp_path, "--show", "builds")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"no builds vary in these results: no knob 'build' has two levels\n"
    assert b'"builds"' not in here("effects", tmp_path, "--json").stdout


def test_builds_of_one_workload_keep_their_words(here: Ablatrix, results: Path) -> None:
    text = here("effects", results, "--show", "builds", "--workload", "encoder").stdout.decode()
    assert "encoder on tvm: only with fusion=on" in text
    assert "attention" not in text
    assert "geometric mean" not in text
