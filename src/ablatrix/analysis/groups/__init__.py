"""The table of trials -> one row a group: counts, medians, ratios to the baseline."""

from ablatrix.analysis.groups.ordering import in_order, sort_key
from ablatrix.analysis.groups.summary import (
    ORIGIN_COLUMNS,
    group_columns,
    grouped,
    mixed_origins,
    primary_knobs,
    ratios_to_baseline,
    refuse_mixed,
    summarise_groups,
    varying_knobs,
    varying_sizes,
    without_priming_runs,
)

__all__ = [
    "ORIGIN_COLUMNS",
    "group_columns",
    "grouped",
    "in_order",
    "mixed_origins",
    "primary_knobs",
    "ratios_to_baseline",
    "refuse_mixed",
    "sort_key",
    "summarise_groups",
    "varying_knobs",
    "varying_sizes",
    "without_priming_runs",
]
