"""The rows of a paper: the columns of each trial that its sentences and estimates read."""

from ablatrix.analysis.findings import Findings
from ablatrix.provenance.rows import Rows, canonical_rows

COLUMNS = (
    "stage", "cpu", "cores", "cache_tag", "plan_ms", "import_ms", "compile_ms", "link_ms", "load_ms", "other_ms",
    "run_ms_cold", "expected_cache_misses", "layout_sampling", "samples_counted", "warm_up_classification",
    "stopping_effect_target", "stopping_most_blocks", "stopping_decision",
    "checked_digest", "timed_digest", "artifact_digest", "checked", "missing", "draws", "nonfinite", "max_abs_diff",
    "max_rel_diff", "rms_ratio", "rms_factor", "rms_floor", "tolerance_by", "workload_oracle",
    "worst_ratio", "allowed_over_eager", "ill_conditioned", "eager_wrong",
    "gpu_name", "memory_bytes", "kernel", "container", "isa", "os", "smt", "parameter_count", "bursts",
    "schema_version", "tokens_context", "host_id", "host",
)  # fmt: skip
PREFIXES = ("threads_", "estimator_", "parameter_", "version_")


def paper_rows(findings: Findings) -> Rows:
    """Return the trials in canonical order, with the columns that a paper reads."""
    more = (name for name in findings.trials.columns if name.startswith(PREFIXES))
    return canonical_rows(findings.trials, (*COLUMNS, *more))
