"""One trial in this process, from the loaded program to its result: plan, compile, run first, check, take turns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.canonical import digest_value
from ablatrix.compilers.adapter import (
    COMPILE_PHASES,
    OTHER,
    BoundRun,
    Compiler,
    Executable,
    MeasuresOverhead,
    PhaseClock,
    ReadsSettings,
    RunsElsewhere,
)
from ablatrix.compilers.cache import CONTENTS, Scope, TaskCache
from ablatrix.records.correctness import Correctness
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.trials.host import PeakMeter, describe_exception, environment_variables, keep_freed_memory
from ablatrix.trials.messages import ChannelClosed, TrialResult
from ablatrix.trials.worker.building import compile_facts, compile_planned, plan_program, refuse_unsupported
from ablatrix.trials.worker.check import Comparison
from ablatrix.trials.worker.first_run import ColdTimes, MemoryFacts, run_facts, run_first
from ablatrix.trials.worker.generated import check_generated
from ablatrix.trials.worker.private_caches import private_caches
from ablatrix.trials.worker.turns import Talk, take_turns

if TYPE_CHECKING:
    from ablatrix.trials.messages import TrialTask
    from ablatrix.trials.worker.building import Planned
    from ablatrix.trials.worker.cuda import Cuda
    from ablatrix.workloads.program import Program


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a hot trial built and timed, for what comes behind its end in the same process."""

    planned: Planned
    cache: TaskCache
    bound: BoundRun


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What a trial has to work with; see `run_trial`."""

    talk: Talk
    task: TrialTask
    compiler: Compiler
    program: Program
    clock: PhaseClock
    dump: Path | None
    then: Callable[[Built], None] | None


def run_trial(
    talk: Talk,
    task: TrialTask,
    compiler: Compiler,
    program: Program,
    clock: PhaseClock,
    on_error: Callable[[BaseException], None],
    dump: Path | None = None,
    then: Callable[[Built], None] | None = None,
) -> TrialResult:
    """Run one trial, and return its result, however it ended.

    Args:
        talk: To the runner, which asks a hot trial for its bursts.
        task: What to do.
        compiler: Its adapter, with all imports done.
        program: As prepared.
        clock: Measures each phase; the current one says where an error occurred.
        on_error: Called with the error that ended the trial, which becomes status and error of the result; what it
            raises goes through.
        dump: Directory for the compiler's stages of each task, for a person to read; None in every measured trial.
        then: Called when a hot trial is at its end and right.

    Raises:
        ChannelClosed: The runner is gone.
    """
    known = TrialResult()
    cuda: Cuda | None = None
    try:
        known = _begin(task, compiler)
        refuse_unsupported(task, program)
        if task.device == "cuda":
            cuda = _open_cuda(task)
            known = replace(known, versions={**(known.versions or {}), "cuda": cuda.version})
        with private_caches(task.entry, task.work_dir):
            given = _Given(talk=talk, task=task, compiler=compiler, program=program, clock=clock, dump=dump, then=then)
            for more in _steps(known, given, cuda):
                known = more
    except ChannelClosed:
        raise
    except BaseException as error:
        on_error(error)
        status, failure = describe_exception(error, _stage(clock))
        known = replace(known, status=status, error=failure)
    # The clocks of a GPU are read up to the end, so its readings are taken last.
    return known if cuda is None else replace(known, gpu=cuda.facts())


def _begin(task: TrialTask, compiler: Compiler) -> TrialResult:
    """Set seed and threads, and return a result with versions and environment."""
    import torch

    torch.manual_seed(task.seed)
    compiler.set_threads(task.threads)
    own = task.entry.environment_names  # a knob's level says it; that a variable is set proves nothing
    environment = {name: value for name, value in environment_variables().items() if name not in own}
    return TrialResult(versions=dict(compiler.versions()), environment=environment)


def _stage(clock: PhaseClock) -> str | None:
    """Return where an error happened: in the compiler for all of ``compile``, whatever its phases are called."""
    within_compile = clock.outermost == OTHER and clock.current not in COMPILE_PHASES
    return OTHER if within_compile else clock.current


def _open_cuda(task: TrialTask) -> Cuda:
    from ablatrix.trials.worker.cuda import open_cuda

    return open_cuda(task.entry)


def _steps(known: TrialResult, given: _Given, cuda: Cuda | None) -> Iterator[TrialResult]:
    """Yield what is known after each step of the trial."""
    task, compiler, program, clock = given.task, given.compiler, given.program, given.clock
    cache = TaskCache(task.cache_dir, scope=Scope.of(task.entry, compiler, task.knobs))
    meter = PeakMeter.reset()
    planned = plan_program(task, program, clock)
    yield (known := replace(known, plan=planned.facts))
    before = dict(clock.milliseconds)
    executable = compile_planned(task, compiler, program, planned, cache, clock, given.dump)
    phases = clock.since(before)
    elsewhere = isinstance(executable, RunsElsewhere)
    compile_bytes = None if elsewhere else meter.growth_bytes()
    if cuda is not None:
        executable = cuda.place(executable)
    first = run_first(executable, program, clock)
    phases = {name: phases.get(name, 0.0) + first.phases.get(name, 0.0) for name in {**phases, **first.phases}}
    settings = dict(compiler.settings_in_force()) if isinstance(compiler, ReadsSettings) else None
    yield (known := replace(known, threads=dict(compiler.threads_in_force()), settings=settings))
    yield (known := replace(known, compile=compile_facts(task, planned, executable, cache, phases)))
    memory = MemoryFacts(
        run_bytes=first.growth_bytes,
        compile_bytes=compile_bytes,
        allocator_bytes=None if cuda is None else cuda.finish_first_run(),
        elsewhere=elsewhere,
        on_gpu=cuda is not None,
    )
    times = ColdTimes(None if planned.facts is None else planned.facts.plan_ms, phases, first.run_ms)
    yield (known := replace(known, runtime=run_facts(task.mode, memory, times)))
    comparison = _comparison(task, program)
    with clock.phase("check"):
        _check(comparison, executable, first.bound, program)
    yield (known := _judge(known, comparison.facts(executable.facts.artifact_digest)))
    if known.status == "ok" and task.mode == "hot":
        known = yield from _time(known, given, executable, first.bound, comparison)
        if known.status == "ok" and given.then is not None:
            given.then(Built(planned=planned, cache=cache, bound=first.bound))
    elif known.status == "ok" and task.publish_dir is not None:
        # Most probes build what others built: a hundred copies of a model's weights would fill the disk.
        contents = task.publish_dir.parent / CONTENTS if task.role == "probe" else None
        cache.publish_to(task.publish_dir, contents)


def _comparison(task: TrialTask, program: Program) -> Comparison:
    """Return the check of a trial: the study's tolerance, or a larger one that a knob's level promises."""
    checks, promised = task.checks, task.entry.tolerance(task.knobs)
    factor, by = promised if promised and promised[0] > checks.rms_factor else (checks.rms_factor, None)
    return Comparison(
        rms_factor=factor,
        rms_floor=checks.rms_floor,
        input_sets=checks.input_sets,
        tolerance_by=by,
        float_distance=program.float_distance,
    )


def _time(
    known: TrialResult, given: _Given, executable: Executable, bound: BoundRun, comparison: Comparison
) -> Generator[TrialResult, None, TrialResult]:
    """Let a hot trial take its turns, then check once more what was timed; return what is known at the end."""
    assert known.runtime is not None
    keep_freed_memory()
    with given.clock.phase("run"):
        runtime = known.runtime.model_copy(update={"timed_by": take_turns(given.talk, bound)})
    yield (known := replace(known, runtime=runtime))
    with given.clock.phase("check"):
        bound.run()
        comparison.compare_again(bound.outputs(), given.program.input_sets[0], "input set 0 after timing")
    digest = executable.facts.artifact_digest
    yield (known := _judge(known, comparison.facts(digest, digest)))
    overhead_us = bound.overhead_us() if isinstance(bound, MeasuresOverhead) else None
    yield (known := replace(known, runtime=runtime.model_copy(update={"task_overhead_us": overhead_us})))
    return known


def _judge(known: TrialResult, facts: Correctness) -> TrialResult:
    """Return a result with its check; wrong or unchecked outputs become its status and its error."""
    unjudged = facts.ok is None and bool(facts.ill_conditioned)
    status = Status.MISSING_CHECK if facts.missing else Status.OK if facts.ok or unjudged else Status.WRONG_OUTPUT
    if status is Status.OK:
        return replace(known, correctness=facts)
    digest = digest_value({"status": status})
    error = Failure(type=status, message=facts.note or status, phase="check", traceback_digest=digest)
    return replace(known, correctness=facts, status=status, error=error)


def _check(comparison: Comparison, executable: Executable, bound: BoundRun, program: Program) -> None:
    """Compare every input set, the first one twice, as an executable may overwrite its own constants; then generate."""
    comparison.compare(bound.outputs(), program.input_sets[0], "input set 0")
    for index, input_set in enumerate(program.input_sets[1:], start=1):
        other = executable.bind(input_set.inputs)
        other.run()
        comparison.compare(other.outputs(), input_set, f"input set {index}")
    bound.run()
    comparison.compare_again(bound.outputs(), program.input_sets[0], "input set 0, second run")
    if program.generation is not None and comparison.passed:
        check_generated(comparison, executable, program.generation)
