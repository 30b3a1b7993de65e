"""What a bisection has seen, in a journal: one JSON object a line, so that one that is killed goes on from there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ablatrix.troubles import StepJournal, Wording

JOURNAL_NAME = "bisection.jsonl"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Event):
    """The first line: what is asked. A journal goes on for the same question alone.

    Attributes:
        question: Digest of the question and of the study.
        commits: Ids of all commits on the line, the good one first.
    """

    what: Literal["begun"] = "begun"
    version: Literal[1] = 1
    question: str
    commits: tuple[str, ...]


class Built(_Event):
    """A commit was built, or its build was there already."""

    what: Literal["built"] = "built"
    commit: int
    seconds: float


class Skipped(_Event):
    """A commit cannot be looked at."""

    what: Literal["skipped"] = "skipped"
    commit: int
    why: str


class Looked(_Event):
    """A commit was looked at.

    Attributes:
        results: Directory of the run, from that of the bisection.
        logs: Of a slow-down: the log ratio to the good build in each block.
        shown: Of a failure: whether the commit's build showed it.
        good_shown: Whether the good build beside it did.
        trials: Trials of the run.
    """

    what: Literal["looked"] = "looked"
    commit: int
    results: str
    seconds: float
    trials: int
    logs: tuple[float, ...] = ()
    shown: bool | None = None
    good_shown: bool | None = None


class Compared(_Event):
    """The culprit was measured beside its parent.

    Attributes:
        culprit, parent: Their numbers.
        logs: The log ratio of the culprit to its parent in each block.
    """

    what: Literal["compared"] = "compared"
    culprit: int
    parent: int
    results: str
    seconds: float
    trials: int
    logs: tuple[float, ...]


Event = Annotated[Begun | Built | Skipped | Looked | Compared, Field(discriminator="what")]
EVENT: TypeAdapter[Begun | Built | Skipped | Looked | Compared] = TypeAdapter(Event)


def begun_in(directory: Path) -> Begun | None:
    """Return the first line of the journal of a directory; None where there is none that is whole."""
    try:
        with (directory / JOURNAL_NAME).open("rb") as stream:
            return Begun.model_validate_json(stream.readline())
    except (OSError, ValidationError):
        return None


class BisectionJournal(StepJournal[Begun, Built | Skipped | Looked | Compared]):
    """An open journal of a bisection over commits; see `StepJournal`."""

    def __init__(self, directory: Path, begun: Begun) -> None:
        """Open or begin the journal of a directory.

        Raises:
            TrialError: It is that of another question, another process writes it, or it cannot be read or written.
        """
        super().__init__(
            directory / JOURNAL_NAME,
            begun,
            EVENT,
            Wording("bisection", "another study, question, or commits in between"),
        )


def looks_at(events: Iterable[object], commit: int) -> int:
    """Return how often a commit was looked at."""
    return sum(isinstance(one, Looked) and one.commit == commit for one in events)
