"""What the trials of one block take, with what disturbed whole rounds, and single bursts, taken out.

The trials of a block take one burst each in every round. Whatever disturbs them adds time: a neighbour slows all bursts
of a round, or stops a few of them. So times are compared round by round, and by what was disturbed least:

    log y[i, r] = level[i] + disturbance[r] + noise[i, r],    disturbance and noise >= 0 but for what is always there

``y[i, r]`` is the fastest iteration of trial i's burst in round r. Each trial has a first level: the mean of the
fastest tenth of its bursts. The disturbance of a round is what even its least disturbed trial lost: the smallest
distance of a trial from its first level. The level is the mean of the fastest third of a trial's bursts after that is
taken out. That noise of timing is not symmetric, and that the fastest runs therefore say most, is from Chen & Revels
2016, "Robust benchmarking in noisy environments", section 3; that rows and columns are taken out in turn is as in a
median polish (Tukey 1977, "Exploratory Data Analysis", chapter 11). ``docs/decisions/0009-levels.md`` compares
estimators.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import finite_values, row_sums

Key = TypeVar("Key", bound=Hashable)
FIRST, LAST = 10, 3
"""Of so many bursts one is taken, for the first level and for the last."""


def paired_levels(bursts: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    """Return the level of each trial of a block: the log of its time in an undisturbed round.

    Only differences of levels within the block have a meaning of their own.

    Args:
        bursts: For each trial the time of each burst, in the order of rounds: all of one length, positive.

    Raises:
        ValueError: No burst, a time that is not finite and positive, or trials with different numbers of rounds.
    """
    if not bursts:
        return {}
    series = [finite_values(values, at_least=1) for values in bursts.values()]
    if len({values.size for values in series}) > 1:
        counts = ", ".join(f"{key}: {len(values)}" for key, values in bursts.items())
        raise ValueError(f"every trial of a block must have a burst in every round, but got {counts}")
    times = np.stack(series)
    if not (times > 0).all():
        raise ValueError(f"every time must be positive (it has a logarithm), but the smallest is {times.min()}")
    logs = np.array([[math.log(time) for time in row] for row in times])  # libm's: the same on every processor
    return dict(zip(bursts, (float(level) for level in levels_of_blocks(logs[np.newaxis])[0]), strict=True))


def levels_of_blocks(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the levels of several blocks of one shape; see `paired_levels`.

    Args:
        logs: Logs of the bursts' times (blocks x trials x rounds).

    Returns:
        Levels (blocks x trials). Each is rounded once, so that vector width does not matter.
    """
    first = _fastest(logs, FIRST)[:, :, np.newaxis]
    disturbance = np.min(logs - first, axis=1, keepdims=True)
    return _fastest(logs - disturbance, LAST)


def _fastest(logs: NDArray[np.float64], of: int) -> NDArray[np.float64]:
    """Return the mean along the last axis of the smallest one of so many values, of at least one."""
    count = -(-logs.shape[2] // of)
    smallest = np.partition(logs, count - 1, axis=2)[:, :, :count]
    sums = row_sums([smallest[:, :, place].ravel() for place in range(count)])
    means: NDArray[np.float64] = sums.reshape(logs.shape[:2]) / count
    return means
