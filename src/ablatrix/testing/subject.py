"""A compiler under test: small programs, each compiled in a configuration when a check first asks for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from ablatrix.compilers.adapter import Compiler, CompileRequest, Executable
from ablatrix.compilers.cache import CacheCounters, Scope
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level
from ablatrix.compilers.dump import claim_directory, start_dump
from ablatrix.compilers.settings import Applied
from ablatrix.testing.adapters import Preloaded, preload_elsewhere
from ablatrix.testing.programs import GATES, SMALL_PROGRAMS, answer
from ablatrix.testing.requests import make_program, make_request
from ablatrix.workloads.program import InputSet, Program

Configuration = tuple[str, tuple[tuple[str, Level], ...]]
RMS_FACTOR = 2.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One small program in one configuration, compiled and run once.

    Attributes:
        name: Compiler, program and levels, as messages name the case.
        request: What was asked for.
        executable: What the compiler gave.
        draw: The input, with the answer of the float64 oracle.
        printed: What was written to standard output meanwhile.
        counters: What the cache answered while it was compiled.
        weights: Copies of the program's weights, made after the first run.
        reference: The program as torch runs it eagerly.
        rms_factor: Allowed error, as a multiple of eager's: the usual one, or what a level promises.
    """

    name: str
    request: CompileRequest
    executable: Executable
    draw: InputSet
    printed: str
    counters: CacheCounters
    weights: Mapping[str, torch.Tensor]
    reference: torch.nn.Module
    rms_factor: float = RMS_FACTOR

    @property
    def directory(self) -> Path:
        """Where its cache and its artifacts lie."""
        return self.request.work_dir.parent

    @property
    def digest(self) -> str:
        """Digest of the generated code."""
        return self.executable.facts.artifact_digest


class Example:
    """A small program, exported and lowered once.

    Args:
        name: One of ``SMALL_PROGRAMS``; with a type behind it (``gates:bfloat16``), weights and input are of that type.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        program, _, dtype = name.partition(":")
        self.module, self.input = SMALL_PROGRAMS[program]()
        if dtype:
            self.module, self.input = self.module.to(getattr(torch, dtype)), self.input.to(getattr(torch, dtype))
        self.program: Program = make_program(self.module, (self.input,))


class Subject:
    """A compiler with its entry of the catalogue, and what it has compiled so far.

    Args:
        compiler: The adapter.
        entry: Its entry of the catalogue.
        directory: Where whatever is built goes.
    """

    def __init__(self, compiler: Compiler, entry: CompilerEntry, directory: Path) -> None:
        self.compiler = compiler
        self.entry = entry
        self.directory = directory
        self._examples: dict[str, Example] = {}
        self._kept: dict[Configuration, Case] = {}
        compiler.set_threads(1)

    def example(self, program: str = GATES) -> Example:
        """Return a small program by name."""
        if program not in self._examples:
            self._examples[program] = Example(program)
        return self._examples[program]

    def case(self, knobs: Mapping[str, Level] | None = None, program: str = GATES) -> Case:
        """Return the default levels with these changed; what only observes finds the defaults' cache.

        Raises:
            UnsupportedError: The compiler does not have what the program or the configuration asks for.
        """
        changed = dict(knobs or {})
        key = program, tuple(sorted(changed.items()))
        if key not in self._kept:
            observes = bool(changed) and {knob.name for knob in self.observers} >= set(changed)
            directory = self.case(program=program).directory if observes else self.new_directory()
            self._kept[key] = self.compile(changed, directory, program)
        return self._kept[key]

    def compile(
        self,
        knobs: Mapping[str, Level],
        directory: Path,
        program: str = GATES,
        *,
        threads: int = 1,
        dump: Path | None = None,
    ) -> Case:
        """Compile a configuration on the cache of a directory, and run it once."""
        example = self.example(program)
        request = self.request(example.program, knobs, directory, threads=threads, dump=dump)
        if dump is not None:
            claim_directory(dump)
            start_dump(request, self.entry.name)
        printed: list[str] = []
        with standard_output(printed):
            executable = self.compiler.compile(request)
            executable.bind((example.input.clone(),)).run()
        return Case(
            name=self.name_case(knobs, program),
            request=request,
            executable=executable,
            draw=answer(example.module, example.input),
            printed=printed[0],
            counters=request.cache.counters,
            weights={name: tensor.clone() for name, tensor in example.program.lowered.state_dict.items()},
            reference=example.program.exported.module(check_guards=False),
            rms_factor=max(RMS_FACTOR, (self.entry.tolerance({**self.entry.defaults(), **knobs}) or (0.0,))[0]),
        )

    def request(
        self,
        program: Program,
        knobs: Mapping[str, Level],
        directory: Path,
        *,
        bounds: Mapping[str, int] | None = None,
        threads: int = 1,
        dump: Path | None = None,
    ) -> CompileRequest:
        """Return the request that a worker would make: the levels of this compiler's knobs and of no others."""
        levels = {**self.entry.defaults(), **knobs}
        request = make_request(
            program,
            directory,
            levels,
            scope=Scope.of(self.entry, self.compiler, levels),
            bounds=bounds,
            partition=levels.get("partition", "whole"),  # type: ignore[arg-type]
            reuse=levels.get("reuse", "keep"),  # type: ignore[arg-type]
            threads=threads,
            dump=dump,
        )
        return replace(request, knobs=levels, settings=Applied.of(self.entry, levels))

    @cached_property
    def preloaded(self) -> Preloaded:
        """What a new process is like that preloaded the adapter."""
        return preload_elsewhere(self.entry)

    @cached_property
    def dumped(self) -> Case:
        """The program cut into tasks, on an empty cache and with a dump."""
        directory = self.new_directory()
        return self.compile(self.regions, directory, dump=directory / "dump")

    @property
    def configurations(self) -> list[dict[str, Level]]:
        """The defaults, each other level alone but observers', and all primary knobs at their last level."""
        found: list[dict[str, Level]] = [{}]
        changing = [knob for knob in self.entry.knobs if knob not in self.observers]
        found += [{knob.name: level} for knob in changing for level in other_levels(knob)]
        primary = [knob for knob in self.entry.knobs if knob.kind == "primary"]
        together = {knob.name: levels[-1] for knob in primary if (levels := other_levels(knob))}
        return [*found, together]

    @property
    def observers(self) -> list[KnobEntry]:
        """The knobs that only observe."""
        return [knob for knob in self.entry.knobs if knob.affects == "observer"]

    @property
    def regions(self) -> dict[str, Level]:
        """The level that cuts the program into several tasks; nothing where the compiler takes it whole."""
        return {"partition": "regions"} if self.entry.knob("partition") else {}

    def name_case(self, knobs: Mapping[str, Level], program: str = GATES) -> str:
        """Return how messages name a case."""
        levels = ", ".join(f"{name}: {level}" for name, level in knobs.items()) or "default levels"
        return f"compiler '{self.entry.name}', program '{program}', {levels}"

    def new_directory(self) -> Path:
        """Return an empty directory for what is built."""
        return Path(tempfile.mkdtemp(dir=self.directory))


def other_levels(knob: KnobEntry) -> list[Level]:
    """Return the levels beside the default that the compiler has; of free names one word, where any will do."""
    named: list[Level] = [one.name for one in knob.levels if one.name != knob.default and not one.unsupported]
    return named + (["shared"] if knob.free == "name" and knob.affects == "cache" else [])


@contextmanager
def standard_output(into: list[str]) -> Iterator[None]:
    """Catch whatever is written to standard output, by C code as well."""
    with tempfile.TemporaryFile() as file:
        before = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            with os.fdopen(1, "w", closefd=False) as stream, redirect_stdout(stream):
                yield
        finally:
            os.dup2(before, 1)
            os.close(before)
            file.seek(0)
            into.append(file.read().decode(errors="replace"))
