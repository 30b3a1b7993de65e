"""From a program to an executable: planned, validated and compiled, with the parts of the record about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablatrix.compilers.adapter import OTHER, Compiler, CompileRequest, Executable, PhaseClock
from ablatrix.compilers.dump import start_dump
from ablatrix.compilers.plain import plain_facts
from ablatrix.compilers.settings import Applied
from ablatrix.errors import UnsupportedError
from ablatrix.records.model import CompileFacts, PlanFacts

if TYPE_CHECKING:
    from ablatrix.compilers.cache import TaskCache
    from ablatrix.compilers.catalogue import Level
    from ablatrix.plan.graph import Graph
    from ablatrix.plan.plan import Plan
    from ablatrix.trials.messages import TrialTask
    from ablatrix.workloads.program import Program, TaskProgram


@dataclass(frozen=True)
class Planned:
    """A program that is planned.

    Attributes:
        graph: The lowered program as plain values; None for the reference, which has no plan.
        plan: An empty one for the reference.
        tasks: One exported program for each distinct task of the plan.
        facts: The record's part about the plan; None for the reference.
    """

    graph: Graph | None
    plan: Plan
    tasks: tuple[TaskProgram, ...]
    facts: PlanFacts | None


def refuse_unsupported(task: TrialTask, program: Program) -> None:
    """Refuse a configuration or a program that the compiler does not support, according to the catalogue.

    Raises:
        UnsupportedError: The compiler does not support it; the message names knob, level and reason, or says what
            became of a small program of the workload's type.
    """
    from ablatrix.workloads.onnx.operation import find_onnx

    if task.missing_type:
        raise UnsupportedError(task.missing_type)
    task.entry.refuse_unsupported(task.knobs)
    if find_onnx(program.lowered) is not None:
        task.entry.refuse_onnx(task.knobs)


def plan_program(task: TrialTask, program: Program, clock: PhaseClock) -> Planned:
    """Plan a program for a configuration, and have the plan validated; the reference has none.

    Raises:
        PlanError: It cannot be planned, or the plan is not valid.
    """
    from ablatrix.plan.plan import Plan, PlanOptions
    from ablatrix.plan.planner import make_plan
    from ablatrix.plan.validate import validate
    from ablatrix.workloads.capture import capture, export_tasks

    knobs = task.knobs
    if not knobs:
        return Planned(None, Plan(PlanOptions(), (), (), 0, 0, 0, 0, 0), (), None)
    bounds = _upper_bounds(program, knobs)
    # A program of the user's gets weights as inputs; what a knob of that name means there is its own affair.
    constant_weights = knobs.get("weights") == "constant" and task.entry.program is None
    with clock.phase("plan"):
        graph = capture(program.lowered, bounds, constant_weights)
        # A plug-in may lack one of them.
        options: dict[str, Any] = {key: knobs[key] for key in ("partition", "reuse") if key in knobs}
        plan = make_plan(graph, PlanOptions(**options))
        tasks = export_tasks(program.lowered, plan, bounds, constant_weights)
    spent_ms = clock.milliseconds["plan"]
    with clock.phase("validate"):
        validate(graph, plan)
    return Planned(graph, plan, tuple(tasks), _plan_facts(plan, spent_ms))


def compile_request(
    task: TrialTask,
    program: Program,
    planned: Planned,
    cache: TaskCache,
    clock: PhaseClock,
    dump: Path | None = None,
) -> CompileRequest:
    """Return what a compiler is asked for."""
    return CompileRequest(
        program=program,
        graph=planned.graph,
        plan=planned.plan,
        tasks=planned.tasks,
        knobs=task.knobs,
        cache=cache,
        clock=clock,
        threads=task.threads,
        work_dir=task.work_dir,
        device=task.device,
        settings=Applied.of(task.entry, task.knobs),
        dump=None if planned.graph is None else dump,
    )


def compile_planned(
    task: TrialTask,
    compiler: Compiler,
    program: Program,
    planned: Planned,
    cache: TaskCache,
    clock: PhaseClock,
    dump: Path | None,
) -> Executable:
    """Have the compiler build what is planned; with ``dump`` it also writes the stages of each task there.

    Raises:
        CompilerError: The compiler failed, or does not support what is asked for.
    """
    request = compile_request(task, program, planned, cache, clock, dump)
    if request.dump is not None:
        start_dump(request, compiler.name)
    with clock.phase(OTHER):  # whatever the compiler charges to no phase, or to one that records do not have, counts
        executable = compiler.compile(request)
        plain_facts(executable.facts, task.entry.name)  # refused here where they are wrong
        return executable


def compile_facts(
    task: TrialTask, planned: Planned, executable: Executable, cache: TaskCache, phases: Mapping[str, float]
) -> CompileFacts | None:
    """Return the record's part about the build; None for the reference.

    Args:
        task: What was done.
        planned: What was compiled.
        executable: What became of it.
        cache: The one that the compiler asked.
        phases: Milliseconds of each phase of compiling, by any name.
    """
    if planned.facts is None:
        return None
    facts, counters, plan = plain_facts(executable.facts, task.entry.name), cache.counters, planned.plan
    inner_bytes = facts.compiler_planned_bytes
    tag = task.knobs.get("cache_tag", "private")
    cold = task.mode == "cold" and task.role != "primer"
    return CompileFacts(
        compile_ms=dict(phases),
        pass_ms=None if facts.pass_ms is None else dict(facts.pass_ms),
        compile_cache_miss_delta_first_run=counters.misses,
        compile_cache_hit_memory_delta_first_run=counters.hits_memory,
        compile_cache_hit_disk_delta_first_run=counters.hits_disk,
        compile_cache_fail_delta_first_run=counters.fails,
        expected_cache_misses=(plan.distinct_tasks if tag == "private" else 0) if cold else None,
        cache_tag=None if tag == "private" else str(tag),
        key_set_size=cache.key_set_size,
        key_set_digest=cache.key_set_digest,
        artifact_digest=facts.artifact_digest,
        generated_calls=facts.generated_calls,
        generated_kernels=facts.generated_kernels,
        compiler_planned_bytes=inner_bytes,
        planned_bytes=None if inner_bytes is None else plan.arena_bytes + inner_bytes,
        estimator=None if facts.estimator is None else dict(facts.estimator),
        reasons=dict(facts.reasons),
    )


def _plan_facts(plan: Plan, spent_ms: float) -> PlanFacts:
    from ablatrix.plan.planner import plan_digest

    # The runner validates it. Here the memory of the validator would count as memory of the compiler.
    return PlanFacts.model_construct(
        plan_ms=spent_ms,
        tasks=len(plan.tasks),
        distinct_tasks=plan.distinct_tasks,
        edges=plan.edges,
        logical_buffers=len(plan.buffers),
        physical_buffers=plan.physical_buffers,
        logical_bytes=plan.logical_bytes,
        physical_bytes_est=plan.arena_bytes,
        peak_live_bytes=plan.peak_live_bytes,
        digest=plan_digest(plan),
    )


def _upper_bounds(program: Program, knobs: Mapping[str, Level]) -> dict[str, int]:
    """Return the bound of each symbol: the workload's, or the level of ``upper_bound``."""
    level = knobs.get("upper_bound", "workload")
    return {symbol: bound if level == "workload" else int(level) for symbol, bound in program.dynamic_bounds.items()}
