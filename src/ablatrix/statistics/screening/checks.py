"""Whether what a design takes for granted holds: what runs differ by beyond the effects, against noise in blocks."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.ratio import ROUNDING
from ablatrix.statistics.screening.contrasts import SMALL
from ablatrix.statistics.screening.design import Array, ScreeningDesign, coded, mirrored_runs, word_columns
from ablatrix.statistics.screening.effects import ScreenedEffect, checked_times
from ablatrix.statistics.screening.intra_block import IntraBlock, intra_block_estimates

BROKEN = 0.01
"""The level of the tests of a design: rarer than a false effect, as each puts a doubt on all effects."""

Departure = Literal["even", "odd", "curved", "rest"]


@dataclass(frozen=True)
class DesignCheck:
    """A test of what a design assumes.

    Attributes:
        departure: What was tested. ``even``: interactions of two factors (or four), by runs and their mirror images
            together: they bias no main effect, but change what factors do together. ``odd``: interactions of three (or
            five), by differences between mirror images beyond the main effects: where there are such, main effects may
            be biased by them. ``curved``: whether the middle lies on the line between the ends. ``rest``: whatever the
            effects do not explain, where runs have no mirror images: it may bias all of them.
        freedom: Dimensions in which it could be seen; those of the noise.
        size: Root of the mean square, over runs, of what departs (on the logarithm), noise taken out; 0 where noise is
            larger.
        p_value: Of there being none, by an F test against the noise within blocks (lack of fit against pure error,
            Box, Hunter & Hunter 2005, 9.6). None where nothing repeats.
    """

    departure: Departure
    freedom: tuple[int, int]
    size: float
    p_value: float | None

    @property
    def is_broken(self) -> bool:
        """Whether the assumption does not hold."""
        return self.p_value is not None and self.p_value <= BROKEN


def design_checks(
    design: ScreeningDesign, log_times: Array, effects: tuple[ScreenedEffect, ...] = ()
) -> tuple[DesignCheck, ...]:
    """Return the tests that the runs allow: none of a design of one factor at a time, or where all runs are used up.

    Args:
        design: The design.
        log_times: Blocks x runs, NaN where there is no value.
        effects: Effects of two factors that were estimated: what they explain is no departure.

    Raises:
        ValueError: As for `screened_effects`.
    """
    times = checked_times(design, log_times)
    if design.kind == "one_at_a_time":
        return ()
    levels = intra_block_estimates(times)
    there = ~np.isnan(levels.levels)
    words = [one.word for one in effects if len(one.word) == 2 and one.ratio is not None]
    explained = word_columns(design, words) if words else np.zeros((len(design.runs), 0))
    mirrored = mirrored_runs(design)
    if mirrored is None:
        columns = np.concatenate([coded(design), explained], axis=1)
        return _tested(levels, [("rest", _beyond(_embedded(np.flatnonzero(there), len(there)), columns))])
    pairs = mirrored[there[mirrored].all(axis=1)]
    centre = np.setdiff1d(np.flatnonzero(there), mirrored)
    signs = _embedded(pairs[:, 0], len(there)) - _embedded(pairs[:, 1], len(there))
    means = _embedded(pairs[:, 0], len(there)) + _embedded(pairs[:, 1], len(there))
    spaces: list[tuple[Departure, Array]] = [
        ("even", _beyond(means, explained)),
        ("odd", _beyond(signs, coded(design))),
    ]
    if centre.size and len(pairs):
        against = means.mean(axis=1) / 2.0 - _embedded(centre, len(there)).mean(axis=1)
        spaces.append(("curved", _beyond(against[:, np.newaxis], explained)))
    return _tested(levels, spaces)


def _embedded(rows: NDArray[np.int_], count: int) -> Array:
    """Return a column for each of some runs, with a 1 in its place."""
    return np.eye(count)[:, rows]


def _beyond(space: Array, explained: Array) -> Array:
    """Return an orthonormal basis of contrasts in a space that are of sum 0, and 0 for what is explained."""
    if not space.shape[1]:
        return space
    basis, sizes, _ = np.linalg.svd(space, full_matrices=False)
    basis = basis[:, sizes > SMALL]
    known = np.concatenate([np.ones((len(space), 1)), explained], axis=1)
    inside = basis.T @ known
    left, sizes, _ = np.linalg.svd(inside, full_matrices=True)
    rank = int((sizes > SMALL * max(1.0, sizes.max(initial=0.0))).sum())
    found: Array = basis @ left[:, rank:]
    return found


def _tested(levels: IntraBlock, spaces: list[tuple[Departure, Array]]) -> tuple[DesignCheck, ...]:
    from scipy.special import fdtrc  # the upper tail of the F distribution; importing scipy.stats costs half a second

    known = np.where(np.isnan(levels.levels), 0.0, levels.levels)
    found = []
    for departure, basis in spaces:
        dimensions = basis.shape[1]
        if not dimensions:
            continue
        seen = basis.T @ known
        spread = basis.T @ levels.covariance @ basis
        statistic = float(seen @ np.linalg.solve(spread, seen)) / dimensions
        noise = levels.variance
        runs = int((~np.isnan(levels.levels)).sum())
        expected = 0.0 if noise is None else noise * float(np.trace(spread))
        size = float(np.sqrt(max(0.0, float(seen @ seen) - expected) / runs))
        p_value = None
        if noise is not None and noise > ROUNDING**2:
            p_value = float(fdtrc(dimensions, levels.freedom, statistic / noise))
        elif noise is not None:
            p_value = 0.0 if size > ROUNDING else 1.0
        found.append(DesignCheck(departure, (dimensions, levels.freedom if noise is not None else 0), size, p_value))
    return tuple(found)
