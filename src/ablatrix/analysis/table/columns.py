"""Which column of the flat table each field of a record becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from ablatrix.records.metrics import SAMPLE_METRICS

Kind = Literal["label", "text", "whole", "real", "yes_no", "reals", "json"]
TYPES: Mapping[Kind, pl.DataType] = {
    "label": pl.Categorical(),
    "text": pl.String(),
    "whole": pl.Int64(),
    "real": pl.Float64(),
    "yes_no": pl.Boolean(),
    "reals": pl.List(pl.Float64()),
    "json": pl.Categorical(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: Name in the table.
        path: Where the value is in the record.
        kind: Type of its values. ``label``: text that many rows share; ``text``: text of a row's own; ``reals``: a
            list of numbers; ``json``: another list or map, kept as canonical JSON, which many rows share.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class MapColumns:
    """A map of the record: each of its keys becomes a column ``<prefix><key>``.

    Attributes:
        kind: Type of the values; None: whatever the values have in common.
        varies: Whether each trial has its own values; if not, many rows share the whole map.
    """

    prefix: str
    path: tuple[str, ...]
    kind: Kind | None
    varies: bool = False


def _columns(kind: Kind, part: str, *names: str, prefix: str = "") -> tuple[Column, ...]:
    path = tuple(part.split(".")) if part else ()
    return tuple(Column(prefix + name, (*path, name), kind) for name in names)


COLUMNS: tuple[Column, ...] = (
    *_columns("label", "", "study", "study_digest", "schema_version"),
    Column("workload", ("workload", "name"), "label"),
    Column("tier", ("workload", "tier"), "label"),
    Column("compiler", ("config", "compiler"), "label"),
    *_columns("label", "config", "device"),
    *_columns("label", "", "mode", "role"),
    Column("stage", ("config", "stage"), "label"),
    *_columns("label", "", "status"),
    *_columns("text", "", "record_id", "trial_id"),
    *_columns("label", "", "cell_id", "block_id"),
    *_columns("whole", "", "attempt"),
    *_columns("whole", "meta", "block", "replicate", "position", "seed"),
    *_columns("text", "meta", "time_utc"),
    *_columns("label", "meta", "process", "spawned_because"),
    *_columns("label", "meta.layout", "sampling", "server", prefix="layout_"),
    *_columns("whole", "meta.layout", "padding_seed", prefix="layout_"),
    *_columns("label", "meta.build", "name", "digest", "commit", "program", prefix="build_"),
    *_columns("yes_no", "meta.build", "dirty", "complete_code", prefix="build_"),
    *_columns("json", "meta", "cpus"),
    *_columns("real", "", "wall_s"),
    *_columns("label", "error", "type", "phase", prefix="error_"),
    *_columns("text", "error", "message", prefix="error_"),
    *_columns("label", "error", "traceback_digest", prefix="error_"),
    *_columns("whole", "error", "signal", "exit_code", prefix="error_"),
    *_columns("label", "meta", "study_commit", "ablatrix_commit"),
    *_columns("yes_no", "meta", "study_dirty", "ablatrix_dirty"),
    *_columns("label", "meta.place", "host_id", "slot", "stratum"),
    *_columns("label", "meta.machine", "host", "cpu", "kernel", "container", "governor", "isa", "os"),
    *_columns("whole", "meta.machine", "cores", "memory_bytes"),
    *_columns("yes_no", "meta.machine", "turbo", "smt"),
    *_columns("json", "meta.machine", "cpus", prefix="machine_"),
    *_columns("real", "meta.machine", "cpu_quota_cores"),
    *_columns("label", "meta.machine.gpu", "name", "driver", prefix="gpu_"),
    *_columns("whole", "meta.machine.gpu", "memory_bytes", "l2_bytes", "count", prefix="gpu_"),
    *_columns("real", "meta.machine.memory_speed", "bytes_per_s", prefix="memory_"),
    *_columns("whole", "meta.machine.memory_speed", "last_cache_bytes", prefix="memory_"),
    *_columns("real", "meta.noise", "load_average_before", "load_average_after", "steal_ms", "throttled_ms"),
    *_columns("whole", "meta.noise", "swapped_pages", "voluntary_switches", "involuntary_switches"),
    *_columns("real", "meta.noise", "span_s", "cpu_s"),
    *_columns("label", "meta.noise", "disturbance"),
    *_columns("json", "meta.noise.gpu", "throttled_by", prefix="gpu_"),
    *_columns("json", "meta", "environment"),
    *_columns("whole", "workload", "parameter_count"),
    Column("workload_digest", ("workload", "digest"), "label"),
    *_columns("label", "workload", "source", "source_digest", prefix="workload_"),
    *_columns("json", "workload", "inputs", "dynamic"),
    *_columns("label", "workload", "base", prefix="workload_"),
    *_columns("json", "workload", "axes", prefix="workload_"),
    *_columns("label", "workload", "oracle", "dtype", prefix="workload_"),
    *_columns("label", "workload.tokens", "phase", prefix="tokens_"),
    *_columns("whole", "workload.tokens", "context", "batch", prefix="tokens_"),
    Column("tokens_a_run", ("workload", "tokens", "tokens"), "whole"),
    *_columns("whole", "workload.tokens", "weight_bytes", "cache_bytes", prefix="tokens_"),
    *_columns("label", "config", "catalogue_digest", "compiler_digest"),
    *_columns("json", "config", "run_time_knobs", "stage_plan", "primary_knobs", "settings", "departures", "corners"),
    Column("planner_ms", ("plan", "plan_ms"), "real"),
    *_columns("whole", "plan", "tasks", "distinct_tasks", "edges", "logical_buffers", "physical_buffers"),
    *_columns("whole", "plan", "logical_bytes", "physical_bytes_est", "peak_live_bytes"),
    Column("plan_digest", ("plan", "digest"), "label"),
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
    *_columns("label", "compile", "cache_tag", "key_set_digest", "artifact_digest"),
    *_columns("whole", "compile", "generated_calls", "generated_kernels"),
    *_columns("whole", "compile", "compiler_planned_bytes", "planned_bytes"),
    *_columns("json", "compile", "pass_ms", "reasons"),
    *_columns("real", "runtime", "compile_first_run_ms", "plan_ms", "import_ms", "compile_ms", "link_ms"),
    *_columns("real", "runtime", "load_ms", "other_ms", "run_ms_cold"),
    *_columns("real", "runtime", *SAMPLE_METRICS),
    *_columns("whole", "runtime", "iterations", "bursts"),
    *_columns("reals", "runtime", "burst_ms_p50", "burst_ms_min"),
    *_columns("whole", "runtime.warm_up", "iterations", "steady_from", prefix="warm_up_"),
    *_columns("label", "runtime.warm_up", "classification", prefix="warm_up_"),
    *_columns("label", "runtime", "timed_by"),
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
    *_columns("label", "runtime.stopping", "short_of", "decision", prefix="stopping_"),
    *_columns("label", "runtime.samples", "file", prefix="samples_"),
    *_columns("text", "runtime.samples", "digest", prefix="samples_"),
    *_columns("whole", "runtime.samples", "counted", "rewarming", prefix="samples_"),
    *_columns("real", "runtime", "task_overhead_us"),
    *_columns("whole", "runtime", "peak_rss_delta_bytes", "peak_rss_compile_bytes", "allocator_peak_bytes"),
    *_columns("json", "runtime", "reasons", prefix="runtime_"),
    *_columns("whole", "correctness", "checked", "missing", "draws"),
    *_columns("real", "correctness", "max_abs_diff", "max_rel_diff", "rms_ratio", "cosine"),
    *_columns("whole", "correctness", "nonfinite"),
    *_columns("real", "correctness", "rms_factor", "rms_floor", "worst_ratio", "allowed_over_eager", "float_distance"),
    *_columns("whole", "correctness", "ill_conditioned", "undetermined", "eager_wrong"),
    *_columns("whole", "correctness", "generated_tokens", "generated_ties"),
    Column("correct", ("correctness", "ok"), "yes_no"),
    *_columns("label", "correctness", "checked_digest", "timed_digest", "tolerance_by"),
    Column("correctness_note", ("correctness", "note"), "label"),
)

MAPS: tuple[MapColumns, ...] = (
    MapColumns("knob_", ("config", "knobs"), "label"),
    MapColumns("baseline_", ("config", "baseline"), "label"),
    MapColumns("parameter_", ("workload", "parameters"), None),
    MapColumns("size_", ("workload", "timed_sizes"), "whole"),
    MapColumns("version_", ("meta", "versions"), "label"),
    MapColumns("threads_", ("meta", "threads"), "whole"),
    MapColumns("in_force_", ("meta", "settings_in_force"), "label"),
    MapColumns("phase_ms_", ("compile", "compile_ms"), "real", varies=True),
    MapColumns("estimator_", ("compile", "estimator"), "real", varies=True),
)

LEFT_OUT: frozenset[tuple[str, ...]] = frozenset(
    {
        ("workload", "registry_name"),  # parameters and digest tell programs apart
        ("final",),  # only final lines become rows
        ("error", "traceback"),  # long texts stay in the records; the traceback's digest groups failures
        ("error", "output_tail"),
        ("meta", "noise", "cluster_cpu_s"),  # for whoever doubts a cluster's own processes; no trial is judged by it
        ("meta", "noise", "stopped_ms"),  # what it does to a trial is in `disturbance`
        # What a GPU's clocks do to a trial is in `gpu_throttled_by` and `disturbance`; the readings stay in the record.
        *(("meta", "noise", "gpu", name) for name in ("source", "reason", "readings")),
        *(
            ("meta", "noise", "gpu", when, name)
            for when in ("before", "after")
            for name in ("sm_mhz", "memory_mhz", "temperature_c", "power_w", "limited_by")
        ),
    }
)
