"""Zips that others made: what they may hold, and what reading a damaged one raises."""

import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from ablatrix.foreign_text import is_plain, twins
from ablatrix.regular_files import open_regular

MOST_MEMBERS = 100_000
MOST_LIST_BYTES = 16 * 2**20
"""A member takes 46 bytes and its name there, and ten times as much as an object."""
LONGEST_NAME = 1000
MOST_FOLDERS = 50
MOST_TIMES = 50
ALWAYS_BYTES = 64 * 2**20
DAMAGES = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, RuntimeError,
)  # fmt: skip
"""What `zipfile` raises on invalid archives; an unknown compression or encryption is a `RuntimeError`, the bounds are a
`ValueError`."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip whose content is within bounds.

    Artifacts are stored without compression, and text becomes some 20 times smaller. What becomes thousands of times
    larger when it is unpacked was made to fill a disk.

    Raises:
        ValueError: It has too many members, or too large ones for its size, or names that are too long or too deep, or
            a member that says itself how much memory it takes.
        Exception: One of ``DAMAGES``: it is no zip, or a damaged one.
    """
    archive = _Archive(path)
    try:
        _refuse_excess(archive, path.stat().st_size)
    except ValueError:
        archive.close()
        raise
    return archive


class _InPieces(io.BufferedReader):
    """A file that is read in pieces: the one thing of a zip that `zipfile` reads at once is the list of its members."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MOST_LIST_BYTES:
            raise ValueError(f"the list of its members has {size} bytes, and at most {MOST_LIST_BYTES} are taken")
        return super().read(size)


class _Archive(zipfile.ZipFile):
    """A zip that closes the file that it opened."""

    def __init__(self, path: Path) -> None:
        self._opened = _InPieces(open_regular(path).detach())
        try:
            super().__init__(self._opened)
        except BaseException:
            self._opened.close()
            raise

    def close(self) -> None:
        super().close()
        self._opened.close()


def _refuse_excess(archive: zipfile.ZipFile, size: int) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_MEMBERS:
        raise ValueError(f"it has {len(entries)} members, and at most {MOST_MEMBERS} are taken")
    total, most = sum(entry.file_size for entry in entries), max(ALWAYS_BYTES, MOST_TIMES * size)
    if total > most:
        raise ValueError(f"its {size} bytes unpack to {total}, and at most {most} are taken of a zip of this size")
    for entry in entries:
        if not entry.filename:
            raise ValueError("a member has no name")
        if len(entry.filename) > LONGEST_NAME or entry.filename.count("/") > MOST_FOLDERS:
            raise ValueError(
                f"the name {entry.filename[:40]!r}... has more than {LONGEST_NAME} characters or {MOST_FOLDERS} folders"
            )
        if entry.compress_type == zipfile.ZIP_LZMA:
            raise ValueError("a member is compressed by LZMA, whose memory its maker decides; zip it again without it")
        if not is_plain(entry.filename):
            raise ValueError(f"the name {entry.filename[:40]!r} has characters that cannot be printed")
    for one, other in twins(entry.filename for entry in entries):
        raise ValueError(f"the names {one[:40]!r} and {other[:40]!r} are the same in other letters")
