"""What is wrong with a trial, so that it is known again: its failure signature."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ablatrix.errors import StudyError
from ablatrix.records.model import Record
from ablatrix.records.status import FAILURES, Status
from ablatrix.statistics.ratio import Ratio

SLOWER = "slower"
KINDS = (SLOWER, *FAILURES)
"""What a trouble can be: a slow-down, or the status of a trial that fails."""
LONGEST_CLASS = 200
_VARYING = (
    (re.compile(r"\b(?:0x[0-9a-fA-F]+|(?=[a-f]*\d)[0-9a-f]{8,})\b"), "#"),
    (re.compile(r"(?:[\w.~-]*/)+[\w.-]*"), "PATH"),
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`"), "NAME"),
    (re.compile(r"%[\w.]+|\b[A-Za-z]+_\w*\d\w*\b"), "NAME"),
    (re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"), "#"),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?:[#]|NAME)(?:(?:, ?| ?x ?)(?:[#]|NAME))+"), "#"),
)
"""What of a message depends on sizes, addresses and names, and what stands for it, in the order of replacing."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A failure signature: what two trials have in common that have the same trouble.

    Attributes:
        kind: ``slower``, or a status that is a failure.
        error: Class of the error, or name of the signal that ended the process; empty of wrong outputs and slow-downs.
        message: Class of the message: without numbers, names and paths. Of wrong outputs ``not finite`` or ``values``.
        phase: Where it happened; empty where that is not known, and of wrong outputs and slow-downs.
        ratio: Of a slow-down: its time over that of the configuration that is not slow.
        told: The message as it is, for people; no part of what is compared.
    """

    kind: str
    error: str = ""
    message: str = ""
    phase: str = ""
    ratio: Ratio | None = None
    told: str = ""

    @property
    def is_slower(self) -> bool:
        """Whether it is a slow-down, and no failure."""
        return self.kind == SLOWER

    def is_same_as(self, other: Trouble) -> bool:
        """Return whether another one is the same fault. Slow-downs are compared by their times, and not by this.

        A process that a signal ended tells no message; where it ended is then part of what is compared.
        """
        if self.kind != other.kind or self.is_slower:
            return self.kind == other.kind
        if self.kind in {Status.TIMEOUT, Status.OUT_OF_MEMORY}:
            return True
        if self.kind == Status.CRASHED:
            return (self.error, self.phase) == (other.error, other.phase)
        return (self.error, self.message) == (other.error, other.message)

    @property
    def text(self) -> str:
        """The trouble in words."""
        name = self.kind.replace("_", " ")
        if self.ratio is not None:
            return f"{name} ({self.ratio.value:.3f} times as long)"
        where = f" while {_DOING[self.phase]}" if self.phase in _DOING else ""
        by = f" ({self.error})" if self.kind == Status.CRASHED and self.error else ""
        first = self.told.splitlines()[0] if self.told else ""
        return f"{name}{by}{where}" + (f": {first}" if first and self.kind != Status.CRASHED else "")


_DOING = {
    "prepare": "preparing",
    "load": "loading",
    "plan": "planning",
    "compile": "compiling",
    "first_run": "running first",
    "check": "checking",
    "run": "running",
}


def message_class(message: str) -> str:
    """Return a message without what depends on sizes, names, addresses and paths; of several lines the first."""
    text = message.strip().splitlines()[0] if message.strip() else ""
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return text.strip()[:LONGEST_CLASS]


def trouble_of(record: Record) -> Trouble | None:
    """Return what is wrong with the trial of a record; None where nothing is, or where it did not run."""
    if not record.status.is_failure:
        return None
    kind, error, checked = str(record.status), record.error, record.correctness
    if record.status is Status.WRONG_OUTPUT:
        lost = checked is not None and checked.nonfinite > 0
        note = (checked.note if checked is not None else None) or (error.message if error is not None else "")
        return Trouble(kind=kind, message="not finite" if lost else "values", told=note)
    if error is None:
        return Trouble(kind=kind)
    return Trouble(
        kind=kind, error=error.type, message=message_class(error.message), phase=error.phase or "", told=error.message
    )


def check_kind(kind: str) -> str:
    """Return the kind of a trouble as records have it.

    Raises:
        StudyError: There is no such kind.
    """
    known = kind.replace("-", "_").replace(" ", "_")
    if known not in KINDS:
        raise StudyError(f"there is no trouble '{kind}'; there are: {', '.join(KINDS)}")
    return known
