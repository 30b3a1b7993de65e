"""XLA's passes: their times as it reports them to JAX's profiler, and what each left, as it writes it to files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ablatrix.canonical import digest_value
from ablatrix.compilers.passes import PassRun
from ablatrix.compilers.xla.module import METADATA
from ablatrix.errors import CompilerError

# Functions of XLA around passes, by their names in C++: some wait for other threads, and LLVM is in them as a whole.
FUNCTION = "::"
WAITING = "backend_compile_and_load"  # JAX's own event: the thread that asked for the compilation waits
# A module is written behind every pass of a pipeline whose name matches; for ".*" only behind those that changed it.
DUMPED = "xla_dump_hlo_pass_re"
EVERY_PASS = "."
STEP = re.compile(r"\.(?P<step>\d{4,})\.(?P<within>.+)\.after_(?P<name>.+)\.before_.+\.txt$")
START = "pipeline-start"


class Event(NamedTuple):
    """One event of a thread, in nanoseconds."""

    name: str
    start: float
    stop: float


@contextmanager
def watch_passes(directory: Path) -> Iterator[list[PassRun]]:
    """Return a list that is filled when the block ends: every run of a pass, over all threads that compile.

    Args:
        directory: Where the profiler may write.

    Raises:
        CompilerError: The profiler has no pass.
    """
    from jax import profiler

    options = profiler.ProfileOptions()
    options.python_tracer_level = 0
    runs: list[PassRun] = []
    with profiler.trace(directory, profiler_options=options):
        yield runs
    for file in directory.rglob("*.xplane.pb"):
        for plane in profiler.ProfileData.from_file(str(file)).planes:
            for thread in plane.lines:
                events = [Event(one.name, one.start_ns, one.start_ns + one.duration_ns) for one in thread.events]
                runs += runs_of(events)
    if not runs:
        raise CompilerError(
            "XLA reported no pass to JAX's profiler; this version cannot be observed, so leave pass_timing off"
        )


def runs_of(events: Iterable[Event]) -> list[PassRun]:
    """Return the passes among a thread's events, by their beginning. One inside another counts for itself alone."""
    open_: list[tuple[int, Event]] = []
    own: dict[int, PassRun] = {}
    inner: list[float] = []

    def close() -> None:
        (position, event), inside = open_.pop(), inner.pop()
        within = open_[-1][1].name if open_ else ""
        own[position] = PassRun(
            name=event.name,
            within="" if FUNCTION in within else within,
            milliseconds=(event.stop - event.start - inside) / 1e6,
        )
        if inner:
            inner[-1] += event.stop - event.start

    for position, event in enumerate(sorted(events, key=lambda one: (one.start, -one.stop))):
        while open_ and open_[-1][1].stop <= event.start:
            close()
        open_.append((position, event))
        inner.append(0.0)
    while open_:
        close()
    ordered = (own[position] for position in sorted(own))
    return [one for one in ordered if FUNCTION not in one.name and one.name != WAITING]


def read_dumps(directory: Path) -> list[PassRun]:
    """Return every run of a pass of HLO, in order, from the modules that one compilation wrote behind its passes.

    A pipeline inside another is a pass of it: it changed what its passes changed.

    Args:
        directory: Where it wrote them, with ``xla_dump_to`` and the option ``DUMPED``.

    Raises:
        CompilerError: There are none.
    """
    steps = [(found, file) for file in directory.iterdir() if (found := STEP.search(file.name))]
    runs: list[PassRun] = []
    begun: dict[str, str] = {}  # the module when a pipeline began, which may go over its passes several times
    last = ""
    for found, file in sorted(steps, key=lambda one: int(one[0]["step"])):
        digest = digest_value(METADATA.sub("", file.read_text(encoding="utf-8")))
        name, within = found["name"], found["within"]
        if name == START:
            begun.setdefault(within, digest)
        else:
            before = begun.pop(name, last)
            runs.append(PassRun(name=name, within=within, changed=digest != before, before=before, after=digest))
        last = digest
    if not runs:
        raise CompilerError(f"XLA wrote no module behind its passes ({DUMPED}); this version cannot be observed so")
    return runs
