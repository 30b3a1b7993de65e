"""A columnar copy gives the same table, and is never used for other bytes, by other code, or when it is damaged."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.table import chunk, copies
from ablatrix.analysis.table.choice import OMITTED
from ablatrix.analysis.table.copies import Copies, user_copies
from ablatrix.analysis.table.planned import PlannedTrials
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.records.journal import record_line
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.records.model import SCHEMA_VERSION
from tests.synthetic import Plant, make_records, write_records

RECORDS = make_records(blocks=1, superseded=2, plants=[Plant("timeout", "encoder", "hot", {"fusion": "on"})])


@pytest.fixture
def kept(tmp_path: Path) -> Copies:
    return Copies(tmp_path / "copies", worth_bytes=0)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of every stretch that is parsed; pieces are small, so that a file has several."""
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 50_000)
    sizes: list[int] = []
    read = chunk.ChunkReader.read

    def counted(self: chunk.ChunkReader, stretch: chunk.Stretch) -> chunk.Chunk:
        sizes.append(stretch.end - stretch.start)
        return read(self, stretch)

    monkeypatch.setattr(chunk.ChunkReader, "read", counted)
    return sizes


def files(held: Copies) -> list[Path]:
    return sorted(held.directory.iterdir())


def assert_same(one: Tidy, other: Tidy) -> None:
    assert one.trials.schema == other.trials.schema
    assert one.trials.equals(other.trials)
    assert (one.excluded, one.notes, one.unrecorded) == (other.excluded, other.notes, other.unrecorded)
    assert one.lines is not None
    assert other.lines is not None
    assert one.lines.equals(other.lines)


def test_second_reading_takes_copy_and_gives_same_table(tmp_path: Path, kept: Copies, parsed: list[int]) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    first = tidy([path], keep_lines=True, copies=kept)
    assert sum(parsed) == path.stat().st_size
    assert len(parsed) > 3
    assert len(files(kept)) == 1
    parsed.clear()
    assert_same(tidy([path], keep_lines=True, copies=kept), first)
    assert parsed == []


def test_copy_of_one_of_two_files_is_taken_for_it_alone(tmp_path: Path, kept: Copies, parsed: list[int]) -> None:
    one = write_records(tmp_path / "a" / "results.jsonl", RECORDS)
    other = write_records(tmp_path / "b" / "results.jsonl", make_records(blocks=1, seed=8))
    tidy([one], copies=kept)
    parsed.clear()
    both = tidy([one, other], keep_lines=True, copies=kept)
    assert sum(parsed) == other.stat().st_size
    assert_same(both, tidy([one, other], keep_lines=True, copies=Copies(tmp_path / "none", worth_bytes=2**40)))


def test_design_is_parsed_once_and_its_copy_says_the_same(
    tmp_path: Path, kept: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    trials = [{"trial_id": one.trial_id, "mode": one.mode, "role": None} for one in RECORDS if one.final]
    lost = {"trial_id": "lost", "mode": "hot", "block_id": 7}
    design = {"trials": [*trials, lost], "titles": {"knobs": {"fusion": {"en": "Fusion"}}}, "cold_effect_width": 0.1}
    (tmp_path / "design.json").write_text(json.dumps(design))
    first = tidy([path], keep_lines=True, copies=kept)
    assert len(files(kept)) == 2
    monkeypatch.delattr(PlannedTrials, "of")
    again = tidy([path], keep_lines=True, copies=kept)
    assert_same(again, first)
    assert again.titles == first.titles
    assert again.unrecorded == {("", "", "hot", ""): 1}
    one, other = first.designs[tmp_path / "design.json"], again.designs[tmp_path / "design.json"]
    assert one.trials.equals(other.trials)
    assert one.trials.schema == other.trials.schema
    assert one.trials.row(-1) == ("lost", None, "\0", "hot", None)
    assert one.rest == other.rest == {name: value for name, value in design.items() if name != "trials"}


def test_copy_of_changed_file_is_not_taken(tmp_path: Path, kept: Copies, parsed: list[int]) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    tidy([path], copies=kept)
    before = path.stat()
    text = path.read_text()
    path.write_text('"host":"bench-2"'.join(text.rsplit('"host":"bench-1"', 1)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    parsed.clear()
    assert sorted(tidy([path], copies=kept).trials["host"].unique()) == ["bench-1", "bench-2"]
    assert sum(parsed) == before.st_size


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def no_table(path: Path) -> None:
    """What is no table at all, under the digest of its own bytes."""
    begin = path.stem.rpartition("-")[0]
    path.unlink()
    junk = b"no table"
    path.with_name(f"{begin}-{hashlib.sha256(junk).hexdigest()}.arrow").write_bytes(junk)


@pytest.mark.parametrize("damage", [flipped, cut_short, emptied, no_table])
def test_damaged_copy_is_replaced_and_costs_only_time(
    tmp_path: Path, kept: Copies, parsed: list[int], damage: Callable[[Path], None]
) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    first = tidy([path], keep_lines=True, copies=kept)
    (copy,) = files(kept)
    damage(copy)
    parsed.clear()
    assert_same(tidy([path], keep_lines=True, copies=kept), first)
    assert sum(parsed) == path.stat().st_size
    parsed.clear()
    tidy([path], copies=kept)
    assert parsed == []
    assert len(files(kept)) == 1


def test_copy_by_other_code_is_not_taken(
    tmp_path: Path, kept: Copies, parsed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    tidy([path], copies=kept)
    monkeypatch.setattr(copies, "__version__", "9.9.9")
    parsed.clear()
    tidy([path], copies=kept)
    assert sum(parsed) == path.stat().st_size


def test_copy_in_directory_that_others_can_write_is_not_taken(tmp_path: Path, kept: Copies, parsed: list[int]) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    tidy([path], copies=kept)
    kept.directory.chmod(0o777)
    parsed.clear()
    tidy([path], copies=kept)
    assert sum(parsed) == path.stat().st_size


def test_copies_beyond_limit_remove_what_was_unused_longest(tmp_path: Path, kept: Copies) -> None:
    paths = [write_records(tmp_path / f"{seed}.jsonl", make_records(blocks=1, seed=seed)) for seed in (1, 2, 3)]
    for index, path in enumerate(paths[:2]):
        tidy([path], copies=kept)
        for copy in files(kept):
            os.utime(copy, (index, index))
    size = max(copy.stat().st_size for copy in files(kept))
    oldest = min(files(kept), key=lambda copy: copy.stat().st_mtime)
    os.utime(oldest, (0, 0))
    bounded = Copies(kept.directory, worth_bytes=0, limit_bytes=2 * size + size // 2)
    tidy([paths[2]], copies=bounded)
    assert len(files(kept)) == 2
    assert oldest not in files(kept)


def test_drafts_of_killed_processes_are_removed(tmp_path: Path, kept: Copies) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    kept.directory.mkdir(mode=0o700)
    old, new = kept.directory / ".draft-old", kept.directory / ".draft-new"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    tidy([path], copies=kept)
    assert [copy.name for copy in files(kept) if copy.suffix != ".arrow"] == [".draft-new"]
    assert len(files(kept)) == 2


def test_copy_larger_than_limit_is_not_kept(tmp_path: Path, kept: Copies) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    tidy([path], copies=Copies(kept.directory, worth_bytes=0, limit_bytes=1000))
    assert files(kept) == []


def test_small_file_has_no_copy(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    tidy([path], copies=Copies(tmp_path / "copies"))
    assert not (tmp_path / "copies").exists()


def test_copies_in_unusable_location_change_nothing(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    (tmp_path / "file").write_text("no directory")
    found = tidy([path], keep_lines=True, copies=Copies(tmp_path / "file" / "copies", worth_bytes=0))
    assert_same(found, tidy([path], keep_lines=True))


def test_torn_tail_is_reported_from_copy_too(tmp_path: Path, kept: Copies, parsed: list[int]) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    with path.open("a") as file:
        file.write('{"schema_version":')
    first = tidy([path], keep_lines=True, copies=kept)
    assert "torn" in first.notes[0]
    parsed.clear()
    assert_same(tidy([path], keep_lines=True, copies=kept), first)
    assert parsed == []


def test_records_of_newer_version_have_no_copy_so_each_reading_says_so(tmp_path: Path, kept: Copies) -> None:
    path = tmp_path / "results.jsonl"
    written = f'"schema_version":"{SCHEMA_VERSION}"'
    lines = [record_line(record) for record in RECORDS]
    path.write_text("".join(line.replace(written, '"schema_version":"1.7","colour":1') for line in lines))
    for _ in range(2):
        assert "colour" in tidy([path], copies=kept).notes[0]


def test_users_copies_are_where_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATRIX_CACHE_DIR", str(tmp_path))
    assert user_copies() == Copies(tmp_path / "records")
    monkeypatch.setenv("ABLATRIX_CACHE_DIR", "")
    assert user_copies() is None
    monkeypatch.delenv("ABLATRIX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert user_copies() == Copies(tmp_path / "cache" / "ablatrix" / "records")


def test_copy_has_paired_times_and_what_counts(tmp_path: Path, kept: Copies) -> None:
    path = write_records(tmp_path / "results.jsonl", RECORDS)
    first = tidy([path], copies=kept)
    (copy,) = files(kept)
    lines = pl.read_ipc(copy)
    counts = lines.filter(pl.col(OMITTED).is_null())
    assert counts["trial_id"].equals(first.trials["trial_id"])
    assert counts[HOT_METRIC].equals(first.trials[HOT_METRIC])
    assert lines.height - counts.height == 2  # superseded attempts
