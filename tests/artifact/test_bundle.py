import json
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.contents.manifest import read_manifest
from ablatrix.artifact.contents.reading import Reading
from ablatrix.errors import ArtifactError
from ablatrix.records.model import Record
from tests.artifact.conftest import COMMAND, FINDING, derive_little, write_results
from tests.synthetic import make_records


def test_bundle_copies_study_byte_for_byte(artifact: Path, assembled: Path) -> None:
    assert (artifact / "study.yaml").read_bytes() == (assembled.parent / "elsewhere.yaml").read_bytes()


def test_bundle_environment_has_findings_and_machine(artifact: Path) -> None:
    value = json.loads((artifact / "environment.json").read_text())
    assert value["findings"][0]["name"] == "cores"
    assert value["machine"]["cores"] >= 1


def test_bundle_manifest_has_study_counts_and_versions(artifact: Path, records: list[Record]) -> None:
    manifest = read_manifest(artifact)
    assert (manifest.study, manifest.study_digest) == ("synthetic", records[0].study_digest)
    assert manifest.records == len(records)
    assert manifest.trials == len({record.trial_id for record in records})
    assert {"python", "polars", "matplotlib"} <= set(manifest.versions)


def test_bundle_readme_counts_trials_and_sums_times_of_records(artifact: Path, records: list[Record]) -> None:
    text = (artifact / "README.md").read_text()
    assert "18 successful trials" in text
    seconds = sum(record.wall_s for record in records)
    assert f"| attention | cold | {len(records)} | {seconds:.1f} |" in text
    assert "| `tables/` | 1 |" in text
    assert "ablatrix verify ." in text


def test_bundle_into_same_directory_again_gives_same_artifact(artifact: Path) -> None:
    before = read_manifest(artifact)
    again = assemble(artifact, Origin(study=artifact / "study.yaml", commands=[COMMAND], findings=[FINDING]))
    assert again == before


def test_bundle_omits_private_files_of_run(artifact: Path) -> None:
    (artifact / "work/programs").mkdir(parents=True)
    (artifact / "work/programs/weights.pt2").write_bytes(b"0" * 100)
    before = read_manifest(artifact)
    assert assemble(artifact, Origin(study=artifact / "study.yaml", commands=[COMMAND], findings=[FINDING])) == before
    found = examine(artifact, derive=derive_little)
    assert found.problems == ()
    assert "work/" in found.notes[0]


def test_bundle_with_missing_record_is_refused(artifact: Path) -> None:
    lines = (artifact / "results.jsonl").read_text().splitlines(keepends=True)
    (artifact / "results.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(ArtifactError, match="1 of 18 planned trials have no final record"):
        assemble(artifact, Origin(study=artifact / "study.yaml"))


def test_bundle_of_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"results\.jsonl: unreadable"):
        assemble(tmp_path, Origin(study=tmp_path / "study.yaml"))


def test_bundle_without_study_is_refused_and_leaves_no_manifest(tmp_path: Path, records: list[Record]) -> None:
    write_results(tmp_path, records)
    derive_little(Reading(tmp_path), tmp_path)
    with pytest.raises(ArtifactError, match="cannot be copied"):
        assemble(tmp_path, Origin(study=tmp_path / "absent.yaml"))
    assert not (tmp_path / "MANIFEST.json").exists()


def test_bundle_holds_user_models_and_plugins_and_verifies(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    model = tmp_path / "models" / "mine.py"
    model.write_text("def make(): ...\n")
    study = tmp_path / "study.yaml"
    study.write_text("name: synthetic\n")
    place = tmp_path / "artifact"
    place.mkdir()
    write_results(place, make_records(workloads=["attention"], blocks=1, modes=["cold"]))
    derive_little(Reading(place), place)
    assemble(place, Origin(study=study, companions={"models/mine.py": model}))
    assert (place / "models" / "mine.py").read_bytes() == model.read_bytes()
    assert "models/mine.py" in {entry.path for entry in read_manifest(place).files}
    (place / "models" / "mine.py").write_text("def make(): return 1\n")
    assert "models/mine.py" in {problem.path for problem in examine(place, derive=derive_little).problems}


def test_lock_of_bundle_has_packages_of_plugins(tmp_path: Path, records: list[Record]) -> None:
    (tmp_path / "study.yaml").write_text("name: synthetic\n")
    directory = tmp_path / "artifact"
    directory.mkdir()
    write_results(directory, records)
    packages = {"mine-base": "3.13", "Torch": "2.0", "ablatrix": "1.0"}
    assemble(directory, Origin(study=tmp_path / "study.yaml", packages=packages))
    lock = (directory / "requirements.lock").read_text()
    assert lock.endswith("# For the plug-ins of this study:\nmine-base==3.13\n")
