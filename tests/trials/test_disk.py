"""A full disk or an unwritable place ends a run with a message; every line that was written stays good."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.records.journal import read_records, record_line, scan
from ablatrix.records.schema import validate_line
from tests.cli.conftest import answer_here


@pytest.fixture
def half(finished: Path, tmp_path: Path) -> Path:
    """A copy to spoil of a finished run, as it was before the first of its hot trials."""
    out = Path(shutil.copytree(finished, tmp_path / "out"))
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    cold = [line for line in lines if json.loads(line)["mode"] == "cold"]
    assert 0 < len(cold) < len(lines)
    (out / "results.jsonl").write_text("".join(cold), encoding="utf-8")
    for file in (out / "samples").iterdir():
        file.unlink()
    return out


def run(study: Path, out: Path, *more: str, file_limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command; ``file_limit`` is the size in bytes at which the disk is full for any file of its process."""
    words = ["run", str(study), "--out", str(out), "--quiet", *more]
    if file_limit is None:
        done = answer_here(*words)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    limit = (file_limit, file_limit)
    return subprocess.run(
        [sys.executable, "-m", "ablatrix", *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def largest_file(directory: Path) -> int:
    """Return the size in bytes of the largest file, which a limit must leave room for."""
    return max(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def lengthen(journal: Path, least_bytes: int) -> None:
    """Give the journal a long history, as of many attempts that were interrupted, so that it is the largest file."""
    record = next(read_records(journal))
    with journal.open("a", encoding="utf-8") as stream:
        attempt = 1
        while stream.tell() < least_bytes:
            attempt += 1
            error = {"type": "interrupted", "message": "ended by the user", "phase": "run"}
            update = {"status": "interrupted", "final": False, "attempt": attempt, "error": error}
            stream.write(record_line(type(record).model_validate({**record.model_dump(), **update})))


def assert_told(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    for word in words:
        assert word in done.stderr


def assert_whole(out: Path) -> None:
    """Everything was written, each trial has one final line, and each of them is valid."""
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    final = [record.trial_id for record in map(validate_line, lines) if record.final]
    issued = [trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]]
    assert sorted(final) == sorted(issued)


def test_disk_that_fills_during_run_ends_it_and_loses_no_line(study_file: Path, half: Path) -> None:
    journal = half / "results.jsonl"
    lengthen(journal, 2 * largest_file(half) + 200_000)
    before = journal.read_bytes()
    line = len(before.splitlines()[0])
    done = run(study_file, half, file_limit=len(before) + line + line // 2)
    assert_told(done, "could not be written", "free space", "resumes", str(journal))
    found = scan(journal)
    after = journal.read_bytes()
    assert after.startswith(before)
    assert found.whole_bytes > len(before)  # at least one line more went in
    for whole in after[: found.whole_bytes].decode().splitlines():
        validate_line(whole)

    done = run(study_file, half)
    assert done.returncode == 0, done.stderr
    assert_whole(half)
    torn = [file.stat().st_size for file in half.glob("results.jsonl.torn-*")]
    assert torn == ([found.torn_bytes] if found.torn_bytes else [])


@pytest.mark.long
def test_samples_without_disk_space_end_run_before_their_records(study_file: Path, half: Path) -> None:
    before = (half / "results.jsonl").read_bytes()
    design = json.loads((half / "design.json").read_text())
    (block_id,) = {trial["block_id"] for trial in design["trials"] if trial["mode"] == "hot"}
    samples = half / "samples" / f"{block_id}.jsonl"
    held = b'{"of": "an attempt before"}\n' * ((2 * largest_file(half) + 200_000) // 28)
    samples.write_bytes(held)
    done = run(study_file, half, file_limit=len(held) + 100)
    assert_told(done, "could not be written", "free space", str(samples))
    assert (half / "results.jsonl").read_bytes() == before
    done = run(study_file, half)
    assert done.returncode == 0, done.stderr
    assert_whole(half)
    assert samples.read_bytes().startswith(held)
    for line in samples.read_bytes().splitlines():
        json.loads(line)


def test_disk_that_is_full_at_start_is_reported(study_file: Path, tmp_path: Path) -> None:
    done = run(study_file, tmp_path / "out", file_limit=100)
    assert_told(done, "cannot be written", "choose another --out")


def test_run_with_file_in_place_of_directory_reports_it(study_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    assert_told(run(study_file, tmp_path / "out"), "cannot be written", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize("place", ["/proc/ablatrix-out", "/dev/null/out"])
def test_run_where_nothing_can_be_created_reports_it(study_file: Path, place: str) -> None:
    assert_told(run(study_file, Path(place)), "cannot be written", place)


@pytest.mark.parametrize("name", ["results.jsonl", "work/lock", "work/logs"])
def test_run_with_wrong_kind_of_entry_in_directory_reports_it(study_file: Path, half: Path, name: str) -> None:
    place = half / name
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("in the way")
    else:
        place.unlink()
        place.mkdir()
    assert_told(run(study_file, half), str(place))
