"""What a bisection has seen, in a journal: one JSON object a line, so that one that is killed goes on from there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ablatrix.errors import TrialError

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


class BisectionJournal:
    """An open journal. One process writes at a time; a line is on disk when `append` returns.

    Attributes:
        events: What it holds, without its first line.
    """

    def __init__(self, directory: Path, begun: Begun) -> None:
        """Open or begin the journal of a directory; a last line that a kill has cut is removed.

        Raises:
            TrialError: It is that of another question, another process writes it, or it cannot be read or written.
        """
        self._path = directory / JOURNAL_NAME
        self.events: list[Built | Skipped | Looked | Compared] = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise TrialError(
                f"{directory}: another bisection is writing there; wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise TrialError(f"{self._path}: cannot be written: {error.strerror}; choose another --out") from None
        try:
            self._read(begun)
        except BaseException:
            self.close()
            raise

    def append(self, event: Begun | Built | Skipped | Looked | Compared) -> None:
        """Write one event as one line, and wait until it is on disk.

        Raises:
            TrialError: The disk refuses it.
        """
        line = EVENT.dump_json(event) + b"\n"
        try:
            if os.write(self._descriptor, line) != len(line):
                raise OSError(28, "not all of a line was written")
            os.fsync(self._descriptor)
        except OSError as error:
            raise TrialError(f"{self._path}: cannot be written: {error.strerror}; free space, and run again") from error
        if not isinstance(event, Begun):
            self.events.append(event)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> BisectionJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, begun: Begun) -> None:
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):  # a kill in the middle of a line; what it was about is done again
            os.ftruncate(self._descriptor, len(whole))
            os.fsync(self._descriptor)
        lines = whole.splitlines()
        if not lines:
            self.append(begun)
            return
        first, *rest = (self._event(number, line) for number, line in enumerate(lines, 1))
        if first != begun:
            raise TrialError(
                f"{self._path}: is the journal of another bisection (another study, question, or commits in between); "
                "choose another --out"
            )
        self.events += [one for one in rest if not isinstance(one, Begun)]

    def _event(self, number: int, line: bytes) -> Begun | Built | Skipped | Looked | Compared:
        try:
            return EVENT.validate_json(line)
        except ValidationError as error:
            told = error.errors()[0]["msg"]
            raise TrialError(f"{self._path}:{number}: no line of a bisection: {told}; choose another --out") from None


def looks_at(events: Iterable[object], commit: int) -> int:
    """Return how often a commit was looked at."""
    return sum(isinstance(one, Looked) and one.commit == commit for one in events)
