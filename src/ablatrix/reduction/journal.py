"""What a reduction has asked, in a journal: one JSON object a line, so that one that is killed goes on from there."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ablatrix.errors import TrialError

JOURNAL_NAME = "reduction.jsonl"
Outcome = Literal["yes", "no", "other", "undecided", "slipped", "invalid"]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begun(_Event):
    """The first line: what is asked. A journal goes on for the same question alone."""

    what: Literal["begun"] = "begun"
    version: Literal[1] = 1
    question: str


class Asked(_Event):
    """A program was asked for the trouble.

    Attributes:
        digest: Of the program with all its values.
        nodes: Its operations.
        phase: What was being reduced.
        outcome: ``yes``: the same trouble, ``no``: none, ``other``: another one, ``undecided``: neither can be said,
            ``slipped``: the same, but without the setting too, ``invalid``: it is no program that could be tried.
        controlled: Whether it was tried without the setting, too, and did not show it then.
        told: Of another trouble what it is; of what cannot be tried, why.
        trials, seconds: What it took.
    """

    what: Literal["asked"] = "asked"
    digest: str
    nodes: int
    phase: str
    outcome: Outcome
    controlled: bool = False
    told: str = ""
    trials: int = 0
    seconds: float = 0.0


EVENT: TypeAdapter[Begun | Asked] = TypeAdapter(Annotated[Begun | Asked, Field(discriminator="what")])


class ReductionJournal:
    """An open journal. One process writes at a time; a line is on disk when `append` returns.

    Attributes:
        asked: Everything that was asked, by the program's digest.
    """

    def __init__(self, directory: Path, question: str) -> None:
        """Open or begin the journal of a directory; a last line that a kill has cut is removed.

        Raises:
            TrialError: It is that of another question, another process writes it, or it cannot be read or written.
        """
        self._path = directory / JOURNAL_NAME
        self.asked: dict[str, Asked] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise TrialError(
                f"{directory}: another reduction is writing there; wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise TrialError(f"{self._path}: cannot be written: {error.strerror}; choose another --out") from None
        try:
            self._read(question)
        except BaseException:
            self.close()
            raise

    def append(self, event: Begun | Asked) -> None:
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
        if isinstance(event, Asked):
            self.asked[event.digest] = event

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> ReductionJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, question: str) -> None:
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):  # a kill in the middle of a line; what it was about is asked again
            os.ftruncate(self._descriptor, len(whole))
            os.fsync(self._descriptor)
        lines = whole.splitlines()
        if not lines:
            self.append(Begun(question=question))
            return
        try:
            events = [EVENT.validate_json(line) for line in lines]
        except ValidationError as error:
            raise TrialError(f"{self._path}: it is no journal of a reduction ({error.error_count()} faults)") from None
        first = events[0]
        if not isinstance(first, Begun) or first.question != question:
            raise TrialError(
                f"{self._path}: it is that of another question (program, configuration, trouble or study); choose "
                "another --out"
            )
        self.asked = {one.digest: one for one in events if isinstance(one, Asked)}
