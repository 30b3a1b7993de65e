"""The spool of an offer and its copy: whatever is delivered, the copy becomes what the host wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.errors import TrialError
from ablatrix.trials.slots import (
    Chunk,
    Ended,
    Entry,
    Kept,
    OfferNote,
    Refused,
    SlotBook,
    SpoolCopy,
    SpoolWriter,
    Told,
    decode_answer,
    encode_answer,
    encode_entry,
)
from ablatrix.trials.slots.messages import decode_entry
from ablatrix.trials.slots.spool import read_piece

ENTRIES: list[Entry] = [
    Told(text="hot: building", trial_id="a", cell_id="b", is_notice=False),
    Kept(record='{"é": 1}\n', samples="[1.5]"),
    Kept(record='{"b": 2}\n', samples=None),
    Ended(how="done", message=""),
]


def written(path: Path) -> bytes:
    writer = SpoolWriter(path)
    for entry in ENTRIES:
        writer.append(entry)
    writer.close()
    return path.read_bytes()


def piece(data: bytes, offset: int, length: int, *, damaged: bool = False) -> Chunk:
    part = data[offset : offset + length]
    digest = hashlib.sha256(part).hexdigest()
    sent = bytes([part[0] ^ 1]) + part[1:] if damaged and part else part
    return Chunk(offset=offset, data=sent, sha256=digest, is_running=True, ending="")


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_copy_of_any_deliveries_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("spool")
    held = written(directory / "host")
    copy, entries = SpoolCopy(directory / "copy"), list[Entry]()
    for _ in range(data.draw(st.integers(0, 15))):
        offset = data.draw(st.integers(0, len(held)))
        copy.accept(piece(held, offset, data.draw(st.integers(0, 120)), damaged=data.draw(st.booleans())))
        entries += copy.new_entries()
        if data.draw(st.booleans()):  # the run dies and reads its disk again
            copy, entries = SpoolCopy(directory / "copy"), []
        assert held.startswith((directory / "copy").read_bytes())
    while copy.ended is None:
        assert copy.accept(piece(held, copy.size, 64)) or copy.new_entries()
        entries += copy.new_entries()
    assert entries[-len(ENTRIES) :] == ENTRIES
    assert (directory / "copy").read_bytes() == held


@pytest.mark.parametrize("data", [b"", b"\n", '{"é": 1}\n[2]\n'.encode()[:3], b"\xff\n\0"])
def test_bytes_of_a_piece_arrive_as_they_were_sent(data: bytes) -> None:
    chunk = Chunk(offset=7, data=data, sha256="ab", is_running=False, ending="é\n")
    assert decode_answer(encode_answer(chunk)) == chunk
    refused = Refused(reason="a\nb")
    assert decode_answer(encode_answer(refused)) == refused


def test_record_whose_size_is_not_what_is_said_is_no_entry() -> None:
    kept = Kept(record='{"a": 1}\n', samples=None)
    line = encode_entry(kept)
    assert decode_entry(line) == kept
    assert json.loads(line) == {"size": 8, "record": {"a": 1}, "samples": None, "kind": "kept"}
    with pytest.raises(TrialError, match="no record with its samples"):
        decode_entry(line.replace(b'"size":8', b'"size":7'))


def test_offer_that_was_run_is_not_run_again(tmp_path: Path) -> None:
    written(tmp_path / "host")
    with pytest.raises(TrialError, match="each is run once"):
        SpoolWriter(tmp_path / "host")


def test_line_that_a_kill_cut_is_no_entry(tmp_path: Path) -> None:
    held = written(tmp_path / "host")
    copy = SpoolCopy(tmp_path / "copy")
    assert copy.accept(piece(held, 0, len(held) - 5))
    assert copy.new_entries() == ENTRIES[:-1]
    assert copy.ended is None


def test_zeros_that_a_power_cut_left_are_pulled_again(tmp_path: Path) -> None:
    held = written(tmp_path / "host")
    (tmp_path / "copy").write_bytes(held[:100] + b"\0" * 50)
    copy = SpoolCopy(tmp_path / "copy")
    assert copy.size == 100
    assert copy.accept(piece(held, 100, len(held)))
    assert copy.new_entries() == ENTRIES
    assert (tmp_path / "copy").read_bytes() == held


def test_note_that_a_power_cut_left_torn_is_of_no_offer(tmp_path: Path) -> None:
    book = SlotBook(tmp_path)
    note = OfferNote(offer_id="aa", blocks=("b",), host_id="h", slot="s", stratum="t", machine="{}", attempts={"t": 3})
    book.write(note)
    book.commit()
    assert book.notes() == [note]
    with (tmp_path / "slots" / "offers.jsonl").open("ab") as journal:
        journal.write(b'\0\0\n{"offer_id":"bb","blo')
    again = SlotBook(tmp_path)
    assert again.notes() == [note]
    again.write_loss(OfferNote(**{**note.__dict__, "lost": "gone"}))
    assert [one.lost for one in SlotBook(tmp_path).notes()] == ["gone"]


def test_offers_that_are_open_are_known_after_a_restart(tmp_path: Path) -> None:
    book = SlotBook(tmp_path)
    known = {"blocks": ("b",), "host_id": "h", "slot": "s", "stratum": "t", "machine": "{}", "attempts": {"t": 3}}
    for offer_id in ("cc", "aa", "bb"):
        book.write(OfferNote(offer_id=offer_id, **known))  # type: ignore[arg-type]
    book.forget("aa")
    assert [one.offer_id for one in book.notes()] == ["cc", "bb"]
    assert SlotBook(tmp_path).notes() == book.notes()
    assert (tmp_path / "slots" / "offers.jsonl").read_text().count("\n") == 2  # what is over is not kept for ever


def test_piece_after_a_gap_is_not_taken(tmp_path: Path) -> None:
    held = written(tmp_path / "host")
    assert not SpoolCopy(tmp_path / "copy").accept(piece(held, 10, 20))


def test_spool_that_is_not_there_has_an_empty_piece(tmp_path: Path) -> None:
    chunk = read_piece(tmp_path / "none", 0, 100, is_running=False, ending="gone")
    assert (chunk.data, chunk.ending) == (b"", "gone")
