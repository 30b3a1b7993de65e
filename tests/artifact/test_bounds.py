"""Files that would take gigabytes as objects, lists or trees are problems before they do."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.checks import check_builds, check_findings, check_shipped
from ablatrix.artifact.contents import check_lines, list_files, manifest, read_design, read_manifest
from ablatrix.errors import ArtifactError
from ablatrix.foreign_text import many_values
from ablatrix.plugin_sources import LARGEST, read_plugin_source
from ablatrix.records import archives
from tests.artifact.conftest import reseal
from tests.synthetic import make_records, write_records


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"1", 0),
        (b"[1,2,3]", 88 + 2 * 64),
        (b'{"a":1,"b":[]}', 240 + 2 * 80 + 64 + 88),
        (b"[{},{}]", 88 + 2 * 240 + 64),
    ],
)
def test_values_of_text_are_counted_by_what_they_take(text: bytes, size: int) -> None:
    assert many_values(text, size) is None
    assert size == 0 or many_values(text, size - 1) is not None


def full(text: str, size: int) -> str:
    """A JSON list of so many bytes of one value."""
    return "[" + ",".join([text] * (size // (len(text) + 1))) + "]"


def test_line_of_too_many_values_is_a_problem(tmp_path: Path) -> None:
    file = write_records(
        tmp_path / "results.jsonl", make_records(workloads=("attention",), blocks=1, modes=("hot",))[:2]
    )
    first, second = file.read_text().splitlines(keepends=True)
    bursts = json.loads(first)["runtime"]["burst_ms_p50"]
    stood = json.dumps(bursts, separators=(",", ":"))
    assert stood in first
    file.write_text(first.replace(stood, full("0", 2_000_000), 1) + second)
    recorded, (problem,) = check_lines(tmp_path)
    assert recorded.count == 1
    assert problem.detail == "line 1: its values take more than 48 MiB of memory, which no record does; it was not read"


def test_line_of_too_many_faults_counts_them(tmp_path: Path) -> None:
    (record,) = make_records(workloads=("attention",), blocks=1, modes=("cold",))[:1]
    data = record.model_dump(mode="json") | {f"unknown_{number}": number for number in range(150)}
    (tmp_path / "results.jsonl").write_text(json.dumps(data) + "\n")
    _, (problem,) = check_lines(tmp_path)
    assert problem.detail == "line 1: it has 150 faults, more than can be named"


def test_line_of_newer_version_with_too_many_fields_is_a_problem(tmp_path: Path) -> None:
    (record,) = make_records(workloads=("attention",), blocks=1, modes=("cold",))[:1]
    data = record.model_dump(mode="json") | {f"newer_{number}": number for number in range(150)}
    (tmp_path / "results.jsonl").write_text(json.dumps(data | {"schema_version": "1.99"}) + "\n")
    _, (problem,) = check_lines(tmp_path)
    assert problem.detail == "line 1: it has 150 faults, more than can be named"


def test_design_of_too_many_values_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "design.json").write_text('{"trials":' + full("[]", 15_000_000) + "}")
    design, (problem,) = read_design(tmp_path)
    assert design is None
    assert problem.detail == "not a design that can be read: its values take more than 704 MiB of memory"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (full("{}", 3_000_000), "it has more values than the manifest of 100000 files"),
        ("{" + ",".join(f'"{number}":1' for number in range(150)) + "}", "faults, more than can be named"),
        ('{"files":[{},{},{}]}', "files.0.path: Field required"),
    ],
)
def test_manifest_of_too_many_values_or_faults_says_so(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "MANIFEST.json").write_text(text)
    with pytest.raises(ArtifactError, match=said) as caught:
        read_manifest(tmp_path)
    assert "files.1" not in str(caught.value)


@pytest.mark.parametrize("text", [full("{}", 1_000_000), full("1", 3_000_000)])
def test_locks_of_too_many_values_are_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "builds.json").write_text(text)
    (problem,) = check_builds(tmp_path, {})
    assert "its values take more than 48 MiB of memory, which no locks of builds do" in problem.detail


def test_finding_of_too_many_values_and_findings_of_too_many_bytes_are_problems(tmp_path: Path) -> None:
    folder = tmp_path / "findings"
    folder.mkdir()
    (folder / "a.json").write_text(full("{}", 1_000_000))
    (problem,) = check_findings(tmp_path)
    assert problem.detail.endswith("its values take more than 48 MiB of memory")
    for name in "bc":
        with (folder / f"{name}.json").open("wb") as file:
            file.truncate(10_000_000)
    (problem,) = check_findings(tmp_path)
    assert (problem.path, problem.detail) == ("findings", "its files have 21000000 bytes; at most 20000000 are read")


def test_more_files_than_are_listed_are_a_problem(
    artifact: Path, check: Callable[[Path], Verification], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "MOST_FILES", 40)
    assert check(artifact).problems == ()
    (artifact / "many").mkdir()
    for number in range(40):
        (artifact / f"many/{number}").touch()
    paths, problems = list_files(artifact)
    assert len(paths) <= 40
    assert [one.detail for one in problems] == ["more than 40 files and folders; what follows was not looked at"]
    assert not check(artifact).holds


def test_plugin_larger_than_any_is_a_problem(artifact: Path, check: Callable[[Path], Verification]) -> None:
    (artifact / "plug.py").write_bytes(b"#" * (LARGEST + 1))
    design = json.loads((artifact / "design.json").read_text())
    (artifact / "design.json").write_text(json.dumps(design | {"plugins": {"plug.py": "a" * 64}}))
    reseal(artifact, documents=True)
    (problem,) = check(artifact).problems
    assert problem.detail == "the plug-in cannot be read: it has more than 0.5 MiB"


def test_plugin_of_more_files_than_any_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablatrix.plugin_sources.MOST_FILES", 3)
    for number in range(4):
        (tmp_path / f"part{number}.py").write_text(f"import part{number + 1}\n")
    with pytest.raises(OSError, match="it imports more than 3 files"):
        read_plugin_source(tmp_path / "part0.py")


def test_shipped_file_is_read_as_far_as_it_can_be_the_same(artifact: Path) -> None:
    with (artifact / "LICENSE").open("r+b") as file:
        file.truncate(2**40)  # a hole that takes no disk
    problems, notes = check_shipped(artifact, set(), read_manifest(artifact), has_plugins=False)
    assert any(one.path == "LICENSE" for one in problems) or any("LICENSE" in one for one in notes)


def test_zip_whose_list_of_members_is_too_large_is_a_problem(tmp_path: Path) -> None:
    member = b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    content = member * (archives.MOST_LIST_BYTES // len(member) + 1)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(content), 0, 0)
    (tmp_path / "x.zip").write_bytes(content + end)
    (problem,) = examine(tmp_path / "x.zip").problems
    assert f"the list of its members has {len(content)} bytes, and at most 16777216 are taken" in problem.detail


def test_opened_zip_closes_its_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr("x/a", b"content")
    with archives.open_archive(tmp_path / "x.zip") as archive:
        assert archive.read("x/a") == b"content"
        file = archive.fp
        assert file is not None
    assert file.closed
