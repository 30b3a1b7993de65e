"""The journal of a bisection: it goes on after any kill, for the same question, for one process at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.bisection.journal import JOURNAL_NAME, Begun, BisectionJournal, Built, Looked, Skipped, begun_in
from ablatrix.errors import TrialError

BEGUN = Begun(question="q", commits=("a", "b", "c"))
EVENTS = (
    Built(commit=2, seconds=1.5),
    Looked(commit=2, results="looks/1", seconds=2.0, trials=4, logs=(0.03, 0.031)),
    Skipped(commit=1, why="it cannot be built: \N{GREEK SMALL LETTER MU}"),
)


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    with BisectionJournal(tmp_path, BEGUN) as journal:
        for event in EVENTS:
            journal.append(event)
    return (tmp_path / JOURNAL_NAME).read_bytes()


def test_events_are_read_back(tmp_path: Path, written: bytes) -> None:
    with BisectionJournal(tmp_path, BEGUN) as journal:
        assert tuple(journal.events) == EVENTS


def test_kill_at_any_byte_keeps_whole_lines(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / JOURNAL_NAME
    for size in range(0, len(written), 7):
        file.write_bytes(written[:size])
        with BisectionJournal(tmp_path, BEGUN) as journal:
            held = len(journal.events)
            assert tuple(journal.events) == EVENTS[:held]
            assert held == max(written[:size].count(b"\n") - 1, 0)
            journal.append(EVENTS[0])
        assert file.read_bytes().count(b"\n") == held + 2


def test_first_line_is_found_where_it_is_whole(tmp_path: Path) -> None:
    assert begun_in(tmp_path) is None
    with BisectionJournal(tmp_path, BEGUN):
        assert begun_in(tmp_path) == BEGUN
    (tmp_path / JOURNAL_NAME).write_bytes(b'{"what":"beg')
    assert begun_in(tmp_path) is None


def test_other_question_is_refused(tmp_path: Path, written: bytes) -> None:
    with pytest.raises(TrialError, match="another bisection"):
        BisectionJournal(tmp_path, Begun(question="other", commits=BEGUN.commits))


def test_second_process_is_refused(tmp_path: Path) -> None:
    with BisectionJournal(tmp_path, BEGUN), pytest.raises(TrialError, match="another bisection is writing there"):
        BisectionJournal(tmp_path, BEGUN)


def test_line_that_is_none_is_named(tmp_path: Path, written: bytes) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(written + b'{"what": "guessed"}\n')
    with pytest.raises(TrialError, match=r"bisection\.jsonl:5: no line of a bisection"):
        BisectionJournal(tmp_path, BEGUN)
