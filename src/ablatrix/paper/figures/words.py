"""What figures call a column, and in which unit they show it."""

from dataclasses import dataclass

NAMES = {
    "run_ms_paired": "run time",
    "run_ms_p50": "run time, p50",
    "run_ms_p95": "run time, p95",
    "run_ms_mean": "run time, mean",
    "compile_first_run_ms": "compile + first run",
    "planned_bytes": "planned memory",
    "physical_bytes_est": "arena",
    "peak_rss_delta_bytes": "peak memory",
}


@dataclass(frozen=True)
class Scale:
    """How a column is shown.

    Attributes:
        divide_by: Values are divided by it.
    """

    label: str
    divide_by: float


def scale_of(column: str) -> Scale:
    """Return label (with its unit) and scale of a column; the unit is the end of its name."""
    if column.endswith("_bytes") or column in ("physical_bytes_est",):
        return Scale(f"{_name(column)} (MiB)", 2.0**20)
    if "_ms" in column:
        return Scale(f"{_name(column)} (ms)", 1.0)
    return Scale(f"{_name(column)} (as recorded)", 1.0)


def ratio_label(column: str, of: str) -> str:
    """Return the label of an axis of ratios, whose unit is what they are ratios of."""
    return f"{_name(column)}, {of} (ratio)"


def _name(column: str) -> str:
    return NAMES.get(column, column)
