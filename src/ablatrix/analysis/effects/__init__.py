"""What each knob does: factorial grids, main effects, attribution, geometric means, verdicts."""

from ablatrix.analysis.effects.along_axes import (
    AxisCurve,
    AxisPoint,
    Course,
    Crossing,
    crossing_text,
    curve_frame,
    curve_schema,
)
from ablatrix.analysis.effects.best import Best, find_best
from ablatrix.analysis.effects.contexts import (
    ContextLine,
    context_line_frame,
    context_line_text,
    context_lines,
    is_of_line,
)
from ablatrix.analysis.effects.crossed import Crossed, CrossedKnobs, crossed_frame, crossed_knobs
from ablatrix.analysis.effects.estimates import Effect, Kind, attribution, effects_of_levels, main_effects
from ablatrix.analysis.effects.evidence import (
    Evidence,
    NothingVariesError,
    Question,
    evidence_frame,
    evidence_schema,
    gather,
)
from ablatrix.analysis.effects.geometric_means import GeometricMean
from ablatrix.analysis.effects.grid import FactorialGrid, factorial_grids
from ablatrix.analysis.effects.judgement import (
    DEFAULT_MARGIN,
    MAIN,
    NO_EFFECT,
    NO_OP,
    NOT_DISTINGUISHABLE,
    ONE_BLOCK,
    UNDECIDED,
    Judged,
    Judgement,
    judge,
    odd_no_ops,
    subject_of,
    verdict_text,
    verdict_word,
)
from ablatrix.analysis.effects.largest_changes import MOST_CHANGES, SHOWN_CHANGES, Largest, Value, largest
from ablatrix.analysis.effects.readings import TrialLayout
from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.effects.screens import ScreenedKnob, ScreenedPair, Screening, screening_frame, screenings
from ablatrix.analysis.effects.search_text import measured_text, names_text, search_texts
from ablatrix.analysis.effects.searches import GroupSearch, ScreenedGroup
from ablatrix.analysis.effects.speed_ups import Ablation, Move, SpeedUp, find_ablations, mean_speed_up
from ablatrix.analysis.effects.trends import Trend, trend_frame, trends_of

__all__ = [
    "DEFAULT_MARGIN",
    "MAIN",
    "MOST_CHANGES",
    "NOT_DISTINGUISHABLE",
    "NO_EFFECT",
    "NO_OP",
    "ONE_BLOCK",
    "SHOWN_CHANGES",
    "UNDECIDED",
    "Ablation",
    "AxisCurve",
    "AxisPoint",
    "Best",
    "ContextLine",
    "Course",
    "Crossed",
    "CrossedKnobs",
    "Crossing",
    "Effect",
    "Evidence",
    "FactorialGrid",
    "GeometricMean",
    "GroupSearch",
    "Judged",
    "Judgement",
    "Kind",
    "Largest",
    "Move",
    "NothingVariesError",
    "Question",
    "SamePrograms",
    "ScreenedGroup",
    "ScreenedKnob",
    "ScreenedPair",
    "Screening",
    "SpeedUp",
    "Trend",
    "TrialLayout",
    "Value",
    "attribution",
    "context_line_frame",
    "context_line_text",
    "context_lines",
    "crossed_frame",
    "crossed_knobs",
    "crossing_text",
    "curve_frame",
    "curve_schema",
    "effects_of_levels",
    "evidence_frame",
    "evidence_schema",
    "factorial_grids",
    "find_ablations",
    "find_best",
    "gather",
    "is_of_line",
    "judge",
    "largest",
    "main_effects",
    "mean_speed_up",
    "measured_text",
    "names_text",
    "odd_no_ops",
    "screening_frame",
    "screenings",
    "search_texts",
    "subject_of",
    "trend_frame",
    "trends_of",
    "verdict_text",
    "verdict_word",
]
