"""``ablatrix effects``: tables for people, the same rows for programs, one message for what is wrong."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, write_records
from tests.with_axes import as_variants
from tests.with_tokens import over_contexts


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of records in which one corner of `encoder` crashes."""
    corner = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "on"}
    place = tmp_path_factory.mktemp("results")
    write_records(place / "results.jsonl", make_records(blocks=5, plants=[Plant("crashed", "encoder", "hot", corner)]))
    return place


def test_effects_tables_show_each_knob_and_reasons_for_gaps(here: Ablatrix, results: Path) -> None:
    done = here("effects", results, "--metric", "run_ms_p50", "--workload", "encoder")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "encoder on tvm, primary; blocks 5 of 5; pairs 7 of 8; A/A control " in text
    fusion = next(line for line in text.splitlines() if "fusion: off -> on" in line)
    assert "faster" in fusion
    assert "not attributable: encoder on tvm, primary: crashed in 5 of 5 blocks: fusion=on" in text
    assert "  no effect alone of fusion\n" in text
    assert "  no share of partition, reuse, memory_plan, fusion\n" in text
    assert "geometric means" not in text


def test_effects_as_csv_or_json_fill_stdout_and_agree(here: Ablatrix, results: Path) -> None:
    asked = ("effects", results, "--metric", "run_ms_p50", "--metric", "planned_bytes", "--margin", "2%")
    rows = list(csv.DictReader(io.StringIO(here(*asked, "--csv").stdout.decode())))
    held = json.loads(here(*asked, "--json").stdout)
    assert (held["margin"], held["alpha"]) == (0.02, 0.05)
    assert len(rows) == len(held["effects"])
    for row, plain in zip(rows, held["effects"], strict=True):
        assert row["ratio"] == ("" if plain["ratio"] is None else repr(plain["ratio"]))
        assert (row["ratio"] == "") == (plain["scope"] == "workload" and plain["not_attributable"] is not None)
    planned = [row for row in rows if row["metric"] == "planned_bytes" and row["effect"] == "main"]
    assert {row["verdict"] for row in planned if row["scope"] == "workload"} == {"smaller", "no effect"}


def test_effects_begin_with_time_of_a_token_over_its_context(here: Ablatrix, tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", over_contexts([64, 256, 1024]))
    text = here("effects", path).stdout.decode()
    title, eager, ours = text.splitlines()[:3]
    assert title == "time of a token over its context, by least squares [95 % interval]"
    assert eager.startswith("decoder on eager, decode, batch 4: ")
    assert ours.startswith("decoder on tvm, decode, batch 4: ")
    assert ours.endswith(" a token of context, R2 = 1.0000 (3 contexts, 64 to 1024)")
    held = json.loads(here("effects", path, "--metric", "ms_per_token", "--json").stdout)
    assert [row["compiler"] for row in held["context_lines"]] == ["eager", "tvm"]
    assert {row["metric"] for row in held["effects"]} == {"ms_per_token"}


def test_effects_of_several_files_of_one_origin_are_joint(here: Ablatrix, tmp_path: Path) -> None:
    records = make_records(modes=["hot"], blocks=4)
    half = len(records) // 2
    files = [write_records(tmp_path / f"{i}.jsonl", part) for i, part in enumerate((records[:half], records[half:]))]
    done = here("effects", *files, "--metric", "run_ms_mean", "--json")
    assert {row["workload"] for row in json.loads(done.stdout)["effects"]} == {"attention", "encoder", None}


def test_effects_along_axes_are_a_table_and_only_selects_variants(here: Ablatrix, tmp_path: Path) -> None:
    names = ["attention", "encoder", "resnet"]
    records = as_variants(make_records(workloads=names, modes=["hot"], blocks=3, noise=0.002), fusion={"resnet": 2.0})
    write_records(tmp_path / "results.jsonl", records)
    asked = ("effects", tmp_path, "--metric", "run_ms_p50")
    text = here(*asked, "--wide").stdout.decode()
    assert "net on tvm, primary, along tokens" in text
    assert "crosses 1 between 64 and 256 near " in text
    assert "main effects over 3 values of tokens of net" in text
    held = json.loads(here(*asked, "--json", "--only", "tokens=16,64").stdout)
    assert {row["workload"] for row in held["effects"]} == {"net[tokens=16]", "net[tokens=64]"}
    refused = here(*asked, "--only", "tokens")
    assert (refused.returncode, b"--only tokens: must be AXIS=VALUE" in refused.stderr) == (2, True)


def test_effects_of_several_hosts_are_over_hosts_or_separated(here: Ablatrix, tmp_path: Path) -> None:
    files = [
        write_records(tmp_path / f"{host}.jsonl", make_records(modes=["hot"], workloads=["encoder"], host=host))
        for host in ("one", "two")
    ]
    said = here("effects", *files, "--metric", "run_ms_p50", "--show", "hosts")
    assert b"note: Results of 2 hosts: " in said.stderr
    assert b"host x knob; tau: " in said.stdout
    assert b"on 2 hosts, tau up to " in said.stdout
    over = json.loads(here("effects", *files, "--metric", "run_ms_p50", "--json").stdout)
    assert {row["hosts"] for row in over["effects"] if row["effect"] == "main"} == {2}
    held = json.loads(here("effects", *files, "--allow-mixed", "--metric", "run_ms_p50", "--json").stdout)
    assert [row["host"] for row in held["effects"] if row["effect"] == "total"] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--margin", "much"], "--margin much: must lie between 0 and 100 %, written as 1% or 0.01"),
        (["--to", "fusion"], "--to fusion: must be KNOB=LEVEL, such as fusion=on"),
        (["--to", "fusion=maybe"], "knob 'fusion' was not run at level 'maybe'; it was at: off, on"),
        (["--metric", "speed"], "there is no metric 'speed' for effects"),
        (["--csv", "--json"], "--csv and --json were both given; give only one"),
    ],
)
def test_effects_with_wrong_usage_give_one_message_and_exit_with_2(
    here: Ablatrix, results: Path, arguments: list[str], message: str
) -> None:
    done = here("effects", results, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_effects_summary_has_means_and_names_what_it_omits(here: Ablatrix, results: Path) -> None:
    text = here("effects", results, "--metric", "run_ms_p50").stdout.decode()
    assert ("main effect of each knob" in text, "geometric means over workloads" in text) == (True, True)
    assert ("attribution of the total" in text, "interactions; " in text) == (False, False)
    assert text.endswith("\nIn full: --show attribution or interactions, or all.\n")


def test_effects_show_prints_tables_that_are_named(here: Ablatrix, results: Path) -> None:
    asked = ("effects", results, "--metric", "run_ms_p50", "--show", "interactions")
    text = here(*asked).stdout.decode()
    assert ("interactions; " in text, "main effect of each knob" in text) == (True, False)
    lacking = here(*asked[:-1], "means", "--workload", "encoder").stdout.decode()
    assert "run_ms_p50 (hot): no means of these records\n" in lacking
    assert "In full:" not in lacking
