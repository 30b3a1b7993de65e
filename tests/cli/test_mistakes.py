"""Twelve mistakes, and their neighbours: one line with subject, rule, values, place and remedy, and exit code 2."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.claimed import CLAIMS
from tests.cli.conftest import STUDY, Ablatrix
from tests.synthetic import make_records, write_records


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a study, results of it, a zip of them, claims, and other files."""
    place = tmp_path_factory.mktemp("mistakes")
    (place / "study.yaml").write_text(STUDY)
    (place / "claims.yaml").write_text(CLAIMS)
    (place / "notes.txt").write_text("some notes\n")
    (place / "empty").mkdir()
    write_records(place / "results" / "results.jsonl", make_records(workloads=["encoder"], blocks=1))
    with zipfile.ZipFile(place / "results.zip", "w") as archive:
        archive.write(place / "results" / "results.jsonl", "results/results.jsonl")
    return place


@pytest.mark.parametrize(
    ("command", "message"),
    [
        # what is read given as what is run
        (
            "design {p}/results/results.jsonl",
            "records, not a study file (YAML); name the study that they were made with",
        ),
        ("run {p}/results --out {p}/new", "a directory, not a study file (YAML); it contains results; name the study"),
        (
            "run {p}/results.zip --out {p}/new",
            "a zip, not a study file (YAML); unpack it and name the study.yaml in it",
        ),
        ("design {p}", "a directory, not a study file (YAML); the study in it is {p}/study.yaml"),
        (
            "design {p}/claims.yaml",
            "not a study: it has none of the keys workloads, compilers, stages, but version, claims",
        ),
        ("artifact {p}/results --out {p}/new", "a directory, not a study file (YAML)"),
        # what is run given as what is read
        ("effects {p}/study.yaml", "a YAML file, not records; if it is a study, 'ablatrix run' makes records of it"),
        ("diagnose {p}/notes.txt", "not a file of records, which has a JSON object on each line"),
        ("verdict {p}/empty", "contains no results.jsonl; name a directory of results"),
        ("page {p}/nothing", "there is no such file or directory; name a directory of results"),
        ("effects {p}", "contains no results.jsonl, but its folders do; name one of them: {p}/results"),
        # artifacts
        ("verify {p}/results", "not an artifact: there is no MANIFEST.json; it contains plain results"),
        (
            "verify {p}/results/results.jsonl",
            "not an artifact but JSON; name the directory that contains MANIFEST.json",
        ),
        ("badges {p}/results", "not an artifact: there is no MANIFEST.json; it contains plain results"),
        ("reproduce {p}/results", "not an artifact: there is no MANIFEST.json; it contains plain results"),
        ("verify {p}/empty", "not an artifact: there is no MANIFEST.json; name the directory that contains"),
        # looking at a run
        ("status {p}/nothing", "not a directory of results: it does not exist; name the --out of 'ablatrix run'"),
        ("status {p}/results.zip", "not a directory of results: it contains no design.json"),
        ("show abc --results {p}/study.yaml", "a YAML file, not records"),
        ("show zzz --results {p}/results.zip", "no trial and no record has an id that begins with 'zzz'"),
        ("rerun zzz --results {p}/nothing --study {p}/study.yaml", "there is no such file or directory"),
        ("design {p}/study.yaml --results {p}/claims.yaml", "a YAML file, not records"),
        # options
        ("effects {p}/results --metric runtime", "there is no metric 'runtime' for effects"),
        ("compare {p}/results {p}/results.zip", "holds the same records as"),
    ],
)
def test_mistake_gives_one_line_and_exits_with_2(here: Ablatrix, place: Path, command: str, message: str) -> None:
    done = here(*(word.format(p=place) for word in command.split()))
    assert done.returncode == 2, done.stdout.decode()
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: ")
    assert message.format(p=place) in line
    assert done.stdout == b""
    assert not (place / "new").exists()
