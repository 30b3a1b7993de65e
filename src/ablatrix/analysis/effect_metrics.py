"""The metrics that effects and claims can be about, from the registry of all metrics."""

from collections.abc import Mapping, Sequence

from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC, Metric, metrics_for
from ablatrix.records.metrics import METRICS as REGISTERED
from ablatrix.statistics.ratio import ROUNDING

METRICS: Mapping[str, Metric] = {name: REGISTERED[name] for name in metrics_for("effects")}
DEFAULT_METRICS = (HOT_METRIC, COLD_METRIC, "planned_bytes", "peak_rss_delta_bytes")


def is_exact(metric: str, values: Sequence[float]) -> bool:
    """Return whether values of a metric, one a block, are one exact value."""
    known = METRICS.get(metric)
    if known is None or known.exact_from is None or len(values) < known.exact_from:
        return False
    return max(values) - min(values) <= ROUNDING
