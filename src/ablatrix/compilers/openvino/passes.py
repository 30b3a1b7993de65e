"""Time by pass, as OpenVINO's pass managers write it where ``OV_ENABLE_PROFILE_PASS`` names a file.

A manager reports its start on standard output, and in the file the time of each pass and its own, in nanoseconds. With
both in one file a pass that runs a manager of its own is recognised by the order of lines::

    PassManager started: Outer
    PassManager started: Inner
    t;First;Inner;1000;0
    m;Inner;1100;0
    t;Second;Outer;5000;1     Inner ran inside Second
    m;Outer;5200;1
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablatrix.compilers.environment import variable
from ablatrix.compilers.output import STDOUT, written_to
from ablatrix.errors import CompilerError

VARIABLE = "OV_ENABLE_PROFILE_PASS"
STARTED = re.compile(r"^PassManager started:")


@contextmanager
def watch_passes(file: Path) -> Iterator[dict[str, float]]:
    """Return a dictionary that is filled when the block ends: milliseconds by pass of every pass manager.

    Args:
        file: Where OpenVINO may write.

    Raises:
        CompilerError: What it writes is not as above.
    """
    milliseconds: dict[str, float] = {}
    with variable(VARIABLE, str(file)), written_to(file, STDOUT):
        yield milliseconds
    milliseconds |= read_passes(file.read_text(encoding="utf-8"))


def read_passes(log: str) -> dict[str, float]:
    """Return milliseconds by pass; a pass inside another counts for itself alone.

    Raises:
        CompilerError: The log is not as OpenVINO 2026 writes it.
    """
    milliseconds: dict[str, float] = {}
    inner: list[int] = []  # of each open manager: what managers inside its present pass took
    try:
        for line in log.splitlines():
            kind, *rest = line.split(";")
            if STARTED.match(line):
                inner.append(0)
            elif kind == "t":
                name, nanoseconds = rest[0], int(rest[2])
                milliseconds[name] = milliseconds.get(name, 0.0) + (nanoseconds - inner[-1]) / 1e6
                inner[-1] = 0
            elif kind == "m":
                inner.pop()
                if inner:
                    inner[-1] += int(rest[1])
    except (IndexError, ValueError):
        milliseconds = {}
    if inner or not milliseconds:
        raise CompilerError(
            f"OpenVINO's log of passes ({VARIABLE}) is not as expected; leave pass_timing off with this version"
        )
    return milliseconds
