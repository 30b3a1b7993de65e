"""What the trials of one block take, with what disturbed whole rounds, and single bursts, taken out.

The trials of a block take one burst each in every round. A drift or a neighbour slows all bursts of a round, or stops a
few of them. So times are compared round by round, and robustly over the rounds:

    log y[i, r] = level[i] + disturbance[r] + noise[i, r]

``y[i, r]`` is the median of trial i's burst in round r. The disturbance of a round is the median over the trials of
their distance from their own median, as in one step of a median polish (Tukey 1977, "Exploratory Data Analysis",
chapter 11). The level is the 20 % trimmed mean over rounds of what remains (Tukey & McLaughlin 1963; Wilcox 2012,
"Introduction to Robust Estimation and Hypothesis Testing", section 3.3). For two trials the difference of their
levels is the trimmed mean over rounds of the log ratios within rounds; for more, differences add up.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import finite_values

Key = TypeVar("Key", bound=Hashable)
TRIMMED_SHARE = 0.2


def paired_levels(bursts: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    """Return the level of each trial of a block: the log of its time in an undisturbed round.

    Only differences of levels within the block have a meaning of their own.

    Args:
        bursts: For each trial the medians of its bursts, in the order of rounds: all of one length, positive.

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
        logs: Logs of burst medians (blocks x trials x rounds).

    Returns:
        Levels (blocks x trials). Each is rounded once, so that vector width does not matter.
    """
    distances = logs - np.median(logs, axis=2, keepdims=True)
    remainder = np.sort(logs - np.median(distances, axis=1, keepdims=True), axis=2)
    cut = int(TRIMMED_SHARE * logs.shape[2])
    kept = remainder[:, :, cut : logs.shape[2] - cut]
    sums = list(map(math.fsum, kept.reshape(-1, kept.shape[2]).tolist()))
    levels: NDArray[np.float64] = np.array(sums).reshape(logs.shape[:2]) / kept.shape[2]
    return levels
