"""Where a series of measurements changed its level: change points whose false alarms are bounded.

A point is a log ratio with the standard error of its own interval; points also scatter from run to run by what no
interval knows of (layouts of builds, days). PELT (Killick, Fearnhead & Eckley 2012, "Optimal detection of changepoints
with a linear computational cost") proposes where the level changed. Then each proposed change is tested by itself, the
level before it against the level behind it, and the least significant is dropped until all that are left pass.
Proposing and then testing is as in E-divisive (Matteson & James 2014), which Daly et al. 2020 ("The use of change point
detection to identify software performance regressions in a continuous integration system", ICPE) run on a whole history
after each commit. Their test permutes points and needs many of them behind a change; points here have errors, so that
two are enough:

    (mean behind - mean before) / sqrt(q (1 / W_before + 1 / W_behind)),  w_i = 1 / (error_i^2 + between^2)

is Student's t, with the sums of weights W, ``between`` by the method of moments from what is left of all points around
their levels, and q the mean square of that in units of the expected, at least 1 (Hartung & Knapp 2001, "A refined
method for the meta-analysis of controlled clinical trials"; Roever, Knapp & Friede 2015 on q below 1). The variance of
a point, which is made of a few blocks, is moderated by that of all (Smyth 2004, "Linear models and empirical Bayes
methods"). So a false alarm has a stated probability and not a penalty to be tuned: `FALSE_ALARMS` for all splits of the
series together at a new point (Bonferroni).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import Numbers, finite_values
from ablatrix.statistics.ratio import Estimate

Real = NDArray[np.float64]
FALSE_ALARMS = 1e-3
"""Probability that a new point of a series without a change raises an alarm."""
LEAST_BEHIND = 2
"""Points that a level needs: one alone may be a bad run."""
LEAST_POINTS = 6
"""Points from which on changes are looked for: with fewer their scatter is not known."""
WITHOUT_ONE = 0.02
"""A change stands at this level whichever point is left out: it must not rest on one run."""
MODERATION = 2.0
"""The variance of a point counts as a mean of its own and so many of the series' mean: a few blocks hardly know it."""
NO_SEAMS: Mapping[int, float] = {}


@dataclass(frozen=True)
class Change:
    """A change of level.

    Attributes:
        index: Of the first point behind it.
        estimate: By how much the level changed, as a log ratio, with its error.
        p_value: Of no change, two-sided, by itself: all splits of the series are allowed for in what passes.
    """

    index: int
    estimate: Estimate
    p_value: float


@dataclass(frozen=True)
class Level:
    """A level between two changes.

    Attributes:
        first, end: Its points: from this index, up to and without that one.
        estimate: The level, as a log ratio, with its error.
    """

    first: int
    end: int
    estimate: Estimate


def find_changes(
    values: Numbers, errors: Numbers, least: float = 0.0, seams: Mapping[int, float] = NO_SEAMS
) -> tuple[list[Change], list[Level]]:
    """Return where a series changed its level, and its levels, both in order.

    Args:
        values: A log ratio for each point, in order (1-D).
        errors: Standard error of each, at least 0.
        least: Changes of less than this, on the logarithm, are none.
        seams: By the index of a point, the standard error of an offset that it and all behind it share, such as that of
            a link between two things that the series was compared with.

    Raises:
        ValueError: A value that is not finite, an error that is negative, or lengths that differ.
    """
    given, own = finite_values(values, at_least=0), finite_values(errors, at_least=0)
    count = given.size
    if count != own.size or (own < 0).any():
        raise ValueError(f"each of {count} values needs an error of at least 0, but got {errors}")
    if not count:
        return [], []
    squares = own**2
    moderated = np.sqrt((squares + MODERATION * squares.mean()) / (1.0 + MODERATION))
    series = _Series(given, moderated, dict(seams))
    ends = [0, *(_proposed(series) if count >= LEAST_POINTS else []), count]
    alpha = FALSE_ALARMS / max(count - 2 * LEAST_BEHIND + 1, 1)
    while True:
        fit = _fit(series, ends)
        tested = [_tested(series, fit, *around) for around in zip(ends, ends[1:], ends[2:], strict=False)]
        stand = [_stands(one, series, ends, place, (alpha, least)) for place, one in enumerate(tested)]
        if all(stand):
            return tested, [_level(series, fit, *span) for span in pairwise(ends)]
        worst = max((one.p_value, place) for place, one in enumerate(tested) if not stand[place])
        del ends[worst[1] + 1]


@dataclass(frozen=True)
class _Series:
    values: Real
    errors: Real
    seams: Mapping[int, float]

    def without(self, index: int) -> "_Series":
        """Return the series without a point; offsets that begin there begin at the next one."""
        kept = {one - (one > index): error for one, error in self.seams.items()}
        return _Series(np.delete(self.values, index), np.delete(self.errors, index), kept)


@dataclass(frozen=True)
class _Fit:
    """How points scatter around their levels.

    Attributes:
        weights: Of each point.
        factor: Mean square of what is left, in units of the expected; at least 1.
        freedom: Its degrees of freedom; 0 where every level has one point.
    """

    weights: Real
    factor: float
    freedom: int


def _proposed(series: _Series) -> list[int]:
    """Return the first index of each level but the first, as PELT proposes them."""
    from ruptures import Pelt  # it imports half of scipy
    from ruptures.base import BaseCost

    steps = np.abs(np.diff(series.values))
    between = (1.4826 * float(np.median(steps))) ** 2 / 2.0  # of neighbours, which a change of level hardly touches
    variances = np.maximum(series.errors**2, between)
    if not (variances > 0.0).all():
        variances = variances + np.finfo(np.float64).eps
    weights = 1.0 / variances

    class WeightedCost(BaseCost):  # type: ignore[misc]
        """Weighted sum of squares around the weighted mean."""

        model = "weighted"
        min_size = LEAST_BEHIND

        def fit(self, signal: Real) -> Any:
            self.signal = signal
            parts = (weights, weights * signal[:, 0], weights * signal[:, 0] ** 2)
            self.sums = [[0.0, *np.cumsum(part).tolist()] for part in parts]
            return self

        def error(self, start: int, end: int) -> Any:
            whole, first, second = (sums[end] - sums[start] for sums in self.sums)
            return max(second - first * first / whole, 0.0)

    search = Pelt(custom_cost=WeightedCost(), min_size=LEAST_BEHIND, jump=1)
    centred = (series.values - series.values.mean())[:, np.newaxis]
    ends = search.fit(centred).predict(pen=3.0 * math.log(series.values.size))
    return [int(end) for end in ends[:-1]]


def _fit(series: _Series, ends: Sequence[int]) -> _Fit:
    """Return how points scatter around their levels."""
    freedom = series.values.size - len(ends) + 1
    if freedom <= 0:
        return _Fit(1.0 / np.maximum(series.errors**2, np.finfo(np.float64).tiny), 1.0, 0)
    plain = _left(series.values, np.ones_like(series.values), ends)
    between = max(0.0, plain / freedom - float((series.errors**2).mean()))
    variances = np.maximum(series.errors**2 + between, np.finfo(np.float64).tiny)
    return _Fit(1.0 / variances, max(1.0, _left(series.values, 1.0 / variances, ends) / freedom), freedom)


def _left(values: Real, weights: Real, ends: Sequence[int]) -> float:
    """Return the weighted sum of squares around the levels."""
    total = 0.0
    for first, end in pairwise(ends):
        part, own = values[first:end], weights[first:end]
        mean = (part * own).sum() / own.sum()
        total += float((own * (part - mean) ** 2).sum())
    return total


def _tested(series: _Series, fit: _Fit, first: int, split: int, end: int) -> Change:
    """Test the level from ``first`` on against that from ``split`` on."""
    from scipy.special import stdtr

    sums = [float(fit.weights[start:stop].sum()) for start, stop in ((first, split), (split, end))]
    means = [
        float((series.values[start:stop] * fit.weights[start:stop]).sum()) / whole
        for (start, stop), whole in zip(((first, split), (split, end)), sums, strict=True)
    ]
    step = means[1] - means[0]
    variance = fit.factor * (1.0 / sums[0] + 1.0 / sums[1])
    for seam, error in series.seams.items():
        if first < seam < end:
            start, stop, whole = (first, split, sums[0]) if seam <= split else (split, end, sums[1])
            behind = float(fit.weights[max(seam, start) : stop].sum()) / whole
            variance += ((1.0 - behind if seam <= split else behind) * error) ** 2
    spread = math.sqrt(variance)
    freedom = max(fit.freedom, 1)
    p_value = 2.0 * float(stdtr(freedom, -abs(step) / spread)) if spread > 0.0 else float(step == 0.0)
    return Change(split, Estimate(step, spread, freedom, end - split), p_value)


def _stands(change: Change, series: _Series, ends: Sequence[int], place: int, limits: tuple[float, float]) -> bool:
    """Return whether a change passes by itself, and whichever of its points is left out."""
    alpha, least = limits
    if change.p_value > alpha or abs(change.estimate.mean) < least:
        return False
    first, split, end = ends[place : place + 3]
    for index in range(first, end):
        fewer = [one - (one > index) for one in ends]
        if split - (split > index) in (first, fewer[place + 2]):
            continue
        part = series.without(index)
        if _tested(part, _fit(part, fewer), *fewer[place : place + 3]).p_value > WITHOUT_ONE:
            return False
    return True


def _level(series: _Series, fit: _Fit, first: int, end: int) -> Level:
    own = fit.weights[first:end]
    mean = float((series.values[first:end] * own).sum() / own.sum())
    error = math.sqrt(fit.factor / float(own.sum())) if fit.freedom else None
    return Level(first, end, Estimate(mean, error, max(fit.freedom, 1), end - first))
