"""What each knob contributes on the full grid of knobs with two levels, exactly; everything on logarithms.

A grid gives for each set of knobs that are on (all others are off) the log of a figure, in one block. All effects
are "on" minus "off", so that a negative one makes the figure smaller. For two knobs a and b with the values

              b off   b on
    a off       0      -1        main effect of a        ((-2 - 0) + (-6 - -1)) / 2 = -3.5
    a on       -2      -6        one in from all off      -2 - 0  = -2
                                 one out from all on      -6 - -1 = -5
    total      -6                interaction of a and b  (-6 - -1) - (-2 - 0) = -3
                                 Shapley value of a      -3.5, of b -2.5; together -6

With two knobs Shapley values and main effects are the same; with more, only Shapley values add up to the total.
A corner may also hold an array, one value a block: then so do the answers, which are those of each block by itself.
Every sum is rounded once, so that a knob that changes no value has effects of exactly 0.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import row_sums
from ablatrix.statistics.ratio import Ratio, paired_ratio

Corner = frozenset[str]
Value = TypeVar("Value", float, NDArray[np.float64])
FactorialGrid = Mapping[Corner, Value]
Part = TypeVar("Part", bound=Hashable)


def total(grid: FactorialGrid[Value], knobs: Sequence[str]) -> Value:
    """Return all knobs on minus all off. Only these two corners must be there.

    Raises:
        ValueError: A corner that is missing or has a value that is not finite, or a knob that is named twice.
    """
    everything = _distinct(knobs)
    _check(grid, (frozenset(), everything))
    return grid[everything] - grid[frozenset()]


def step(grid: FactorialGrid[Value], knob: str, others_on: Iterable[str]) -> Value:
    """Return what switching one knob on does while the knobs of ``others_on`` are on and all others off.

    Only these two corners must be there: where some configurations failed, steps between others can still be computed.

    Raises:
        ValueError: As for ``total``.
    """
    before = frozenset(others_on) - {knob}
    after = before | {knob}
    _check(grid, (before, after))
    return grid[after] - grid[before]


def leave_one_out(grid: FactorialGrid[Value], knobs: Sequence[str]) -> dict[str, Value]:
    """Return for each knob what it does while all others are on: the usual ablation.

    Raises:
        ValueError: As for ``total``, of the corners with at most one knob off.
    """
    everything: Corner = _distinct(knobs)
    _check(grid, (everything, *(everything - {knob} for knob in knobs)))
    return {knob: step(grid, knob, everything) for knob in knobs}


def add_one_in(grid: FactorialGrid[Value], knobs: Sequence[str]) -> dict[str, Value]:
    """Return for each knob what it does while all others are off.

    Raises:
        ValueError: As for ``total``, of the corners with at most one knob on.
    """
    _distinct(knobs)
    _check(grid, (frozenset(), *(frozenset({knob}) for knob in knobs)))
    return {knob: step(grid, knob, ()) for knob in knobs}


def main_effects(grid: FactorialGrid[Value], knobs: Sequence[str]) -> dict[str, Value]:
    """Return for each knob the mean, over all levels of the others, of what it does.

    This is the main effect of a 2^k factorial design (Box, Hunter & Hunter 2005, chapter 5), and the Banzhaf value
    of a game (Banzhaf 1965). Main effects do not add up to the total where three or more knobs interact.

    Raises:
        ValueError: As for ``total``, of all corners.
    """
    values = _by_mask(grid, knobs)
    return {knob: _sum(_signed(values, [index])) / (len(values) // 2) for index, knob in enumerate(knobs)}


def interactions(grid: FactorialGrid[Value], knobs: Sequence[str]) -> dict[tuple[str, str], Value]:
    """Return for each pair of knobs the mean, over all levels of the others, of the difference of differences.

    It is what one knob does more while the other is on than while it is off; pairs are named in the order of
    ``knobs``. Twice the interaction of Box, Hunter & Hunter 2005, chapter 5, who halve it; the pairwise Banzhaf
    interaction index of Grabisch & Roubens 1999.

    Raises:
        ValueError: As for ``total``, of all corners.
    """
    values = _by_mask(grid, knobs)
    return {
        (knobs[one], knobs[other]): _sum(_signed(values, [one, other])) / (len(values) // 4)
        for one, other in combinations(range(len(knobs)), 2)
    }


def shapley(grid: FactorialGrid[Value], knobs: Sequence[str]) -> dict[str, Value]:
    """Return for each knob its share of the total; the shares add up to the total (within rounding).

    The share is what a knob does when it is switched on, in the mean over all orders in which the knobs can be
    switched on. For each number of knobs that are on already this is a plain mean, and the share is the mean of these
    (Shapley 1953, "A value for n-person games"; for shares of effects as here, Owen & Prieur 2017, "On Shapley value
    for measuring importance of dependent inputs"). Exact: k 2^(k-1) differences.

    Raises:
        ValueError: As for ``total``, of all corners.
    """
    values = _by_mask(grid, knobs)
    count = len(knobs)
    shares = {}
    for index, knob in enumerate(knobs):
        bit = 1 << index
        by_size: list[list[Value]] = [[] for _ in knobs]
        for mask, value in enumerate(values):
            by_size[(mask & ~bit).bit_count()].append(value if mask & bit else -value)
        means = [_sum(terms) / math.comb(count - 1, size) for size, terms in enumerate(by_size)]
        shares[knob] = _sum(means) / count
    return shares


def over_blocks(
    blocks: Sequence[FactorialGrid[float]],
    knobs: Sequence[str],
    parts: Callable[[FactorialGrid[float], Sequence[str]], Mapping[Part, float]],
    confidence: float = 0.95,
) -> dict[Part, Ratio]:
    """Return each part as a ratio with Student's t interval over blocks: ``over_blocks(blocks, knobs, shapley)``.

    Each part is computed in each block by itself, as a block is what repeats: what disturbs a whole block falls out
    of its differences. The product of all Shapley ratios is the ratio of the total.

    Args:
        blocks: The grid of each block.
        knobs: Names of the knobs.
        parts: One of the functions of this module.
        confidence: Strictly between 0 and 1.

    Raises:
        ValueError: No block, or what ``parts`` refuses, with the number of the block (from 0).
    """
    found: list[Mapping[Part, float]] = []
    for number, grid in enumerate(blocks):
        try:
            found.append(parts(grid, knobs))
        except ValueError as error:
            raise ValueError(f"block {number}: {error}") from error
    if not found:
        raise ValueError("at least one block must be given, but got none")
    return {part: paired_ratio([one[part] for one in found], confidence) for part in found[0]}


def _sum(terms: Sequence[Value]) -> Value:
    return row_sums(terms) if isinstance(terms[0], np.ndarray) else math.fsum(terms)


def _signed(values: Sequence[Value], indices: Sequence[int]) -> list[Value]:
    """Return all values; negative where an odd number of the knobs at ``indices`` is off."""
    bits = sum(1 << index for index in indices)
    return [value if (~mask & bits).bit_count() % 2 == 0 else -value for mask, value in enumerate(values)]


def _by_mask(grid: FactorialGrid[Value], knobs: Sequence[str]) -> list[Value]:
    """Return the value of each corner; bit i of its index says whether ``knobs[i]`` is on."""
    _distinct(knobs)
    corners = [
        frozenset(knob for index, knob in enumerate(knobs) if mask >> index & 1) for mask in range(1 << len(knobs))
    ]
    _check(grid, corners)
    return [grid[corner] for corner in corners]


def _distinct(knobs: Sequence[str]) -> Corner:
    everything = frozenset(knobs)
    if len(everything) != len(knobs):
        raise ValueError(f"every knob must be named once, but got {list(knobs)}")
    return everything


def _check(grid: FactorialGrid[Value], corners: Iterable[Corner]) -> None:
    wanted = list(corners)
    for rule, wrong in (
        ("have a value, but there is none", [corner for corner in wanted if corner not in grid]),
        ("be finite, but is not", [one for one in wanted if one in grid and not np.isfinite(grid[one]).all()]),
    ):
        if wrong:
            named = [" + ".join(sorted(corner)) or "all off" for corner in wrong]
            shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
            raise ValueError(f"each of {len(wanted)} corners must {rule} for {shown}")
