"""Whatever somebody names as results leads to the file of records, or to one clear message."""

from __future__ import annotations

import gc
import zipfile
from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.journal import read_records
from ablatrix.records.location import find_records
from tests.synthetic import make_records, write_records

RECORDS = make_records(workloads=["attention"], blocks=1)[:3]


def results(directory: Path) -> Path:
    """A directory of results with a design beside the records."""
    write_records(directory / "results.jsonl", RECORDS)
    (directory / "design.json").write_text('{"trials": []}')
    return directory


def zipped(path: Path, *names: str) -> Path:
    """A zip with the records under some names."""
    text = write_records(path.parent / "some" / "results.jsonl", RECORDS).read_text()
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, text)
    return path


def test_location_of_file_is_file_itself(tmp_path: Path) -> None:
    path = write_records(tmp_path / "other.jsonl", RECORDS)
    assert find_records(path).path == path
    assert find_records(str(path)).unpacked is None


def test_location_of_directory_is_its_records(tmp_path: Path) -> None:
    found = find_records(results(tmp_path / "quick"))
    assert (found.path, found.given) == (tmp_path / "quick" / "results.jsonl", tmp_path / "quick")


def test_location_in_zip_is_unpacked_with_design_and_claims(tmp_path: Path) -> None:
    path = tmp_path / "quick.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("quick/results.jsonl", "{}\n")
        archive.writestr("quick/design.json", "{}")
        archive.writestr("quick/claims.yaml", "claims: []")
        archive.writestr("quick/report.html", "large")
        archive.writestr("quick/tiny/results.jsonl", "of the example\n")
    found = find_records(path)
    assert found.path.read_text() == "{}\n"
    assert found.path.parent.name == "quick"
    assert sorted(one.name for one in found.path.parent.iterdir()) == ["claims.yaml", "design.json", "results.jsonl"]
    place = found.path
    del found
    gc.collect()
    assert not place.exists()


def test_location_in_zip_without_folder_or_suffix_is_found(tmp_path: Path) -> None:
    assert list(read_records(zipped(tmp_path / "quick.bundle", "results.jsonl"))) == RECORDS


def test_read_records_takes_directory_and_zip(tmp_path: Path) -> None:
    assert list(read_records(results(tmp_path / "quick"))) == RECORDS
    assert list(read_records(zipped(tmp_path / "quick.zip", "quick/results.jsonl"))) == RECORDS


def test_location_in_zip_of_two_runs_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "two.zip", "a/results.jsonl", "b/results.jsonl")
    with pytest.raises(RecordError, match=r"two\.zip: this zip has the records of several runs \(a, b\)"):
        find_records(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "none", r"none: records cannot be read: there is no such file; name a results\.jsonl"),
        (lambda path: path, r"there is no such file as results\.jsonl in this directory; name a"),
        (lambda path: zipped(path / "plain.zip", "quick/notes.txt"), r"plain\.zip: there is no results\.jsonl"),
    ],
)
def test_location_without_records_is_refused(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(RecordError, match=message):
        find_records(make(tmp_path))


def test_location_above_results_names_directories_that_have_some(tmp_path: Path) -> None:
    results(tmp_path / "quick")
    with pytest.raises(RecordError, match=r"these directories in it have one: .*quick"):
        find_records(tmp_path)


def test_location_of_study_file_says_how_to_get_results(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("name: one\n")
    with pytest.raises(RecordError, match=r"study\.yaml: a study .*ablatrix run .*study\.yaml --out DIRECTORY"):
        find_records(tmp_path / "study.yaml")


def test_location_of_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "cut.zip", "quick/results.jsonl")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RecordError, match=r"cut\.zip: not a zip that can be unpacked"):
        find_records(path)
