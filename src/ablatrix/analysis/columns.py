"""Which column of the flat table each field of a record becomes."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "whole", "real", "yes_no", "json"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Name in the table.
        path: Where the value stands in the record.
        kind: Type of its values; ``json``: a list or map that is kept as canonical JSON text.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class MapColumns:
    """A map of the record: each of its keys becomes a column ``<prefix><key>``.

    Attributes:
        kind: Type of the values; None: whatever the values have in common.
    """

    prefix: str
    path: tuple[str, ...]
    kind: Kind | None


def _columns(kind: Kind, part: str, *names: str, prefix: str = "") -> tuple[Column, ...]:
    path = tuple(part.split(".")) if part else ()
    return tuple(Column(prefix + name, (*path, name), kind) for name in names)


COLUMNS: tuple[Column, ...] = (
    *_columns("text", "", "study", "study_digest", "schema_version"),
    Column("workload", ("workload", "name"), "text"),
    Column("tier", ("workload", "tier"), "text"),
    Column("compiler", ("config", "compiler"), "text"),
    *_columns("text", "", "mode", "role"),
    Column("stage", ("config", "stage"), "text"),
    *_columns("text", "", "status", "record_id", "trial_id", "cell_id", "block_id"),
    *_columns("whole", "", "attempt"),
    *_columns("whole", "meta", "block", "position", "seed"),
    *_columns("text", "meta", "time_utc", "process", "spawned_because"),
    *_columns("json", "meta", "cpus"),
    *_columns("real", "", "wall_s"),
    *_columns("text", "error", "type", "phase", "message", "traceback_digest", prefix="error_"),
    *_columns("whole", "error", "signal", "exit_code", prefix="error_"),
    *_columns("text", "meta", "study_commit", "ablatrix_commit"),
    *_columns("yes_no", "meta", "study_dirty", "ablatrix_dirty"),
    *_columns("text", "meta.machine", "host", "cpu", "kernel", "container", "governor"),
    *_columns("whole", "meta.machine", "cores", "memory_bytes"),
    *_columns("yes_no", "meta.machine", "turbo", "smt"),
    *_columns("json", "meta.machine", "cpus", prefix="machine_"),
    *_columns("real", "meta.machine", "cpu_quota_cores"),
    *_columns("real", "meta.noise", "load_average_before", "load_average_after", "steal_ms", "throttled_ms"),
    *_columns("whole", "meta.noise", "swapped_pages", "voluntary_switches", "involuntary_switches"),
    *_columns("real", "meta.noise", "span_s", "cpu_s"),
    *_columns("text", "meta.noise", "disturbance"),
    *_columns("json", "meta", "environment"),
    *_columns("whole", "workload", "parameter_count"),
    Column("workload_digest", ("workload", "digest"), "text"),
    *_columns("json", "workload", "inputs", "dynamic"),
    *_columns("text", "config", "catalogue_digest"),
    Column("planner_ms", ("plan", "plan_ms"), "real"),
    *_columns("whole", "plan", "tasks", "distinct_tasks", "edges", "logical_buffers", "physical_buffers"),
    *_columns("whole", "plan", "logical_bytes", "physical_bytes_est", "peak_live_bytes"),
    Column("plan_digest", ("plan", "digest"), "text"),
    *_columns(
        "whole",
        "compile",
        "compile_cache_miss_delta_first_run",
        "compile_cache_hit_memory_delta_first_run",
        "compile_cache_hit_disk_delta_first_run",
        "compile_cache_fail_delta_first_run",
        "expected_cache_misses",
        "key_set_size",
    ),
    *_columns("text", "compile", "cache_tag", "key_set_digest", "artifact_digest"),
    *_columns("whole", "compile", "generated_calls", "generated_kernels"),
    *_columns("whole", "compile", "compiler_planned_bytes", "planned_bytes"),
    *_columns("json", "compile", "pass_ms", "reasons"),
    *_columns("real", "runtime", "compile_first_run_ms", "plan_ms", "import_ms", "compile_ms", "link_ms"),
    *_columns("real", "runtime", "load_ms", "run_ms_cold"),
    *_columns("real", "runtime", "run_ms_mean", "run_ms_p50", "run_ms_p90", "run_ms_p95", "run_ms_p99"),
    *_columns("real", "runtime", "run_ms_min"),
    *_columns("whole", "runtime", "iterations", "bursts"),
    *_columns("json", "runtime", "burst_ms_p50"),
    *_columns("whole", "runtime.warm_up", "iterations", "steady_from", prefix="warm_up_"),
    *_columns("text", "runtime.warm_up", "classification", prefix="warm_up_"),
    *_columns("whole", "runtime.stopping", "blocks", "least_blocks", "most_blocks", prefix="stopping_"),
    *_columns(
        "real",
        "runtime.stopping",
        "effect_target",
        "cell_target",
        "effect_half_width",
        "cell_half_width",
        prefix="stopping_",
    ),
    *_columns("text", "runtime.stopping", "short_of", "decision", prefix="stopping_"),
    *_columns("text", "runtime.samples", "file", "digest", prefix="samples_"),
    *_columns("whole", "runtime.samples", "counted", "rewarming", prefix="samples_"),
    *_columns("real", "runtime", "task_overhead_us"),
    *_columns("whole", "runtime", "peak_rss_delta_bytes", "peak_rss_compile_bytes", "allocator_peak_bytes"),
    *_columns("json", "runtime", "reasons", prefix="runtime_"),
    *_columns("whole", "correctness", "checked", "missing", "draws"),
    *_columns("real", "correctness", "max_abs_diff", "max_rel_diff", "rms_ratio", "cosine"),
    *_columns("whole", "correctness", "nonfinite"),
    *_columns("real", "correctness", "rms_factor", "rms_floor"),
    Column("correct", ("correctness", "ok"), "yes_no"),
    *_columns("text", "correctness", "checked_digest", "timed_digest"),
    Column("correctness_note", ("correctness", "note"), "text"),
)

MAPS: tuple[MapColumns, ...] = (
    MapColumns("knob_", ("config", "knobs"), "text"),
    MapColumns("baseline_", ("config", "baseline"), "text"),
    MapColumns("parameter_", ("workload", "parameters"), None),
    MapColumns("size_", ("workload", "timed_sizes"), "whole"),
    MapColumns("version_", ("meta", "versions"), "text"),
    MapColumns("threads_", ("meta", "threads"), "whole"),
    MapColumns("phase_ms_", ("compile", "compile_ms"), "real"),
    MapColumns("estimator_", ("compile", "estimator"), "real"),
)

LEFT_OUT: frozenset[tuple[str, ...]] = frozenset(
    {
        ("final",),  # only final lines become rows
        ("error", "traceback"),  # long texts stay in the records; the traceback's digest groups failures
        ("error", "output_tail"),
    }
)


def value_at(row: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path of a record's plain object, None where the way leads through a null."""
    for step in path:
        if row is None:
            return None
        row = row.get(step)
    return row
