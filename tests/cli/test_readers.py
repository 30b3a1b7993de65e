"""Every command that reads results takes a directory, a file of records, an artifact's directory and its zip."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.claimed import CLAIMS
from tests.cli.conftest import LITTLE_PAPER, Ablatrix
from tests.synthetic import make_records, write_records


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("given")
    directory = place / "quick"
    file = write_records(directory / "results.jsonl", make_records(blocks=3, noise=0.003))
    (directory / "claims.yaml").write_text(CLAIMS)
    with zipfile.ZipFile(place / "quick.zip", "w") as archive:
        for one in sorted(directory.iterdir()):
            archive.write(one, f"quick/{one.name}")
    return {"directory": directory, "file": file, "zip": place / "quick.zip"}


@pytest.mark.parametrize("kind", ["file", "zip"])
@pytest.mark.parametrize(
    "arguments",
    [["effects", "--metric", "run_ms_paired", "--json"], ["claims", "--json"], ["diagnose", "--json"]],
)
def test_reader_of_any_kind_answers_as_of_directory(
    here: Ablatrix, given: dict[str, Path], kind: str, arguments: list[str]
) -> None:
    command, *options = arguments
    asked, of_directory = here(command, given[kind], *options), here(command, given["directory"], *options)
    assert (asked.returncode, asked.stderr) == (0, b"")
    texts = [  # commands to run next name what was read
        done.stdout.decode().replace(str(read), "READ")
        for done, read in ((asked, given[kind]), (of_directory, given["directory"]))
    ]
    assert json.loads(texts[0]) == json.loads(texts[1])


def test_compare_of_two_zips_refuses_the_same_records(here: Ablatrix, given: dict[str, Path]) -> None:
    done = here("compare", given["zip"], given["directory"])
    assert done.returncode == 2
    assert b"holds the same records as" in done.stderr


def test_zip_leaves_nothing_behind(
    here: Ablatrix, given: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert here("effects", given["zip"], "--metric", "run_ms_paired", "--csv").returncode == 0
    assert here("effects", given["zip"], "--metric", "nothing").returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["paper", "page", "tabulate"])
def test_writer_of_zip_writes_the_same_files_as_of_directory(
    here: Ablatrix, given: dict[str, Path], tmp_path: Path, command: str
) -> None:
    (tmp_path / "little.yaml").write_text(LITTLE_PAPER)
    options = ("--template", tmp_path / "little.yaml") if command == "paper" else ()
    for kind in ("zip", "directory"):
        done = here(command, given[kind], "--out", tmp_path / kind, *options)
        assert done.returncode == 0, done.stderr.decode()
    if command == "page":
        assert (tmp_path / "zip").read_bytes() == (tmp_path / "directory").read_bytes()
        return
    names = {path.relative_to(tmp_path / "zip") for path in (tmp_path / "zip").rglob("*")}
    assert names == {path.relative_to(tmp_path / "directory") for path in (tmp_path / "directory").rglob("*")}
    assert len(names) > 5


@pytest.mark.usefixtures("no_images")
@pytest.mark.slow
def test_verdict_of_zip_takes_claims_beside_its_records(here: Ablatrix, given: dict[str, Path]) -> None:
    held = json.loads(here("verdict", given["zip"], "--json").stdout)
    assert held["criteria"][1]["numbers"]["claims"] == 11
