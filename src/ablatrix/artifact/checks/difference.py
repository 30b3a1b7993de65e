"""Where two versions of one file differ: cells of a CSV file, lines of other text, or digests."""

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator
from itertools import zip_longest

from ablatrix.canonical import digest_bytes

SHOWN_CELLS = 5
CHUNK = 2**20
RELATIVE_TOLERANCE = 1e-9
"""For numbers in a CSV file that was made with other versions of the numeric libraries."""
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
"""A number as tables write it; Python reads more as one (``1_0``, or digits of other scripts)."""


def describe_difference(name: str, found: bytes, made: bytes, tolerance: float = 0.0) -> str | None:
    """Return how a file differs from the one its records give; None if it does not.

    Args:
        name: The file's name, whose suffix determines the format.
        found: Its bytes in the artifact.
        made: The bytes that were made again.
        tolerance: Relative difference up to which two numbers of a CSV file count as equal; 0 compares bytes.
    """
    if found == made:
        return None
    if not (_is_text(found) and _is_text(made)):
        return f"has digest {digest_bytes(found)[:16]}, but the records give {digest_bytes(made)[:16]}"
    if name.endswith(".csv"):
        return _describe_cells(_lines(found), _lines(made), tolerance)
    return _describe_lines(_pieces(found), _pieces(made))


def _is_text(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), CHUNK):
            decoder.decode(content[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _lines(content: bytes) -> Iterator[str]:
    """Yield the lines of text with their ends, one by one: all at once, a table takes ten times as much."""
    return iter(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="\n"))


def _pieces(content: bytes) -> Iterator[str]:
    """Yield what stands between line ends."""
    end = True
    for line in _lines(content):
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
    raise ValueError("the two texts are equal")


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
