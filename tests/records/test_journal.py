"""The journal keeps every whole line, whatever byte a kill came at."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.errors import RecordError
from ablatrix.records.disk import sync_files
from ablatrix.records.journal import Journal, final_records, read_own_records, read_records, record_line, scan
from tests.synthetic import broken, make_records, write_records

RECORDS = make_records(workloads=["attention"], blocks=1)[:3]


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: thousands of journals that wait for a disk each take a minute."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        yield Path(directory)


def torn_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.torn-*"))


def test_journal_reads_back_appended_records_in_order(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Journal(path) as journal:
        assert journal.torn is None
        for record in RECORDS:
            journal.append(record)
        assert list(read_records(path)) == RECORDS  # each line is on disk when append returns
    with Journal(path) as journal:
        journal.append(RECORDS[0])
    assert list(read_records(path)) == [*RECORDS, RECORDS[0]]
    assert path.read_text(encoding="utf-8") == "".join(record_line(record) for record in [*RECORDS, RECORDS[0]])


def test_own_records_are_read_as_all_others_are(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    old = json.loads(record_line(RECORDS[2])) | {"schema_version": "1.4"}
    del old["meta"]["place"], old["meta"]["noise"]["cluster_cpu_s"]
    path.write_text("".join(map(record_line, RECORDS)) + json.dumps(old) + "\n" + record_line(RECORDS[0])[:99])
    own = list(read_own_records(path))
    assert own == list(read_records(path, report=lambda _: None))
    assert [one.schema_version for one in own] == [*(one.schema_version for one in RECORDS), "1.4"]
    with path.open("a") as file:
        file.write("\n" + record_line(RECORDS[1]))
    with pytest.raises(RecordError, match=r"results.jsonl:5: not valid JSON"):
        list(read_own_records(path))


def test_files_that_wait_for_the_disk_together_are_all_there(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(20)]
    for file in files:
        file.write_text("x")
    sync_files([])
    sync_files([*files, files[0], tmp_path])  # a directory is one, too
    with pytest.raises(FileNotFoundError):
        sync_files([files[0], tmp_path / "none"])


def test_journal_cut_at_any_byte_of_last_record_loses_no_whole_line(quick_disk: Path) -> None:
    path = quick_disk / "results.jsonl"
    whole = "".join(record_line(record) for record in RECORDS[:2]).encode()
    last = record_line(RECORDS[2]).encode()
    for cut in range(len(last)):
        path.write_bytes(whole + last[:cut])
        found = scan(path)
        assert (found.lines, found.whole_bytes, found.torn_bytes) == (2, len(whole), cut)
        with Journal(path) as journal:
            assert path.read_bytes() == whole
            if cut:
                assert journal.torn is not None
                assert journal.torn.read_bytes() == last[:cut]
                journal.torn.unlink()
            else:
                assert journal.torn is None


@settings(max_examples=60, deadline=None)
@given(tail=st.binary(max_size=40).filter(lambda tail: b"\n" not in tail), newline=st.booleans())
def test_journal_with_garbage_after_last_line_sets_it_aside(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, newline: bool
) -> None:
    path = tmp_path_factory.mktemp("journal") / "results.jsonl"
    tail += b"\n" if newline else b""
    whole = record_line(RECORDS[0]).encode()
    path.write_bytes(whole + tail)
    with Journal(path) as journal:
        journal.append(RECORDS[1])
    assert list(read_records(path)) == RECORDS[:2]
    assert [side.read_bytes() for side in torn_files(path.parent)] == ([tail] if tail else [])


def test_journal_after_several_kills_keeps_all_torn_tails(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    for number in range(3):
        with path.open("ab") as file:
            file.write(b'{"half":%d' % number)
        Journal(path).close()
    assert [side.read_bytes() for side in torn_files(tmp_path)] == [b'{"half":%d' % number for number in range(3)]


def test_journal_reader_skips_torn_tail_and_reports_it(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    with path.open("ab") as file:
        file.write(b'{"half')
    told: list[str] = []
    assert list(read_records(path, told.append)) == RECORDS
    assert told == [
        f"{path}:4: the last line is torn (6 bytes) and was passed over; the next run into this directory sets it aside"
    ]
    with pytest.warns(UserWarning, match="is torn"):
        list(read_records(path))
    assert torn_files(tmp_path) == []


def test_journal_whole_line_breaking_schema_is_error_and_not_set_aside(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS[:1])
    with path.open("ab") as file:
        file.write(b'{"schema_version":"1.0"}\n')
    Journal(path).close()
    assert torn_files(tmp_path) == []
    with pytest.raises(RecordError, match=r"results\.jsonl:2: field 'record_id': Field required"):
        list(read_records(path))


def test_journal_with_damaged_line_in_middle_is_error(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    line = record_line(RECORDS[0]).encode()
    path.write_bytes(line[:50] + b"\n" + line)
    with pytest.raises(RecordError, match=r"results\.jsonl:1: not valid JSON"):
        list(read_records(path))
    path.write_bytes(b"\xff\xfe\n" + line)
    with pytest.raises(RecordError, match=r"results\.jsonl:1: not UTF-8"):
        list(read_records(path))


def test_journal_line_keeps_unicode_line_separators(tmp_path: Path) -> None:
    failed = broken(RECORDS[0], "run_error")
    assert failed.error is not None
    error = failed.error.model_copy(update={"message": "a\u2028b\u0085c\nd"})
    record = failed.model_copy(update={"error": error})
    with Journal(tmp_path / "results.jsonl") as journal:
        journal.append(record)
    assert list(read_records(tmp_path / "results.jsonl")) == [record]


def test_journal_takes_records_of_a_block_with_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path / "results.jsonl") as journal:
        synced: list[int] = []
        monkeypatch.setattr(os, "fsync", synced.append)
        journal.append(*RECORDS)
    assert len(synced) == 1
    assert list(read_records(tmp_path / "results.jsonl")) == list(RECORDS)


def test_journal_with_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with Journal(path), pytest.raises(RecordError, match="another run is writing"):
        Journal(path)
    Journal(path).close()


def test_journal_on_disk_that_refuses_line_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.jsonl"
    journal = Journal(path)
    journal.append(RECORDS[0])
    real_write = os.write

    def short_write(descriptor: int, data: bytes) -> int:
        return real_write(descriptor, data[:100])

    monkeypatch.setattr(os, "write", short_write)
    with pytest.raises(RecordError, match=r"100 of .* bytes written"):
        journal.append(RECORDS[1])
    monkeypatch.setattr(os, "write", real_write)
    with pytest.raises(RecordError, match="journal is closed"):
        journal.append(RECORDS[1])
    with Journal(path) as again:
        assert again.torn is not None
        again.append(RECORDS[1])
    assert list(read_records(path)) == RECORDS[:2]


def test_journal_in_unwritable_location_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=os.strerror(errno.ENOENT)):
        Journal(tmp_path / "none" / "results.jsonl")
    with pytest.raises(RecordError, match="cannot be read"):
        list(read_records(tmp_path / "results.jsonl"))


def test_journal_takes_highest_final_attempt_of_trial() -> None:
    records = make_records(workloads=["attention"], blocks=1, superseded=2)
    final = final_records(records)
    assert len(records) == len(final) + 2
    assert all(record.final and record.status == "ok" for record in final)
    assert final_records(reversed(records))[-1].attempt == 1
    unfinished = [records[0]]
    assert final_records(unfinished) == []


@pytest.mark.parametrize("how", ["removed", "replaced by another file"])
def test_journal_whose_file_goes_keeps_all_that_was_written(tmp_path: Path, how: str) -> None:
    path = tmp_path / "results.jsonl"
    with Journal(path) as journal:
        journal.append(*RECORDS[:2])
        path.unlink()
        if how != "removed":
            path.write_text("what an editor saved\n")
        with pytest.raises(RecordError, match=f"it was {how} while a run was writing it; what was written is kept in"):
            journal.append(RECORDS[2])
        with pytest.raises(RecordError, match="the journal is closed"):
            journal.append(RECORDS[0])
    assert list(read_records(tmp_path / "results.jsonl.kept-0")) == RECORDS[:3]


def test_journal_in_directory_that_goes_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "results"
    directory.mkdir()
    with Journal(directory / "results.jsonl") as journal:
        (directory / "results.jsonl").unlink()
        directory.rmdir()
        with pytest.raises(RecordError, match="what was written could not be kept: No such file or directory"):
            journal.append(RECORDS[0])
