"""On which side of 1 the ratio of each two configurations lies, for all of them at once.

What decides is the interval of `paired_ratio` over the blocks that two share, else that of `welch_ratio` over their
ratios to the baseline. For thousands of configurations these are millions of intervals: here they are matrices, a few
hundred rows at a time. What lies so near to a limit that rounding could decide is asked of those functions themselves.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.analysis.groups import step_of
from ablatrix.statistics.ratio import Allowance, paired_ratio, welch_ratio

Array = NDArray[np.float64]
Sides = NDArray[np.int8]
ROWS = 256
"""Configurations that are compared with all others at a time."""
DENSE = 0.2
"""Part of the configurations that a block holds, above which tables have all places."""
NEAR = 1e-5
"""Of the scatter: a limit that is nearer than this is left to scalar arithmetic, whose own error is far smaller."""


@dataclass(frozen=True, eq=False)
class Measured:
    """An objective that was measured.

    Attributes:
        column: Its name.
        values: Blocks x configurations, NaN where a block has none; positive.
        relative: The same over the baseline of the block, NaN where that has none.
        offset: How far the instrument is off.
    """

    column: str
    values: Array
    relative: Array
    offset: float

    def side(self, one: int, other: int) -> int:
        """Return -1 where one configuration is shown to be smaller, 1 where it is shown to be larger, else 0."""
        here, there = self.values[:, one], self.values[:, other]
        shared = ~np.isnan(here) & ~np.isnan(there)
        allowance = Allowance(self.offset, max(self.steps[one], self.steps[other]))
        if shared.any():
            ratios = (here[shared] / there[shared]).tolist()
            return paired_ratio(list(map(math.log, ratios)), allowance=allowance).side
        own, others = (column[~np.isnan(column)] for column in (self.relative[:, one], self.relative[:, other]))
        if not own.size or not others.size:
            return 0
        return welch_ratio(own, others, allowance=allowance).side

    @functools.cached_property
    def steps(self) -> list[float]:
        """The smallest difference that each configuration can show."""
        return [step_of(self.column, *map(math.log, own[~np.isnan(own)].tolist())) for own in self.values.T]

    def sides(self) -> Sides:
        """Return `side` of all configurations (rows) against all others (columns)."""
        paired, unpaired = _Paired(np.log(self.values)), _Unpaired(np.log(self.relative))
        steps = np.array(self.steps)
        count = len(steps)
        found: Sides = np.zeros((count, count), dtype=np.int8)
        for start in range(0, count, ROWS):
            rows = slice(start, min(start + ROWS, count))
            step = np.maximum(steps[rows, np.newaxis], steps)
            shared = paired.shared(rows)
            sure, near = _judged(*paired.interval(rows, step), self.offset + step, paired.near)
            if not shared.all():
                alone = _judged(*unpaired.interval(rows, step), self.offset + step, unpaired.near)
                sure, near = (np.where(shared > 0, *both) for both in zip((sure, near), alone, strict=True))
            for one, other in zip(*np.nonzero(near), strict=True):
                sure[one, other] = self.side(start + int(one), int(other))
            found[rows] = sure
        return found


def exact_sides(values: Sequence[float]) -> Sides:
    """Return the sign of the difference of each figure (rows) to all others (columns)."""
    array = np.array(values)
    found: Sides = (array[:, np.newaxis] > array).astype(np.int8) - (array[:, np.newaxis] < array).astype(np.int8)
    return found


class _Paired:
    """Means and errors of differences over the blocks that two configurations share."""

    def __init__(self, logs: Array) -> None:
        there = (~np.isnan(logs)).astype(np.float64)
        self._whole = bool(there.all())
        self._means = np.nanmean(logs, axis=0)
        rest = logs - self._means
        # What disturbs a block falls out of differences; without it, they lose no digits.
        rest = np.where(np.isnan(rest), 0.0, rest - np.nanmean(rest, axis=1, keepdims=True))
        self.near = NEAR * max(1e-3, float(np.abs(rest).max()))
        self._there, self._rest, self._squares = (_compact(one, there) for one in (there, rest, rest**2))

    def shared(self, rows: slice) -> Array:
        """Return in how many blocks both are (rows x all)."""
        return _product(self._there[:, rows], self._there)

    def interval(self, rows: slice, step: Array) -> tuple[Array, Array, Array]:
        """Return means, and the least and most that t times the error can be: here the same."""
        own, there = self._rest[:, rows], self._there[:, rows]
        count = self.shared(rows)
        safe = np.maximum(count, 1.0)
        # In whole blocks each configuration's rest sums up to 0.
        sums = 0.0 if self._whole else _product(own, self._there) - _product(there, self._rest)
        squares = _product(self._squares[:, rows], self._there) + _product(there, self._squares)
        squares = squares - 2.0 * _product(own, self._rest) - sums**2 / safe
        means = self._means[rows, np.newaxis] - self._means + sums / safe
        error = np.sqrt(np.maximum(squares, 0.0) / np.maximum(count - 1.0, 1.0) / safe)
        reach = _t_of(count - 1.0, 1) * np.maximum(error, step / np.sqrt(12.0 * safe))
        reach = np.where(count < 2.0, math.inf, reach)
        return means, reach, reach


def _compact(values: Array, there: Array) -> Any:
    """Return a table, as a sparse one where blocks hold few of all configurations."""
    from scipy.sparse import csc_array  # scipy is slow to import

    return values if there.mean() > DENSE else csc_array(values)


def _product(one: Any, other: Any) -> Array:
    found = one.T @ other
    dense: Array = found if isinstance(found, np.ndarray) else found.toarray()
    return dense


class _Unpaired:
    """Means and errors of differences between the ratios to the baseline, by Welch."""

    def __init__(self, logs: Array) -> None:
        held = [own[~np.isnan(own)] for own in logs.T]
        self._counts = np.array([float(own.size) for own in held])
        self._means = np.array([float(own.mean()) if own.size else 0.0 for own in held])
        self._parts = np.array([float(own.var(ddof=1)) / own.size if own.size > 1 else 0.0 for own in held])
        self.near = NEAR * max(1e-3, float(np.sqrt(self._parts.max())))

    def interval(self, rows: slice, step: Array) -> tuple[Array, Array, Array]:
        """Return means, and the least and most that t times the error can be."""
        fewest = np.minimum(self._counts[rows, np.newaxis], self._counts)
        own, other = self._parts[rows, np.newaxis], self._parts
        whole = own + other
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = (own / whole) ** 2 / (self._counts[rows, np.newaxis] - 1.0)
            freedom = 1.0 / (shares + (other / whole) ** 2 / (self._counts - 1.0))
        freedom = np.where((whole > 0.0) & (fewest > 1.0), freedom, 1.0)
        error = np.maximum(np.sqrt(whole), step / np.sqrt(12.0 * np.maximum(fewest, 1.0)))
        means = self._means[rows, np.newaxis] - self._means
        bounds = (_t_of(freedom + more / FINE, FINE) * error for more in (1.0, 0.0))
        least, most = (np.where(fewest > 1.0, bound, math.inf) for bound in bounds)
        return means, least, most


FINE = 1024
"""Parts of a degree of freedom between which t is computed."""


def _t_of(freedom: Array, parts: int) -> Array:
    """Return Student's t at 95 %, with as many degrees of freedom, or less by up to one of so many parts."""
    from scipy.special import stdtrit  # what scipy.stats.t.ppf returns; importing scipy.stats costs half a second

    places = np.floor(np.maximum(freedom, 0.0) * parts).astype(np.int64)
    table: Array = stdtrit(np.maximum(np.arange(places.max() + 1), 1) / parts, 0.975)
    found: Array = table[places]
    return found


def _judged(means: Array, least: Array, most: Array, reach: Array, near: float) -> tuple[Sides, NDArray[np.bool_]]:
    """Return the side of each interval, and where it is too near to tell."""
    sizes = np.abs(means)
    outside = sizes - most - reach > near
    inside = (sizes - least - reach < -near) | (means == 0.0)
    sides: Sides = np.where(outside, np.sign(means), 0.0).astype(np.int8)
    return sides, ~(outside | inside)
