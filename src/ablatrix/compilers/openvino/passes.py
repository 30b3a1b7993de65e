"""What OpenVINO's pass managers write of their passes where ``OV_ENABLE_PROFILE_PASS`` names a file.

A manager reports its start on standard output, and in the file the time of each pass and its own, in nanoseconds, and
whether the pass says that it changed the model. With both in one file a pass that runs a manager of its own is
recognised by the order of lines::

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
from ablatrix.compilers.passes import PassRun
from ablatrix.errors import CompilerError

VARIABLE = "OV_ENABLE_PROFILE_PASS"
STARTED = re.compile(r"^PassManager started:")


@contextmanager
def watch_passes(file: Path) -> Iterator[list[PassRun]]:
    """Return a list that is filled when the block ends: every run of a pass of every pass manager.

    Args:
        file: Where OpenVINO may write.

    Raises:
        CompilerError: What it writes is not as above.
    """
    runs: list[PassRun] = []
    with variable(VARIABLE, str(file)), written_to(file, STDOUT):
        yield runs
    runs += read_runs(file.read_text(encoding="utf-8"))


def read_runs(log: str) -> list[PassRun]:
    """Return every run of a pass, in the order in which they ended; one inside another counts for itself alone.

    Raises:
        CompilerError: The log is not as OpenVINO 2026 writes it.
    """
    runs: list[PassRun] = []
    inner: list[int] = []  # of each open manager: what managers inside its present pass took
    try:
        for line in log.splitlines():
            kind, *rest = line.split(";")
            if STARTED.match(line):
                inner.append(0)
            elif kind == "t":
                name, within, nanoseconds, changed = rest[:4]
                own = (int(nanoseconds) - inner[-1]) / 1e6
                runs.append(PassRun(name=name, within=within, milliseconds=own, changed=changed == "1"))
                inner[-1] = 0
            elif kind == "m":
                inner.pop()
                if inner:
                    inner[-1] += int(rest[1])
    except (IndexError, ValueError):
        runs = []
    if inner or not runs:
        raise CompilerError(
            f"OpenVINO's log of passes ({VARIABLE}) is not as expected; this version cannot be observed, so leave "
            "pass_timing off"
        )
    return runs
