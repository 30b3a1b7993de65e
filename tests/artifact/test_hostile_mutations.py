"""What somebody does to a bundle who means harm is found, by kind; the long form is ``benchmarks/mutations.py``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import Verification
from ablatrix.artifact.checks.difference import describe_difference
from ablatrix.artifact.contents.manifest import list_files
from ablatrix.errors import ArtifactError
from tests.artifact.conftest import reseal, write_results
from tests.artifact.hostile_mutations import HOSTILE, hostile_zip, mutate_hostile
from tests.synthetic import make_records

Check = Callable[[Path], Verification]
NEEDS_A_STUDY = ("alias",)
"""Kinds that only who reads the study and the template finds: the artifact of these tests has neither."""


@pytest.mark.parametrize("seed", [seed for seed in range(3 * len(HOSTILE)) if seed % len(HOSTILE) != 6])
def test_verify_finds_hostile_mutation(artifact: Path, check: Check, seed: int) -> None:
    assert list(HOSTILE)[6] in NEEDS_A_STUDY
    kind, what = mutate_hostile(artifact, seed)
    if kind == "bytes" and what.endswith(("study.yaml", "template.yaml")):
        pytest.skip("see NEEDS_A_STUDY")
    assert check(artifact).problems, what


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6, 7, 8])
def test_verify_of_hostile_zip_is_a_problem(artifact: Path, check: Check, tmp_path: Path, seed: int) -> None:
    place = tmp_path / "zips"
    place.mkdir()
    kind = hostile_zip(artifact, place / "x.zip", seed)
    (problem,) = check(place / "x.zip").problems
    assert problem.path == "x.zip", kind
    assert [one.name for one in place.iterdir()] == ["x.zip"]


def test_hard_link_is_a_problem_and_no_bundle_is_made_of_one(artifact: Path, check: Check, tmp_path: Path) -> None:
    os.link(artifact / "README.md", tmp_path / "another name")
    (problem,) = check(artifact).problems
    assert str(problem) == "README.md: unreadable: a hard link; put a copy of the file here"
    with pytest.raises(ArtifactError, match="a hard link; put a copy of the file here"):
        reseal(artifact)


@pytest.mark.parametrize(
    ("one", "other"), [("a.txt", "A.TXT"), ("\u00e9.txt", "e\u0301.txt"), ("stra\u00dfe", "STRASSE")]
)
def test_names_that_are_one_on_some_file_systems_are_a_problem(tmp_path: Path, one: str, other: str) -> None:
    for name in (one, other):
        (tmp_path / name).write_text("x")
    paths, (problem,) = list_files(tmp_path)
    assert sorted(paths) == sorted([one, other])
    assert problem.kind == "unreadable"
    assert "whose name is the same in other letters" in problem.detail


@pytest.mark.parametrize("name", ["results.jsonl", "design.json", "environment.json", "MANIFEST.json"])
def test_hundred_thousand_brackets_are_a_problem(artifact: Path, check: Check, name: str) -> None:
    (artifact / name).write_text("[" * 100_000 + "\n")
    began = time.monotonic()
    assert check(artifact).problems
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("name", "mib"), [("results.jsonl", 64), ("MANIFEST.json", 200), ("design.json", 200)])
def test_file_of_zeros_is_a_problem(artifact: Path, check: Check, name: str, mib: int) -> None:
    os.truncate(artifact / name, 0)
    os.truncate(artifact / name, mib * 2**20)
    began = time.monotonic()
    assert check(artifact).problems
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one["workload"].update(name="n" * 2**20), "'workload.name': String should have at most 1000"),
        (
            lambda one: one["workload"]["parameters"].update({f"p{n}": n for n in range(1000)}),
            "'workload.parameters': Dictionary should have at most 200 items",
        ),
        (lambda one: one["config"]["knobs"].update(fusion="x" * 2**20), "String should have at most 1000 characters"),
        (
            lambda one: one["config"]["knobs"].update({f"k{n}": "on" for n in range(2000)}),
            "'config.knobs': Dictionary should have at most 1000 items",
        ),
    ],
)
def test_record_with_long_or_many_names_is_a_problem(
    artifact: Path, check: Check, change: Callable[[dict[str, dict[str, object]]], None], said: str
) -> None:
    first, *rest = (artifact / "results.jsonl").read_text().splitlines()
    record = json.loads(first)
    change(record)
    (artifact / "results.jsonl").write_text("\n".join([json.dumps(record), *rest, ""]))
    reseal(artifact)
    details = [one.detail for one in check(artifact).problems if one.path == "results.jsonl"]
    assert any(said in one for one in details), details
    assert max(map(len, details)) < 2000


def test_cell_longer_than_any_that_is_written_is_a_difference() -> None:
    found = describe_difference("x.csv", BytesIO(b"a\n" + b"x" * 200_000 + b"\n"), BytesIO(b"a\nx\n"))
    assert found is not None
    assert found.startswith("it cannot be read as a table: field larger than field limit")


def test_bundle_whose_samples_are_missing_is_refused(tmp_path: Path) -> None:
    records = make_records(workloads=("attention",), blocks=1, modes=("hot",))
    write_results(tmp_path, records)
    with pytest.raises(ArtifactError, match=r"the raw samples of record .* are missing, or not those it was made from"):
        assemble(tmp_path, Origin(study=tmp_path / "study.yaml"))
    assert not (tmp_path / "MANIFEST.json").exists()
