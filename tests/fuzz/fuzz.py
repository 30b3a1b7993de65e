"""Reads changed documents, many times, and tells what did not end as it should."""

from __future__ import annotations

import random
import resource
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.fuzz.changes import changed
from tests.fuzz.targets import Target, targets

MOST_SECONDS = 60.0
MOST_BYTES = 2**30
"""Of memory, as the process's peak grows by one document."""


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
        taken: Whether it was read, or refused.
        seconds: How long that took.
        fault: What is wrong, None if nothing is.
    """

    taken: bool
    seconds: float
    fault: Fault | None


def document(name: str, number: int) -> tuple[Target, bytes]:
    """Return a reader and its document of a number: always the same one."""
    target = targets()[name]
    rng = random.Random(f"{name} {number}")
    return target, changed(rng, rng.choice(target.seeds), target.form)


def read_all(name: str, numbers: range, directory: Path | None = None) -> Iterator[Ending]:
    """Give documents to a reader, one after the other."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        for number in numbers:
            yield _read_one(name, number, Path(place))


def _read_one(name: str, number: int, place: Path) -> Ending:
    target, content = document(name, number)
    file = place / target.file
    file.write_bytes(content)
    before, start = _peak(), perf_counter()
    taken, what = True, None
    try:
        target.read(file)
    except target.raises:
        taken = False
    except Exception:
        what = traceback.format_exc()
    seconds, grown = perf_counter() - start, _peak() - before
    if seconds > MOST_SECONDS or grown > MOST_BYTES:
        what = f"{seconds:.1f} s and {grown / 2**20:.0f} MiB more"
    fault = None if what is None else Fault(target=name, number=number, what=what)
    return Ending(taken=taken, seconds=seconds, fault=fault)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
