"""Columns that grow row by row, in a fraction of what the same rows take as objects."""

from array import array

import numpy as np
import polars as pl

from ablatrix.artifact.contents.recorded import DIGEST_BYTES, SampleLines

CHUNK = 10_000
"""Rows that are objects until they become a piece of a column."""
_NO_DIGEST = bytes(DIGEST_BYTES)


class Labels:
    """The texts of a column whose rows share most of them."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.codes = array("I")

    def add(self, text: str) -> bool:
        """Add a row, and return whether its text is a new one."""
        count = len(self.numbers)
        number = self.numbers.setdefault(text, count)
        self.codes.append(number)
        return number == count

    def series(self, name: str) -> pl.Series:
        """Return the column."""
        return pl.Series(name, list(self.numbers), pl.Categorical()).gather(np.array(self.codes, np.uint32))


class Texts:
    """The texts of a column whose rows have one each."""

    def __init__(self) -> None:
        self._chunks: list[pl.Series] = []
        self._pending: list[str] = []

    def add(self, text: str) -> None:
        """Add a row."""
        self._pending.append(text)
        if len(self._pending) == CHUNK:
            self._flush()

    def series(self, name: str) -> pl.Series:
        """Return the column."""
        self._flush()
        return pl.concat(self._chunks).alias(name)

    def _flush(self) -> None:
        self._chunks.append(pl.Series(self._pending, dtype=pl.String()))
        self._pending = []


class Samples:
    """The lines of raw samples that records name."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._files = array("I")
        self._offsets = array("Q")
        self._digests = bytearray()

    def add(self, name: str, digest: str, offset: int) -> tuple[str, bool]:
        """Add a record that names a line.

        Args:
            name: The file.
            digest: SHA-256 of the line, in hexadecimal.
            offset: Where the record begins in the file of records.

        Returns:
            The name, as the one object that is kept of it, and whether it is a new one.
        """
        count = len(self._names)
        number = self._numbers.setdefault(name, count)
        if number == count:
            self._names.append(name)
        self._files.append(number)
        self._offsets.append(offset)
        self._digests += _digest(digest)
        return self._names[number], number == count

    def lines(self) -> SampleLines:
        """Return all of them."""
        return SampleLines(
            names=tuple(self._names),
            files=np.array(self._files, np.uint32),
            offsets=np.array(self._offsets, np.uint64),
            digests=bytes(self._digests),
        )


def _digest(text: str) -> bytes:
    """Return a SHA-256 in hexadecimal as bytes; zeros where it is none, which no line has."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return _NO_DIGEST
    return found if found.hex() == text and len(found) == DIGEST_BYTES else _NO_DIGEST
