"""What effects are computed of: columns of the table, in which mode they mean something, and what less is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablatrix.analysis.paired import HOT_METRIC
from ablatrix.statistics.ratio import ROUNDING


@dataclass(frozen=True)
class Metric:
    """A figure of a trial; less is better in all of them.

    Attributes:
        modes: Modes whose trials have it; the first one is taken when results hold several.
        less, more: What a ratio below and above 1 is called.
        exact_from: Equal blocks from which on its value is exact and no estimate: 1 for what is computed, 2 for what
            is counted. None for a time: one that never varies comes from too coarse a clock.
    """

    name: str
    modes: tuple[str, ...]
    less: str
    more: str
    exact_from: int | None = None


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(HOT_METRIC, ("hot",), "faster", "slower"),
        Metric("run_ms_p50", ("hot",), "faster", "slower"),
        Metric("run_ms_p95", ("hot",), "faster", "slower"),
        Metric("run_ms_mean", ("hot",), "faster", "slower"),
        Metric("compile_first_run_ms", ("cold",), "faster", "slower"),
        Metric("planned_bytes", ("cold", "hot"), "smaller", "larger", exact_from=1),
        Metric("physical_bytes_est", ("cold", "hot"), "smaller", "larger", exact_from=1),
        Metric("peak_rss_delta_bytes", ("hot", "cold"), "smaller", "larger", exact_from=2),
    )
}
DEFAULT_METRICS = (HOT_METRIC, "compile_first_run_ms", "planned_bytes", "peak_rss_delta_bytes")


def is_exact(metric: str, values: Sequence[float]) -> bool:
    """Return whether values of a metric, one a block, are one exact value."""
    known = METRICS.get(metric)
    if known is None or known.exact_from is None or len(values) < known.exact_from:
        return False
    return max(values) - min(values) <= ROUNDING
