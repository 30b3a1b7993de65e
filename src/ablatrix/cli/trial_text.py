"""One trial in words, section by section, from its records."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from ablatrix.records.correctness import Correctness
from ablatrix.records.metrics import METRIC_OF_MODE
from ablatrix.records.model import CompileFacts, PlanFacts, Record, RunFacts, Stopping

Section = tuple[str, list[str]]
ROLES = {
    "measured": "",
    "reference": ", the reference (eager PyTorch)",
    "twin": ", the A/A control of the baseline",
    "primer": ", a run that fills a cache",
    "probe": ", an untimed compile",
}
PERCENTILES = ("run_ms_p50", "run_ms_p90", "run_ms_p95", "run_ms_p99", "run_ms_min", "run_ms_mean")
PHASES = {
    "plan_ms": "plan",
    "import_ms": "import",
    "compile_ms": "compile",
    "link_ms": "link",
    "load_ms": "load",
    "other_ms": "other",
    "run_ms_cold": "first run",
}


def describe(attempts: Sequence[Record], records: Sequence[Record]) -> list[Section]:
    """Return titles with lines: what the trial was, how it ended, and all that was read.

    Args:
        attempts: The trial's records, the last one being described.
        records: All records of the results, for the other trials of its cell.
    """
    one = attempts[-1]
    sections: list[Section] = [
        (f"Trial {one.trial_id} of study {one.study}: {one.status.replace('_', ' ')}", list(_subject(one))),
    ]
    if one.error is not None:
        sections.append(("What went wrong", list(_failure(one))))
    if one.plan is not None:
        sections.append(("Plan", [_plan(one.plan)]))
    if one.compile is not None:
        sections.append(("Compiled", list(_compiled(one.compile))))
    if one.runtime is not None:
        sections.append(("Times", list(_times(one.runtime))))
        sections.append(("Memory", list(_memory(one.runtime, one.compile))))
    if one.correctness is not None:
        sections.append(("Outputs", list(_checked(one.correctness))))
    sections.append(("Where and how", list(_place(one))))
    sections.append(("Beside it", list(_beside(attempts, records))))
    return [(title, lines) for title, lines in sections if lines]


def decision_text(stopping: Stopping) -> str:
    """Return what was decided about further blocks, and why, in words."""
    blocks = "one block" if stopping.blocks == 1 else f"{stopping.blocks} blocks"
    widths = [
        f"{name} known to +-{width:.1%} (wanted +-{target:.1%})"
        for name, width, target in (
            ("effects", stopping.effect_half_width, stopping.effect_target),
            ("cells", stopping.cell_half_width, stopping.cell_target),
        )
        if width is not None
    ]
    known = ", ".join(widths)
    if not widths:
        known = "no interval yet, which takes two" if stopping.blocks < 2 else "no interval yet"
    limit = "one block" if stopping.most_blocks == 1 else f"{stopping.most_blocks} blocks"
    endings = {
        "continue": "another block follows",
        "precise": "narrow enough, so no block is added",
        "most_blocks": f"no block is added, as the study allows {limit} (protocol.hot.max_blocks)",
        "budget": "no block is added, as the time budget is spent (protocol.budget_s)",
        "unsupported": "no block is added, as the compiler supports none of the configurations",
    }
    return f"{blocks}: {known}; {endings[stopping.decision]}"


def _subject(one: Record) -> Iterator[str]:
    workload, config = one.workload, one.config
    sizes = ", ".join(f"{name}={value}" for name, value in workload.parameters.items()) or "no parameters"
    source = f", from {workload.source}" if workload.source else ""
    build = one.meta.build
    of_build = f" in build {build.name}" if build is not None and one.role == "twin" else ""
    yield f"{one.mode} trial of {workload.name} on {config.compiler}{ROLES[one.role]}{of_build}"
    types = f" in {workload.dtype}" if workload.dtype else ""
    yield f"workload: {workload.tier}, {workload.parameter_count:,} weights{types} ({sizes}{source})"
    inputs = ", ".join(f"{each.name} {each.dtype}[{', '.join(map(str, each.shape))}]" for each in workload.inputs)
    yield f"inputs: {inputs}"
    if config.knobs:
        moved = {knob: level for knob, level in config.knobs.items() if level != config.baseline.get(knob)}
        same = {knob: level for knob, level in config.knobs.items() if knob not in moved}
        yield f"moved from the baseline: {_levels(moved) if moved else 'nothing, it is the baseline'}"
        yield f"as in the baseline: {_levels(same) or 'nothing'}"
    if config.stage is not None:
        yield f"stage: {config.stage}; device: {config.device or 'not recorded'}"


def _levels(levels: Mapping[str, object]) -> str:
    return ", ".join(f"{knob}={level}" for knob, level in levels.items())


def _failure(one: Record) -> Iterator[str]:
    error = one.error
    assert error is not None
    yield f"{error.type} in phase {error.phase or 'not known'}: {error.message}"
    if error.signal is not None:
        yield f"its process was ended by signal {error.signal}"
    if error.exit_code is not None:
        yield f"its process left with exit code {error.exit_code}"
    for title, text in (("traceback", error.traceback), ("last output", error.output_tail)):
        if text:
            yield f"{title}:\n{text.rstrip()}"


def _plan(plan: PlanFacts) -> str:
    return (
        f"{plan.tasks} tasks, {plan.distinct_tasks} of them distinct; {plan.logical_buffers} buffers in "
        f"{plan.physical_buffers} locations, {_bytes(plan.physical_bytes_est)} (at least "
        f"{_bytes(plan.peak_live_bytes)} are live at once); planned in {_ms(plan.plan_ms)}"
    )


def _compiled(made: CompileFacts) -> Iterator[str]:
    missed, expected = made.compile_cache_miss_delta_first_run, made.expected_cache_misses
    wanted = "" if expected is None else f" ({expected} expected)"
    hits = made.compile_cache_hit_memory_delta_first_run, made.compile_cache_hit_disk_delta_first_run
    yield f"caches: {missed} tasks compiled anew{wanted}, {hits[0]} found in memory, {hits[1]} on disk"
    phases = ", ".join(f"{phase} {_ms(ms)}" for phase, ms in made.compile_ms.items())
    yield f"phases: {phases or 'none'}"
    kernels = f"{made.generated_kernels} kernels, called {made.generated_calls} times in a run"
    code = "number of kernels not known" if made.generated_kernels is None else kernels
    yield f"code: {code}; digest {made.artifact_digest[:16]}"


def _times(runtime: RunFacts) -> Iterator[str]:
    if runtime.compile_first_run_ms is not None:
        parts = [(title, getattr(runtime, name)) for name, title in PHASES.items()]
        shown = ", ".join(f"{title} {_ms(ms)}" for title, ms in parts if ms is not None)
        yield f"from the loaded program to the end of the first run: {_ms(runtime.compile_first_run_ms)} ({shown})"
    known = [(name.removeprefix("run_ms_"), getattr(runtime, name)) for name in PERCENTILES]
    if any(ms is not None for _, ms in known):
        yield f"a run: {', '.join(f'{name} {_ms(ms)}' for name, ms in known if ms is not None)}"
    if runtime.iterations is not None:
        yield f"from {runtime.iterations} iterations, in {runtime.bursts} bursts; clock read by {runtime.timed_by}"
    if runtime.warm_up is not None:
        warm = runtime.warm_up
        steady = "" if warm.steady_from is None else f", steady from iteration {warm.steady_from} on"
        yield f"warm-up: {warm.classification.replace('_', ' ')} over {warm.iterations} iterations{steady}"
    if runtime.stopping is not None:
        yield f"further blocks: {decision_text(runtime.stopping)}"
    if runtime.samples is not None:
        yield f"raw samples: {runtime.samples.file or 'not kept'} ({runtime.samples.counted} counted)"


def _memory(runtime: RunFacts, made: CompileFacts | None) -> Iterator[str]:
    planned = None if made is None else made.planned_bytes
    for what, value in (
        ("planned", planned),
        ("growth of the peak while running", runtime.peak_rss_delta_bytes),
        ("growth of the peak while compiling", runtime.peak_rss_compile_bytes),
        ("peak of the compiler's allocator", runtime.allocator_peak_bytes),
    ):
        if value is not None:
            yield f"{what}: {_bytes(value)}"


def _checked(found: Correctness) -> Iterator[str]:
    verdict = {True: "right", False: "WRONG", None: "not decided"}[found.ok]
    missing = f", {found.missing} missing" if found.missing else ", none missing"
    yield f"{verdict}: {found.checked} comparisons with the oracle over {found.draws} input sets{missing}"
    if found.max_abs_diff is not None:
        relative = "" if found.max_rel_diff is None else f", {found.max_rel_diff:.2g} relative"
        yield f"largest difference: {found.max_abs_diff:.2g}{relative}"
    if found.rms_ratio is not None:
        by = "" if found.tolerance_by is None else f", as knob '{found.tolerance_by}' promises"
        yield f"RMS error over that of eager: {found.rms_ratio:.2g} (at most {found.rms_factor:g} is right{by})"
    if found.float_distance is not None:
        yield f"the quantised model is {found.float_distance:.2g} (RMS, relative) from the model before"
    if found.nonfinite:
        yield f"{found.nonfinite} elements are not finite where the oracle's are"
    if found.note:
        yield found.note
    if found.timed_digest is not None and found.timed_digest != found.checked_digest:
        yield "the executable that was timed is not the one that was checked"


def _place(one: Record) -> Iterator[str]:
    meta, machine = one.meta, one.meta.machine
    yield f"begun {meta.time_utc}, took {one.wall_s:.2f} s; block {meta.block}, position {meta.position}"
    container = f", {machine.container}" if machine.container else ""
    gpu = "" if machine.gpu is None else f", {machine.gpu.name}"
    memory = _bytes(machine.memory_bytes)
    yield f"on {machine.host}: {machine.cpu}, {machine.cores} cores, {memory}, Linux {machine.kernel}{container}{gpu}"
    threads = ", ".join(f"{name} {count}" for name, count in meta.threads.items()) or "not known"
    cpus = "not known" if meta.cpus is None else ", ".join(map(str, meta.cpus))
    yield f"process: {meta.process}; threads: {threads}; CPUs: {cpus}"
    yield f"versions: {', '.join(f'{name} {version}' for name, version in meta.versions.items())}"
    disturbed = meta.noise.disturbance
    yield f"disturbed: {disturbed}" if disturbed else "not disturbed, by the counters of the machine"


def _beside(attempts: Sequence[Record], records: Sequence[Record]) -> Iterator[str]:
    one = attempts[-1]
    if len(attempts) > 1:
        ended = ", ".join(f"{each.attempt}: {each.status}{'' if each.final else ' (not final)'}" for each in attempts)
        yield f"attempts of this trial: {ended}"
    others = [each for each in records if each.cell_id == one.cell_id and each.mode == one.mode and each.final]
    ends = Counter(str(each.status) for each in others)
    yield f"trials of this cell in {one.mode} mode: {', '.join(f'{count} {status}' for status, count in ends.items())}"
    column = "run_ms_p50" if one.mode == "hot" else METRIC_OF_MODE["cold"]
    values = [value for each in others if each.runtime and (value := getattr(each.runtime, column)) is not None]
    if len(values) > 1:
        yield f"their {column}: median {_ms(median(values))}, from {_ms(min(values))} to {_ms(max(values))}"


def _ms(value: float) -> str:
    return f"{value:.4g} ms" if value < 1e4 else f"{value / 1e3:.4g} s"


def _bytes(value: float) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:g} bytes"
