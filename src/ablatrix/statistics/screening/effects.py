"""What each factor of a screening design does, with an interval over blocks, and which of them matter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.multiplicity import benjamini_hochberg
from ablatrix.statistics.ratio import NO_ALLOWANCE, Allowance, Estimate, Ratio, paired_estimate, ratio_of
from ablatrix.statistics.screening.contrasts import Contrasts, main_contrasts, pair_contrasts
from ablatrix.statistics.screening.design import Array, ScreeningDesign, Word
from ablatrix.statistics.screening.intra_block import block_values, filled_blocks, intra_block_estimates
from ablatrix.statistics.screening.lenth import LEAST, lenth


@dataclass(frozen=True)
class ScreenedEffect:
    """A main effect, an interaction or a curve.

    Attributes:
        word: Its factors: one; two; or the same twice.
        ratio: What it multiplies the time by, with its interval: of a main effect from the factor's lowest to its
            highest level in the mean over the levels of the others (one at a time: at the centre); of an interaction
            what one factor does more while the other is high; of a curve what both ends differ by from the middle. None
            where the runs that have values cannot tell.
        q_value: Adjusted by Benjamini and Hochberg over the main effects, or over all others; None without a p-value.
        stands_out: Whether it is larger than Lenth's simultaneous margin over the effects of its family, which knows of
            no blocks; None where these are fewer than ``lenth.LEAST``.
        aliases: Effects of at most two factors that are in this one.
    """

    word: Word
    ratio: Ratio | None
    q_value: float | None
    stands_out: bool | None
    aliases: tuple[Word, ...]

    @property
    def log_effect(self) -> float | None:
        """The effect on the logarithm."""
        return None if self.ratio is None else math.log(self.ratio.value)


def screened_effects(
    design: ScreeningDesign,
    log_times: Array,
    confidence: float = 0.95,
    allowance: Allowance = NO_ALLOWANCE,
    among: Sequence[int] | None = None,
) -> tuple[ScreenedEffect, ...]:
    """Return all main effects, and the interactions that can be estimated.

    Each effect is a contrast of the runs. Where the blocks hold the same runs, it is taken in each block, and Student's
    t over blocks gives the interval. Where they do not (incomplete blocks, failures in some), levels and their
    covariance are estimated within blocks first (see `intra_block`). A run that has no value in any block is omitted,
    with its mirror image; what can then not be estimated has no ratio.

    Args:
        design: The design.
        log_times: Blocks x runs, NaN where there is no value.
        confidence: Strictly between 0 and 1.
        allowance: What each interval must allow for beyond the scatter of blocks.
        among: Factors whose interactions (and curves, in a definitive design) are estimated under the assumption that
            no other factor interacts. Without it only those of regular designs are estimated, one for each group that
            is aliased, and none at a resolution of 3.

    Raises:
        ValueError: Another number of runs than the design has, no value at all, or one that is infinite.
    """
    times = checked_times(design, log_times)
    there: NDArray[np.bool_] = ~np.all(np.isnan(times), axis=0)
    mains = main_contrasts(design, there)
    others = pair_contrasts(design, _interactions(design, among), there)
    return tuple(
        effect for contrasts in (mains, others) for effect in _family(design, contrasts, times, confidence, allowance)
    )


def checked_times(design: ScreeningDesign, log_times: Array) -> Array:
    """Return the blocks that have a value.

    Raises:
        ValueError: As for `screened_effects`.
    """
    if log_times.ndim != 2 or log_times.shape[1] != len(design.runs):
        raise ValueError(f"a column for each of {len(design.runs)} runs must be given, but got shape {log_times.shape}")
    if np.isinf(log_times).any() or np.isnan(log_times).all():
        raise ValueError("every logarithm must be finite or missing, and one must be there")
    return filled_blocks(log_times)


def _interactions(design: ScreeningDesign, among: Sequence[int] | None) -> list[Word]:
    if design.kind == "one_at_a_time":
        return []
    if among is not None:
        chosen = sorted(set(among))
        curves = [(one, one) for one in chosen] if design.kind == "definitive" else []
        return [*curves, *_without_aliases(design, list(combinations(chosen, 2)))]
    clear = design.kind == "full_factorial" or (design.kind == "regular_fraction" and (design.resolution or 0) > 3)
    return _without_aliases(design, list(combinations(range(design.factors), 2))) if clear else []


def _without_aliases(design: ScreeningDesign, words: Sequence[Word]) -> list[Word]:
    """Return the first of each group that is aliased."""
    taken: set[Word] = set()
    found = []
    for word in words:
        if word not in taken:
            found.append(word)
            taken |= set(design.aliased_with(word))
    return found


def estimates_of(contrasts: Contrasts, log_times: Array) -> list[Estimate | None]:
    """Return the estimate of each contrast over blocks; None of one without weights."""
    used = np.flatnonzero(contrasts.weights.any(axis=0))
    if not np.isnan(log_times[:, used]).any():
        return [paired_estimate(block_values(log_times, row)) if row.any() else None for row in contrasts.weights]
    levels = intra_block_estimates(log_times)
    return [levels.contrast(row) if row.any() else None for row in contrasts.weights]


def _family(
    design: ScreeningDesign, contrasts: Contrasts, log_times: Array, confidence: float, allowance: Allowance
) -> list[ScreenedEffect]:
    ratios = [
        None if one is None else ratio_of(one, confidence, allowance) for one in estimates_of(contrasts, log_times)
    ]
    known = [one.p_value for one in ratios if one is not None and one.p_value is not None]
    adjusted = iter(benjamini_hochberg(known))
    logs = [math.log(one.value) for one in ratios if one is not None]
    margin = lenth(logs).simultaneous if len(logs) >= LEAST else None
    return [
        ScreenedEffect(
            word=word,
            ratio=ratio,
            q_value=None if ratio is None or ratio.p_value is None else next(adjusted),
            stands_out=None if ratio is None or margin is None else abs(math.log(ratio.value)) > margin,
            aliases=design.aliased_with(word),
        )
        for word, ratio in zip(contrasts.words, ratios, strict=True)
    ]
