"""Files read in pieces, by several processes: the same table, the same faults."""

from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.table import chunk, pool
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import RecordError
from ablatrix.records.journal import record_line
from ablatrix.records.model import SCHEMA_VERSION
from tests.synthetic import Plant, make_records, write_records


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 20_000)
    monkeypatch.setattr(pool, "WORTH_BYTES", 0)
    monkeypatch.setattr(pool, "cores_allowed", lambda: 3)


def write(tmp_path: Path) -> Path:
    records = make_records(blocks=1, superseded=2, plants=[Plant("timeout", "encoder", "hot", {"fusion": "on"})])
    return write_records(tmp_path / "results.jsonl", records)


def test_chunks_hold_all_lines_whole(tmp_path: Path, in_pieces: None) -> None:
    path = write(tmp_path)
    data = path.read_bytes()
    pieces = [data[piece.start : piece.end] for piece in chunk.cut(path, len(data))]
    assert len(pieces) > 5
    assert b"".join(pieces) == data
    assert all(piece.endswith(b"\n") for piece in pieces)


@pytest.mark.slow
def test_reader_with_several_processes_gives_same_table(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = write(tmp_path)
    whole = tidy([path])
    request.getfixturevalue("in_pieces")
    pieces = tidy([path])
    assert pieces.excluded == whole.excluded
    assert pieces.trials.equals(whole.trials)
    assert pieces.trials.schema == whole.trials.schema


@pytest.mark.slow
def test_reader_with_faults_in_later_chunks_reports_first_with_its_line(tmp_path: Path, in_pieces: None) -> None:
    path = write(tmp_path)
    lines = path.read_text().splitlines(keepends=True)
    for number in (40, 60):
        lines[number] = lines[number].replace('"hot"', '"warm"').replace('"cold"', '"warm"')
    path.write_text("".join(lines))
    with pytest.raises(RecordError, match=r"results\.jsonl:41: field 'mode'"):
        tidy([path])


@pytest.mark.slow
def test_reader_of_newer_minor_version_counts_unknown_fields(tmp_path: Path, in_pieces: None) -> None:
    path = tmp_path / "results.jsonl"
    lines = [record_line(record) for record in make_records(workloads=["encoder"], blocks=1)]
    written = f'"schema_version":"{SCHEMA_VERSION}"'
    newer = [line.replace(written, '"schema_version":"1.7","colour":1') for line in lines]
    path.write_text("".join(newer))
    found = tidy([path])
    assert found.trials.height == len(lines)
    assert f"colour ({len(lines)} lines)" in found.notes[0]


def test_reader_of_burst_lists_distinguishes_null_from_empty() -> None:
    made = chunk.series("bursts", [[1.0, 2.5], None, [], [3.0]], "reals")
    assert made.dtype == pl.List(pl.Float64)
    assert made.to_list() == [[1.0, 2.5], None, [], [3.0]]


def test_reader_of_integer_beyond_64_bits_names_it() -> None:
    with pytest.raises(RecordError, match=r"'edges'.*64 bits.*1000000000000000000000"):
        chunk.series("edges", [1, 10**21], "whole")
