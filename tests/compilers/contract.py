"""The contract that every compiler's adapter keeps, as checks that raise where it is broken.

A check looks at ``Case``: one configuration of one small program, compiled. Which configurations there are follows
from the catalogue: the defaults, each further level alone, and all primary knobs together.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.compilers.adapter import Compiler, CompileRequest, Executable
from ablatrix.compilers.cache import CacheCounters, TaskCache
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level
from ablatrix.compilers.dump import INDEX, STAGES, claim_directory, start_dump
from ablatrix.errors import CompilerError
from ablatrix.trials.check import Comparison
from ablatrix.workloads.program import Draw, Program
from tests.compilers.requests import make_program, make_request

BLOCKS = 3
FIGURES = ("generated_calls", "generated_kernels", "compiler_planned_bytes", "estimator")
POINTWISE = {"relu", "sigmoid", "mul"}
"""Operators of the program that no library computes for a compiler: when they reach torch, the program runs eagerly."""
Configuration = tuple[tuple[str, Level], ...]


class Broken(AssertionError):
    """An adapter breaks the contract."""


class Gate(torch.nn.Module):  # type: ignore[misc]
    """A matrix product and some pointwise operators, which a compiler may fuse."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.linear(x)) * torch.sigmoid(x)


class Gates(torch.nn.Module):  # type: ignore[misc]
    """Equal blocks, so that regions repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Gate() for _ in range(BLOCKS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def make_gates() -> tuple[Gates, torch.Tensor]:
    """Return the module and its input, the same in every process."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Gates().requires_grad_(False), torch.randn(4, 8)


def answer(module: torch.nn.Module, x: torch.Tensor) -> Draw:
    """Return what the module should say to an input, computed in float64."""
    precise = type(module)()
    precise.load_state_dict(module.state_dict())
    expected = precise.double()(x.double()).detach()
    error = module(x).double() - expected
    return Draw(0, {}, (x,), (expected,), (float(error.square().mean().sqrt()),))


@dataclass
class Case:
    """One configuration, compiled."""

    request: CompileRequest
    executable: Executable
    draw: Draw
    printed: str
    counters: CacheCounters
    parameters: Mapping[str, torch.Tensor]

    @property
    def digest(self) -> str:
        return self.executable.facts.artifact_digest


@dataclass
class Subject:
    """A compiler under test: compiles a configuration once, when a check first asks for it."""

    compiler: Compiler
    entry: CompilerEntry
    directory: Path
    kept: dict[Configuration, Case] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.module, self.x = make_gates()
        self.program: Program = make_program(self.module, (self.x,))
        self.compiler.set_threads(1)

    def case(self, **knobs: Level) -> Case:
        """Return the defaults with these levels changed; what only observes finds the defaults' cache."""
        name = tuple(sorted(knobs.items()))
        if name not in self.kept:
            watched = bool(name) and {knob.name for knob in self.observers()} >= set(knobs)
            directory = self.case().request.work_dir.parent if watched else Path(tempfile.mkdtemp(dir=self.directory))
            self.kept[name] = self.compile(knobs, directory)
        return self.kept[name]

    def compile(self, knobs: Mapping[str, Level], directory: Path, threads: int = 1, dump: Path | None = None) -> Case:
        """Compile a configuration on the cache of a directory."""
        levels = {**self.entry.defaults(), **knobs}
        request = make_request(
            self.program,
            directory,
            {name: level for name, level in levels.items() if name not in {"partition", "reuse"}},
            TaskCache(directory / "cache"),
            partition=levels.get("partition", "whole"),  # type: ignore[arg-type]
            reuse=levels.get("reuse", "keep"),  # type: ignore[arg-type]
            threads=threads,
            dump=dump,
        )
        if dump is not None:
            claim_directory(dump)
            start_dump(request, self.entry.name)
        printed: list[str] = []
        with standard_output(printed):
            executable = self.compiler.compile(request)
            executable.bind((self.x.clone(),)).run()
        state = {name: tensor.clone() for name, tensor in self.program.lowered.state_dict.items()}
        return Case(request, executable, answer(self.module, self.x), printed[0], request.cache.counters, state)

    def configurations(self) -> list[dict[str, Level]]:
        """Return the defaults, each other level alone but observers', and all primary knobs at their last level."""
        found: list[dict[str, Level]] = [{}]
        changing = [knob for knob in self.entry.knobs if knob not in self.observers()]
        found += [{knob.name: level} for knob in changing for level in other_levels(knob)]
        together = {knob.name: levels[-1] for knob in self.primary() if (levels := other_levels(knob))}
        return [*found, together]

    def primary(self) -> list[KnobEntry]:
        """Return the primary knobs."""
        return [knob for knob in self.entry.knobs if knob.kind == "primary"]

    def observers(self) -> list[KnobEntry]:
        """Return the knobs that only observe."""
        return [knob for knob in self.entry.knobs if knob.affects == "observer"]

    def regions(self) -> dict[str, Level]:
        """Return the level that cuts the program into several tasks, nothing where the compiler takes it whole."""
        return {"partition": "regions"} if self.entry.knob("partition") else {}


def other_levels(knob: KnobEntry) -> list[Level]:
    """Return the levels beside the default that the compiler has; of free ones a word that any has."""
    named: list[Level] = [one.name for one in knob.levels if one.name != knob.default and not one.unsupported]
    return named + (["shared"] if knob.free == "name" else [])


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


class Dispatched(TorchDispatchMode):  # type: ignore[misc]
    """Collects the names of the operators that reach torch."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


def demand(holds: bool, message: str) -> None:
    """Raise ``Broken`` unless a rule holds."""
    if not holds:
        raise Broken(message)


def check_outputs(case: Case) -> None:
    """Outputs agree with the float64 oracle, stay the same from run to run, and no input or weight is written."""
    given = case.draw.inputs[0].clone()
    bound = case.executable.bind(case.draw.inputs)
    bound.run()
    first = [output.clone() for output in bound.outputs()]
    demand(torch.equal(given, case.draw.inputs[0]), "an input was written")
    comparison = Comparison(rms_factor=2.0, rms_floor=1e-6, draws=1)
    comparison.compare(first, case.draw, "the first run")
    demand(comparison.passed and not comparison.missing, str(comparison.note))
    for _ in range(3):
        bound.run()
    demand(
        all(torch.equal(one, other) for one, other in zip(first, bound.outputs(), strict=True)),
        "outputs differ from run to run",
    )
    weights = case.request.program.lowered.state_dict
    demand(all(torch.equal(kept, weights[name]) for name, kept in case.parameters.items()), "a weight was written")


def check_runs_its_own_code(case: Case) -> None:
    """A run calls what was compiled: the program's own operators do not reach torch, not even beside it."""
    bound = case.executable.bind(case.draw.inputs)
    bound.run()
    with Dispatched() as dispatched:
        bound.run()
    eager = dispatched.names & POINTWISE
    demand(
        not eager, f"a run computes {sorted(eager)} in torch: it runs the program eagerly, or checks while it is timed"
    )


def check_quiet(case: Case) -> None:
    """Nothing is printed to standard output."""
    demand(case.printed == "", f"printed to standard output: {case.printed[:200]!r}")


def check_facts(case: Case) -> None:
    """The digest is one, no figure is negative, and a figure that is missing has its reason."""
    facts = case.executable.facts
    demand(len(facts.artifact_digest) == 64 and int(facts.artifact_digest, 16) >= 0, "the artifact has no digest")
    for name in FIGURES:
        figure = getattr(facts, name)
        demand(figure is not None or bool(facts.reasons.get(name)), f"{name} is null and no reason is given")
    for name in FIGURES[:3]:
        demand((getattr(facts, name) or 0) >= 0, f"{name} is negative")


def check_phases(case: Case) -> None:
    """Time is charged to phases that records have."""
    charged = set(case.request.clock.milliseconds)
    demand(charged <= {"start", "import", "compile", "link", "load"}, f"unknown phases {sorted(charged)}")
    demand({"compile", "load"} <= charged, f"nothing was charged to compile or load: {sorted(charged)}")


def check_misses(case: Case) -> None:
    """Each distinct task is built once; a task that repeats is a hit in memory."""
    plan = case.request.plan
    expected = CacheCounters(hits_memory=len(plan.tasks) - plan.distinct_tasks, misses=plan.distinct_tasks)
    demand(case.counters == expected, f"the cache answered {case.counters}, expected {expected}")


def check_warm_cache(case: Case, again: Case) -> None:
    """On the cache of the first compile all tasks are found, and facts and outputs are the same."""
    demand(again.counters.misses == 0, f"the second compile missed {again.counters.misses} tasks")
    demand(again.executable.facts == case.executable.facts, "facts differ after a hit")
    check_outputs(again)
    demand("compile" not in again.request.clock.milliseconds, "something was compiled after a hit")


def check_rebuild(case: Case, again: Case) -> None:
    """The same request on an empty cache gives the same code."""
    demand(again.counters == case.counters, "the second build did not start empty")
    demand(again.digest == case.digest, f"the same request gave {case.digest[:12]}, then {again.digest[:12]}")


def check_dump(case: Case) -> None:
    """Each distinct task has files of every stage, or the index says why not; what the index names is what is there."""
    assert case.request.dump is not None
    index = json.loads((case.request.dump / INDEX).read_text(encoding="utf-8"))
    of_tasks = [f"task-{task.kind}" for task in case.request.plan.tasks]
    demand([task["directory"] for task in index["tasks"]] == of_tasks, "the index has other tasks than the plan")
    covered = {(one["directory"], one["stage"]) for one in (*index["files"], *index["missing"])}
    for silent in sorted(set(itertools.product(of_tasks, STAGES)) - covered):
        raise Broken(f"{silent[0]}: nothing of '{silent[1]}', and no reason")
    for one in index["files"]:
        demand((case.request.dump / one["file"]).stat().st_size > 0, f"{one['file']} is empty")
        demand(one["what"].endswith("."), f"{one['file']}: nothing says what it is")
    for one in index["missing"]:
        demand("cannot be written" not in one["why"], one["why"])


def check_observer(base: Case, observed: Case) -> None:
    """Times by pass are reported when they are asked for, of a compile that is part of no phase and changes no code."""
    demand(base.executable.facts.pass_ms is None, "times by pass are reported unasked")
    times = observed.executable.facts.pass_ms or {}
    demand(bool(times), "no times by pass are reported")
    demand(min(times.values(), default=0) >= 0, "a time by pass is negative")
    demand(observed.digest == base.digest, "the observer changes the code")
    demand(observed.counters.misses == 0, "the observer is in the cache's keys")
    charged = {"import", "compile", "link"} & set(observed.request.clock.milliseconds)
    demand(not charged, f"the observer's compile is charged to {sorted(charged)}")


def check_keys(knob: KnobEntry, base: Case, changed: Case) -> None:
    """A knob that affects code makes other keys; one of the plan, of a run, of a cache or of an observer does not."""
    same = base.request.cache.key_set_digest == changed.request.cache.key_set_digest
    demand(same or knob.affects == "code", f"'{knob.name}' changes keys, which it must not")
    demand(not same or knob.affects != "code", f"'{knob.name}' affects code and leaves the cache's keys as they are")


def check_takes_effect(knob: KnobEntry, base: Case, changed: Case) -> None:
    """A primary knob changes what the catalogue says: the plan, or the code."""
    planned = base.request.plan != changed.request.plan
    coded = base.digest != changed.digest
    demand(coded or knob.affects != "code", f"'{knob.name}' affects code, but the code is the same")
    demand(planned or knob.affects != "plan", f"'{knob.name}' affects the plan, but the plan is the same")
    demand(not coded or knob.affects != "run_time", f"'{knob.name}' affects run time only, but the code differs")


def check_threads(compiler: Compiler, threads: int) -> None:
    """What was set is in force, read back from each library, of which some may be kept at one."""
    reported = compiler.threads_in_force()
    demand(bool(reported), "no library reports its threads")
    demand(threads in reported.values(), f"{threads} threads were set, none of {dict(reported)} has them")
    demand(set(reported.values()) <= {1, threads}, f"{threads} threads were set, but in force are {dict(reported)}")


def check_dynamic(executable: Executable, module: torch.nn.Module, sizes: Sequence[int], beyond: int) -> None:
    """Every size within the bound is right; one beyond it is a typed failure."""
    for size in sizes:
        x = torch.randn(size, 8, generator=torch.Generator().manual_seed(size))
        bound = executable.bind((x,))
        bound.run()
        comparison = Comparison(rms_factor=2.0, rms_floor=1e-6, draws=1)
        comparison.compare(bound.outputs(), answer(module, x), f"size {size}")
        demand(comparison.passed and not comparison.missing, str(comparison.note))
    try:
        executable.bind((torch.zeros(beyond, 8),)).run()
    except CompilerError:
        return
    raise Broken(f"size {beyond} is beyond the bound and was taken")
