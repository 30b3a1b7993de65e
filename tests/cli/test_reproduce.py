"""``ablatrix reproduce`` and ``badges`` on a real artifact, as a stranger has it: its directory or its zip."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablatrix.artifact.contents.archive import write_archive
from ablatrix.artifact.reproduction.reproduction import read_report
from ablatrix.records.journal import read_records
from tests.cli.conftest import LITTLE_PAPER, Ablatrix
from tests.conftest import SAVE_PAGES, save_no_images
from tests.synthetic import broken, write_records

STUDIES = Path(__file__).parents[2] / "studies"
CLAIMS = """\
version: 1
claims:
  - {id: correct, correct: all}
  - {id: cache, cache_misses: as_planned}
  - {id: calls, workload: mlp, compiler: tvm, metric: generated_calls, knob: fusion, at_least: 1.5}
"""


@pytest.fixture(scope="module", autouse=True)
def figures_without_pictures() -> Iterator[None]:
    """Nobody looks at the figures; that pictures come out byte for byte again is shown by ``tests/artifact``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SAVE_PAGES, save_no_images)
        yield


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory, here: Ablatrix, finished: Path, study_file: Path) -> Path:
    """An artifact of the finished run, with claims, and with the tiny study as an example."""
    place = tmp_path_factory.mktemp("stranger")
    shutil.copyfile(study_file, place / "smoke.yaml")
    directory = place / "smoke"
    shutil.copytree(finished, directory)
    for path in (place / "smoke.claims.yaml", directory / "claims.yaml"):
        path.write_text(CLAIMS)
    (directory / "tiny").mkdir()
    for source, target in (("tiny.yaml", "study.yaml"), ("tiny.claims.yaml", "claims.yaml")):
        shutil.copyfile(STUDIES / source, directory / "tiny" / target)
    (place / "paper.yaml").write_text(LITTLE_PAPER)
    template = ("--template", place / "paper.yaml")
    done = here("artifact", place / "smoke.yaml", "--out", directory, "--quiet", *template)
    assert done.returncode == 0, done.stderr.decode()
    return directory


@pytest.fixture(scope="module")
def reproduced(here: Ablatrix, artifact: Path) -> Path:
    """The whole way, once: verify, run the study, report."""
    out = artifact.parent / "again"
    done = here("reproduce", artifact, "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    assert "3 claims: 3 reproduced, 0 not reproduced, 0 undecided" in done.stdout.decode()
    return out


def test_reproduce_runs_study_again_and_leaves_report(artifact: Path, reproduced: Path) -> None:
    report = read_report(reproduced / "reproduction.json")
    assert report.reproduced
    assert report.recorded is not None
    assert report.here is not None
    assert report.recorded.statuses == report.here.statuses == {"ok": 7}
    calls = next(claim for claim in report.claims if claim.id == "calls")
    assert calls.recorded == calls.here
    assert (reproduced / "results.jsonl").read_bytes() != (artifact / "results.jsonl").read_bytes()
    assert (reproduced / "reproduction.md").read_text().startswith("# Reproduction of the study smoke\n")
    assert (reproduced / "reproduction.html").read_text().startswith("<!doctype html>")


def test_reproduce_with_finished_run_or_zip_judges_without_running(
    here: Ablatrix, artifact: Path, reproduced: Path, tmp_path: Path
) -> None:
    """One of its outputs is wrong: exit code 1."""
    records = list(read_records(reproduced / "results.jsonl"))
    hot = next(i for i, one in enumerate(records) if (one.mode, one.role) == ("hot", "measured"))
    records[hot] = broken(records[hot], "wrong_output")
    write_records(tmp_path / "results.jsonl", records)
    archive = write_archive(artifact, tmp_path / "smoke.zip", "smoke")
    done = here("reproduce", archive, "--results", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr.decode()
    assert "correct: not reproduced: recorded holds, here fails; here: 1 of 7 trials" in done.stdout.decode()
    report = read_report(tmp_path / "out/reproduction.json")
    assert {claim.id: claim.outcome for claim in report.claims} == {
        "correct": "not_reproduced", "cache": "reproduced", "calls": "reproduced",
    }  # fmt: skip


def test_reproduce_with_records_of_other_study_is_refused(
    here: Ablatrix, artifact: Path, reproduced: Path, tmp_path: Path
) -> None:
    done = here("reproduce", artifact, "--study", "tiny", "--results", reproduced, "--out", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "'tiny' has the digest" in done.stderr.decode()


def test_badges_list_what_is_shown_missing_and_left_to_people(here: Ablatrix, artifact: Path, reproduced: Path) -> None:
    done = here("badges", artifact, "--report", reproduced / "reproduction.json", "--json")
    held = json.loads(done.stdout)
    by_name = {(one["badge"], one["requirement"]): one for one in held["requirements"]}
    assert by_name["Functional", "consistent: it verifies"]["state"] == "shown"
    assert by_name["Functional", "its own records support its claims"]["evidence"] == "3 of 3 hold"
    assert by_name["Reproduced", "every claim was reproduced"]["state"] == "shown"
    assert by_name["Reproduced", "on another machine"]["state"] == "missing"
    assert {one["badge"] for one in held["requirements"] if one["state"] == "people"} == {
        "Available", "Functional", "Reusable", "Reproduced",
    }  # fmt: skip
    assert held["missing"] == sum(one["state"] == "missing" for one in held["requirements"])
    assert done.returncode == 1


def test_reproduce_of_unverified_artifact_runs_nothing(here: Ablatrix, artifact: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(artifact, torn)
    with (torn / "claims.yaml").open("a") as stream:
        stream.write("  - {id: more, correct: all}\n")
    done = here("reproduce", torn, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "claims.yaml: changed" in done.stderr.decode()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reproduce", "{place}/none"], "there is no such artifact; give its directory, or its zip"),
        (["reproduce", "{place}/smoke/study.yaml"], "not an archive that can be unpacked"),
        (["reproduce", "{place}/smoke", "--study", "huge"], "--study huge: there are full, tiny"),
        (["reproduce", "{place}/smoke", "--out", "{place}/smoke/again"], "would be inside the artifact"),
        (["badges", "{place}/smoke", "--report", "{place}/none.json"], "the reproduction report cannot be read"),
    ],
)
def test_reproduce_with_bad_input_gives_one_message_and_exits_with_2(
    here: Ablatrix, artifact: Path, arguments: list[str], message: str
) -> None:
    done = here(*(one.format(place=artifact.parent) for one in arguments))
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
