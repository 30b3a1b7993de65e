"""Time by pass, as XLA reports it to JAX's profiler: an event for each pass, with its beginning and its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ablatrix.errors import CompilerError

# Functions of XLA around passes, by their names in C++: some wait for other threads, and LLVM is in them as a whole.
FUNCTION = "::"
WAITING = "backend_compile_and_load"  # JAX's own event: the thread that asked for the compilation waits


class Event(NamedTuple):
    """One event of a thread, in nanoseconds."""

    name: str
    start: float
    stop: float


@contextmanager
def watch_passes(directory: Path) -> Iterator[dict[str, float]]:
    """Return a dictionary that is filled when the block ends: milliseconds by pass, over all threads that compile.

    Args:
        directory: Where the profiler may write.

    Raises:
        CompilerError: The profiler has no pass.
    """
    from jax import profiler

    options = profiler.ProfileOptions()
    options.python_tracer_level = 0
    milliseconds: dict[str, float] = {}
    with profiler.trace(directory, profiler_options=options):
        yield milliseconds
    for file in directory.rglob("*.xplane.pb"):
        for plane in profiler.ProfileData.from_file(str(file)).planes:
            for thread in plane.lines:
                events = [Event(one.name, one.start_ns, one.start_ns + one.duration_ns) for one in thread.events]
                add_own_times(events, milliseconds)
    if not milliseconds:
        raise CompilerError("XLA reported no pass to JAX's profiler; leave the knob pass_timing off with this version")


def add_own_times(events: Iterable[Event], milliseconds: dict[str, float]) -> None:
    """Add the time of each pass among the events of a thread. A pass inside another counts for itself alone."""
    open_: list[Event] = []
    own: list[tuple[str, float]] = []
    inner: list[float] = []

    def close() -> None:
        event, inside = open_.pop(), inner.pop()
        own.append((event.name, event.stop - event.start - inside))
        if inner:
            inner[-1] += event.stop - event.start

    for event in sorted(events, key=lambda one: (one.start, -one.stop)):
        while open_ and open_[-1].stop <= event.start:
            close()
        open_.append(event)
        inner.append(0.0)
    while open_:
        close()
    for name, nanoseconds in own:
        if FUNCTION not in name and name != WAITING:
            milliseconds[name] = milliseconds.get(name, 0.0) + nanoseconds / 1e6
