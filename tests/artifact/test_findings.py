"""Findings of searches in an artifact: carried, shown by its page, checked, and without names where it is anonymous."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.anonymity import find_pseudonyms
from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.results import copy_results
from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.checks.remake import derive
from ablatrix.artifact.contents.manifest import read_manifest
from ablatrix.artifact.contents.reading import Reading
from ablatrix.records.kept_findings import KeptFinding, finding_text, keep_finding, read_finding
from ablatrix.records.model import Record
from tests.artifact.conftest import COMMAND, FINDING, derive_little, reseal, write_results
from tests.cli.conftest import LITTLE_PAPER

KEPT = KeptFinding(
    kind="bisect",
    title="attention on tvm: wrong output (trial 8974)",
    lines=("culprit: pass:FuseOps", "values: made by frida on bench-1 in /home/frida/out"),
    command="ablatrix bisect 8974 --results /home/frida/results --study study.yaml",
)
NAME = "findings/bisect-8974.json"


def derive_with_findings(reading: Reading, out: Path) -> None:
    """What follows from the records, and a page that says what searches came to."""
    derive_little(reading, out)
    (out / "report.html").write_text("".join(one.title for one in reading.kept))


@pytest.fixture
def found(tmp_path: Path, records: list[Record]) -> Path:
    """An artifact whose results have a finding."""
    directory = tmp_path / "found"
    directory.mkdir()
    write_results(directory, records)
    keep_finding(directory, "8974", KEPT)
    derive_with_findings(Reading(directory), directory)
    study = tmp_path / "study.yaml"
    study.write_text("name: synthetic\n")
    assemble(directory, Origin(study=study, commands=[COMMAND], findings=[FINDING]))
    return directory


@pytest.fixture
def look() -> Callable[[Path], Verification]:
    return lambda directory: examine(directory, derive=derive_with_findings)


def test_artifact_carries_findings_by_their_role(found: Path, look: Callable[[Path], Verification]) -> None:
    manifest = read_manifest(found)
    assert [one.path for one in manifest.files if one.role == "finding"] == [NAME]
    assert KEPT.title in (found / "report.html").read_text()
    assert "what searches in these results came to" in (found / "README.md").read_text()
    assert look(found).problems == ()


def test_verify_names_a_finding_that_was_changed(found: Path, look: Callable[[Path], Verification]) -> None:
    other = KEPT.model_copy(update={"title": "attention on tvm: slower (trial 8974)"})
    (found / NAME).write_text(finding_text(other))
    problems = {(one.path, one.kind) for one in look(found).problems}
    assert problems == {(NAME, "changed"), ("report.html", "differs")}
    reseal(found, documents=True)
    assert {(one.path, one.kind) for one in look(found).problems} == {("report.html", "differs")}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (NAME, "{}", "no finding that was kept here: Field required"),
        ("findings/notes.txt", "so it goes", "are files with JSON, and nothing else is beside them"),
        ("findings/deep/bisect-1.json", finding_text(KEPT), "are files with JSON, and nothing else is beside them"),
    ],
)
def test_verify_names_what_is_no_finding(
    found: Path, look: Callable[[Path], Verification], name: str, text: str, why: str
) -> None:
    (found / name).parent.mkdir(exist_ok=True)
    (found / name).write_text(text)
    reseal(found, documents=True)
    verification = look(found)
    (problem,) = verification.problems
    assert name.startswith(problem.path) and problem.kind == "invalid" and why in problem.detail
    assert "the records or findings do not hold, so tables, figures and text were not made again" in verification.notes


def test_findings_of_an_anonymous_artifact_have_no_names(
    found: Path, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/frida")
    monkeypatch.setenv("USER", "frida")
    copy_results(found, tmp_path / "copy", find_pseudonyms(records))
    copied = read_finding((tmp_path / "copy" / NAME).read_bytes())
    assert copied.lines[0] == "culprit: pass:FuseOps"
    assert copied.command == "ablatrix bisect 8974 --results ~/results --study study.yaml"
    text = finding_text(copied)
    assert "values: made by user-" in text and " on host-1 in ~/out" in text
    assert "frida" not in text and "bench-1" not in text


@pytest.mark.slow
@pytest.mark.usefixtures("no_images")
def test_page_of_an_artifact_shows_its_findings(found: Path, tmp_path: Path) -> None:
    template = tmp_path / "paper.yaml"
    template.write_text(LITTLE_PAPER)
    derive(Reading(found), tmp_path / "made", template)
    text = (tmp_path / "made" / "report.html").read_text()
    assert KEPT.title in text[text.index('<section id="kept"') :]
