"""Why something is not reported, does not hold or is undecided: values, and the one module that words them."""

from ablatrix.analysis.reasons.absence import MAX_NAMED, NOT_RUN, Absence, Cause, Lack
from ablatrix.analysis.reasons.knob_levels import KnobLevels
from ablatrix.analysis.reasons.reason import Reason, Why, because
from ablatrix.analysis.reasons.wording import levels_text, optional_text, plain_data, stage_text, text_of

__all__ = [
    "MAX_NAMED",
    "NOT_RUN",
    "Absence",
    "Cause",
    "KnobLevels",
    "Lack",
    "Reason",
    "Why",
    "because",
    "levels_text",
    "optional_text",
    "plain_data",
    "stage_text",
    "text_of",
]
