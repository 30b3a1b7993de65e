"""What a run knows of its offers and slots, on its own disk: what a restart goes on from, and what ``status`` shows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import TypeAdapter

from ablatrix.errors import TrialError
from ablatrix.records.disk import sync_directory, sync_files
from ablatrix.trials.messages import Message, decode, encode
from ablatrix.trials.slots.messages import Fingerprint
from ablatrix.trials.slots.spool import SpoolCopy

SLOTS = "slots"
HOSTS_FILE = "hosts.json"
NOTES_FILE = "offers.jsonl"
FORGOTTEN = "forgotten"


@dataclass(frozen=True, kw_only=True)
class OfferNote(Message):
    """An offer that was made, written down before it is sent.

    Attributes:
        offer_id: The offer's.
        blocks: Ids of its blocks.
        host_id, slot, stratum: Where it was made.
        machine: The host's machine as records have it, JSON.
        attempts: Number of the first attempt of each trial.
        lost: Why it was lost, empty while it was not.
    """

    offer_id: str
    blocks: tuple[str, ...]
    host_id: str
    slot: str
    stratum: str
    machine: str
    attempts: dict[str, int]
    lost: str = ""


@dataclass(frozen=True, kw_only=True)
class SlotState(Message):
    """Where a slot stands.

    Attributes:
        slot: Its name.
        host: The host's name, for people.
        host_id: Its id, as records have it; empty while it has not answered.
        stratum: Of the host; empty until it takes part.
        state: What it does.
        what: The block that it runs, or why it takes no part.
        blocks: Blocks that it has brought.
        losses: How often it was lost.
        heard_utc: When it was last heard of.
    """

    slot: str
    host: str
    host_id: str
    stratum: str
    state: Literal["opening", "idle", "busy", "refused", "closed"]
    what: str
    blocks: int
    losses: int
    heard_utc: str


NOTE: TypeAdapter[OfferNote] = TypeAdapter(OfferNote)
STATES: TypeAdapter[list[SlotState]] = TypeAdapter(list[SlotState])
FINGERPRINT: TypeAdapter[Fingerprint] = TypeAdapter(Fingerprint)


class SlotBook:
    """The files below ``work/slots`` of a directory of results.

    An offer is sent, and a spool acknowledged, only after ``commit``: what is noted of offers and copied of spools is
    then on disk, that of all slots at once.
    """

    def __init__(self, work: Path) -> None:
        self.path = work / SLOTS
        (self.path / "offers").mkdir(parents=True, exist_ok=True)
        self._written: list[Path] = []
        self._journal = self.path / NOTES_FILE
        self._notes = self._read_notes()

    @property
    def run_id(self) -> str:
        """The id of the run, the same after a restart."""
        file = self.path / "run-id"
        if not file.exists():
            write_whole(file, uuid4().hex[:16].encode())
        return file.read_text().strip()

    def notes(self) -> list[OfferNote]:
        """Return the offers whose records are not in the results yet, in the order in which they were made."""
        return list(self._notes.values())

    def write(self, note: OfferNote) -> None:
        """Write a new offer down; it is on disk after ``commit``."""
        self._append(encode(note))
        self._notes[note.offer_id] = note
        self._written.append(self._journal)

    def write_loss(self, note: OfferNote) -> None:
        """Write down that an offer was lost; it is on disk when this returns."""
        self._append(encode(note))
        self._notes[note.offer_id] = note
        sync_files([self._journal])

    def commit(self, copies: Iterable[SpoolCopy] = ()) -> None:
        """Wait until all that was written is on disk, copies of spools that came to their end included."""
        self.commit_later(copies)()

    def commit_later(self, copies: Iterable[SpoolCopy] = ()) -> Callable[[], None]:
        """Return what waits until all that was written by now is on disk, for another thread to call.

        A file that was forgotten before it comes to that is of an offer whose records are on disk.
        """
        files = [*self._written, *(copy.path for copy in copies)]
        self._written = []
        return lambda: sync_files(files, may_be_gone=True)

    def copy(self, offer_id: str) -> SpoolCopy:
        """Return the copy of an offer's spool, begun where there is none."""
        return SpoolCopy(self._spool(offer_id))

    def forget(self, offer_id: str) -> None:
        """Remove what is known of an offer, whose records are in the results.

        Nothing waits until that is on disk: an offer that is found again has nothing that is not in the results.
        """
        self._spool(offer_id).unlink(missing_ok=True)
        if self._notes.pop(offer_id, None) is not None:
            self._append(json.dumps({FORGOTTEN: offer_id}).encode())

    def reference(self) -> Fingerprint | None:
        """Return what hosts of this run are compared with; None before its first."""
        file = self.path / "reference.json"
        return decode(file.read_bytes(), FINGERPRINT) if file.exists() else None

    def keep_reference(self, reference: Fingerprint) -> None:
        """Write down what hosts of this run are compared with."""
        write_whole(self.path / "reference.json", encode(reference))

    def show(self, states: list[SlotState]) -> None:
        """Write where all slots stand, for people: as a whole, and without waiting for the disk."""
        write_whole(self.path / HOSTS_FILE, STATES.dump_json(states, indent=1), is_synced=False)

    def log(self, slot: str, lines: Sequence[str]) -> None:
        """Add lines to the plain log of a slot."""
        if lines:
            with (self.path / f"{slot}.log").open("a", encoding="utf-8") as stream:
                stream.write("".join(line + "\n" for line in lines))

    def _spool(self, offer_id: str) -> Path:
        return self.path / "offers" / f"{offer_id}.spool"

    def _append(self, line: bytes) -> None:
        """Add a line to the journal of offers: a file of its own for each takes ten times as long to make."""
        with self._journal.open("ab", buffering=0) as stream:
            if stream.write(line + b"\n") != len(line) + 1:
                raise OSError(f"{self._journal}: not all of {len(line) + 1} bytes were written")

    def _read_notes(self) -> dict[str, OfferNote]:
        """Return the offers that are open, and leave in the journal these alone.

        A line that a power failure cut was not on disk yet, so that its offer was not sent.
        """
        try:
            held = self._journal.read_bytes()
        except FileNotFoundError:
            write_whole(self._journal, b"")
            sync_directory(self.path)
            return {}
        found: dict[str, OfferNote] = {}
        for line in held.split(b"\n")[:-1]:
            value = _json_of(line)
            if isinstance(value, dict) and FORGOTTEN in value:
                found.pop(value[FORGOTTEN], None)
            elif value is not None:
                note = decode(line, NOTE)
                found.pop(note.offer_id, None)
                found[note.offer_id] = note
        whole = b"".join(encode(note) + b"\n" for note in found.values())
        if whole != held:
            write_whole(self._journal, whole)
            sync_directory(self.path)
        return found


def read_slot_states(results: Path) -> list[SlotState]:
    """Return where the slots of a run stand; none of a run on one host, or where nobody can tell."""
    file = results / "work" / SLOTS / HOSTS_FILE
    try:
        return STATES.validate_json(file.read_bytes())
    except (OSError, ValueError, TrialError):
        return []


def _json_of(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def write_whole(path: Path, data: bytes, *, is_synced: bool = True) -> None:
    """Write a file as a whole or not at all, and wait until it is on disk unless nobody counts on it."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        if is_synced:
            os.fsync(stream.fileno())
    draft.replace(path)
