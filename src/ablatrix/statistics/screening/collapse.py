"""Effects, interactions and Shapley shares over all 2^k corners, from the times of their distinct programs.

Different settings often compile to one program. Then all corners can be compiled, and only distinct programs be timed:
every figure over corners is a weighted sum over programs. The weights of pairs of corners that are one program cancel
before any time is looked at, so that a factor has an effect of exactly 0 where it changes no program.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.ratio import NO_ALLOWANCE, Allowance, Ratio, paired_estimate, ratio_of
from ablatrix.statistics.screening.design import Array
from ablatrix.statistics.screening.intra_block import IntraBlock, block_values, filled_blocks, intra_block_estimates

LARGEST = 20
"""Factors: a million corners take seconds."""


@dataclass(frozen=True)
class Collapsed:
    """Figures over all corners; None where one of the programs that it needs has no time.

    Attributes:
        programs: Distinct programs.
        acts: For each factor, in how many of the 2^(k-1) pairs of corners it changes the program.
        main: For each factor what it does in the mean over all corners of the others; where it changes nothing it does
            nothing. Times ``2^(k-1) / acts`` on the logarithm it is the mean over the pairs in which it acts.
        shares: For each factor its Shapley share. They add up to the total.
        interactions: For each pair of factors what one does more while the other is on.
        total: All on, against all off.
    """

    programs: int
    acts: tuple[int, ...]
    main: tuple[Ratio | None, ...]
    shares: tuple[Ratio | None, ...]
    interactions: Mapping[tuple[int, int], Ratio | None]
    total: Ratio | None


def collapsed(
    corner_to_program: NDArray[np.int_],
    log_times: Array,
    confidence: float = 0.95,
    allowance: Allowance = NO_ALLOWANCE,
) -> Collapsed:
    """Return what the factors do over all corners.

    The figures are those of `attribution` on the full grid (Box, Hunter & Hunter 2005; Shapley 1953; Grabisch & Roubens
    1999). Where every block holds all programs they are computed in each block, with Student's t over blocks; else from
    levels within blocks and their covariance (`intra_block_estimates`).

    Args:
        corner_to_program: The program of each corner (2^k); bit i of a corner says whether factor i is on.
        log_times: Blocks x programs, NaN where there is no value.
        confidence: Strictly between 0 and 1.
        allowance: What each interval must allow for beyond the scatter of blocks.

    Raises:
        ValueError: A number of corners that is no power of 2, more than ``LARGEST`` factors, or a program without a
            column.
    """
    factors = corner_to_program.size.bit_length() - 1
    if corner_to_program.ndim != 1 or corner_to_program.size != 1 << factors or factors > LARGEST:
        raise ValueError(f"2^k corners must be given, k <= {LARGEST}, but got shape {corner_to_program.shape}")
    count = log_times.shape[1] if log_times.ndim == 2 else 0
    if corner_to_program.min() < 0 or corner_to_program.max() >= count:
        raise ValueError(f"each program must have a column, but there are {count} for {corner_to_program.max() + 1}")
    read = _Reading(filled_blocks(log_times), confidence, allowance)
    corners = np.arange(corner_to_program.size)
    sizes = sum((corners >> factor & 1 for factor in range(factors)), np.zeros_like(corners))
    of_size = np.array([1.0 / (factors * math.comb(factors - 1, size)) for size in range(factors)])
    acts, main, shares = [], [], []
    for factor in range(factors):
        off = corners[corners >> factor & 1 == 0]
        before, after = corner_to_program[off], corner_to_program[off | 1 << factor]
        acting = before != after
        before, after, size = before[acting], after[acting], sizes[off[acting]]
        acts.append(int(acting.sum()))
        main.append(read.ratio(_moved(before, after, None, count) / len(off)))
        shares.append(read.ratio(_moved(before, after, of_size[size], count)))
    signs = {factor: 2.0 * (corners >> factor & 1) - 1.0 for factor in range(factors)}
    interactions = {}
    for one, other in combinations(range(factors), 2):
        summed = np.bincount(corner_to_program, signs[one] * signs[other], minlength=count)
        interactions[one, other] = read.ratio(summed / (corners.size / 4))
    total = _moved(corner_to_program[:1], corner_to_program[-1:], None, count)
    return Collapsed(
        programs=int(np.unique(corner_to_program).size),
        acts=tuple(acts),
        main=tuple(main),
        shares=tuple(shares),
        interactions=interactions,
        total=read.ratio(total),
    )


class _Reading:
    """Weighted sums of programs as ratios."""

    def __init__(self, log_times: Array, confidence: float, allowance: Allowance) -> None:
        self._times, self._confidence, self._allowance = log_times, confidence, allowance
        self._gaps: NDArray[np.bool_] = np.any(np.isnan(log_times), axis=0)
        self._levels: IntraBlock | None = None

    def ratio(self, weights: Array) -> Ratio | None:
        if not self._gaps[weights != 0.0].any():
            estimate = paired_estimate(block_values(self._times, weights))
        else:
            self._levels = self._levels or intra_block_estimates(self._times)
            found = self._levels.contrast(weights)
            if found is None:
                return None
            estimate = found
        return ratio_of(estimate, self._confidence, self._allowance)


def _moved(before: NDArray[np.int_], after: NDArray[np.int_], weights: Array | None, count: int) -> Array:
    """Return how often, or with which weights, programs are stepped to less how they are stepped from."""
    after_all, before_all = (np.bincount(one, weights, minlength=count) for one in (after, before))
    return (after_all - before_all).astype(np.float64)
