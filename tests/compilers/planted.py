"""Adapters with planted faults, around a real one: each breaks one rule of the contract and keeps the others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from ablatrix.compilers.adapter import BoundRun, CompileFacts, Compiler, CompileRequest, Executable
from ablatrix.compilers.eager import EagerExecutable


class Around:
    """An adapter that hands everything on to another."""

    name = "planted"

    def __init__(self, inner: Compiler) -> None:
        self.inner = inner

    def preload(self) -> None:
        self.inner.preload()

    def versions(self) -> Mapping[str, str]:
        return self.inner.versions()

    def set_threads(self, threads: int) -> None:
        self.inner.set_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        return self.inner.threads_in_force()

    def compile(self, request: CompileRequest) -> Executable:
        return self.inner.compile(request)


class FallsBack(Around):
    """Runs the program eagerly, and reports the facts of what it compiled."""

    def compile(self, request: CompileRequest) -> Executable:
        facts = self.inner.compile(request).facts
        return EagerExecutable(request.program.exported.module(check_guards=False), facts)


class CachesTooBroadly(Around):
    """Leaves a knob out of its keys: what was built first answers for every level."""

    def compile(self, request: CompileRequest) -> Executable:
        return self.inner.compile(replace(request, knobs={**request.knobs, "fusion": "off"}))


class RunsTheCheck(Around):
    """Compares with the eager program in each run, so that the check is timed too."""

    def compile(self, request: CompileRequest) -> Executable:
        module = request.program.exported.module(check_guards=False)

        def compare(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            assert torch.allclose(bound.outputs()[0], module(*inputs), atol=1e-4)

        return Wrapped(self.inner.compile(request), compare)


class Prints(Around):
    """Tells of its work on standard output."""

    def compile(self, request: CompileRequest) -> Executable:
        print("compiling ...", flush=True)
        return self.inner.compile(request)


class WritesItsInputs(Around):
    """Uses an input as scratch memory."""

    def compile(self, request: CompileRequest) -> Executable:
        def run(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            inputs[0].zero_()

        return Wrapped(self.inner.compile(request), run)


class Drifts(Around):
    """Gives other outputs in each run."""

    def compile(self, request: CompileRequest) -> Executable:
        def run(bound: BoundRun, inputs: Sequence[torch.Tensor]) -> None:
            bound.run()
            bound.outputs()[0].add_(next(self.count) * 1e-9)

        self.count = itertools.count()
        return Wrapped(self.inner.compile(request), run)


class GuessesZero(Around):
    """Has no figure for planned bytes, and gives no reason."""

    def compile(self, request: CompileRequest) -> Executable:
        inner = self.inner.compile(request)
        facts = replace(inner.facts, compiler_planned_bytes=None, reasons={})
        return Wrapped(inner, lambda bound, _inputs: bound.run(), facts)


class ChangesItsDigest(Around):
    """Puts the time, or the like, into its digest."""

    numbers = itertools.count()

    def compile(self, request: CompileRequest) -> Executable:
        inner = self.inner.compile(request)
        facts = replace(inner.facts, artifact_digest=f"{next(self.numbers):064x}")
        return Wrapped(inner, lambda bound, _inputs: bound.run(), facts)


class Wrapped:
    """An executable whose runs are done by a function."""

    def __init__(
        self,
        inner: Executable,
        run: Callable[[BoundRun, Sequence[torch.Tensor]], None],
        facts: CompileFacts | None = None,
    ) -> None:
        self.facts = facts or inner.facts
        self._inner, self._run = inner, run

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        return WrappedRun(self._inner.bind(inputs), self._run, inputs)


class WrappedRun:
    def __init__(self, inner: BoundRun, run: Callable[..., None], inputs: Sequence[torch.Tensor]) -> None:
        self._inner, self._run, self._inputs = inner, run, inputs

    def run(self) -> None:
        self._run(self._inner, self._inputs)

    def outputs(self) -> tuple[Any, ...]:
        return self._inner.outputs()
