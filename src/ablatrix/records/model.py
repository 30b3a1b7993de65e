"""One record of one attempt of one trial. Units stand in the names. What is missing or not finite is null, never 0."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, create_model

from ablatrix.records.build import BuildFacts
from ablatrix.records.correctness import Correctness
from ablatrix.records.gpu import Gpu
from ablatrix.records.layout import Layout
from ablatrix.records.metrics import METRICS, SAMPLE_METRICS
from ablatrix.records.noise import Noise
from ablatrix.records.part import (
    MOST_NAMES,
    MOST_PARAMETERS,
    Bytes,
    Count,
    FilePath,
    Finite,
    Level,
    Milliseconds,
    Moment,
    Name,
    Part,
    Seconds,
    StagePlan,
)
from ablatrix.records.place import Place
from ablatrix.records.status import Status
from ablatrix.records.tokens import MemorySpeed, TokenFacts
from ablatrix.records.workload import InputFacts, WorkloadAxis

SCHEMA_VERSION = "1.6"
Mode = Literal["cold", "hot"]
Role = Literal["measured", "reference", "twin", "primer", "probe"]
Tier = Literal["tiny", "medium", "hard"]
Device = Literal["cpu", "cuda"]
Phase = Literal["prepare", "load", "plan", "compile", "first_run", "check", "run"]
WarmUpClass = Literal["flat", "warmed_up", "slowing", "unsteady"]


class Failure(Part):
    """What went wrong, for a record whose status is not ``ok``."""

    type: str = Field(description="Class of the error, or the signal's name.")
    message: str = Field(description="The error's message.")
    phase: Phase | None = Field(description="Where it happened; null when the process could not tell.")
    signal: int | None = Field(default=None, description="Signal that ended the process.")
    exit_code: int | None = Field(default=None, description="Exit code of a process that left by itself.")
    traceback: str | None = Field(default=None, description="Python traceback.")
    traceback_digest: str | None = Field(
        default=None, description="SHA-256 of the traceback without line numbers and addresses: groups failures."
    )
    output_tail: str | None = Field(
        default=None, description="Last 4,000 characters that the process printed (stdout and stderr together)."
    )


class Machine(Part):
    """The machine as read back, not as asked for."""

    host: Name = Field(description="Host name.")
    cpu: str = Field(description="CPU model.")
    cores: Count = Field(description="Cores that this process may use.")
    memory_bytes: Bytes = Field(description="Physical memory.")
    kernel: str = Field(description="Kernel release.")
    container: str | None = Field(description="Container or hypervisor, null when none was recognised.")
    governor: str | None = Field(description="CPU frequency governor, null when the kernel does not tell.")
    turbo: bool | None = Field(description="Turbo allowed, null when the kernel does not tell.")
    smt: bool | None = Field(description="Simultaneous multithreading active, null when the kernel does not tell.")
    cpus: list[Count] | None = Field(default=None, description="Numbers of the CPUs that the runner may use.")
    cpu_quota_cores: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="CPU quota of the cgroup, in cores; null without one."
    )
    isa: str | None = Field(
        default=None,
        description="Instruction set, and the widest vector extension that the kernel names; null before 1.3.",
    )
    os: str | None = Field(
        default=None, description="Operating system, as its release file names it; null without one, and before 1.3."
    )


class TrialMachine(Machine):
    """The machine as read back, not as asked for, with the GPU that a trial used."""

    gpu: Gpu | None = Field(default=None, description="The GPU; null where the trial opened none.")
    memory_speed: MemorySpeed | None = Field(
        default=None,
        description="How fast its memory is read; null where no workload of the run generates text, and before 1.4.",
    )


class Meta(Part):
    """Where, when and with what the trial ran."""

    time_utc: Moment = Field(description="Start of the trial, ISO 8601, UTC.")
    study_commit: str | None = Field(description="Git commit of the study's directory, null outside git.")
    study_dirty: bool | None = Field(description="Whether that checkout had uncommitted changes.")
    ablatrix_commit: str | None = Field(description="Git commit of ablatrix's sources, null when installed.")
    ablatrix_dirty: bool | None = Field(description="Whether that checkout had uncommitted changes.")
    versions: dict[str, str] = Field(description="Versions of ablatrix, python, torch and the compiler.")
    machine: TrialMachine
    place: Place | None = Field(default=None, description="Host, slot and stratum; null before 1.5.")
    noise: Noise
    threads: dict[str, int] = Field(description="Threads in force, read back from each library.")
    environment: dict[str, str] = Field(description="Environment variables that matter, as the process saw them.")
    process: Literal["forked", "spawned"] = Field(description="How the trial's process came to be.")
    spawned_because: str | None = Field(default=None, description="What made a fork unsafe; null for a forked process.")
    cpus: list[Count] | None = Field(default=None, description="CPUs that its process might use, read back in it.")
    settings_in_force: dict[str, str] = Field(
        default_factory=dict,
        description="Values of the compiler's settings of the run time, read back, by address; empty where none was.",
    )
    seed: int = Field(description="Seed of the study.")
    layout: Layout | None = Field(
        default=None, description="How its addresses were drawn; null without a process, and before 1.3."
    )
    block: Count = Field(description="Number of the block within the study.")
    replicate: Count | None = Field(
        default=None,
        description="Number of the repeat that the block belongs to; the parts of a block that was split share it. "
        "Null before 1.3.",
    )
    position: Count = Field(description="Place in the planned run order of the whole study.")
    build: BuildFacts | None = Field(
        default=None, description="The build of its compiler; null where the study has none, and before 1.4."
    )


class WorkloadFacts(Part):
    """The workload that was run."""

    name: Name = Field(description="Name in the study; of a variant with its axes: encoder[tokens=128].")
    tier: Tier = Field(description="tiny, medium or hard.")
    source: FilePath | None = Field(
        default=None, description="Where a user's own model comes from, as the study says it; null for a registry's."
    )
    source_digest: str | None = Field(
        default=None, description="SHA-256 of the file that the model comes from; null where there is none."
    )
    parameters: dict[Name, int | Finite | Name | bool] = Field(
        max_length=MOST_PARAMETERS, description="Every size parameter, defaults included."
    )
    inputs: list[InputFacts] = Field(description="Inputs in order.")
    dynamic: dict[str, list[int]] = Field(description="Dynamic dimensions: name -> [smallest, largest] size.")
    timed_sizes: dict[str, int] = Field(description="Size of each dynamic dimension that is timed.")
    parameter_count: Count = Field(description="Number of weights.")
    oracle: Literal["float64", "float32"] | None = Field(
        default=None,
        description="Type that expected outputs were computed in: float32, without optimisation, where a program has "
        "no float64; null when it was not prepared, and before 1.2.",
    )
    dtype: str | None = Field(default=None, description="Floating types of weights and inputs; null: not known.")
    digest: str = Field(description="SHA-256 of the exported program's structure, weights and inputs.")
    tokens: TokenFacts | None = Field(
        default=None, description="Its tokens, of a phase of generating text; null for others, and before 1.4."
    )
    base: Name | None = Field(default=None, description="The workload whose variant it is; null without axes.")
    axes: list[WorkloadAxis] = Field(default_factory=list, description="Values of its axes, in the study's order.")
    registry_name: Name | None = Field(default=None, description="Name in the registry, where `name` is another.")


class Configuration(Part):
    """Which cell of the study this trial belongs to."""

    compiler: Name = Field(description="Name of the compiler; eager for the reference.")
    device: Device | None = Field(default=None, description="Where the program runs; null in records before 1.2.")
    knobs: dict[Name, Level | None] = Field(
        max_length=MOST_NAMES, description="Level of every knob; null for the reference."
    )
    settings: dict[str, str] = Field(
        default_factory=dict,
        description="Address of each knob that is a setting of the compiler, by the knob; empty where none is.",
    )
    run_time_knobs: list[str] | None = Field(
        default=None,
        description="Knobs that can change how a program is run and leave what is built as it is; null before 1.2.",
    )
    stage: Name | None = Field(description="Stage of the study, null for the reference.")
    stage_plan: StagePlan | None = Field(
        default=None, description="What that stage spans; null for the reference, and before 1.3."
    )
    primary_knobs: list[str] | None = Field(
        default=None,
        description="Primary knobs of the compiler that the study names, in its order; null for the reference, and "
        "before 1.3.",
    )
    baseline: dict[str, Level] = Field(description="Configuration that the study compares with, every knob.")
    departures: dict[str, Level] | None = Field(
        default=None,
        description="Level as shipped of each knob that the baseline has at another; null for eager, and before 1.3.",
    )
    catalogue_digest: str = Field(description="SHA-256 of the compiler's knobs and levels.")
    compiler_digest: str | None = Field(
        default=None,
        description="SHA-256 of a program or plug-in that is the compiler; null for one of a package, and before 1.3.",
    )
    corners: list[Count] | None = Field(
        default=None,
        description="Of a screening all of whose corners were compiled, those that are this program: bit i of a corner "
        "says whether knob i of the stage is moved; else null.",
    )


class PlanFacts(Part):
    """What our planner decided."""

    plan_ms: Milliseconds = Field(description="Capture, partition, storage plan and export of the tasks.")
    tasks: Count = Field(description="Tasks that one run executes.")
    distinct_tasks: Count = Field(description="Tasks that differ, which is what has to be compiled.")
    edges: Count = Field(description="Pairs of tasks with at least one value between them.")
    logical_buffers: Count = Field(description="Values between tasks, the program's outputs included.")
    physical_buffers: Count = Field(description="Distinct places that they are mapped to.")
    logical_bytes: Bytes = Field(description="Sum of the sizes of the logical buffers.")
    physical_bytes_est: Bytes = Field(description="Size of the arena that holds them.")
    peak_live_bytes: Bytes = Field(description="Lower bound: largest sum of sizes live at once under release.")
    digest: str = Field(description="Content id of the whole plan.")


class CompileFacts(Part):
    """What the compiler built, and through which caches."""

    compile_ms: dict[str, Milliseconds] = Field(
        description="Time by phase (import, compile, link, load, any of the compiler's own; other: in no phase), cache "
        "look-ups and stores included."
    )
    pass_ms: dict[str, Milliseconds] | None = Field(
        description="Time by compiler pass, from a separate compile with an observer; null when not asked for."
    )
    compile_cache_miss_delta_first_run: Count = Field(description="Tasks compiled anew up to the first run.")
    compile_cache_hit_memory_delta_first_run: Count = Field(description="Tasks found in memory up to the first run.")
    compile_cache_hit_disk_delta_first_run: Count = Field(description="Tasks found on disk up to the first run.")
    compile_cache_fail_delta_first_run: Count = Field(
        description="Cache entries found damaged or stale up to the first run; each was compiled anew."
    )
    expected_cache_misses: Count | None = Field(description="What the protocol expects; null when it expects none.")
    cache_tag: str | None = Field(description="Name of the disk cache used, null for an empty private one.")
    key_set_size: Count = Field(description="Distinct cache keys asked for.")
    key_set_digest: str = Field(description="Content id of the sorted cache keys.")
    artifact_digest: str = Field(description="SHA-256 of the generated code.")
    generated_calls: Count | None = Field(description="Calls to generated kernels in one run.")
    generated_kernels: Count | None = Field(description="Distinct generated kernels.")
    compiler_planned_bytes: Bytes | None = Field(description="Largest planned temporary bytes inside any one task.")
    planned_bytes: Bytes | None = Field(description="physical_bytes_est + compiler_planned_bytes.")
    estimator: dict[str, Finite] | None = Field(description="The compiler's own memory estimate, in bytes.")
    reasons: dict[str, str] = Field(description="Why a figure above is null, by its name.")


class WarmUp(Part):
    """What the first iterations of a hot trial looked like."""

    iterations: Count = Field(description="Iterations of the series that was looked at.")
    steady_from: Count | None = Field(description="First iteration of the steady part, null when unsteady.")
    classification: WarmUpClass = Field(description="flat, warmed_up, slowing or unsteady (Barrett et al. 2017).")


class Stopping(Part):
    """Why blocks are added or not, as of this block. Widths are of 95 % intervals, relative (0.01 is 1 %)."""

    blocks: Count = Field(description="Blocks of this workload and compiler so far, this one included.")
    least_blocks: Count = Field(description="Blocks that are run in any case.")
    most_blocks: Count = Field(description="Blocks after which it ends.")
    effect_target: Finite = Field(description="Wanted half-width of each primary knob's main effect.")
    cell_target: Finite = Field(description="Wanted half-width of each cell's ratio to the baseline.")
    effect_half_width: Finite | None = Field(description="Widest main effect, null before two blocks.")
    cell_half_width: Finite | None = Field(description="Widest ratio to the baseline, null before two blocks.")
    short_of: str | None = Field(description="What is widest against its target, null when all is narrow enough.")
    decision: Literal["continue", "precise", "most_blocks", "budget", "unsupported"] = Field(
        description="What followed from it; unsupported: the compiler has none of the block's configurations."
    )


class Samples(Part):
    """Where the raw samples of a hot trial lie."""

    file: FilePath | None = Field(description="Side file, relative to the records; null when records went to stdout.")
    digest: str = Field(description="SHA-256 of this trial's line in the side file.")
    counted: Count = Field(description="Samples that the summary was made of.")
    rewarming: Count = Field(description="Samples after a wake-up that were kept but not counted.")


class _ColdTimes(Part):
    """The first fields of `RunFacts`."""

    compile_first_run_ms: Milliseconds | None = Field(
        default=None, description="Cold: from the loaded program to the end of the first run."
    )
    plan_ms: Milliseconds | None = Field(default=None, description="Cold: part of it, planning.")
    import_ms: Milliseconds | None = Field(default=None, description="Cold: part of it, the compiler's frontend.")
    compile_ms: Milliseconds | None = Field(default=None, description="Cold: part of it, passes and code generation.")
    link_ms: Milliseconds | None = Field(default=None, description="Cold: part of it, linking and storing.")
    load_ms: Milliseconds | None = Field(default=None, description="Cold: part of it, loading and binding.")
    other_ms: Milliseconds | None = Field(
        default=None, description="Cold: part of it, compiling in no phase or one of its own; null before 1.3."
    )
    run_ms_cold: Milliseconds | None = Field(default=None, description="Cold: part of it, the first run.")


if TYPE_CHECKING:

    class _RunTimes(_ColdTimes):
        def __getattr__(self, name: str) -> float | None:
            """Return a metric that is made of samples."""
else:
    # The fields behind: a time for each metric that is made of samples, so that a further one is an entry there alone.
    _RunTimes = create_model(
        "_RunTimes",
        __base__=_ColdTimes,
        **{
            name: (Milliseconds | None, Field(default=None, description=METRICS[name].description))
            for name in SAMPLE_METRICS
        },
    )


class RunFacts(_RunTimes):
    """Times and memory. Cold records have the first group, hot records the second."""

    iterations: Count | None = Field(default=None, description="Hot: iterations run, warm-up included.")
    bursts: Count | None = Field(default=None, description="Hot: bursts that were counted.")
    burst_ms_p50: list[Milliseconds] | None = Field(default=None, description="Hot: median of each burst, in order.")
    burst_ms_min: list[Milliseconds] | None = Field(default=None, description="Hot: fastest iteration of each burst.")
    warm_up: WarmUp | None = Field(default=None, description="Hot: what the start looked like.")
    timed_by: Literal["runner", "program", "device"] | None = Field(
        default=None,
        description="Hot: who read the clock: the runner, a program that times itself in a process of its own, or the "
        "device (CUDA events).",
    )
    stopping: Stopping | None = Field(default=None, description="Hot: why further blocks were added or not.")
    samples: Samples | None = Field(default=None, description="Hot: where the raw samples lie.")
    task_overhead_us: Finite | None = Field(
        default=None, description="Hot: executor's own cost a task in microseconds; null for one task."
    )
    peak_rss_delta_bytes: Bytes | None = Field(
        default=None, description="Growth of the peak resident set while running, over the level before binding."
    )
    peak_rss_compile_bytes: Bytes | None = Field(
        default=None,
        description="Growth of the peak resident set while planning and compiling (hot: loading from the cache).",
    )
    allocator_peak_bytes: Bytes | None = Field(
        default=None,
        description="Peak of the compiler's allocator, if it tells; on CUDA that of torch, weights included.",
    )
    reasons: dict[str, str] = Field(
        default_factory=dict, description="Why a figure of memory above is null, by its name."
    )


# The order of fields matters: `records/fast_reader.py` cuts a line where some fields of `Record` and `Meta` begin and
# end, and the frozen schemas list fields in order. tests/records holds both.
class Record(Part):
    """One line of ``results.jsonl``: one attempt of one trial."""

    schema_version: str = Field(description="Version of this schema, major.minor.")
    record_id: str = Field(description="Content id of trial and attempt.")
    trial_id: str = Field(description="Content id of the trial within its study.")
    cell_id: str = Field(description="Content id of workload, compiler and knobs; repeats share it.")
    attempt: Count = Field(description="0 for the first try.")
    final: bool = Field(description="Whether this line stands for the trial; earlier attempts have false.")
    block_id: str = Field(description="Trials that were measured side by side share it.")
    role: Role = Field(
        description="measured; reference (eager); twin of the baseline; primer of a warm cache; "
        "probe: an untimed compile."
    )
    study: Name = Field(description="Name of the study.")
    study_digest: str = Field(description="SHA-256 of the study as loaded, defaults filled in.")
    mode: Mode = Field(description="cold: compile cost. hot: steady state.")
    status: Status
    error: Failure | None = Field(description="Null for ok.")
    wall_s: Seconds = Field(description="Machine time of the trial.")
    meta: Meta
    workload: WorkloadFacts
    config: Configuration
    plan: PlanFacts | None = Field(description="Null when it did not come to that, and for the reference.")
    compile: CompileFacts | None = Field(description="Null when it did not come to that, and for the reference.")
    runtime: RunFacts | None = Field(description="Null when it did not come to that.")
    correctness: Correctness | None = Field(description="Null when checks are off or it did not come to that.")
