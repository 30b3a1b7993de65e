"""The rules of the contract, as checks that raise where one is broken.

Each looks at a ``Case``: one small program, compiled in one configuration. A message names the case, the rule that is
broken with the values, and the remedy.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ablatrix.compilers.adapter import Compiler, CompileRequest, Executable
from ablatrix.compilers.cache import CacheCounters
from ablatrix.compilers.catalogue import KnobEntry
from ablatrix.compilers.dump import INDEX, STAGES
from ablatrix.errors import CompilerError
from ablatrix.testing.programs import answer
from ablatrix.testing.subject import Case, Subject
from ablatrix.trials.worker import Comparison

FIGURES = ("generated_calls", "generated_kernels", "compiler_planned_bytes", "estimator")
POINTWISE = ("relu", "sigmoid", "mul")
"""Operators of the program that no library computes for a compiler: when they reach torch, the program runs eagerly."""


class ContractError(AssertionError):
    """An adapter breaks the contract."""


def demand(holds: bool, where: str, message: str) -> None:
    """Raise ``ContractError`` unless a rule holds.

    Args:
        holds: Whether it does.
        where: The case.
        message: The broken rule with its values, and the remedy.
    """
    __tracebackhide__ = True
    if not holds:
        raise ContractError(f"{where}: {message}")


def check_outputs(case: Case) -> None:
    """Outputs agree with the float64 oracle, stay the same from run to run, and no input or weight is written."""
    given = case.draw.inputs[0].clone()
    bound = case.executable.bind(case.draw.inputs)
    bound.run()
    first = [output.clone() for output in bound.outputs()]
    demand(
        torch.equal(given, case.draw.inputs[0]),
        case.name,
        "an input was written; copy it where the code needs scratch memory",
    )
    _compare(case.name, first, case)
    for _ in range(3):
        bound.run()
    weights = case.request.program.lowered.state_dict
    written = [name for name, kept in case.weights.items() if not torch.equal(kept, weights[name])]
    demand(not written, case.name, f"a weight was written: {', '.join(written)}; other tasks read it too")
    demand(
        all(torch.equal(one, other) for one, other in zip(first, bound.outputs(), strict=True)),
        case.name,
        "outputs differ from run to run on the same input; a run must leave constants as they are",
    )


def check_runs_its_own_code(case: Case, through_torch: bool = False) -> None:
    """A run calls what was compiled, and nothing beside it.

    Args:
        case: The program ``gates``.
        through_torch: Whether the compiler's code is made of torch's operators: then a run may call as many of them
            as the program has; else none of those that no library computes.
    """
    bound = case.executable.bind(case.draw.inputs)
    bound.run()
    with Dispatched() as dispatched:
        bound.run()
    allowed: Mapping[str, int] = {}
    if through_torch:
        with Dispatched() as eager, torch.no_grad():
            case.reference(*case.draw.inputs)
        allowed = eager.counts
    extra = {name: dispatched.counts[name] for name in POINTWISE if dispatched.counts[name] > allowed.get(name, 0)}
    demand(
        not extra,
        case.name,
        f"a run calls {extra} in torch, where {'so many calls are' if through_torch else 'none is'} not the compiled "
        "code's: it runs the program eagerly, or checks while it is timed; if the compiler's code is made of torch's "
        "operators, say so with `runs_torch_operators = True`",
    )


def check_quiet(case: Case) -> None:
    """Nothing is printed to standard output."""
    demand(
        case.printed == "",
        case.name,
        f"printed to standard output: {case.printed[:200]!r}; write to standard error or not at all",
    )


def check_facts(case: Case) -> None:
    """The digest is one, no figure is negative, and a figure that is missing has its reason."""
    facts = case.executable.facts
    digest = facts.artifact_digest
    demand(
        len(digest) == 64 and set(digest) <= set("0123456789abcdef"),
        case.name,
        f"artifact_digest must be a SHA-256 in hexadecimal digits, but it is {digest!r}",
    )
    for name in FIGURES:
        figure = getattr(facts, name)
        demand(
            figure is not None or bool(facts.reasons.get(name)),
            case.name,
            f"{name} is None and reasons['{name}'] does not say why",
        )
    for name in FIGURES[:3]:
        figure = getattr(facts, name)
        demand((figure or 0) >= 0, case.name, f"{name} is negative: {figure}")


def check_phases(case: Case) -> None:
    """Time is charged to the phases that every compiler has; all else counts as other time."""
    missing = {"compile", "load"} - set(case.request.clock.milliseconds)
    demand(
        not missing,
        case.name,
        f"nothing was charged to {sorted(missing)}, so records show this time as other work; put the work into "
        "`with request.clock.phase(...)`",
    )


def check_misses(case: Case) -> None:
    """Each distinct task is built once; a task that repeats is a hit in memory."""
    plan = case.request.plan
    expected = CacheCounters(hits_memory=len(plan.tasks) - plan.distinct_tasks, misses=plan.distinct_tasks)
    demand(
        case.counters == expected,
        case.name,
        f"the cache answered {case.counters}, expected {expected}; ask it once for every task of the plan",
    )


def check_warm_cache(case: Case, again: Case) -> None:
    """On the cache of the first compile all tasks are found, and facts and outputs are the same."""
    demand(
        again.counters.misses == 0,
        case.name,
        f"a second compile on the same cache missed {again.counters.misses} tasks; the key of a task must be made of "
        "plain values that are the same each time",
    )
    demand(
        again.executable.facts == case.executable.facts,
        case.name,
        f"facts differ after a hit: {again.executable.facts}, after the build {case.executable.facts}; store beside "
        "the artifact what they are made of",
    )
    check_outputs(again)
    demand(
        "compile" not in again.request.clock.milliseconds,
        case.name,
        "something was compiled though all tasks were found in the cache",
    )


def check_rebuild(case: Case, again: Case) -> None:
    """The same request on an empty cache gives the same code."""
    demand(again.counters == case.counters, case.name, "the second build did not start with an empty cache")
    demand(
        again.digest == case.digest,
        case.name,
        f"the same request gave artifact_digest {case.digest[:12]}..., then {again.digest[:12]}...; leave times, paths "
        "and object addresses out of what is hashed",
    )


def check_dump(request: CompileRequest) -> None:
    """Each distinct task has files of every stage, or the index says why not; what the index names is what is there."""
    assert request.dump is not None
    index = json.loads((request.dump / INDEX).read_text(encoding="utf-8"))
    of_tasks = [f"task-{task.kind}" for task in request.plan.tasks]
    indexed = [task["directory"] for task in index["tasks"]]
    demand(indexed == of_tasks, "dump", f"the index has the tasks {indexed}, the plan {of_tasks}")
    named = {(one["directory"], one["stage"]) for one in (*index["files"], *index["missing"])}
    for directory, stage in sorted(set(itertools.product(of_tasks, STAGES)) - named):
        raise ContractError(
            f"dump, {directory}: nothing of '{stage}', and no reason; call `TaskDump.text` or `TaskDump.lacks`"
        )
    for one in index["files"]:
        demand((request.dump / one["file"]).stat().st_size > 0, "dump", f"{one['file']} is empty")
        demand(one["what"].endswith("."), "dump", f"{one['file']}: no sentence says what it is")
    for one in index["missing"]:
        demand("cannot be written" not in one["why"], "dump", one["why"])


def check_observer(base: Case, observed: Case) -> None:
    """Times by pass are given when they are asked for, of a compile that is part of no phase and changes no code."""
    where = observed.name
    demand(base.executable.facts.pass_ms is None, base.name, "pass_ms is given though nothing asked for it")
    times = observed.executable.facts.pass_ms or {}
    demand(bool(times), where, "pass_ms is empty though the observer is on")
    demand(min(times.values(), default=0) >= 0, where, "a time in pass_ms is negative")
    demand(observed.digest == base.digest, where, "the observer changes the code")
    demand(observed.counters.misses == 0, where, "the observer is in the cache's keys")
    charged = {"import", "compile", "link"} & set(observed.request.clock.milliseconds)
    demand(not charged, where, f"the observer's compile is charged to {sorted(charged)}")


def check_keys(knob: KnobEntry, base: Case, changed: Case) -> None:
    """A knob of the plan, of a run, of a cache or of an observer makes no other keys."""
    same = base.request.cache.key_set_digest == changed.request.cache.key_set_digest
    demand(
        same or knob.may_change_code,
        changed.name,
        f"'{knob.name}' changes the cache's keys, which it must not; leave its level out of the key's facts",
    )


def check_own_code(knob: KnobEntry, base: Case, alone: Case, beside: Case) -> None:
    """A configuration that is compiled where another one was built before gets code of its own.

    Args:
        knob: A knob that may change code.
        base: The default levels.
        alone: A configuration of it, compiled on an empty cache.
        beside: The same, compiled where the default levels were built before.
    """
    demand(
        beside.digest != base.digest or alone.digest == base.digest,
        beside.name,
        f"where the default levels were built before, it gets their code ({base.digest[:12]}...), on an empty cache "
        f"its own ({alone.digest[:12]}...), so levels of '{knob.name}' share code; keep what is built in "
        "request.cache alone, which keeps configurations apart",
    )


def check_plan(knob: KnobEntry, base: Case, changed: Case) -> None:
    """A knob that affects the plan gives another plan."""
    demand(
        base.request.plan != changed.request.plan,
        changed.name,
        f"'{knob.name}' affects the plan, but the plan is the same",
    )


def check_leaves_code(knob: KnobEntry, base: Case, changed: Case) -> None:
    """A knob that affects run time alone leaves the code as it is."""
    demand(
        base.digest == changed.digest,
        changed.name,
        f"'{knob.name}' affects run time only, but the code differs; its entry must say that it affects code",
    )


def check_threads(where: str, compiler: Compiler, threads: int) -> None:
    """What was set is in force, read back from each library, of which some may be kept at one."""
    reported = dict(compiler.threads_in_force())
    demand(bool(reported), where, "threads_in_force names no library")
    demand(threads in reported.values(), where, f"{threads} threads were set, none of {reported} has them")
    demand(set(reported.values()) <= {1, threads}, where, f"{threads} threads were set, but in force are {reported}")


def check_dynamic(
    where: str, executable: Executable, module: torch.nn.Module, sizes: Sequence[int], beyond: int
) -> None:
    """Every size within the bound is right; one beyond it is a typed failure."""
    for size in sizes:
        x = torch.randn(size, 8, generator=torch.Generator().manual_seed(size))
        bound = executable.bind((x,))
        bound.run()
        comparison = Comparison(rms_factor=2.0, rms_floor=1e-6, input_sets=1)
        comparison.compare(bound.outputs(), answer(module, x), f"size {size}")
        demand(comparison.passed and not comparison.missing, where, str(comparison.note))
    try:
        executable.bind((torch.zeros(beyond, 8),)).run()
    except CompilerError:
        return
    raise ContractError(f"{where}: size {beyond} is beyond the bound and was taken; bind must raise CompilerError")


def check_versions(where: str, compiler: Compiler) -> None:
    """Whatever generates or runs code states its version."""
    versions = dict(compiler.versions())
    demand(bool(versions) and all(versions.values()), where, f"versions must not be empty, but they are {versions}")


def check_fork_safety(subject: Subject) -> None:
    """After preloading, the process has one thread and can be forked."""
    where = f"compiler '{subject.entry.name}'"
    try:
        hazard = subject.preloaded.hazard
    except RuntimeError as error:
        raise ContractError(f"{where}: cannot be preloaded in a process of its own:\n{error}") from None
    demand(
        hazard is None,
        where,
        f"after preload the process cannot be forked: {hazard}; start threads in set_threads or compile instead",
    )


class Dispatched(TorchDispatchMode):  # type: ignore[misc]
    """Counts the operators that reach torch, by name; one that writes in place counts as the operator it stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one call."""
        self.counts[function.overloadpacket.__name__.rstrip("_")] += 1
        return function(*args, **(kwargs or {}))


def _compare(where: str, outputs: Sequence[torch.Tensor], case: Case) -> None:
    comparison = Comparison(rms_factor=case.rms_factor, rms_floor=1e-6, input_sets=1)
    comparison.compare(outputs, case.draw, "the first run")
    demand(
        comparison.passed and not comparison.missing,
        where,
        f"the outputs are not those of the float64 reference: {comparison.note}",
    )
