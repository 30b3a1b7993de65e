"""What each knob does: factorial grids, main effects, attribution, noise, verdicts."""

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
from ablatrix.analysis.effects.judgement import DEFAULT_MARGIN, NO_EFFECT, NOT_DISTINGUISHABLE, Judgement
from ablatrix.analysis.effects.noise import NoiseFloor, noise_floors

__all__ = [
    "DEFAULT_MARGIN",
    "NOT_DISTINGUISHABLE",
    "NO_EFFECT",
    "Effect",
    "Evidence",
    "FactorialGrid",
    "GeometricMean",
    "Judgement",
    "Kind",
    "NoiseFloor",
    "NothingVariesError",
    "Question",
    "attribution",
    "effects_of_levels",
    "evidence_frame",
    "evidence_schema",
    "factorial_grids",
    "gather",
    "main_effects",
    "noise_floors",
]
