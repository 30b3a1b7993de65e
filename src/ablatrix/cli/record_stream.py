"""Records on stdout: nothing else gets there, and a reader that goes away ends the run with one line."""

import os
import sys
from typing import Any

import typer

from ablatrix.records.journal import record_line
from ablatrix.records.model import Record


class RecordStream:
    """Reserve the real stdout for records: whatever else writes to file descriptor 1, even from C, goes to stderr."""

    def __init__(self) -> None:
        self._count = 0

    def __enter__(self) -> "RecordStream":
        sys.stdout.flush()
        self._kept = os.dup(1)
        os.dup2(2, 1)
        self._stream: Any = os.fdopen(self._kept, "w", encoding="utf-8", closefd=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()
        sys.stdout.flush()
        os.dup2(self._kept, 1)
        os.close(self._kept)

    def write(self, record: Record) -> None:
        """Write one record.

        Raises:
            typer.Exit: Nobody reads stdout any more.
        """
        try:
            self._stream.write(record_line(record))
            self._stream.flush()
        except BrokenPipeError:
            with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, and what is left in the buffer goes there
                os.dup2(nowhere.fileno(), self._kept)
            print(
                f"stopped: stdout was closed after {self._count} records, so nobody would get the others; to keep "
                "records, run with --out DIRECTORY",
                file=sys.stderr,
            )
            raise typer.Exit(1) from None
        self._count += 1
