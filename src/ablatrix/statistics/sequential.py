"""Whether a configuration is as slow as another one was: a sequential test of log ratios, one a block.

Two values are possible: no slow-down, and the one that was seen before. What lies nearer to the one is taken for it, as
soon as the chance of being wrong is small enough; until then a further block is asked for. The noise of a block is not
assumed: it is pooled over all that was measured so far (Student's t with a prior of a few degrees of freedom, as one
block has no spread of its own), so that most answers take one block.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

PRIOR_SPREAD, PRIOR_FREEDOM = 0.01, 4.0
"""Spread of a block's log ratio before anything was measured, and how many degrees of freedom that is worth."""
LAYOUT_SHARE = 0.5
"""Share of the spread that further blocks of one configuration do not average out: where its code happens to lie. Of a
spread beyond the prior's, which other load makes, blocks average all."""


@dataclass(frozen=True)
class Spread:
    """How much a log ratio scatters from block to block.

    Attributes:
        value: Its standard deviation.
        freedom: Degrees of freedom of the estimate.
    """

    value: float = PRIOR_SPREAD
    freedom: float = PRIOR_FREEDOM


@dataclass(frozen=True)
class Nearness:
    """Which of two values log ratios are nearer to.

    Attributes:
        slow: Whether it is the slow-down.
        doubt: The chance that this is wrong, from 0 to 0.5.
    """

    slow: bool
    doubt: float


def pooled_spread(groups: Iterable[Sequence[float]]) -> Spread:
    """Return the spread within groups of log ratios, those of one configuration each, with that of the prior."""
    squares, freedom = PRIOR_FREEDOM * PRIOR_SPREAD**2, PRIOR_FREEDOM
    for group in groups:
        if len(group) > 1:
            values = np.asarray(group, dtype=np.float64)
            squares += float(((values - values.mean()) ** 2).sum())
            freedom += len(group) - 1
    return Spread(math.sqrt(squares / freedom), freedom)


def nearness(logs: Sequence[float], step: float, spread: Spread) -> Nearness:
    """Return whether log ratios are nearer to a slow-down than to none.

    Args:
        logs: One a block, at least one.
        step: The log ratio of the slow-down, above 0.
        spread: Of one block.

    Raises:
        ValueError: No block, or a step that is not above 0.
    """
    if not logs or step <= 0.0:
        raise ValueError(f"at least one block and a step above 0 are needed, but got {len(logs)} and {step}")
    from scipy.special import stdtr

    distance = math.fsum(logs) / len(logs) - step / 2.0
    layout = LAYOUT_SHARE * min(spread.value, PRIOR_SPREAD)
    error = math.sqrt(layout**2 + (spread.value**2 - layout**2) / len(logs))
    return Nearness(distance > 0.0, float(stdtr(spread.freedom, -abs(distance) / error)))
