"""What the trials of one block take, with what disturbed whole rounds, and single bursts, taken out.

The trials of a block take one burst each in every round. Whatever disturbs them adds time: a neighbour slows all bursts
of a round, or stops a few of them. So times are compared round by round, and by what was disturbed least:

    log y[i, r] = level[i] + disturbance[r] + noise[i, r],    disturbance and noise >= 0 but for what is always there

``y[i, r]`` is the fastest iteration of trial i's burst in round r. Each trial has a first level: the mean of the
fastest tenth of its bursts. The disturbance of a round is what even its least disturbed trial lost: the smallest
distance of a trial from its first level. The *calm* level is the mean of the fastest third of a trial's bursts after
that is taken out. That noise of timing is not symmetric, and that the fastest runs therefore say most, is from Chen &
Revels 2016, "Robust benchmarking in noisy environments", section 3; that rows and columns are taken out in turn is as
in a median polish (Tukey 1977, "Exploratory Data Analysis", chapter 11).

Some machines are never calm: a neighbour on the other thread of the core slows nearly all bursts by half, and the
fastest are the few that it left alone, of one trial and not of another. There the *usual* level says more: what the
middle trial lost in a round is taken out, and the level is the mean of a trial's middle three fifths. Which of both a
block has is decided by the block itself: each is made four times, from every fourth round, and the usual one is taken
where it varies less between these, over all trials together and by a fifth at least. That a sample's own spread chooses
its estimator is from Hogg 1974, "Adaptive robust procedures" (JASA 69). The choice depends on no trial in particular,
so two equal trials stay equal on average. Decisions 0009 and 0020 (``docs/decisions``) compare estimators.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.quantile import finite_values, row_sums

Key = TypeVar("Key", bound=Hashable)
FIRST, LAST = 10, 3
"""Of so many bursts one is taken, for the first level and for the last."""
CUT = 5
"""Of so many bursts one is left out at either end, for the usual level."""
PARTS = 4
"""Parts of a block, of every so many rounds, between which levels vary; each has two rounds at least."""
STEADIER = 0.8
"""Share of the variance of the calm levels that the usual ones may have at most to be taken."""


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


def twin_levels(level: float, twin: float) -> tuple[float, float]:
    """Return the levels of a trial and of its twin, a second trial of the same configuration in the same block.

    Both measured the configuration, so its level is the mean of both, which scatters less than either does. The twin's
    distance from the trial, which is noise alone and tests the instrument, stays as it was: of values that scatter
    alike, it is independent of the mean.

    Args:
        level: Of the trial by itself.
        twin: Of the twin by itself.
    """
    mean = (level + twin) / 2.0
    return mean, mean + (twin - level)


def levels_of_blocks(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the levels of several blocks of one shape; see `paired_levels`.

    Args:
        logs: Logs of the bursts' times (blocks x trials x rounds).

    Returns:
        Levels (blocks x trials). Each is rounded once, so that vector width does not matter.
    """
    calm = calm_levels(logs)
    if logs.shape[2] < 2 * PARTS:
        return calm
    is_steadier = _variance(logs, usual_levels) < STEADIER * _variance(logs, calm_levels)
    return np.where(is_steadier[:, np.newaxis], usual_levels(logs), calm) if is_steadier.any() else calm


def calm_levels(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each trial's fastest third, without what even the least disturbed trial lost in a round."""
    first = _fastest(logs, FIRST)[:, :, np.newaxis]
    disturbance = np.min(logs - first, axis=1, keepdims=True)
    return _fastest(logs - disturbance, LAST)


def usual_levels(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each trial's middle three fifths, without what the middle trial lost in a round."""
    lost = np.median(logs - np.median(logs, axis=2, keepdims=True), axis=1, keepdims=True)
    left_out = logs.shape[2] // CUT
    return _mean(np.sort(logs - lost, axis=2)[:, :, left_out : logs.shape[2] - left_out])


def _variance(
    logs: NDArray[np.float64], levels: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return, for each block, how much levels vary between its parts, summed over trials."""
    parts = np.stack([levels(logs[:, :, part::PARTS]) for part in range(PARTS)], axis=2)
    parts -= _mean(parts.swapaxes(1, 2))[:, np.newaxis]  # a part is as fast as its rounds: only differences count
    parts -= _mean(parts)[:, :, np.newaxis]
    squares = (parts * parts).reshape(parts.shape[0], -1)
    return row_sums(list(squares.T))


def _fastest(logs: NDArray[np.float64], of: int) -> NDArray[np.float64]:
    """Return the mean along the last axis of the smallest one of so many values, of at least one."""
    count = -(-logs.shape[2] // of)
    return _mean(np.partition(logs, count - 1, axis=2)[:, :, :count])


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean along the last axis, each rounded once."""
    sums = row_sums([values[:, :, place].ravel() for place in range(values.shape[2])])
    means: NDArray[np.float64] = sums.reshape(values.shape[:2]) / values.shape[2]
    return means
