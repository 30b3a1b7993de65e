"""Where two versions of one file differ: cells of a CSV file, lines of other text, or digests."""

import codecs
import csv
import math
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import zip_longest
from typing import BinaryIO

SHOWN_CELLS = 5
CHUNK = 2**20
RELATIVE_TOLERANCE = 1e-9
"""For numbers in a CSV file that was made with other versions of the numeric libraries."""
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
"""A number as tables write it; Python reads more as one (``1_0``, or digits of other scripts)."""


def describe_difference(name: str, found: BinaryIO, made: BinaryIO, tolerance: float = 0.0) -> str | None:
    """Return how a file differs from the one its records give; None if it does not.

    Both are read a piece at a time, however long they or their lines are, and of the first no more than the other has
    and a MiB: what is longer differs anyhow.

    Args:
        name: The file's name, whose suffix determines the format.
        found: The file in the artifact.
        made: What was made again.
        tolerance: Relative difference up to which two numbers of a CSV file count as equal; 0 compares bytes.

    Raises:
        OSError: One cannot be read.
    """
    most = made.seek(0, os.SEEK_END) + CHUNK
    if all(one == other for one, other in zip_longest(_chunks(found, most), _chunks(made, most))):
        return None
    if not (_is_text(found, most) and _is_text(made, most)):
        return f"has digest {_digest(found, most)}, but the records give {_digest(made, most)}"
    if name.endswith(".csv"):
        return _describe_cells(_lines(found, most), _lines(made, most), tolerance)
    return _describe_lines(_pieces(found, most), _pieces(made, most))


def _chunks(file: BinaryIO, most: int) -> Iterator[bytes]:
    """Yield the first bytes of a file, at most so many."""
    file.seek(0)
    while chunk := file.read(min(CHUNK, most)):
        most -= len(chunk)
        yield chunk


def _digest(file: BinaryIO, most: int) -> str:
    digest = sha256()
    for chunk in _chunks(file, most):
        digest.update(chunk)
    return digest.hexdigest()[:16]


def _is_text(file: BinaryIO, most: int) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(file, most):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: BinaryIO, most: int) -> Iterator[str]:
    """Yield the lines of text with their ends, one by one: all at once, a table takes ten times as much.

    A line of more than ``CHUNK`` characters comes in parts.
    """
    decoder, begun = codecs.getincrementaldecoder("utf-8")("replace"), ""  # of what was no text it is not asked
    for chunk in _chunks(file, most):
        *whole, begun = (begun + decoder.decode(chunk)).split("\n")
        yield from (line + "\n" for line in whole)
        if len(begun) > CHUNK:
            yield begun
            begun = ""
    if begun:
        yield begun


def _pieces(file: BinaryIO, most: int) -> Iterator[str]:
    """Yield what stands between line ends."""
    end = True
    for line in _lines(file, most):
        end = line.endswith("\n")
        yield line.removesuffix("\n")
    if end:
        yield ""


def _describe_header(found: list[str], made: list[str]) -> str:
    extra, lacking = [name for name in found if name not in made], [name for name in made if name not in found]
    if not extra and not lacking:
        return "the columns are in another order than the records give"
    parts = [f"has columns {extra} that the records do not give"] if extra else []
    parts += [f"lacks columns {lacking}"] if lacking else []
    return f"the header {' and '.join(parts)}"


def _describe_cells(found: Iterator[str], made: Iterator[str], tolerance: float) -> str | None:
    rows, wanted = csv.reader(found), csv.reader(made)
    different: list[str] = []
    count = 0
    try:
        header, names = next(wanted, []), next(rows, [])
        if names != header:
            return _describe_header(names, header)
        for number, (row, right) in enumerate(zip_longest(rows, wanted), 1):
            for text in _row_differences(number, row, right, header, tolerance):
                count += 1
                if count <= SHOWN_CELLS:
                    different.append(text)
    except csv.Error as error:  # a field longer than any that is written
        return f"it cannot be read as a table: {error}"
    if different:
        rest = count - SHOWN_CELLS
        return "; ".join(different) + (f"; and {rest} more cells" if rest > 0 else "")
    return None if tolerance else "same cells, but other quotes or line ends than the records give"


def _row_differences(
    number: int, row: list[str] | None, right: list[str] | None, header: list[str], tolerance: float
) -> Iterator[str]:
    if row is None or right is None:
        yield f"row {number} {'is missing' if row is None else 'does not follow from any record'}"
        return
    for index, (cell, value) in enumerate(zip_longest(row, right)):
        if not _equal(cell, value, tolerance):
            column = header[index] if index < len(header) else f"{index + 1} (beyond the header)"
            yield f"row {number}, column {column!r}: {cell!r}, but the records give {value!r}"


def _describe_lines(found: Iterator[str], made: Iterator[str]) -> str:
    for number, (line, right) in enumerate(zip_longest(found, made), 1):
        if line != right:
            return f"line {number}: {_shown(line)}, but the records give {_shown(right)}"
    return "it was changed while it was read"


def _equal(cell: str | None, value: str | None, tolerance: float) -> bool:
    if cell == value:
        return True
    if cell is None or value is None or not tolerance:
        return False
    if NUMBER.fullmatch(cell) is None or NUMBER.fullmatch(value) is None:
        return False
    return math.isclose(float(cell), float(value), rel_tol=tolerance)


def _shown(line: str | None) -> str:
    if line is None:
        return "the end"
    return repr(line if len(line) <= 100 else line[:97] + "...")
