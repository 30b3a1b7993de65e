import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from ablatrix.artifact.contents.manifest import (
    MANIFEST_VERSION,
    FileEntry,
    make_manifest,
    manifest_schema_text,
    manifest_text,
    read_manifest,
    role_of,
    root_digest,
)
from ablatrix.errors import ArtifactError
from tests.artifact.conftest import reseal

FROZEN = Path(__file__).parents[2] / f"schemas/manifest-{MANIFEST_VERSION}.json"


def test_manifest_schema_when_frozen_matches_model() -> None:
    assert FROZEN.read_text() == manifest_schema_text(), (
        "the manifest's fields changed: raise MANIFEST_VERSION and freeze a new schema file"
    )


def test_manifest_as_written_validates_by_frozen_schema(artifact: Path) -> None:
    schema = json.loads(FROZEN.read_text())
    written = json.loads((artifact / "MANIFEST.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(written)
    assert not validator.is_valid(written | {"unknown": 1})


def test_manifest_sorts_files_and_has_no_absolute_path(artifact: Path) -> None:
    manifest = read_manifest(artifact)
    paths = [entry.path for entry in manifest.files]
    assert paths == sorted(paths)
    assert str(artifact.parent) not in (artifact / "MANIFEST.json").read_text()
    assert manifest.commands[0].argv == ["ablatrix", "artifact", "study.yaml", "--out=out"]


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside", "a/../../b", "a//b", "./a", ".", "", "a" * 256, "x/" + "\u00e9" * 128]
)
def test_manifest_with_path_that_no_file_of_it_has_is_refused(path: str) -> None:
    with pytest.raises(ValidationError):
        FileEntry(path=path, role="other", bytes=0, sha256="0" * 64)


def test_root_digest_changes_exactly_with_content(artifact: Path) -> None:
    before = read_manifest(artifact)
    assert reseal(artifact) == before
    (artifact / "study.yaml").write_text("name: other\n")
    assert reseal(artifact).root_digest != before.root_digest


def test_root_digest_covers_every_field(artifact: Path) -> None:
    manifest = read_manifest(artifact)
    changes: list[dict[str, object]]
    changes = [{"trials": 3}, {"study": "x"}, {"commands": []}, {"versions": {}}, {"files": []}]
    for change in changes:
        assert root_digest(manifest.model_copy(update=change)) != manifest.root_digest


def test_manifest_in_other_layout_is_refused(artifact: Path) -> None:
    path = artifact / "MANIFEST.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    with pytest.raises(ArtifactError, match="canonical"):
        read_manifest(artifact)


def test_manifest_read_back_equals_what_was_written(artifact: Path) -> None:
    assert manifest_text(read_manifest(artifact)) == (artifact / "MANIFEST.json").read_text()


def test_manifest_of_symbolic_link_is_refused(artifact: Path) -> None:
    (artifact / "link").symlink_to("study.yaml")
    with pytest.raises(ArtifactError, match="link: unreadable: a symbolic link"):
        make_manifest(artifact, **read_manifest(artifact).model_dump(exclude={"files", "manifest_version"}))


def test_role_of_file_follows_from_its_path() -> None:
    places = {
        "results.jsonl": "records",
        "tables/a/b.csv": "table",
        "figures/a.pdf": "figure",
        "paper/tables/table2.tex": "table",
        "paper/text/benefit.md": "text",
        "paper/other": "other",
        "samples/0.jsonl": "samples",
        "results.jsonl.torn-0": "other",
        "other/results.jsonl": "other",
    }
    assert {path: role_of(path) for path in places} == places
