"""Adapters with planted faults, around a real one: each breaks one rule of the contract and keeps the others.

The contract suite is tested with them: one that it lets pass is a gap in the suite.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from ablatrix.compilers.adapter import (
    BoundRun,
    CompileFacts,
    Compiler,
    CompileRequest,
    Executable,
    PhaseClock,
)
from ablatrix.compilers.cache import TaskCache
from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.eager import EagerCompiler, EagerExecutable


class Around:
    """An adapter that hands everything on to another.

    Args:
        inner: The real one; eager where none is given.
    """

    name = "planted"

    def __init__(self, inner: Compiler | None = None) -> None:
        self.inner = EagerCompiler() if inner is None else inner

    def preload(self) -> None:
        """Preload the inner adapter."""
        self.inner.preload()

    def versions(self) -> Mapping[str, str]:
        """Return the inner adapter's versions."""
        return self.inner.versions()

    def set_threads(self, threads: int) -> None:
        """Set the inner adapter's threads."""
        self.inner.set_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        """Return the inner adapter's threads."""
        return self.inner.threads_in_force()

    def compile(self, request: CompileRequest) -> Executable:
        """Compile with the inner adapter."""
        return self.inner.compile(request)


class FallsBack(Around):
    """Runs the program eagerly, with the facts of what it compiled."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and give the eager program instead."""
        facts = self.inner.compile(request).facts
        return EagerExecutable(request.program.exported.module(check_guards=False), facts)


class RunsTheCheck(Around):
    """Compares with the eager program in each run, so that the check is timed too."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and check in each run."""
        module = request.program.exported.module(check_guards=False)

        def compare(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            with torch.no_grad():
                torch.allclose(bound.outputs()[0], module(*inputs), atol=1e-4)

        return Wrapped(self.inner.compile(request), compare)


class ReturnsAWrongValue(Around):
    """Changes one element of the last output."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and change the output of each run."""

        def run(bound: BoundRun, _inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            bound.outputs()[-1].view(-1)[-1] += 0.5

        return Wrapped(self.inner.compile(request), run)


class ForgetsAnOutput(Around):
    """Omits the last output."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and drop an output."""
        return Wrapped(self.inner.compile(request), keep=lambda outputs: outputs[:-1])


class WritesItsInputs(Around):
    """Uses an input as scratch memory."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and zero an input in each run."""

        def run(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            inputs[0].zero_()

        return Wrapped(self.inner.compile(request), run)


class SpoilsItsConstants(Around):
    """Writes to the program's weights, which other tasks and later runs read."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and change a weight in each run."""
        weight = next(iter(request.program.lowered.state_dict.values()))

        def run(bound: BoundRun, _inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            weight.mul_(1.0 + 1e-6)

        return Wrapped(self.inner.compile(request), run)


class Drifts(Around):
    """Gives other outputs in each run."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and add a little more to the output of each run."""
        count = itertools.count()

        def run(bound: BoundRun, _inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            bound.outputs()[0].add_(next(count) * 1e-9)

        return Wrapped(self.inner.compile(request), run)


class Prints(Around):
    """Reports its work on standard output."""

    def compile(self, request: CompileRequest) -> Executable:
        """Print, and compile."""
        print("compiling ...", flush=True)  # noqa: T201 - the fault
        return self.inner.compile(request)


class GuessesZero(Around):
    """Has no figure for planned bytes, and gives no reason."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and take a figure and the reasons away."""
        inner = self.inner.compile(request)
        return Wrapped(inner, facts=replace(inner.facts, compiler_planned_bytes=None, reasons={}))


class HidesItsTime(Around):
    """Opens no phase, so that records do not say what its time is spent on."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile under a clock that is never read."""
        return self.inner.compile(replace(request, clock=PhaseClock()))


class SharesCode(Around):
    """Keeps what it builds in a cache of its own, whose keys know no knob: what was built first answers for all."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile with a cache in the directory of the trial's, for all configurations."""
        return self.inner.compile(replace(request, cache=TaskCache(request.cache.directory)))


class IgnoresAKnob(Around):
    """Builds the code of one level, whatever level is asked for.

    Args:
        inner: The real adapter.
        knob: The knob.
        level: The level at which everything is built.
    """

    def __init__(self, inner: Compiler, knob: str, level: Level) -> None:
        super().__init__(inner)
        self._fixed = {knob: level}

    def compile(self, request: CompileRequest) -> Executable:
        """Compile at the fixed level, whatever is asked for."""
        return self.inner.compile(replace(request, knobs={**request.knobs, **self._fixed}))


class BypassesTheCache(Around):
    """Rebuilds what is in the cache, and stores nothing in it."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile with a cache of its own."""
        return self.inner.compile(replace(request, cache=TaskCache(None)))


class ChangesItsDigest(Around):
    """Puts the time, or the like, into its digest."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and give each build a digest of its own."""
        inner = self.inner.compile(request)
        return Wrapped(inner, facts=replace(inner.facts, artifact_digest=f"{next(_NUMBERS):064x}"))


class IgnoresThreads(Around):
    """Leaves the number of threads as it is."""

    def set_threads(self, threads: int) -> None:
        """Set one thread, whatever is asked for."""
        self.inner.set_threads(1)


class StartsAThread(Around):
    """Leaves a thread behind when it is preloaded, so that the fork server cannot be forked."""

    def preload(self) -> None:
        """Preload, and start a thread that does not end by itself."""
        super().preload()
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class TakesAnySize(Around):
    """Runs inputs beyond the bound that memory was planned for, as far as they fit."""

    def compile(self, request: CompileRequest) -> Executable:
        """Compile, and cut inputs to the size of the bound."""
        bounds = [bound for task in request.tasks for bound in task.upper_bounds.values()]
        return Wrapped(self.inner.compile(request), max_rows=max(bounds, default=None))


class Wrapped:
    """An executable whose runs, outputs or facts are changed.

    Args:
        inner: The real one.
        run: Does one run, from the bound run and the inputs.
        facts: Other facts than the real one's.
        keep: Chooses among the outputs.
        max_rows: Rows of an input that are bound; all when None.
    """

    def __init__(
        self,
        inner: Executable,
        run: Callable[[BoundRun, Sequence[torch.Tensor]], None] | None = None,
        *,
        facts: CompileFacts | None = None,
        keep: Callable[[tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]] | None = None,
        max_rows: int | None = None,
    ) -> None:
        self.facts = facts or inner.facts
        self._inner, self._run, self._keep, self._most_rows = inner, run, keep, max_rows

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        """Bind the inputs to the real executable."""
        bound = self._inner.bind([tensor[: self._most_rows] for tensor in inputs])
        return WrappedRun(bound, self._run, self._keep, inputs)


class WrappedRun:
    """A bound run that is changed; see ``Wrapped``."""

    def __init__(
        self,
        inner: BoundRun,
        run: Callable[[BoundRun, Sequence[torch.Tensor]], None] | None,
        keep: Callable[[tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]] | None,
        inputs: Sequence[torch.Tensor],
    ) -> None:
        self._inner, self._run, self._keep, self._inputs = inner, run, keep, inputs

    def run(self) -> None:
        """Run once, with the fault."""
        if self._run is None:
            self._inner.run()
        else:
            self._run(self._inner, self._inputs)

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Return the outputs, with the fault."""
        outputs = self._inner.outputs()
        return outputs if self._keep is None else self._keep(outputs)


_NUMBERS = itertools.count(1)
