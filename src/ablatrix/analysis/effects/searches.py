"""Searches by groups: which knobs can go from all on, what was tried for it, and what is not proven."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.statistics.ratio import Ratio
from ablatrix.statistics.screening import GroupTest, LeftOut


@dataclass(frozen=True, kw_only=True)
class ScreenedGroup:
    """What leaving some knobs out of all on does.

    Attributes:
        knobs: Those that are left out together.
        ratio: What it multiplies the metric by; None without a value.
        p_value: Adjusted over all groups of the search; see `left_out`.
        matters: Whether it is not the same without them.
        fails: Whether what is left does not work.
    """

    knobs: tuple[str, ...]
    ratio: Ratio | None
    p_value: float | None
    matters: bool
    fails: bool


@dataclass(frozen=True, kw_only=True)
class GroupSearch:
    """What is known of leaving knobs out.

    Attributes:
        tests: The groups, in the order in which they were left out.
        free: Knobs of which no effect was found, alone or in their group, so that they can go.
        joint: Knobs that matter together while no part of them does.
        undivided: Groups that matter and were not divided, as no configurations were left for it.
        together: All that can go left out at once, idle knobs among them; None where it was not tried.
    """

    tests: tuple[ScreenedGroup, ...]
    free: tuple[str, ...]
    joint: tuple[tuple[str, ...], ...]
    undivided: tuple[tuple[str, ...], ...]
    together: ScreenedGroup | None

    @property
    def broken(self) -> tuple[str, ...]:
        """Knobs without which what is left does not work."""
        return tuple(one.knobs[0] for one in self.tests if one.fails and len(one.knobs) == 1)

    @property
    def reach(self) -> float | None:
        """The widest half-width of the intervals of what was not found, on the logarithm."""
        held = (one.ratio for one in self.tests if not one.matters and one.ratio is not None)
        return max((width for one in held if (width := one.half_width) is not None), default=None)

    def group_of(self, knob: str) -> ScreenedGroup | None:
        """Return the smallest group with a knob that was left out."""
        return min((one for one in self.tests if knob in one.knobs), key=lambda one: len(one.knobs), default=None)


def group_search(found: LeftOut, names: Sequence[str]) -> GroupSearch:
    """Return a search with the names of its knobs."""

    def named(one: GroupTest) -> ScreenedGroup:
        return ScreenedGroup(
            knobs=tuple(names[factor] for factor in one.factors),
            ratio=one.ratio,
            p_value=one.p_value,
            matters=one.matters,
            fails=one.fails,
        )

    def several(groups: Sequence[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(names[factor] for factor in group) for group in groups)

    return GroupSearch(
        tests=tuple(named(one) for one in found.tests),
        free=tuple(names[factor] for factor in found.free),
        joint=several(found.joint),
        undivided=several(found.undivided),
        together=None if found.together is None else named(found.together),
    )
