"""Where two versions of one file differ: cells of a CSV file, lines of other text, or digests."""

import csv
import io
import math
from itertools import zip_longest

from ablatrix.canonical import digest_bytes

SHOWN_CELLS = 5
RELATIVE_TOLERANCE = 1e-9
"""For numbers in a CSV file that was made with other versions of the numeric libraries."""


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
    try:
        before, after = found.decode(), made.decode()
    except UnicodeDecodeError:
        return f"has digest {digest_bytes(found)[:16]}, but the records give {digest_bytes(made)[:16]}"
    if name.endswith(".csv"):
        return _describe_cells(before, after, tolerance)
    return _describe_lines(before, after)


def _describe_header(found: list[str], made: list[str]) -> str:
    extra, lacking = [name for name in found if name not in made], [name for name in made if name not in found]
    if not extra and not lacking:
        return "the columns are in another order than the records give"
    parts = [f"has columns {extra} that the records do not give"] if extra else []
    parts += [f"lacks columns {lacking}"] if lacking else []
    return f"the header {' and '.join(parts)}"


def _describe_cells(found: str, made: str, tolerance: float) -> str | None:
    try:
        rows, wanted = (list(csv.reader(io.StringIO(text))) for text in (found, made))
    except csv.Error as error:  # a field longer than any that is written
        return f"it cannot be read as a table: {error}"
    header = wanted[0] if wanted else []
    if not rows or rows[0] != header:
        return _describe_header(rows[0] if rows else [], header)
    different = []
    for number, (row, right) in enumerate(zip_longest(rows[1:], wanted[1:]), 1):
        if row is None or right is None:
            different.append(f"row {number} {'is missing' if row is None else 'does not follow from any record'}")
            continue
        for index, (cell, value) in enumerate(zip_longest(row, right)):
            if not _equal(cell, value, tolerance):
                column = header[index] if index < len(header) else f"{index + 1} (beyond the header)"
                different.append(f"row {number}, column {column!r}: {cell!r}, but the records give {value!r}")
    if different:
        rest = len(different) - SHOWN_CELLS
        return "; ".join(different[:SHOWN_CELLS]) + (f"; and {rest} more cells" if rest > 0 else "")
    return None if tolerance else "same cells, but other quotes or line ends than the records give"


def _describe_lines(found: str, made: str) -> str:
    for number, (line, right) in enumerate(zip_longest(found.split("\n"), made.split("\n")), 1):
        if line != right:
            return f"line {number}: {_shown(line)}, but the records give {_shown(right)}"
    raise ValueError("the two texts are equal")


def _equal(cell: str | None, value: str | None, tolerance: float) -> bool:
    if cell == value:
        return True
    if cell is None or value is None or not tolerance:
        return False
    try:
        return math.isclose(float(cell), float(value), rel_tol=tolerance)
    except ValueError:
        return False


def _shown(line: str | None) -> str:
    if line is None:
        return "the end"
    return repr(line if len(line) <= 100 else line[:97] + "...")
