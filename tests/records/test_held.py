"""A file of records out of a zip is there as long as it is held, and readers take whatever leads to one."""

from __future__ import annotations

import gc
import zipfile
from pathlib import Path

import pytest

from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import RecordError
from ablatrix.records.held import hold_records
from ablatrix.records.journal import read_records
from tests.synthetic import make_records, write_records

RECORDS = make_records(workloads=["attention"], blocks=1)[:3]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_records(tmp_path / "quick" / "results.jsonl", RECORDS).parent


@pytest.fixture
def packed(results: Path, tmp_path: Path) -> Path:
    target = tmp_path / "quick.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(results / "results.jsonl", "quick/results.jsonl")
    return target


def test_held_file_or_directory_is_itself(results: Path) -> None:
    for given in (results, results / "results.jsonl", str(results)):
        held = hold_records(given)
        assert (held.path, held.given, held.unpacked) == (results / "results.jsonl", Path(given), None)


def test_held_zip_is_unpacked_until_it_is_let_go(packed: Path) -> None:
    held = hold_records(packed)
    path = held.path
    assert list(read_records(path)) == RECORDS
    assert held.given == packed
    del held
    gc.collect()
    assert not path.exists()
    assert not path.parent.parent.exists()


def test_readers_take_directory_and_zip(results: Path, packed: Path) -> None:
    for given in (results, packed, results / "results.jsonl"):
        assert list(read_records(given)) == RECORDS
        assert tidy([given]).trials.height == 3


def test_readers_refuse_what_leads_to_no_records(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file or directory"):
        list(read_records(tmp_path / "none"))
    (tmp_path / "study.yaml").write_text("name: quick\n")
    with pytest.raises(RecordError, match="a YAML file, not records"):
        tidy([tmp_path / "study.yaml"])
