"""Which design a screening gets: by how many knobs do anything, whether they are numbers, and what it may cost."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ablatrix.statistics.screening import (
    ScreeningDesign,
    definitive_screening,
    fractional_factorial,
    one_at_a_time,
    plackett_burman_folded,
)
from ablatrix.statistics.screening.design import make_design
from ablatrix.study.stage import DesignName

LEAST_PAIRS, FIRST_PAIRS, MOST_PAIRS = 2, 4, 64
"""Pairs of orders: an interval takes two, of four it can be told what places explain, more than 64 are not drawn."""
KEPT = 16
"""Choices that are remembered: a study asks for the same one for each of its workloads."""
CLEAR, MAIN_CLEAR = 5, 4
"""Resolutions: main effects and interactions of two knobs are told apart; main effects from such interactions."""


@dataclass(frozen=True)
class ChosenDesign:
    """A design, and why it is this one, in a sentence."""

    design: ScreeningDesign
    why: str


def full_factorial(factors: int) -> ScreeningDesign:
    """Return every combination of two levels."""
    return make_design(np.array(list(itertools.product((0, 1), repeat=factors))), "full_factorial", None)


@lru_cache(maxsize=KEPT)
def choose_design(factors: int, most: int, *, numeric: bool = False, wanted: DesignName | None = None) -> ChosenDesign:
    """Return the design of a screening.

    The first of these that has at most so many configurations: every combination; of knobs of numbers alone a
    definitive screening; a fraction that tells interactions of two knobs apart; of the fraction that tells main effects
    from them and the folded Plackett-Burman design the smaller one. Else each knob by itself.

    Args:
        factors: Knobs, at least one.
        most: Configurations that it may have.
        numeric: Whether each knob has three levels that are numbers.
        wanted: What the study asks for.
    """
    if wanted is not None:
        found = _wanted(wanted, factors, most, numeric)
        if found is not None:
            return ChosenDesign(found, "the study asks for it")
    full = f"every combination of {factors} knobs would be {2**factors:,} configurations"
    if 2**factors <= most:
        return ChosenDesign(full_factorial(factors), f"every combination is {2**factors:,} configurations")
    if numeric and len((three := definitive_screening(factors)).runs) <= most:
        why = f"{full}; all knobs are numbers, which {len(three.runs)} configurations show at three levels"
        return ChosenDesign(three, why)
    for design in _regular(factors, most):
        told = (
            "main effects and interactions of two knobs"
            if design.resolution is not None and design.resolution >= CLEAR
            else "main effects, free of interactions of two knobs"
        )
        return ChosenDesign(design, f"{full}; {len(design.runs)} show {told}")
    single = one_at_a_time(factors, "baseline")
    cannot = f"{full}, and a design of all knobs together {smallest_runs(factors)}; {most} are allowed"
    return ChosenDesign(single, f"{cannot}, so each knob is moved by itself, which shows no interaction")


def pairs_of_orders(factors: int, most: int) -> int:
    """Return how many pairs of orders so many configurations allow, for Shapley shares; 0 where these are too few.

    A pair goes through 2 (k - 1) configurations beside the two ends. Where the first pairs go through as many as there
    are, it is 0, too: then all are run.
    """
    each = 2 * (factors - 1)
    if factors < 2 or 2**factors <= min(most, 2 + FIRST_PAIRS * each):
        return 0
    pairs = min(MOST_PAIRS, (most - 2) // each)
    return pairs if pairs >= LEAST_PAIRS else 0


def smallest_runs(factors: int) -> int:
    """Return how many configurations tell main effects from interactions of two knobs at least."""
    return len(plackett_burman_folded(factors).runs)


def _regular(factors: int, most: int) -> Iterator[ScreeningDesign]:
    """Yield the fraction of resolution V where it is small enough, and then the smallest one of resolution IV."""
    clear = fractional_factorial(factors, CLEAR, most)
    if clear is not None:
        yield clear
    folded, fraction = plackett_burman_folded(factors), fractional_factorial(factors, MAIN_CLEAR, most)
    small = [one for one in (folded, fraction) if one is not None and len(one.runs) <= most]
    yield from sorted(small, key=lambda one: len(one.runs))[:1]


def _wanted(wanted: DesignName, factors: int, most: int, numeric: bool) -> ScreeningDesign | None:
    """Return a design by its name in studies; None where there is none for these knobs."""
    match wanted:
        case "factorial":
            return full_factorial(factors) if 2**factors <= most else None
        case "fraction":
            found = (fractional_factorial(factors, resolution, most) for resolution in (CLEAR, MAIN_CLEAR))
            return next((one for one in found if one is not None), None)
        case "plackett_burman":
            return plackett_burman_folded(factors)
        case "definitive":
            return definitive_screening(factors) if numeric else None
        case "one_at_a_time":
            return one_at_a_time(factors, "baseline")
        case "shapley" | "groups":  # these are no table of runs, and are laid out in rounds
            return None
