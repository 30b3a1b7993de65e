"""Of many changes the largest: what every output shows of them, and between what the others lie."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ablatrix.statistics.ratio import Ratio

MOST_CHANGES, SHOWN_CHANGES = 24, 16
"""So many changes are shown one by one; of more the largest so many, and the others in a line."""

Value = Ratio | float | None
Change = TypeVar("Change", bound=Hashable)


@dataclass(frozen=True)
class Largest(Generic[Change]):
    """The changes that are shown.

    Attributes:
        shown: All of few, in their order; of many the largest, the largest first.
        others: How many there are beside them.
        ends: The smallest and the largest ratio of the others; None where they have none.
    """

    shown: tuple[Change, ...]
    others: int = 0
    ends: tuple[float, float] | None = None


def largest(
    ratios: Mapping[Change, Sequence[Value]], most: int = MOST_CHANGES, shown: int = SHOWN_CHANGES
) -> Largest[Change]:
    """Return the changes that are shown.

    Args:
        ratios: Of each change, in their order, those of all workloads; None or nothing where it has none.
        most: So many are all shown.
        shown: So many of more.
    """
    if len(ratios) <= most:
        return Largest(tuple(ratios))
    known = {one: [value for ratio in held if (value := _value(ratio))] for one, held in ratios.items()}
    sizes = {one: max((abs(math.log(ratio)) for ratio in held), default=0.0) for one, held in known.items()}
    ordered = sorted(ratios, key=lambda one: -sizes[one])
    rest = [ratio for one in ordered[shown:] for ratio in known[one]]
    return Largest(tuple(ordered[:shown]), len(ordered) - shown, (min(rest), max(rest)) if rest else None)


def _value(ratio: Value) -> float | None:
    return ratio.value if isinstance(ratio, Ratio) else ratio
