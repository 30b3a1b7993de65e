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
from ablatrix.analysis.effects.readings import TrialLayout
from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.effects.screens import ScreenedKnob, ScreenedPair, Screening, screening_frame, screenings
from ablatrix.analysis.effects.searches import GroupSearch, ScreenedGroup
from ablatrix.analysis.effects.speed_ups import Ablation, Move, SpeedUp, find_ablations, mean_speed_up
from ablatrix.analysis.effects.trends import Trend, trend_frame, trends_of

__all__ = [
    "DEFAULT_MARGIN",
    "MAIN",
    "NOT_DISTINGUISHABLE",
    "NO_EFFECT",
    "NO_OP",
    "ONE_BLOCK",
    "UNDECIDED",
    "Ablation",
    "AxisCurve",
    "AxisPoint",
    "Best",
    "ContextLine",
    "Course",
    "Crossing",
    "Effect",
    "Evidence",
    "FactorialGrid",
    "GeometricMean",
    "GroupSearch",
    "Judged",
    "Judgement",
    "Kind",
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
    "attribution",
    "context_line_frame",
    "context_line_text",
    "context_lines",
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
    "main_effects",
    "mean_speed_up",
    "odd_no_ops",
    "screening_frame",
    "screenings",
    "subject_of",
    "trend_frame",
    "trends_of",
    "verdict_text",
    "verdict_word",
]
