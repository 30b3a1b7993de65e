"""A compiler for `cluster_same`: TVM, with a knob that says whether Ray runs while a program is timed.

Before the first iteration of a burst, which is not counted, the program stops the processes of Ray on this machine
(SIGSTOP) or lets them go on. So both levels of the knob are timed within one block, some tenths of a second from each
other, and what differs between them is Ray alone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.catalogue.tvm import TVM
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.plugin import KnobEntry, LevelEntry

if TYPE_CHECKING:
    from ablatrix.plugin import BuiltTask, TaskFunction

STATE = Path("/dev/shm/ablatrix-beside-ray")
"""Its first byte says whether Ray is stopped, the second changes whenever that does; all processes map it."""
RUNS, STOPPED = 0, 1
MARKS = ("site-packages/ray/", "/ray start", "ray::", "--slots ray")
"""What the command of a process of Ray has, and that of the run that waits for its slots; a slot's runner has none."""


class BesideRay(TvmCompiler):
    """TVM whose programs see to it that Ray runs, or does not, while they are timed."""

    name = "beside_ray"

    def load(self, request: Any, options: Any, built: Sequence[BuiltTask]) -> list[Any]:
        """Load the tasks, each with what it does before it runs."""
        wanted = STOPPED if request.knobs["ray"] == "stopped" else RUNS
        return [Switching(one, wanted) for one in super().load(request, options, built)]


class Switching:
    """A task that stops Ray, or lets it go on, where it is not so already."""

    def __init__(self, task: TaskFunction, wanted: int) -> None:
        self._task, self._wanted = task, wanted

    def bind(self, inputs: list[Any], outputs: list[Any]) -> Callable[[], None]:
        """Return one run."""
        run, wanted = self._task.bind(inputs, outputs), self._wanted
        found = processes()
        if not found:
            raise RuntimeError("no process of Ray is here")
        state = opened()

        def switched() -> None:
            if state[0] != wanted:
                switch(state, found, wanted)
            run()

        return switched


def opened() -> mmap:
    """Return the shared state."""
    with STATE.open("r+b") as file:
        return mmap(file.fileno(), 2)


def switch(state: mmap, found: Sequence[int], wanted: int) -> None:
    """Stop the processes, or let them go on, and say so."""
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGSTOP if wanted == STOPPED else signal.SIGCONT)
    state[0], state[1] = wanted, (state[1] + 1) % 256


def processes() -> list[int]:
    """Return the processes of Ray on this machine."""
    import psutil

    commands = ((one.pid, " ".join(one.info["cmdline"] or ())) for one in psutil.process_iter(["cmdline"]))
    return [pid for pid, command in commands if any(mark in command for mark in MARKS)]


RAY = KnobEntry(
    name="ray",
    kind="primary",
    summary="Whether Ray's processes run while a program is timed.",
    levels=(
        LevelEntry(name="stopped", summary="They are stopped."),
        LevelEntry(name="running", summary="They go on."),
    ),
    default="stopped",
    affects="run_time",
)
COMPILERS = [
    replace(TVM, name="beside_ray", summary="TVM beside Ray.", adapter="beside_ray:BesideRay", knobs=(*TVM.knobs, RAY))
]
