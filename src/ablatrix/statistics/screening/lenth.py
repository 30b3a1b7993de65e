"""Which of many effects stand out from the rest, by their sizes alone (Lenth 1989, "Quick and easy analysis ...").

Most factors of a screening do nothing. Then most effects are noise, and the noise can be told from their middle: its
pseudo standard error is 1.5 times the median of all sizes that are below 2.5 times such a first guess. That needs no
repeats, and so is a check on intervals over blocks: it also sees what is the same in every block. Where many factors do
something, it is too large, and little stands out.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 5
"""Effects: a median of fewer is no noise."""


@dataclass(frozen=True)
class Lenth:
    """The noise of effects.

    Attributes:
        pseudo_error: Their pseudo standard error.
        margin: What a single effect of noise stays below with 95 %: t with a third as many degrees of freedom as there
            are effects.
        simultaneous: What all of them stay below with 95 %.
    """

    pseudo_error: float
    margin: float
    simultaneous: float


def lenth(effects: Sequence[float]) -> Lenth:
    """Return the noise of effects on the logarithm.

    Args:
        effects: At least ``LEAST``, of one variance.

    Raises:
        ValueError: Fewer.
    """
    from scipy.special import stdtrit  # what scipy.stats.t.ppf returns; importing scipy.stats costs half a second

    count = len(effects)
    if count < LEAST:
        raise ValueError(f"at least {LEAST} effects must be given, but got {count}")
    sizes = [abs(effect) for effect in effects]
    first = 1.5 * statistics.median(sizes)
    error = 1.5 * statistics.median([size for size in sizes if size <= 2.5 * first])
    all_below = (1.0 + 0.95 ** (1.0 / count)) / 2.0
    return Lenth(error, *(float(stdtrit(count / 3.0, one)) * error for one in (0.975, all_below)))
