"""The table of trials -> one row a group: counts, medians, ratios to the baseline."""

from ablatrix.analysis.groups.control import (
    CONTROL_LEVEL,
    Control,
    Instrument,
    controlled_cells,
    has_control_of_each_build,
    judge_controls,
    step_of,
)
from ablatrix.analysis.groups.control_text import control_cell, controls_text, percent_text
from ablatrix.analysis.groups.departures import departures_of
from ablatrix.analysis.groups.hosts import (
    HOST_COLUMNS,
    HostNumbers,
    are_shared,
    host_columns,
    host_expr,
    host_numbers,
    over_hosts,
    over_hosts_of,
)
from ablatrix.analysis.groups.knobs import group_columns, primary_knobs, varying_knobs, varying_sizes
from ablatrix.analysis.groups.numbering import Numbered, Whole, combined, numbered, numbered_codes
from ablatrix.analysis.groups.ordering import (
    IN_RUN,
    grouped,
    in_order,
    is_in_run_order,
    key_order,
    number_of,
    sort_key,
)
from ablatrix.analysis.groups.origins import BUILD_COLUMNS, ORIGIN_COLUMNS, mixed_origins, refuse_mixed
from ablatrix.analysis.groups.ratios import ratios_to_baseline
from ablatrix.analysis.groups.reference import ReferenceRatio, ReferenceRatios
from ablatrix.analysis.groups.roles import without_priming_runs
from ablatrix.analysis.groups.sizes import Sizes, size_texts
from ablatrix.analysis.groups.stage_plans import PLAN, ChosenStage, StagePlan, knob_order, plans_of, stages_apart
from ablatrix.analysis.groups.summary import summarise_groups
from ablatrix.analysis.groups.variants import (
    NO_VARIANTS,
    Variant,
    Variants,
    axis_counts,
    base_of,
    families,
    over_text,
    variants_of,
)

__all__ = [
    "BUILD_COLUMNS",
    "CONTROL_LEVEL",
    "HOST_COLUMNS",
    "IN_RUN",
    "NO_VARIANTS",
    "ORIGIN_COLUMNS",
    "PLAN",
    "ChosenStage",
    "Control",
    "HostNumbers",
    "Instrument",
    "Numbered",
    "ReferenceRatio",
    "ReferenceRatios",
    "Sizes",
    "StagePlan",
    "Variant",
    "Variants",
    "Whole",
    "are_shared",
    "axis_counts",
    "base_of",
    "combined",
    "control_cell",
    "controlled_cells",
    "controls_text",
    "departures_of",
    "families",
    "group_columns",
    "grouped",
    "has_control_of_each_build",
    "host_columns",
    "host_expr",
    "host_numbers",
    "in_order",
    "is_in_run_order",
    "judge_controls",
    "key_order",
    "knob_order",
    "mixed_origins",
    "number_of",
    "numbered",
    "numbered_codes",
    "over_hosts",
    "over_hosts_of",
    "over_text",
    "percent_text",
    "plans_of",
    "primary_knobs",
    "ratios_to_baseline",
    "refuse_mixed",
    "size_texts",
    "sort_key",
    "stages_apart",
    "step_of",
    "summarise_groups",
    "variants_of",
    "varying_knobs",
    "varying_sizes",
    "without_priming_runs",
]
