"""Do two separate measurements of the same thing agree? Between runs nothing is paired, so by Welch's interval.

  1/(1+m)            1            1+m
----[----------------+-------------]----
        |------x-----|--|                within: the interval of one over the other lies within the margin
    |---------x-------------------|      overlapping: neither; no difference is shown
                                    |-x-|  apart: a difference is shown, and not within the margin
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import NO_ALLOWANCE, Allowance, Ratio, paired_ratio, welch_ratio

State = Literal["within", "overlapping", "apart", "opposite", "undecided"]


@dataclass(frozen=True)
class Sides:
    """One quantity as two measurements saw it: its log in each block of the one and of the other.

    Attributes:
        exact: Computed or counted: it has no spread, and one block is enough.
        signed: A log ratio, whose sign means something, not a plain time.
        allowance: What a comparison must allow for beyond the scatter of blocks.
    """

    one: tuple[float, ...]
    other: tuple[float, ...]
    exact: bool = False
    signed: bool = True
    allowance: Allowance = NO_ALLOWANCE


@dataclass(frozen=True)
class Agreement:
    """Whether two measurements agree.

    Attributes:
        ratio: The other over the one, with Welch's interval on logarithms.
        p_holm: Of the two being equal, adjusted over all that are compared together.
        state: ``within`` the margin; ``overlapping``: no difference is shown, and it is not known to lie within it;
            ``apart``: a difference is shown; ``opposite``: apart, and the two lie on different sides of 1, each with
            its own interval; ``undecided``: a side has fewer than two blocks.
    """

    ratio: Ratio
    p_holm: float | None
    state: State


def agreements(pairs: Sequence[Sides], margin: float) -> list[Agreement]:
    """Return whether each pair agrees.

    Welch 1947, "The generalization of Student's problem when several different population variances are involved";
    p-values are adjusted over all pairs (Holm 1979), so that among many equal pairs none is called different by chance.

    Args:
        pairs: Each side with at least one block.
        margin: Largest relative difference that counts as none.

    Raises:
        ValueError: A side without a block, or a margin that is not positive.
    """
    if not margin > 0.0:
        raise ValueError(f"margin > 0 must hold, but got margin={margin}")
    ratios = [_ratio(pair) for pair in pairs]
    adjusted = iter(holm([ratio.p_value for ratio in ratios if ratio.p_value is not None]))
    p_values = [None if ratio.p_value is None else next(adjusted) for ratio in ratios]
    return [
        Agreement(ratio, p_value, _state(pair, ratio, p_value, margin))
        for pair, ratio, p_value in zip(pairs, ratios, p_values, strict=True)
    ]


def _ratio(pair: Sides) -> Ratio:
    if pair.exact:
        value = math.exp(pair.other[0] - pair.one[0])
        return Ratio(value, value, value, min(len(pair.one), len(pair.other)))
    return welch_ratio(np.exp(pair.other), np.exp(pair.one), allowance=pair.allowance)


def _state(pair: Sides, ratio: Ratio, p_value: float | None, margin: float) -> State:
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if max(ratio.high, 1.0 / ratio.low) <= 1.0 + margin:
        return "within"
    if p_value is not None and p_value > ALPHA:
        return "overlapping"
    return (
        "opposite"
        if pair.signed and _side(pair.one, pair.allowance) * _side(pair.other, pair.allowance) < 0
        else "apart"
    )


def _side(logs: tuple[float, ...], allowance: Allowance) -> int:
    """Return -1 or 1 for the side of 1 on which a ratio lies with its interval, 0 when the interval holds 1."""
    found = paired_ratio(logs, allowance=allowance)
    if found.low is None or found.high is None:  # an exact figure of one block
        return (logs[0] > 0.0) - (logs[0] < 0.0)
    return found.side
