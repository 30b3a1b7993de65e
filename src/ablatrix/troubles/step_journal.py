"""What a search has seen, in a journal: one JSON object a line, so that one that is killed goes on from there."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from ablatrix.errors import TrialError

Begun = TypeVar("Begun", bound=BaseModel)
Step = TypeVar("Step", bound=BaseModel)


@dataclass(frozen=True)
class Wording:
    """How messages name a search.

    Attributes:
        name: ``bisection``, ``reduction``.
        differs: What may be another one in a journal of another question.
    """

    name: str
    differs: str


class StepJournal(Generic[Begun, Step]):
    """An open journal. One process writes at a time; a line is on disk when `append` returns.

    Attributes:
        events: What it holds, without its first line.
    """

    def __init__(self, path: Path, begun: Begun, lines: TypeAdapter[Begun | Step], wording: Wording) -> None:
        """Open or begin a journal; a last line that a kill has cut is removed.

        Args:
            path: The file.
            begun: The first line: what is asked. A journal goes on for the same question alone.
            lines: Reads and writes a line.
            wording: For messages.

        Raises:
            TrialError: It is that of another question, another process writes it, or it cannot be read or written.
        """
        self._path, self._lines, self._wording = path, lines, wording
        self._kind = type(begun)
        self.events: list[Step] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise TrialError(
                f"{path.parent}: another {wording.name} is writing there; wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise TrialError(f"{path}: cannot be written: {error.strerror}; choose another --out") from None
        try:
            self._read(begun)
        except BaseException:
            self.close()
            raise

    def append(self, event: Begun | Step) -> None:
        """Write one event as one line, and wait until it is on disk.

        Raises:
            TrialError: The disk refuses it.
        """
        line = self._lines.dump_json(event) + b"\n"
        try:
            if os.write(self._descriptor, line) != len(line):
                raise OSError(28, "not all of a line was written")
            os.fsync(self._descriptor)
        except OSError as error:
            raise TrialError(f"{self._path}: cannot be written: {error.strerror}; free space, and run again") from error
        if not isinstance(event, self._kind):
            self.events.append(event)  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
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
                f"{self._path}: is the journal of another {self._wording.name} ({self._wording.differs}); "
                "choose another --out"
            )
        self.events += [one for one in rest if not isinstance(one, self._kind)]  # type: ignore[misc]

    def _event(self, number: int, line: bytes) -> Begun | Step:
        try:
            return self._lines.validate_json(line)
        except ValidationError as error:
            told = error.errors()[0]["msg"]
            raise TrialError(
                f"{self._path}:{number}: no line of a {self._wording.name}: {told}; choose another --out"
            ) from None
