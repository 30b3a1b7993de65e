"""How fast the machine was each time, and which processes were typical of their configurations then.

What made one process slower made all slower that took turns with it. And a process in five or ten of some compilers
takes half more time than others of the same configuration, for seconds or for good: where its memory lies decides
(Mytkowicz et al., ASPLOS 2009), which padding draws anew for each. It says nothing of the operations, and is left out
of the sums.

Times are a level for each configuration times a speed for each set of turns; both are fitted by medians (median
polish: Tukey 1977, Exploratory Data Analysis, chapter 11), so that processes that differ do not move them. One that is
further from the fit than three robust standard deviations is left out (Hampel 1974, JASA 69(346)), if that is more than
`APART`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

APART = 0.05
"""Part of its time by which a process may differ, whatever others do."""
DEVIATIONS, OF_MEDIAN = 3.0, 1.4826
"""How many standard deviations it may; one is so many medians of the size."""
STEPS = 20
ENOUGH = 3
"""Blocks from which it can be said which process differs."""


Times: TypeAlias = NDArray[np.float64]
"""In milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Of sets of turns, and of the processes that took them.

    Attributes:
        factors: What the times of each set are multiplied by, so that all are at the speed of the median one.
        kept: [set, process]: whether it is typical.
    """

    factors: NDArray[np.float64]
    kept: NDArray[np.bool_]

    def at_one_speed(self, times: Sequence[float], process: int) -> Times:
        """Return what one process of each set took at one speed: [set], NaN where it is not typical."""
        scaled = np.asarray(times, dtype=np.float64) * self.factors
        return np.where(self.kept[:, process], scaled, np.nan)

    def part(self, number: int, parts: int) -> Fit:
        """Return what is said of every so many-th set, from one on."""
        return Fit(factors=self.factors[number::parts], kept=self.kept[number::parts])


def fit_blocks(times: Sequence[Sequence[float]], configurations: Sequence[int], parts: int = 1) -> Fit:
    """Return how fast each set of turns was, and which of its processes are typical.

    Args:
        times: [set, process], of runs without a profiler.
        configurations: Of each process: those with one number do the same.
        parts: Sets that a block has; of each process one is kept among those in the same place.
    """
    logs = np.log(np.asarray(times, dtype=np.float64))
    columns = np.asarray(configurations)
    speeds = np.median(logs, axis=1)
    levels = np.zeros(len(columns))
    for _ in range(STEPS):
        for one in np.unique(columns):
            levels[columns == one] = np.median((logs - speeds[:, None])[:, columns == one])
        further = np.median(logs - levels - speeds[:, None], axis=1)
        speeds = speeds + further
        if np.abs(further).max() < 1e-9:
            break
    distances = np.abs(logs - levels - speeds[:, None])
    most = max(np.log1p(APART), DEVIATIONS * OF_MEDIAN * float(np.median(distances)))
    kept = distances <= most if len(logs) >= ENOUGH * parts else np.ones(logs.shape, dtype=np.bool_)
    for part, process in product(range(parts), range(len(columns))):
        if not kept[part::parts, process].any():
            kept[part + parts * distances[part::parts, process].argmin(), process] = True
    return Fit(factors=np.exp(np.median(speeds) - speeds), kept=kept)
