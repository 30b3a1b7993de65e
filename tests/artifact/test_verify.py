import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.contents.manifest import list_files, manifest_text, read_manifest, seal
from ablatrix.artifact.contents.reading import Reading
from ablatrix.artifact.contents.source import source_file
from ablatrix.errors import ArtifactError
from ablatrix.plugin_sources import read_plugin_source
from ablatrix.records.names import MANIFEST_NAME
from tests.artifact.conftest import derive_little, reseal

Check = Callable[[Path], Verification]

PLAIN_FILES = [
    "APPENDIX.md",
    "CITATION.cff",
    "LICENSE",
    "README.md",
    "appendix.tex",
    "appendix_long.tex",
    "design.json",
    "environment.json",
    "figures/times.png",
    "requirements.lock",
    "results.jsonl",
    "ro-crate-metadata.json",
    f"source/{source_file().name}",
    "study.yaml",
    "tables/times.csv",
    "template.yaml",
    "text/summary.txt",
    "tiny/claims.yaml",
    "tiny/study.yaml",
]
CRATE = ("ro-crate-metadata.json", "differs")
"""The crate holds the digest of every file, so it does not fit a changed one either, whatever the manifest says."""


def _named(verification: Verification) -> set[tuple[str, str]]:
    return {(problem.path, problem.kind) for problem in verification.problems}


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_verify_of_untouched_artifact_is_good(artifact: Path, check: Check) -> None:
    found = check(artifact)
    assert found.problems == ()
    assert found.notes == ()
    assert found.files == len(PLAIN_FILES)
    assert found.records == 19
    assert found.root_digest == read_manifest(artifact).root_digest


def test_artifact_fixture_has_every_kind_of_file(artifact: Path) -> None:
    assert list_files(artifact)[0] == PLAIN_FILES


def test_verify_of_copy_in_other_location_is_good(artifact: Path, tmp_path: Path, check: Check) -> None:
    shutil.copytree(artifact, tmp_path / "copy with a space")
    assert check(tmp_path / "copy with a space").problems == ()


@pytest.mark.parametrize("name", PLAIN_FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_verify_with_flipped_bit_names_only_its_file(artifact: Path, check: Check, name: str, place: float) -> None:
    data = bytearray((artifact / name).read_bytes())
    data[round(place * (len(data) - 1))] ^= 1
    (artifact / name).write_bytes(data)
    found = check(artifact)
    assert (name, "changed") in _named(found)
    assert {problem.path for problem in found.problems} <= {name, "results.jsonl"}


def test_verify_with_flipped_bit_in_manifest_finds_it(artifact: Path) -> None:
    original = (artifact / MANIFEST_NAME).read_bytes()
    for place in range(0, len(original), 7):
        data = bytearray(original)
        data[place] ^= 1
        (artifact / MANIFEST_NAME).write_bytes(data)
        with pytest.raises(ArtifactError):
            read_manifest(artifact)


def test_verify_with_changed_digit_in_manifest_names_manifest(artifact: Path, check: Check) -> None:
    _replace(artifact / MANIFEST_NAME, '"seconds": 12.5', '"seconds": 12.4')
    assert _named(check(artifact)) == {(MANIFEST_NAME, "invalid")}


@pytest.mark.parametrize("name", PLAIN_FILES)
def test_verify_with_dropped_file_reports_missing(artifact: Path, check: Check, name: str) -> None:
    (artifact / name).unlink()
    assert (name, "missing") in _named(check(artifact))


def test_verify_with_dropped_manifest_reports_missing(artifact: Path, check: Check) -> None:
    (artifact / MANIFEST_NAME).unlink()
    assert (MANIFEST_NAME, "missing") in _named(check(artifact))


@pytest.mark.parametrize("name", ["tables/more.csv", "new/notes.txt", ".hidden"])
def test_verify_with_added_file_reports_extra(artifact: Path, check: Check, name: str) -> None:
    (artifact / name).parent.mkdir(exist_ok=True)
    (artifact / name).write_text("a,b\n")
    assert (name, "extra") in _named(check(artifact))


@pytest.mark.parametrize("name", PLAIN_FILES)
def test_verify_with_truncated_file_finds_it(artifact: Path, check: Check, name: str) -> None:
    data = (artifact / name).read_bytes()
    (artifact / name).write_bytes(data[: len(data) // 2])
    assert (name, "changed") in _named(check(artifact))


def test_verify_with_renamed_file_reports_missing_and_extra_and_match(artifact: Path, check: Check) -> None:
    (artifact / "study.yaml").rename(artifact / "other.yaml")
    found = check(artifact)
    assert _named(found) == {("study.yaml", "missing"), ("other.yaml", "extra")}
    assert any("its content is that of study.yaml" in problem.detail for problem in found.problems)


def test_verify_with_two_swapped_files_finds_both(artifact: Path, check: Check) -> None:
    (artifact / "study.yaml").rename(artifact / "kept")
    (artifact / "text/summary.txt").rename(artifact / "study.yaml")
    (artifact / "kept").rename(artifact / "text/summary.txt")
    named = _named(check(artifact))
    assert {("study.yaml", "changed"), ("text/summary.txt", "changed")} <= named


@pytest.mark.parametrize("changed", ["plug.py", "beside.py"])
def test_verify_with_changed_plugin_under_fitting_manifest_finds_it(artifact: Path, check: Check, changed: str) -> None:
    (artifact / "plug.py").write_text("def later():\n    import beside\n")
    (artifact / "beside.py").write_text("WIDTH = 4\n")
    design = json.loads((artifact / "design.json").read_text())
    design["plugins"] = {"plug.py": read_plugin_source(artifact / "plug.py").digest}
    (artifact / "design.json").write_text(json.dumps(design))
    reseal(artifact, documents=True)
    assert check(artifact).problems == ()
    (artifact / changed).write_text("WIDTH = 5\n")
    reseal(artifact, documents=True)
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == ("plug.py", "changed")
    (artifact / "plug.py").unlink()
    reseal(artifact, documents=True)
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == ("plug.py", "unreadable")


def test_verify_with_table_digit_changed_names_row_and_column(artifact: Path, check: Check) -> None:
    lines = (artifact / "tables/times.csv").read_text().splitlines()
    workload, trial, value = lines[3].split(",")
    lines[3] = f"{workload},{trial},1{value}"
    (artifact / "tables/times.csv").write_text("\n".join(lines) + "\n")
    reseal(artifact)
    crate, problem = check(artifact).problems
    assert (crate.path, crate.kind) == CRATE
    assert (problem.path, problem.kind) == ("tables/times.csv", "differs")
    assert "row 3, column 'ms'" in problem.detail
    assert repr(value) in problem.detail


@pytest.mark.parametrize("change", ["drop", "add"])
def test_verify_with_table_row_dropped_or_added_finds_it(artifact: Path, check: Check, change: str) -> None:
    lines = (artifact / "tables/times.csv").read_text().splitlines()
    lines = lines[:-1] if change == "drop" else [*lines, "attention,0,1.0"]
    (artifact / "tables/times.csv").write_text("\n".join(lines) + "\n")
    reseal(artifact)
    assert _named(check(artifact)) == {("tables/times.csv", "differs"), CRATE}


def test_verify_with_changed_figure_under_fitting_manifest_finds_it(artifact: Path, check: Check) -> None:
    data = bytearray((artifact / "figures/times.png").read_bytes())
    data[-1] ^= 1
    (artifact / "figures/times.png").write_bytes(data)
    reseal(artifact)
    assert _named(check(artifact)) == {("figures/times.png", "differs"), CRATE}


def test_verify_with_changed_text_under_fitting_manifest_names_line(artifact: Path, check: Check) -> None:
    _replace(artifact / "text/summary.txt", "all ok", "all very good")
    reseal(artifact)
    _, problem = check(artifact).problems
    assert problem.kind == "differs"
    assert "line 2" in problem.detail


def test_verify_with_changed_readme_under_fitting_manifest_finds_it(artifact: Path, check: Check) -> None:
    _replace(artifact / "README.md", "18 successful trials", "99 successful trials")
    reseal(artifact)
    assert _named(check(artifact)) == {("README.md", "differs")}


def test_verify_with_derived_file_added_or_dropped_finds_it(artifact: Path, check: Check) -> None:
    (artifact / "figures/extra.png").write_bytes(b"\x89PNG")
    (artifact / "text/summary.txt").unlink()
    reseal(artifact)
    named = _named(check(artifact))
    assert {("figures/extra.png", "extra"), ("text/summary.txt", "missing")} <= named


def test_verify_with_dropped_record_reports_incomplete(artifact: Path, check: Check) -> None:
    lines = (artifact / "results.jsonl").read_text().splitlines(keepends=True)
    trial_id = json.loads(lines.pop())["trial_id"]
    (artifact / "results.jsonl").write_text("".join(lines))
    shutil.rmtree(artifact / "tables")
    shutil.rmtree(artifact / "figures")
    shutil.rmtree(artifact / "text")
    derive_little(Reading(artifact), artifact)
    reseal(artifact)
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == ("results.jsonl", "incomplete")
    assert trial_id in problem.detail


def test_verify_with_repeated_record_finds_it(artifact: Path, check: Check) -> None:
    lines = (artifact / "results.jsonl").read_text().splitlines(keepends=True)
    (artifact / "results.jsonl").write_text("".join([*lines, lines[-1]]))
    reseal(artifact)
    details = " ".join(problem.detail for problem in check(artifact).problems)
    assert "more than one final record" in details
    assert "record ids occur twice" in details


def test_verify_with_unplanned_trial_finds_it(artifact: Path, check: Check) -> None:
    design = json.loads((artifact / "design.json").read_text())
    dropped = design["trials"].pop()
    (artifact / "design.json").write_text(json.dumps(design))
    reseal(artifact)
    found = [problem for problem in check(artifact).problems if "not planned" in problem.detail]
    assert found
    assert dropped["trial_id"] in found[0].detail


def test_verify_with_record_contradicting_design_finds_it(artifact: Path, check: Check) -> None:
    design = json.loads((artifact / "design.json").read_text())
    design["trials"][2]["mode"] = "hot"
    (artifact / "design.json").write_text(json.dumps(design))
    reseal(artifact)
    assert any("contradict the design" in problem.detail for problem in check(artifact).problems)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"status":"ok"', '"status":"fine"', "status"),
        ('"wall_s":1.5', '"wall_s":NaN', "NaN"),
        ('"wall_s":1.5', '"wall_s":-1.5', "wall_s"),
        ('{"schema_version"', '{"comment":1,"schema_version"', "comment"),
    ],
)
def test_verify_with_schema_violation_names_line_number(
    artifact: Path, check: Check, old: str, new: str, place: str
) -> None:
    lines = (artifact / "results.jsonl").read_text().splitlines(keepends=True)
    assert old in lines[4]
    lines[4] = lines[4].replace(old, new, 1)
    (artifact / "results.jsonl").write_text("".join(lines))
    reseal(artifact)
    found = [problem.detail for problem in check(artifact).problems if problem.kind == "invalid"]
    assert any("line 5" in detail and place in detail for detail in found)


def test_verify_with_torn_last_line_or_blank_line_finds_it(artifact: Path, check: Check) -> None:
    path = artifact / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert any("torn" in problem.detail for problem in check(artifact).problems)
    path.write_bytes(path.read_bytes() + b"\n\n")
    assert any("line 20" in problem.detail for problem in check(artifact).problems)


def test_verify_with_link_to_same_bytes_refuses_it(artifact: Path, check: Check) -> None:
    path = artifact / "study.yaml"
    shutil.copy(path, artifact.parent / "aside.yaml")
    path.unlink()
    path.symlink_to(artifact.parent / "aside.yaml")
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == ("study.yaml", "unreadable")
    assert "symbolic link" in problem.detail


def test_verify_with_linked_folder_refuses_it(artifact: Path, check: Check) -> None:
    (artifact / "tables").rename(artifact.parent / "tables")
    (artifact / "tables").symlink_to(artifact.parent / "tables")
    assert ("tables", "unreadable") in _named(check(artifact))


def test_verify_with_directory_in_place_of_file_reports_it(artifact: Path, check: Check) -> None:
    for name in ("study.yaml", "results.jsonl", "design.json", "README.md", "tables/times.csv"):
        (artifact / name).unlink()
        (artifact / name).mkdir()
    named = _named(check(artifact))
    assert {(name, "missing") for name in ("study.yaml", "results.jsonl", "design.json", "README.md")} <= named
    assert ("results.jsonl", "unreadable") in named


def test_verify_with_directory_in_place_of_manifest_reports_it(artifact: Path, check: Check) -> None:
    (artifact / MANIFEST_NAME).unlink()
    (artifact / MANIFEST_NAME).mkdir()
    assert any(problem.path == MANIFEST_NAME for problem in check(artifact).problems)


def test_verify_with_socket_does_not_hang(artifact: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(artifact)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("door")
        os.mkfifo("pipe")
        assert {("door", "unreadable"), ("pipe", "unreadable")} <= _named(check(artifact))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_verify_with_unreadable_file_reports_it(artifact: Path, check: Check) -> None:
    (artifact / "study.yaml").chmod(0)
    assert ("study.yaml", "unreadable") in _named(check(artifact))


def test_verify_with_other_published_root_digest_reports_it(artifact: Path) -> None:
    digest = read_manifest(artifact).root_digest
    assert examine(artifact, digest, derive_little).problems == ()
    (problem,) = examine(artifact, "f" * 64, derive_little).problems
    assert problem.path == MANIFEST_NAME
    assert digest in problem.detail


def test_verify_with_other_versions_notes_them_and_uses_tolerance(artifact: Path, check: Check) -> None:
    path = artifact / "tables/times.csv"
    lines = path.read_text().splitlines()
    number = lines[3].rsplit(",", 1)[1]
    nearly = lines[3].replace(number, repr(float(number) * (1 + 1e-12)))
    path.write_text("\n".join([*lines[:3], nearly, *lines[4:]]) + "\n")
    (artifact / "figures/times.png").write_bytes(b"\x89PNG made by another version")
    reseal(artifact)
    assert {("tables/times.csv", "differs"), ("figures/times.png", "differs"), CRATE} == _named(check(artifact))

    manifest = reseal(artifact, documents=True)
    assert {("tables/times.csv", "differs"), ("figures/times.png", "differs")} == _named(check(artifact))

    older = seal(manifest.model_copy(update={"versions": {**manifest.versions, "polars": "0.1"}}))
    (artifact / MANIFEST_NAME).write_text(manifest_text(older))
    found = check(artifact)
    assert found.problems == ()
    assert "polars 0.1 there" in found.notes[0]

    path.write_text("\n".join([*lines[:3], *lines[4:]]) + "\n")
    assert ("tables/times.csv", "differs") in _named(check(artifact))


def test_verify_of_missing_directory_is_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such directory"):
        examine(tmp_path / "absent")


def test_verify_of_citation_edited_by_hand_names_where_authors_are_given(
    artifact: Path, check: Callable[[Path], Verification]
) -> None:
    path = artifact / "CITATION.cff"
    path.write_text(path.read_text().replace("The authors of the study synthetic", "Ada Lovelace"))
    reseal(artifact)
    (problem,) = (one for one in check(artifact).problems if one.path == "CITATION.cff")
    assert problem.kind == "differs"
    assert "its title, authors, licence and DOI come from 'about' in study.yaml: change them there" in problem.detail


def test_verify_of_artifact_made_again_with_authors_holds(
    artifact: Path, check: Callable[[Path], Verification]
) -> None:
    study = artifact / "study.yaml"
    study.write_text('name: synthetic\nabout: {authors: [{name: "Lovelace, Ada"}], licence: CC-BY-4.0}\n')
    assemble(artifact, Origin(study=study))
    assert check(artifact).problems == ()
    assert 'family-names: "Lovelace"' in (artifact / "CITATION.cff").read_text()


def test_verify_of_study_with_faulty_about_names_it(artifact: Path, check: Callable[[Path], Verification]) -> None:
    (artifact / "study.yaml").write_text("name: synthetic\nabout: {license: MIT}\n")
    reseal(artifact)
    (problem,) = check(artifact).problems
    assert "study.yaml:2: unknown key 'license' in 'about'; did you mean 'licence'?" in problem.detail
