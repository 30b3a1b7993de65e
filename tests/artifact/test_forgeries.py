"""Bundles that somebody made again with other contents and a manifest that fits: what verification still finds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.contents.manifest import Manifest, manifest_text, seal
from ablatrix.artifact.contents.reading import Reading
from ablatrix.canonical import digest_bytes
from ablatrix.errors import StudyError
from ablatrix.records.journal import read_records
from tests.artifact.conftest import derive_little, reseal
from tests.synthetic import write_records


def examined(artifact: Path, digest: str | None = None) -> Verification:
    """Verify a bundle; the digest of its study, as read, is the recorded one unless another is given."""
    recorded = next(read_records(artifact / "results.jsonl")).study_digest
    return examine(artifact, derive=derive_little, study_digest=lambda _: digest or recorded)


def test_bundle_as_it_was_made_holds(artifact: Path) -> None:
    found = examined(artifact)
    assert (found.problems, found.notes) == ((), ())


def test_study_that_was_swapped_is_found_by_the_records(artifact: Path) -> None:
    (problem,) = examined(artifact, "f" * 64).problems
    assert (problem.path, problem.kind) == ("study.yaml", "changed")
    assert "it is not the study that was run: its digest is ffffffffffffffff, the records are of" in problem.detail


@pytest.mark.parametrize(("version", "is_problem"), [(None, True), ("9.9", False)])
def test_study_that_cannot_be_read_is_found_or_noted(artifact: Path, version: str | None, is_problem: bool) -> None:
    """What another version wrote may hold and not be readable here."""
    if version is not None:
        change_manifest(artifact, version)

    def refuse(file: Path) -> str:
        raise StudyError(f"{file}:1: unknown key 'later'")

    found = examine(artifact, derive=derive_little, study_digest=refuse)
    if is_problem:
        assert [(one.path, one.kind) for one in found.problems] == [("study.yaml", "invalid")]
    else:
        assert found.problems == ()
        assert "study.yaml, written for ablatrix 9.9, cannot be read here, so it was not compared" in found.notes


def change_manifest(artifact: Path, version: str) -> None:
    manifest = json.loads((artifact / "MANIFEST.json").read_text())
    manifest["versions"]["ablatrix"] = version
    (artifact / "MANIFEST.json").write_text(manifest_text(seal(Manifest.model_validate(manifest))))


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://example.org/simple", "-r more.txt", "torch @ https://example.org/torch.whl",
        "./torch.whl", "torch>=1", "torch==2.0 --config-settings=x",
    ],
)  # fmt: skip
def test_line_of_lock_that_pins_no_package_is_a_problem(artifact: Path, line: str) -> None:
    with (artifact / "requirements.lock").open("a") as lock:
        lock.write(line + "\n")
    reseal(artifact, documents=True)
    (problem,) = examined(artifact).problems
    assert (problem.path, problem.kind) == ("requirements.lock", "invalid")
    assert repr(line) in problem.detail


@pytest.mark.parametrize("line", ["torhc==2.13.0", "torch==1.0.0"])
def test_package_of_lock_that_nothing_else_names_is_a_problem(artifact: Path, line: str) -> None:
    lock = artifact / "requirements.lock"
    kept = [one for one in lock.read_text().splitlines() if not one.startswith(line.partition("==")[0])]
    lock.write_text("\n".join([*kept, line, ""]))
    reseal(artifact, documents=True)
    (problem,) = examined(artifact).problems
    assert (problem.path, problem.kind) == ("requirements.lock", "changed")
    assert problem.detail.endswith(f"have {line}")


def test_lock_of_another_version_is_noted_where_it_is_unknown(artifact: Path) -> None:
    with (artifact / "requirements.lock").open("a") as lock:
        lock.write("torhc==2.13.0\n")
    reseal(artifact, documents=True)
    change_manifest(artifact, "0.0.1")
    found = examined(artifact)
    assert "requirements.lock" not in {problem.path for problem in found.problems}
    assert any("torhc==2.13.0; look at them before you install" in note for note in found.notes)


@pytest.mark.parametrize("name", ["tiny/study.yaml", "tiny/claims.yaml", "LICENSE"])
def test_shipped_file_that_was_changed_is_found(artifact: Path, name: str) -> None:
    with (artifact / name).open("a") as file:
        file.write("# one more line\n")
    reseal(artifact, documents=True)
    (problem,) = examined(artifact).problems
    assert (problem.path, problem.kind) == (name, "changed")
    assert "ships with every one" in problem.detail


def test_model_that_was_changed_is_found_by_the_records(artifact: Path) -> None:
    (artifact / "net.py").write_text("def make(): ...\n")
    source = {"source": "net.py:make", "source_digest": digest_bytes((artifact / "net.py").read_bytes())}
    records = [
        one.model_copy(update={"workload": one.workload.model_copy(update=source)})
        for one in read_records(artifact / "results.jsonl")
    ]
    write_records(artifact / "results.jsonl", records)
    derive_again(artifact)
    reseal(artifact, documents=True)
    assert examined(artifact).problems == ()
    (artifact / "net.py").write_text("def make(): import os\n")
    reseal(artifact, documents=True)
    (problem,) = examined(artifact).problems
    assert (problem.path, problem.kind) == ("net.py", "changed")


def derive_again(artifact: Path) -> None:
    for folder in ("tables", "figures", "text"):
        shutil.rmtree(artifact / folder)
    derive_little(Reading(artifact), artifact)


@pytest.mark.parametrize("plugin", ["../outside.py", "/dev/zero"])
def test_plugin_of_design_outside_the_bundle_is_not_read(artifact: Path, plugin: str) -> None:
    (artifact.parent / "outside.py").write_text("SECRET = 1\n")
    design = json.loads((artifact / "design.json").read_text())
    (artifact / "design.json").write_text(json.dumps({**design, "plugins": {plugin: "0" * 64}}))
    reseal(artifact, documents=True)
    (problem,) = examined(artifact).problems
    assert (problem.path, problem.kind) == (plugin, "unreadable")
