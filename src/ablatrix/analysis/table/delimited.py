"""CSV whose bytes depend on the values alone: unrounded, missing is empty, one line a row."""

import csv
import io
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from ablatrix.canonical import canonical_json


def csv_text(frame: pl.DataFrame) -> str:
    """Return a table as CSV (RFC 4180 quoting, lines end with a line feed).

    Numbers are written as the shortest text that reads back as the same float64; line breaks inside a text become
    spaces.
    """
    target = io.StringIO()
    _write(frame, target)
    return target.getvalue()


def write_csv(frame: pl.DataFrame, path: Path) -> Path:
    """Write a table as CSV, a row at a time, make its directory where needed, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as target:
        _write(frame, target)
    return path


def _write(frame: pl.DataFrame, target: TextIO) -> None:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows([_cell(value) for value in row] for row in frame.iter_rows())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return canonical_json(value)
    return repr(value) if isinstance(value, float) else " ".join(str(value).splitlines())
