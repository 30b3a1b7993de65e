"""A record on its way to a file: with its raw samples, and with the text that it came as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ablatrix.records.journal import read_own_record, record_line
from ablatrix.records.model import Record, Stopping
from ablatrix.records.schema import read_line

NO_STOPPING = '"stopping":null'


@dataclass(frozen=True, kw_only=True)
class Line:
    """A record, and what is written of it.

    Attributes:
        record: The record.
        samples: Its line of raw samples, None where it has none.
        came_as: The line of the record as a host wrote it, newline included; None where it was made here, or was
            changed since. One process writes the lines of all hosts, and making a text takes longest.
    """

    record: Record
    samples: str | None
    came_as: str | None = None

    @property
    def text(self) -> str:
        """The line of the record, newline included."""
        return record_line(self.record) if self.came_as is None else self.came_as

    def changed(self, **fields: Any) -> Line:
        """Return the same with other values of some fields."""
        return replace(self, record=self.record.model_copy(update=fields), came_as=None)

    def with_stopping(self, stopping: Stopping) -> Line:
        """Return the same with the decision on further blocks, where it was timed."""
        runtime = self.record.runtime
        if runtime is None:
            return self
        told = self.changed(runtime=runtime.model_copy(update={"stopping": stopping}))
        # The key is there once: within a text its quotation marks would be escaped.
        if self.came_as is None or self.came_as.count(NO_STOPPING) != 1:
            return told
        key = NO_STOPPING.removesuffix("null")
        return replace(told, came_as=self.came_as.replace(NO_STOPPING, key + stopping.model_dump_json()))


def read_whole(text: str, samples: str | None, location: str) -> Line:
    """Return the line of a record that came from a host, validated.

    Raises:
        RecordError: It breaks the schema.
    """
    record = read_own_record(text)
    if record is None:
        return Line(record=read_line(text, location).record, samples=samples)
    return Line(record=record, samples=samples, came_as=text)
