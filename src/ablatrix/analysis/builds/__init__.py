"""Two builds of a compiler, side by side: is a change faster, where, with which knob, and is it still right?"""

from ablatrix.analysis.builds.comparison import build_pairs, compare_builds
from ablatrix.analysis.builds.data import report_data
from ablatrix.analysis.builds.sessions import confirmed
from ablatrix.analysis.builds.values import (
    BUILD,
    CHANGED,
    OPEN,
    UNCHANGED,
    BuildReport,
    Change,
    Crossed,
    Difference,
    MeanChange,
    MetricBuilds,
    Needs,
    Outcomes,
    SameCode,
    Turn,
    Turned,
    Word,
)
from ablatrix.analysis.builds.words import change_text, dependence_text, interval_text, needs_text, same_code_text

__all__ = [
    "BUILD",
    "CHANGED",
    "OPEN",
    "UNCHANGED",
    "BuildReport",
    "Change",
    "Crossed",
    "Difference",
    "MeanChange",
    "MetricBuilds",
    "Needs",
    "Outcomes",
    "SameCode",
    "Turn",
    "Turned",
    "Word",
    "build_pairs",
    "change_text",
    "compare_builds",
    "confirmed",
    "dependence_text",
    "interval_text",
    "needs_text",
    "report_data",
    "same_code_text",
]
