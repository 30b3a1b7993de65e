"""A path that a person has in hand leads to its records, or to one line that says what it is instead."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.location import find_records

LINE = '{"schema_version": "1.4"}\n'


def unused() -> Path:
    raise AssertionError("a scratch directory was asked for")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "run"
    directory.mkdir()
    for name, text in {"results.jsonl": LINE, "design.json": "{}", "claims.yaml": "version: 1"}.items():
        (directory / name).write_text(text)
    return directory


def packed(directory: Path, target: Path, folder: str) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(directory.rglob("*")):
            if file.is_file():
                archive.write(file, f"{folder}{file.relative_to(directory)}")
    return target


def test_find_records_of_file_or_directory_needs_no_scratch(results: Path) -> None:
    file = results / "results.jsonl"
    assert find_records(file, unused) == file
    assert find_records(str(results), unused) == file
    other = results / "records"
    other.write_text(LINE)
    assert find_records(other, unused) == other


@pytest.mark.parametrize("folder", ["", "quick/", "deep/quick/"])
def test_find_records_of_zip_unpacks_them_with_claims(results: Path, tmp_path: Path, folder: str) -> None:
    (results / "tiny").mkdir()
    (results / "tiny" / "results.jsonl").write_text("other\n")
    scratch = tmp_path / "scratch"
    found = find_records(packed(results, tmp_path / "quick.zip", folder), lambda: scratch)
    assert found == scratch / "quick.zip" / "results.jsonl"
    assert found.read_text() == LINE
    assert sorted(file.name for file in found.parent.iterdir()) == ["claims.yaml", "design.json", "results.jsonl"]


def test_find_records_of_zip_cannot_write_outside_scratch(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.zip"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("../../escaped/results.jsonl", LINE)
        archive.writestr("../../escaped/other", "x")
    found = find_records(hostile, lambda: tmp_path / "scratch")
    assert found == tmp_path / "scratch" / "hostile.zip" / "results.jsonl"
    assert not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("study.yaml", b"name: quick\n", "a YAML file, not records; if it is a study, 'ablatrix run' makes records"),
        ("ablation.csv", b"study,host\nquick,vm\n", "not a file of records, which has a JSON object on each line"),
        ("MANIFEST.json", b'{\n "files": []\n}\n', "one JSON document over several lines, not a file of records"),
        ("half.zip", b"PK\x03\x04 cut off", "not a file of records"),
    ],
)
def test_find_records_of_other_kind_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordError, match=message) as caught:
        find_records(tmp_path / name, unused)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(caught.value)


def test_find_records_without_any_says_where_to_look(tmp_path: Path, results: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file or directory; name a directory of results"):
        find_records(tmp_path / "nothing", unused)
    with pytest.raises(RecordError, match=f"its folders do; name one of them: {results}$"):
        find_records(tmp_path, unused)
    (results / "results.jsonl").unlink()
    with pytest.raises(RecordError, match="the run has not finished a trial yet"):
        find_records(results, unused)
    (results / "design.json").unlink()
    with pytest.raises(RecordError, match=r"contains no results\.jsonl; name a directory of results"):
        find_records(results, unused)


def test_find_records_of_unclear_or_damaged_zip_is_refused(results: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/results.jsonl", LINE)
        archive.writestr("b/results.jsonl", LINE)
    with pytest.raises(RecordError, match=r"a zip with 2 files of records, in a, b; unpack it and name one"):
        find_records(tmp_path / "two.zip", unused)
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("a/readme.md", "x")
    with pytest.raises(RecordError, match=r"a zip without results\.jsonl"):
        find_records(tmp_path / "none.zip", unused)
    whole = packed(results, tmp_path / "bad.zip", "")
    content = whole.read_bytes()
    whole.write_bytes(content.replace(LINE.encode(), b"x" * len(LINE)))
    with pytest.raises(RecordError, match="a zip that cannot be unpacked: Bad CRC-32"):
        find_records(whole, lambda: tmp_path / "scratch")
