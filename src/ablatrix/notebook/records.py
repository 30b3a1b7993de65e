"""The records of results, read when they are asked for: a million of them do not fit into a list."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ablatrix.errors import RecordError
from ablatrix.notebook.markup import table_html, titled_html
from ablatrix.records.journal import read_records, scan
from ablatrix.records.model import Record

SHOWN = 10


class Records:
    """All records of results, in file order, earlier attempts included."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Take the files that they are in."""
        self._files = tuple(files)

    def __iter__(self) -> Iterator[Record]:
        """Read, validate and yield each.

        Raises:
            RecordError: A file cannot be read, or a line breaks the schema.
        """
        for path in self._files:
            yield from read_records(path)

    def __len__(self) -> int:
        return sum(scan(path).lines for path in self._files)

    def __getitem__(self, record_id: str) -> Record:
        """Return a record by its own id, or the last attempt by the id of its trial.

        Raises:
            RecordError: No record has the id, or a file cannot be read.
        """
        found = [one for one in self if record_id in (one.record_id, one.trial_id)]
        if not found:
            raise RecordError(f"no record or trial has the id '{record_id}'; .trials has the ids of all")
        return found[-1]

    def __repr__(self) -> str:
        return f"<{len(self)} records of {', '.join(map(str, self._files))}>"

    def _repr_html_(self) -> str:
        headings = ("record_id", "workload", "compiler", "mode", "role", "status", "knobs")
        rows = [
            (
                *(one.record_id, one.workload.name, one.config.compiler, one.mode, one.role, one.status),
                " ".join(f"{knob}={level}" for knob, level in one.config.knobs.items()),
            )
            for one in islice(self, SHOWN)
        ]
        count = len(self)
        more = f"; the first {SHOWN}" if count > SHOWN else ""
        return titled_html(f"{count:,} records{more}", table_html(headings, rows))
