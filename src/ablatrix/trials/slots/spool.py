"""The spool of an offer: lines on the disk of a host, and the copy of them on the disk of the run.

A host appends entries, one JSON object a line, and waits until each that matters is on disk. The run copies bytes by
offset, each piece with its digest, and appends them to a file of its own in the same way. Whatever dies, either side
goes on from what its disk has: pieces that come twice, late, cut or damaged change nothing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.records.disk import sync_directory
from ablatrix.trials.slots.messages import Chunk, Ended, Entry, decode_entry, encode_entry

PIECE_BYTES = 2**20


class SpoolWriter:
    """A host's end of a spool: appends entries."""

    def __init__(self, path: Path) -> None:
        """Create the file, which must not be there.

        Raises:
            TrialError: It is there: an offer is run once.
        """
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            raise TrialError(f"{path}: the offer was run before; each is run once") from None
        sync_directory(path.parent)

    def append(self, entry: Entry, *, is_synced: bool = True) -> None:
        """Append one entry, and wait until it is on disk unless nothing is lost with it.

        Raises:
            OSError: The disk refuses it.
        """
        line = encode_entry(entry) + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise OSError(f"{written} of {len(line)} bytes of a spool were written")
        if is_synced:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_piece(path: Path, offset: int, limit: int, *, is_running: bool, ending: str) -> Chunk:
    """Return a piece of a spool; an empty one where there is nothing more, or no such spool."""
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(limit)
    except FileNotFoundError:
        data = b""
    digest = hashlib.sha256(data).hexdigest()
    return Chunk(offset=offset, data=data, sha256=digest, is_running=is_running, ending=ending)


class SpoolCopy:
    """The run's end of a spool: a copy of what was pulled so far, in a file.

    The spool itself goes only when the run has acknowledged it, before which ``SlotBook.commit`` waits for the copies
    of all hosts together.

    Attributes:
        path: The copy.
        size: Bytes that it has.
        ended: The last entry, once it is there.
    """

    def __init__(self, path: Path) -> None:
        """Open the copy, or begin one; what an earlier run pulled is read again by ``new_entries``.

        Bytes that a power cut left as zeros go, and what follows them: no entry has any, and the host still has them.
        """
        self.path = path
        path.touch()
        self._unread = path.read_bytes()
        if b"\0" in self._unread:
            self._unread = self._unread[: self._unread.index(b"\0")]
            os.truncate(path, len(self._unread))
        self.size = len(self._unread)
        self.ended: Ended | None = None

    def accept(self, chunk: Chunk) -> bool:
        """Append what a piece has beyond the copy.

        Returns:
            Whether the copy has grown: not by a damaged piece, by one that came before, or by one that leaves a gap.
        """
        if hashlib.sha256(chunk.data).hexdigest() != chunk.sha256 or chunk.offset > self.size:
            return False
        new = chunk.data[self.size - chunk.offset :]
        if not new:
            return False
        with self.path.open("ab", buffering=0) as stream:
            if stream.write(new) != len(new):
                raise OSError(f"{self.path}: not all of {len(new)} bytes were written")
        self.size += len(new)
        self._unread += new
        return True

    def new_entries(self) -> list[Entry]:
        """Return the entries that became whole since the last call.

        Raises:
            TrialError: A whole line is no entry.
        """
        end = self._unread.rfind(b"\n") + 1
        whole, self._unread = self._unread[:end], self._unread[end:]
        entries = [decode_entry(line) for line in whole.splitlines()]
        if entries and isinstance(entries[-1], Ended):
            self.ended = entries[-1]
        return entries
