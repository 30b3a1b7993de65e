"""Reads changed documents, many times, and tells what did not end as it should."""

from __future__ import annotations

import random
import resource
import signal
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

from tests.fuzz.changes import changed
from tests.fuzz.targets import Target, read_as, targets
from tests.fuzz.values import as_yaml

MOST_SECONDS = 60.0
MOST_BYTES = 2**30
"""Of memory, as the process's peak grows by one document."""
MOST_TRIES = 8
MEMORY = Path("/dev/shm")
"""Where files need no disk, on Linux."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A document that was not read and not refused either: its reader, its number, and what became of it."""

    target: str
    number: int
    what: str


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How one document ended.

    Attributes:
        taken: Whether it was read, not refused.
        seconds: How long that took.
        fault: What is wrong, None if nothing is.
    """

    taken: bool
    seconds: float
    fault: Fault | None


class TooLongError(BaseException):
    """A reader was at a document for `MOST_SECONDS`; no reader may catch it."""


def document(name: str, number: int) -> tuple[Target, bytes]:
    """Return a reader and its document of a number: always the same one."""
    target = targets()[name]
    rng = random.Random(f"{name} {number}")
    parts = (_part(rng, target) for _ in range(target.parts))
    return target, b"".join(one for one in parts if one is not None)


def _part(rng: random.Random, target: Target) -> bytes | None:
    """Return a changed seed that holds, where that is asked for; None where none of several does."""
    for _ in range(MOST_TRIES):
        drawn = changed(rng, rng.choice(target.seeds), target.form, target.seeds)
        if target.holds is None or target.holds(drawn):
            return drawn
    return None


def read_all(name: str, numbers: Iterable[int]) -> Iterator[Ending]:
    """Give documents to a reader, one after the other."""
    with Reading(name) as reading:
        for number in numbers:
            yield reading.end(number, document(name, number)[1])


class Reading:
    """A directory in which a reader is given documents, one after the other."""

    def __init__(self, name: str) -> None:
        """Make the directory; in memory, where there is such a place."""
        self._name, self._target = name, targets()[name]
        directory = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="ablatrix-fuzz-")
        self._place = Path(directory.name)
        self._held = ExitStack()
        self._held.enter_context(directory)
        self._held.enter_context(_temporary_files_in(directory.name))
        self._held.enter_context(_alarm())
        if self._target.beside is not None:
            (self._place / self._target.beside).write_text("{}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def end(self, number: int, content: bytes) -> Ending:
        """Give a document to the reader, and return how that ended."""
        target, file = self._target, self._place / self._target.file
        file.write_bytes(content)
        before, start = _peak(), perf_counter()
        taken, what = _read(target, file)
        if what is not None and target.form == "values":
            # Found with values: it counts where the same document as YAML gives one, too.
            file.write_bytes(as_yaml(content))
            taken, what = _read(target, file, as_values=False)
        seconds, grown = perf_counter() - start, _peak() - before
        if grown > MOST_BYTES and what is None:
            what = f"{seconds:.1f} s and {grown / 2**20:.0f} MiB more"
        fault = None if what is None else Fault(target=self._name, number=number, what=what)
        return Ending(taken=taken, seconds=seconds, fault=fault)


def _read(target: Target, file: Path, as_values: bool = True) -> tuple[bool, str | None]:
    """Return whether a file was read, and what is wrong."""
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        if as_values:
            read_as(target, file)
        else:
            target.read(file)
    except target.raises:
        return False, None
    except (Exception, TooLongError):
        return False, traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return True, None


@contextmanager
def _alarm() -> Iterator[None]:
    """Have a `TooLongError` raised when the time of `_read` is over."""

    def stop(*_: object) -> None:
        raise TooLongError(f"{MOST_SECONDS:.0f} s")

    held = signal.signal(signal.SIGALRM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, held)


@contextmanager
def _temporary_files_in(place: str) -> Iterator[None]:
    """Have temporary files made in a directory."""
    held, tempfile.tempdir = tempfile.tempdir, place
    try:
        yield
    finally:
        tempfile.tempdir = held


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
