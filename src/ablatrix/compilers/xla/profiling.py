"""Time by thunk from XLA's own trace, and which nodes of a task each instruction computes.

A thunk is traced under the name of its instruction of HLO, whose metadata says in which scope of JAX it was made: each
node of the task has a scope of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from ablatrix.compilers.profiling import KernelTimes, ProfiledKernel
from ablatrix.compilers.profiling.marks import FIELD, marks_in
from ablatrix.compilers.xla.build import compile_lowered, compiled_sizes, input_shapes, lower_task
from ablatrix.compilers.xla.frontend import import_torchax
from ablatrix.compilers.xla.module import COMPUTATION, NO_WORK, OPCODE

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.adapter import CompileRequest
    from ablatrix.compilers.xla.compiler import XlaTask
    from ablatrix.compilers.xla.options import Options
    from ablatrix.workloads.program import TaskProgram

NAMED = re.compile(r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<rest>.*)$")
CALLED = re.compile(r"(?:calls|to_apply|body|condition)=%?([\w.\-]+)")
SOURCE = re.compile(r'op_name="([^"]*)"')
INSTRUCTION, RUN, ENDING = "hlo_op", "run_id", "end: "

Span = tuple[float, float, str]
"""Begin and end of a thunk in nanoseconds, and its instruction."""


class ThunkTrace:
    """One trace of a process at a time, which the profilers of a program's tasks share."""

    def __init__(self) -> None:
        self._session: Any = None
        self._calls: list[XlaProfiler] = []

    def begin(self) -> None:
        """Start a trace; the first of a program's profilers does."""
        if self._session is None:
            from jax._src.lib import _profiler
            from jax.profiler import ProfileOptions

            options = ProfileOptions()
            options.python_tracer_level = 0
            self._session = _profiler.ProfilerSession(options)

    def called(self, profiler: XlaProfiler) -> None:
        """Note whose task a run that begins is."""
        self._calls.append(profiler)

    def end(self) -> None:
        """End it, and give each run that it has to whose task it was."""
        if self._session is None:
            return
        session, self._session = self._session, None
        runs: dict[int, list[Span]] = {}
        for plane in session.stop_and_get_profile_data().planes:
            for line in plane.lines:
                for event in line.events:
                    facts = dict(event.stats)
                    if INSTRUCTION in facts and not event.name.startswith(ENDING):
                        span = event.start_ns, event.start_ns + event.duration_ns, str(facts[INSTRUCTION])
                        runs.setdefault(int(facts[RUN]), []).append(span)
        ordered = sorted(runs.values(), key=min)
        calls, self._calls = self._calls, []
        for profiler, spans in zip(calls, ordered, strict=len(ordered) > 0):
            profiler.take(spans)


class XlaProfiler:
    """A task whose thunks are traced.

    Args:
        request: What the task is part of.
        options: Of the configuration.
        task: Its nodes are marked.
        loaded: The task; it gets an executable whose instructions are named by node.
        trace: Of the process.
    """

    def __init__(
        self, request: CompileRequest, options: Options, task: TaskProgram, loaded: XlaTask, trace: ThunkTrace
    ) -> None:
        shapes = input_shapes(task, compiled_sizes(request.program, task))
        with _scopes():
            lowered = lower_task(task, shapes)
        compiled = compile_lowered(task, lowered, options.compiler_options())
        loaded.take(shapes, compiled)
        self._loaded, self._trace = loaded, trace
        self._kernels = entry_instructions(compiled.as_text())
        self._walls: list[float] = []
        self._times: list[tuple[float, ...]] = []

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that the trace reports."""
        call = self._loaded.bind(inputs, outputs)

        def run() -> None:
            self._trace.called(self)
            since = perf_counter_ns()
            call()
            self._walls.append((perf_counter_ns() - since) / 1e6)

        return run

    def begin(self) -> None:
        """Start the trace."""
        self._trace.begin()

    def end(self) -> None:
        """End it."""
        self._trace.end()

    def take(self, spans: Sequence[Span]) -> None:
        """Keep the thunks of a run."""
        own = {kernel.name for kernel in self._kernels}
        shares = exclusive_ms([one for one in spans if one[2] in own])
        self._times.append(tuple(shares.get(kernel.name, 0.0) for kernel in self._kernels))

    def read(self) -> KernelTimes:
        """Return the times of all runs."""
        return KernelTimes(kernels=self._kernels, times_ms=tuple(self._times), walls_ms=tuple(self._walls))


def exclusive_ms(spans: Sequence[Span]) -> dict[str, float]:
    """Return milliseconds by instruction; where thunks run beside each other, each has its part of that time."""
    edges = sorted({edge for begin, end, _ in spans for edge in (begin, end)})
    found: dict[str, float] = {}
    ordered, active, place = sorted(spans), list[Span](), 0
    for begin, end in pairwise(edges):
        active = [one for one in active if one[1] > begin]
        while place < len(ordered) and ordered[place][0] <= begin:
            active.append(ordered[place])
            place += 1
        for one in active:
            found[one[2]] = found.get(one[2], 0.0) + (end - begin) / len(active) / 1e6
    return found


def entry_instructions(text: str) -> tuple[ProfiledKernel, ...]:
    """Return what a run of an optimised module executes, with the marks of what each instruction computes."""
    marks: dict[str, frozenset[int]] = {}
    entry: list[tuple[str, frozenset[int]]] = []
    name, is_entry = "", False
    for line in text.splitlines():
        if opened := COMPUTATION.match(line):
            name, is_entry = opened["name"], bool(opened["entry"])
            marks[name] = frozenset()
        elif name and (found := NAMED.match(line)):
            called = (marks.get(one, frozenset()) for one in CALLED.findall(line))
            own = frozenset().union(*map(marks_in, SOURCE.findall(line)), *called)
            marks[name] |= own
            opcode = OPCODE.search(found["rest"].partition(", metadata=")[0])
            if is_entry and (opcode is None or opcode["opcode"] not in NO_WORK):
                entry.append((found["name"], own))
    return tuple(ProfiledKernel(name=one, nodes=tuple(sorted(nodes))) for one, nodes in entry)


@contextmanager
def _scopes() -> Iterator[None]:
    """Give each node that is lowered inside the block a scope of JAX that is named by its mark."""
    interpreter = import_torchax().JaxInterpreter
    import jax

    run_node = interpreter.run_node

    def run(self: Any, node: Any) -> Any:
        mark = node.meta.get(FIELD)
        if not mark:
            return run_node(self, node)
        with jax.named_scope(mark):
            return run_node(self, node)

    with patch.object(interpreter, "run_node", run):
        yield
