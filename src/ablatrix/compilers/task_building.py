"""How the tasks of a plan are built or found in the cache, and how their facts are combined for the whole program.

``TaskwiseCompiler`` calls these in their order; a compiler of another kind may take those that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ablatrix.canonical import digest_bytes, digest_value
from ablatrix.compilers.adapter import CompileFacts, CompileRequest
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.compilers.cache import task_key
from ablatrix.compilers.plain import plain_value
from ablatrix.compilers.tasks import TaskExecutable, TaskFunction
from ablatrix.plan.plan import Plan
from ablatrix.workloads.capture import capture, value_tensors
from ablatrix.workloads.program import TaskProgram

OWN_WEIGHTS = (
    "weights are constants of the code, so tasks that are equal but for their weights are compiled one by one, each "
    "with its own"
)


def complete_key_facts(task: TaskProgram, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that a task's generated code depends on, as plain values.

    Args:
        task: The task.
        own: What the compiler adds: its name, options that affect code, target, versions and the digest of its
            adapter's source. Observers, names of caches and paths are excluded.
    """
    exported = task.exported
    structure = asdict(capture(exported, task.upper_bounds))
    for node in structure["nodes"]:
        del node["region"]  # the position of a task in its model does not affect its code
    constants = {**exported.state_dict, **exported.constants}
    return {
        "structure": structure,
        "upper_bounds": dict(task.upper_bounds),
        "constants": {name: digest_tensor(tensor) for name, tensor in sorted(constants.items())},
        "torch": str(torch.__version__),
        "ablatrix": version("ablatrix"),
        **own,
    }


def compile_tasks(
    request: CompileRequest,
    own: Sequence[Mapping[str, Any]],
    build: Callable[[TaskProgram, str], tuple[Path, TaskFacts]],
) -> list[BuiltTask]:
    """Build or find every task of a plan; the cache is asked for each, so that a repeated task is a hit in memory.

    Args:
        request: What is to be compiled.
        own: What the compiler adds to the key of each distinct task, by kind; see ``complete_key_facts``.
        build: Builds a task whose key is given: returns its artifact and its facts. It charges its
            phases itself.

    Returns:
        The distinct tasks, by kind.
    """
    built: dict[int, BuiltTask] = {}
    for one in request.plan.tasks:
        if one.kind in built:
            request.cache.get(built[one.kind].key)
            continue
        task = request.tasks[one.kind]
        with request.clock.phase("load"):
            facts = complete_key_facts(task, plain_value(own[one.kind], f"key_facts of task {one.kind}"))
            key = task_key(facts)
            entry = request.cache.get(key)
        if entry is None:
            file, found = build(task, key)
            with request.clock.phase("link"):
                extra = plain_value(asdict(found), f"the facts of task {one.kind}")
                entry = request.cache.put(key, facts, file, extra)
        known = TaskFacts(**entry.extra)
        code = known.code_digest or entry.digest
        if facts["constants"]:  # no text of generated code shows them, and what runs depends on them
            code = digest_value({"code": code, "constants": facts["constants"]})
        built[one.kind] = BuiltTask(key, entry.path, code, known)
    return [built[kind] for kind in sorted(built)]


def observe_passes(
    request: CompileRequest, time_passes: Callable[[TaskProgram], Mapping[str, float]]
) -> dict[str, float] | None:
    """Return milliseconds by pass, summed over the distinct tasks; None where the knob ``pass_timing`` asks for none.

    Args:
        request: What was compiled. An observer is part of no figure.
        time_passes: Compiles a task once more under an observer, and keeps nothing.
    """
    if request.knobs.get("pass_timing") != "on":
        return None
    total: dict[str, float] = {}
    with request.clock.uncounted("observer"):
        for task in request.tasks:
            for name, milliseconds in time_passes(task).items():
                total[name] = total.get(name, 0.0) + milliseconds
    return total


def gather_facts(built: Sequence[BuiltTask], plan: Plan, pass_ms: Mapping[str, float] | None = None) -> CompileFacts:
    """Put the facts of distinct tasks together for the whole program. A figure that one task lacks is None."""
    facts = [one.facts for one in built]
    calls = [facts[task.kind].generated_calls for task in plan.tasks]
    kernels = [one.generated_kernels for one in facts]
    planned = [one.planned_bytes for one in facts]
    estimates = [one.estimator for one in facts]
    reasons: dict[str, str] = {}
    for one in facts:
        reasons.update(one.reasons)
    estimator = None
    if all(estimate is not None for estimate in estimates):
        names = sorted({name for estimate in estimates for name in estimate or ()})
        estimator = {name: max((estimate or {})[name] for estimate in estimates) for name in names}
    return CompileFacts(
        artifact_digest=digest_value([one.digest for one in built]),
        generated_calls=None if None in calls else sum(call or 0 for call in calls),
        generated_kernels=None if None in kernels else sum(kernel or 0 for kernel in kernels),
        compiler_planned_bytes=None if None in planned else max((size or 0 for size in planned), default=0),
        estimator=estimator,
        pass_ms=pass_ms,
        reasons=reasons,
    )


def make_executable(request: CompileRequest, functions: Sequence[TaskFunction], facts: CompileFacts) -> TaskExecutable:
    """Give the loaded tasks, by kind, to the executor, with the program's parameters and upper bounds."""
    assert request.graph is not None
    if len(request.plan.tasks) > 1 and any(value.constant for value in request.graph.values):
        facts = replace(facts, reasons={**facts.reasons, "distinct_tasks": OWN_WEIGHTS})
    bounds: dict[str, int] = {}
    for one in request.tasks:
        bounds.update(one.upper_bounds)
    parameters = value_tensors(request.program.lowered, request.graph)
    return TaskExecutable(request.graph, request.plan, functions, parameters, bounds, facts)


def digest_tensor(tensor: torch.Tensor) -> str:
    """Return the SHA-256 of a tensor's elements, of which no copy is made where they lie together on the CPU."""
    return digest_bytes(tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().data)
