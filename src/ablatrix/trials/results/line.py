"""A record on its way to a file: with its raw samples, and with the text that it came as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ablatrix.records.brief import Brief, read_brief
from ablatrix.records.journal import read_own_record, record_line
from ablatrix.records.model import Record, Stopping
from ablatrix.records.schema import read_line

NO_STOPPING = '"stopping":null'


@dataclass(frozen=True, kw_only=True)
class Line:
    """A record, and what is written of it. One that was made here is held; one that came as a line is the line.

    Attributes:
        brief: What a run needs of the record.
        samples: Its line of raw samples, None where it has none.
        came_as: The line of the record as a host wrote it, newline included; None where it was made here, or was
            changed since. One process writes the lines of all hosts, and reading and making texts takes longest.
    """

    brief: Brief
    samples: str | None
    came_as: str | None = None
    made: Record | None = None

    @classmethod
    def of(cls, record: Record, samples: str | None) -> Line:
        """Return the line of a record that was made here."""
        return cls(brief=Brief.of(record), samples=samples, made=record)

    @property
    def record(self) -> Record:
        """The record, validated each time where it came as a line.

        Raises:
            RecordError: It breaks the schema, whatever the host said.
        """
        if self.made is not None:
            return self.made
        assert self.came_as is not None
        return read_own_record(self.came_as) or read_line(self.came_as, f"record {self.brief.record_id}").record

    @property
    def text(self) -> str:
        """The line of the record, newline included."""
        return record_line(self.record) if self.came_as is None else self.came_as

    def changed(self, **fields: Any) -> Line:
        """Return the same with other values of some fields."""
        return Line.of(self.record.model_copy(update=fields), self.samples)

    def with_stopping(self, stopping: Stopping) -> Line:
        """Return the same with the decision on further blocks, where it was timed."""
        if not self.brief.is_timed:
            return self
        # The key is there once: within a text its quotation marks would be escaped.
        if self.came_as is not None and self.came_as.count(NO_STOPPING) == 1:
            key = NO_STOPPING.removesuffix("null")
            return replace(self, came_as=self.came_as.replace(NO_STOPPING, key + stopping.model_dump_json()))
        runtime = self.record.runtime
        assert runtime is not None
        return self.changed(runtime=runtime.model_copy(update={"stopping": stopping}))


def read_whole(text: str, samples: str | None, location: str) -> Line:
    """Return the line of a record that a host validated and sent.

    Raises:
        RecordError: What is needed of it breaks the schema; one of an older version breaks it anywhere.
    """
    brief = read_brief(text)
    if brief is None:
        return Line.of(read_line(text, location).record, samples)
    return Line(brief=brief, samples=samples, came_as=text)


def validated_text(line: Line) -> str:
    """Return the text of a record, which whoever it is sent to need not validate again.

    Raises:
        RecordError: It breaks the schema.
    """
    text = line.text
    if read_own_record(text) is None:
        read_line(text, f"record {line.brief.record_id}")
    return text
