"""The child: plan, compile, check, time, report. It ends with one result message, whatever happened."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import BoundRun, Compiler, CompileRequest, Executable, PhaseClock
from ablatrix.compilers.cache import TaskCache
from ablatrix.compilers.catalogue import COMPILERS, CompilerEntry
from ablatrix.compilers.dump import start_dump
from ablatrix.records.status import Status
from ablatrix.trials.channel import Channel, ChannelClosed, Message
from ablatrix.trials.check import Comparison
from ablatrix.trials.environment import ProcessProbe, environment_variables
from ablatrix.trials.limits import describe_exception, set_limits
from ablatrix.trials.memory import PROCESS, PeakMeter
from ablatrix.trials.requests import FINISH, burst_request, warm_up_request
from ablatrix.trials.timing import rewarm_count, time_burst, timer_of, warm_up

if TYPE_CHECKING:
    from ablatrix.plan.plan import Plan
    from ablatrix.study.model import HotProtocol
    from ablatrix.trials.cuda import Cuda
    from ablatrix.workloads.program import Program

Load = Callable[[], "tuple[Compiler | None, Program | None]"]
COLD_STAGES = ("plan", "import", "compile", "link", "load", "first_run")
MOST_WARM_UP_ITERATIONS = 100  # finding change points costs time that grows with their square


def work(channel: Channel, task: Message, load: Load, process: str) -> None:
    """Run one trial and report on the channel: stages as they begin, ``ready`` and bursts if hot, then a result.

    Args:
        channel: To the runner.
        task: What to do, as plain values.
        load: Returns the compiler and the program: at once in a fork, after importing and reading in a new
            interpreter. Its time is no part of any phase.
        process: ``forked`` or ``spawned``.
    """
    clock = PhaseClock(on_enter=lambda stage: channel.send({"event": "stage", "stage": stage}))
    result: dict[str, Any] = {"event": "result", "status": Status.OK, "error": None, "process": process}
    stage: str | None = "load"
    before = ProcessProbe.read()
    try:
        result["cpus"] = set_limits(task["memory_limit_mb"], task.get("cpus"))
        if task["mode"] == "prepare":
            stage = None
            _prepare(task)
        else:
            channel.send({"event": "stage", "stage": stage})
            compiler, program = load()
            stage = None
            assert compiler is not None
            assert program is not None
            _run_trial(channel, task, compiler, program, clock, result)
    except ChannelClosed:
        return
    except BaseException as error:
        result["status"], result["error"] = describe_exception(error, clock.current or stage)
    result["noise"] = before.until(ProcessProbe.read())
    channel.send(result)


def run_here(
    task: Message,
    compiler: Compiler,
    program: Program,
    protocol: HotProtocol,
    on_error: Callable[[BaseException], None] | None,
    dump: Path | None = None,
) -> dict[str, Any]:
    """Run a trial in this process and return its result; a hot one does its warm-up and one burst by itself.

    Only here may a compiler be asked for a dump: no trial that is measured has one.
    """
    clock = PhaseClock()
    result: dict[str, Any] = {"event": "result", "status": Status.OK, "error": None}
    try:
        _run_trial(Monologue(protocol), task, compiler, program, clock, result, dump)
    except Exception as error:
        if on_error is not None:
            on_error(error)
        result["status"], result["error"] = describe_exception(error, clock.current)
    return result


class Monologue:
    """Plays the runner for a trial that runs alone: warm up, one burst, finish."""

    def __init__(self, protocol: HotProtocol) -> None:
        self._requests: list[Message] = [warm_up_request(protocol), burst_request(protocol), FINISH]

    def send(self, message: Message) -> None:
        """Show what the trial says."""
        sys.stderr.write(f"{message['event']}: {message.get('ms', '')}\n")

    def receive(self) -> tuple[Message, list[int]]:
        """Return the next request."""
        return self._requests.pop(0), []


class Talk(Protocol):
    """What a hot trial needs of its runner."""

    def send(self, message: Message) -> None:
        """Tell the runner."""

    def receive(self) -> tuple[Message, list[int]]:
        """Return the runner's next request."""


def _prepare(task: Message) -> None:
    """Build, export and check a workload once, and keep it on disk."""
    import torch

    from ablatrix.workloads.prepare import prepare, save_program
    from ablatrix.workloads.registry import read_entry

    torch.set_num_threads(task["threads"])
    program = prepare(
        read_entry(task["entry"]), task["parameters"], draws=task["draws"], seed=task["seed"], largest=task["largest"]
    )
    save_program(program, Path(task["directory"]))


def _run_trial(
    channel: Talk,
    task: Message,
    compiler: Compiler,
    program: Program,
    clock: PhaseClock,
    result: dict[str, Any],
    dump: Path | None = None,
) -> None:
    import torch

    torch.manual_seed(task["seed"])
    compiler.set_threads(task["threads"])
    result["versions"] = dict(compiler.versions())
    result["environment"] = environment_variables()
    if compiler.name in COMPILERS:
        _refuse_unsupported(COMPILERS[compiler.name], task["knobs"], program)
    cuda = _open_cuda(compiler, result) if task.get("device", "cpu") == "cuda" else None
    cache = TaskCache(None if task["cache_dir"] is None else Path(task["cache_dir"]))
    meter = PeakMeter.reset()
    executable, plan = _build(task, compiler, program, clock, cache, result, dump)
    elsewhere = getattr(executable, "process", None)
    compile_growth = meter.growth_bytes() if elsewhere is None else None
    if cuda is not None:
        executable = cuda.place(executable)
    bound, growth = _first_run(executable, program, clock)
    result["threads"] = dict(compiler.threads_in_force())
    if plan is not None:
        result["compile"] = _compile_facts(task, plan, executable, cache, clock)
    runtime: dict[str, Any] = {
        "peak_rss_delta_bytes": growth,
        "peak_rss_compile_bytes": compile_growth,
        "allocator_peak_bytes": None if cuda is None else cuda.finish_first_run(),
        "reasons": _memory_reasons(growth, elsewhere is not None, cuda is not None),
    }
    if task["mode"] == "cold":
        runtime |= _cold_times(clock)
    result["runtime"] = runtime
    comparison = Comparison(task["checks"]["rms_factor"], task["checks"]["rms_floor"], task["checks"]["draws"])
    with clock.phase("check"):
        _check(comparison, executable, bound, program)
    result["correctness"] = facts = comparison.facts(executable.facts.artifact_digest)
    if facts["missing"]:
        result["status"] = Status.MISSING_CHECK
    elif not facts["ok"]:
        result["status"] = Status.WRONG_OUTPUT
    elif task["mode"] == "hot":
        with clock.phase("run"):
            result["runtime"]["timed_by"] = _take_turns(channel, bound)
        with clock.phase("check"):
            bound.run()
            comparison.compare_again(bound.outputs(), program.draws[0], "draw 0 after timing")
        again = comparison.facts(executable.facts.artifact_digest)
        result["correctness"] = {**again, "timed_digest": executable.facts.artifact_digest}
        result["runtime"]["task_overhead_us"] = _task_overhead_us(bound)
        if not again["ok"]:
            result["status"] = Status.WRONG_OUTPUT
    elif task["publish_dir"] is not None:
        cache.publish_to(Path(task["publish_dir"]))
    _explain(result)


def _refuse_unsupported(entry: CompilerEntry, knobs: Mapping[str, Any], program: Program) -> None:
    from ablatrix.workloads.onnx_operation import find_onnx

    entry.refuse_unsupported(knobs)
    if find_onnx(program.lowered) is not None:
        entry.refuse_onnx(knobs)


def _open_cuda(compiler: Compiler, result: dict[str, Any]) -> Cuda:
    """Open the GPU for a compiler; what it is and says goes into the result, and grows there with each reading."""
    from ablatrix.trials.cuda import open_cuda

    cuda = open_cuda(compiler.name)
    result["versions"]["cuda"] = cuda.version
    result["gpu"] = {"device": cuda.facts, "noise": cuda.watch.told}
    return cuda


def _build(
    task: Message,
    compiler: Compiler,
    program: Program,
    clock: PhaseClock,
    cache: TaskCache,
    result: dict[str, Any],
    dump: Path | None,
) -> tuple[Executable, Plan | None]:
    """Plan and compile; the reference has no plan."""
    from ablatrix.plan.plan import Plan, PlanOptions
    from ablatrix.plan.planner import make_plan, plan_digest
    from ablatrix.plan.validate import validate
    from ablatrix.workloads.capture import capture, export_tasks

    knobs = task["knobs"]
    work_dir, device = Path(task["work_dir"]), task.get("device", "cpu")
    if not knobs:
        empty = Plan(PlanOptions(), (), (), 0, 0, 0, 0, 0)
        request = CompileRequest(program, None, empty, (), knobs, cache, clock, task["threads"], work_dir, device)
        return compiler.compile(request), None
    bounds = _upper_bounds(program, knobs)
    with clock.phase("plan"):
        graph = capture(program.lowered, bounds)
        options = {key: knobs[key] for key in ("partition", "reuse") if key in knobs}  # a plug-in may lack one
        plan = make_plan(graph, PlanOptions(**options))
        tasks = export_tasks(program.lowered, plan, bounds)
    spent = clock.milliseconds["plan"]
    with clock.phase("validate"):
        validate(graph, plan)
    result["plan"] = {
        "plan_ms": spent,
        "tasks": len(plan.tasks),
        "distinct_tasks": plan.distinct_tasks,
        "edges": plan.edges,
        "logical_buffers": len(plan.buffers),
        "physical_buffers": plan.physical_buffers,
        "logical_bytes": plan.logical_bytes,
        "physical_bytes_est": plan.arena_bytes,
        "peak_live_bytes": plan.peak_live_bytes,
        "digest": plan_digest(plan),
    }
    request = CompileRequest(program, graph, plan, tasks, knobs, cache, clock, task["threads"], work_dir, device, dump)
    if dump is not None:
        start_dump(request, compiler.name)
    return compiler.compile(request), plan


def _upper_bounds(program: Program, knobs: Mapping[str, Any]) -> dict[str, int]:
    """Return the bound of each symbol: the workload's, or the level of ``upper_bound``."""
    level = knobs.get("upper_bound", "workload")
    return {symbol: bound if level == "workload" else int(level) for symbol, bound in program.dynamic_bounds.items()}


def _first_run(executable: Executable, program: Program, clock: PhaseClock) -> tuple[BoundRun, int | None]:
    """Bind the timed draw and run once; return the growth of the peak resident set beside it."""
    meter = PeakMeter.reset(getattr(executable, "process", PROCESS))
    with clock.phase("load"):
        bound = executable.bind(program.draws[0].inputs)
    with clock.phase("first_run"):
        bound.run()
    return bound, meter.growth_bytes()


def _memory_reasons(growth: int | None, elsewhere: bool, on_gpu: bool) -> dict[str, str]:
    """Return why figures of memory are null; ``elsewhere``: the executable runs in a process of its own."""
    reasons = {}
    if not on_gpu:
        reasons["allocator_peak_bytes"] = "the allocators of the CPU runtimes keep no count of their own"
    if growth is None:
        silent = "the kernel does not let a process reset its peak resident set"
        reasons |= dict.fromkeys(("peak_rss_delta_bytes", "peak_rss_compile_bytes"), silent)
    if elsewhere:
        reasons["peak_rss_compile_bytes"] = "it was compiled in a process of its own, and in those that it started"
    return reasons


def _cold_times(clock: PhaseClock) -> dict[str, float | None]:
    """Return ``compile_first_run_ms`` and its parts, which add up to it.

    A part that did not take place is None: what came out of a warm cache was not compiled in no time at all.
    """
    parts = [clock.milliseconds.get(stage) for stage in COLD_STAGES]
    names = ("plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "run_ms_cold")
    return {
        **dict(zip(names, parts, strict=True)),
        "compile_first_run_ms": sum(part for part in parts if part is not None),
    }


def _check(comparison: Comparison, executable: Executable, bound: BoundRun, program: Program) -> None:
    """Compare every draw, and the first one twice: an executable may spoil its own constants."""
    comparison.compare(bound.outputs(), program.draws[0], "draw 0")
    for index, draw in enumerate(program.draws[1:], start=1):
        other = executable.bind(draw.inputs)
        other.run()
        comparison.compare(other.outputs(), draw, f"draw {index}")
    bound.run()
    comparison.compare_again(bound.outputs(), program.draws[0], "draw 0, second run")


def _take_turns(channel: Talk, bound: BoundRun) -> str:
    """Warm up and run bursts as the runner asks, until it says finish; return who read the clock."""
    timed, by = timer_of(bound)
    look: Callable[[], None] | None = getattr(bound, "look", None)
    channel.send({"event": "ready"})
    iteration_ms = 0.0
    while True:
        message, _ = channel.receive()
        if message["do"] == "finish":
            return by
        if message["do"] == "warm_up":
            series = warm_up(timed, message["ms"], MOST_WARM_UP_ITERATIONS)
            iteration_ms = min(series)
            answer: Message = {"event": "warm_up", "ms": series}
        else:
            rewarm = rewarm_count(message["rewarm"], message["ms"], iteration_ms)
            rewarming, counted = time_burst(timed, rewarm, message["ms"], message["iterations"])
            answer = {"event": "burst", "rewarming_ms": rewarming, "ms": counted}
        if look is not None:
            look()
        channel.send(answer)


def _compile_facts(
    task: Message, plan: Plan, executable: Executable, cache: TaskCache, clock: PhaseClock
) -> dict[str, Any]:
    facts, counters = executable.facts, cache.counters
    planned = facts.compiler_planned_bytes
    tag = task["knobs"].get("cache_tag", "private")
    cold = task["mode"] == "cold" and task["role"] != "primer"
    return {
        "compile_ms": {
            stage: clock.milliseconds[stage]
            for stage in ("import", "compile", "link", "load")
            if stage in clock.milliseconds
        },
        "pass_ms": None if facts.pass_ms is None else dict(facts.pass_ms),
        "compile_cache_miss_delta_first_run": counters.misses,
        "compile_cache_hit_memory_delta_first_run": counters.hits_memory,
        "compile_cache_hit_disk_delta_first_run": counters.hits_disk,
        "compile_cache_fail_delta_first_run": counters.fails,
        "expected_cache_misses": (plan.distinct_tasks if tag == "private" else 0) if cold else None,
        "cache_tag": None if tag == "private" else tag,
        "key_set_size": cache.key_set_size,
        "key_set_digest": cache.key_set_digest,
        "artifact_digest": facts.artifact_digest,
        "generated_calls": facts.generated_calls,
        "generated_kernels": facts.generated_kernels,
        "compiler_planned_bytes": planned,
        "planned_bytes": None if planned is None else plan.arena_bytes + planned,
        "estimator": None if facts.estimator is None else dict(facts.estimator),
        "reasons": dict(facts.reasons),
    }


def _task_overhead_us(bound: BoundRun) -> float | None:
    """Ask the executor for its own cost a task, where it has one."""
    measure: Callable[[], float | None] | None = getattr(bound, "overhead_us", None)
    return None if measure is None else measure()


def _explain(result: dict[str, Any]) -> None:
    """Give a wrong or unchecked row its error part."""
    if result["status"] in {Status.WRONG_OUTPUT, Status.MISSING_CHECK}:
        note = result["correctness"]["note"] or result["status"]
        digest = digest_value({"status": result["status"]})
        result["error"] = {
            "type": result["status"],
            "message": note,
            "phase": "check",
            "traceback_digest": digest,
        }
