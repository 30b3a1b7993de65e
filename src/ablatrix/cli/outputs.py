"""Reporting of the files that a command wrote."""

import sys
from collections.abc import Iterable
from pathlib import Path


def report(written: Iterable[Path]) -> None:
    """Name the files written, on stderr."""
    for path in written:
        print(f"wrote {path}", file=sys.stderr)
