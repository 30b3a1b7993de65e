"""Which of many factors can go: groups are left out together, and a group that matters is divided (group testing).

Dorfman 1943, "The detection of defective members of large populations"; for effects with noise, sequential bifurcation:
Bettonvil & Kleijnen 1997, "Searching for important factors in simulation models with many factors". What it takes for
granted is that what matters in a group does not cancel out there; the test of all that can go at once is a check.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ablatrix.statistics.multiplicity import ALPHA
from ablatrix.statistics.ratio import NO_ALLOWANCE, ROUNDING, Allowance, Ratio, ratio_of
from ablatrix.statistics.screening.design import Array
from ablatrix.statistics.screening.intra_block import filled_blocks, intra_block_estimates

Group = tuple[int, ...]


@dataclass(frozen=True)
class GroupTest:
    """What leaving a group out does.

    Attributes:
        factors: The group.
        ratio: What it multiplies the time by, all others staying; None where it has no value.
        p_value: Adjusted: of any group without an effect being called, whatever was tested after what, the chance is
            at most as much. None without a p-value.
        fails: Whether what is left does not work.
    """

    factors: Group
    ratio: Ratio | None
    p_value: float | None
    fails: bool = False

    @property
    def matters(self) -> bool:
        """Whether leaving it out is not the same; what never varies needs no test."""
        if self.fails:
            return True
        if self.ratio is None:
            return False
        if self.p_value is None:
            return self.ratio.count > 1 and abs(np.log(self.ratio.value)) > ROUNDING
        return self.p_value <= ALPHA

    @property
    def is_known(self) -> bool:
        """Whether anything was measured of it."""
        return self.fails or self.ratio is not None


@dataclass(frozen=True)
class LeftOut:
    """What is known of leaving factors out.

    Attributes:
        tests: The search, in the order in which its groups were left out.
        together: All that can go left out at once, where that was tried.
    """

    tests: tuple[GroupTest, ...]
    together: GroupTest | None

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """The factors that matter by themselves."""
        return tuple(sorted(one.factors[0] for one in self.tests if len(one.factors) == 1 and one.matters))

    @cached_property
    def joint(self) -> tuple[Group, ...]:
        """Groups that matter while no part of them does."""
        return tuple(
            one.factors
            for one in self.tests
            if one.matters and self._is_divided(one) and not any(part.matters for part in self._parts(one))
        )

    @cached_property
    def undivided(self) -> tuple[Group, ...]:
        """Groups of several that matter and were not divided: which of them it takes is open."""
        held = (one for one in self.tests if one.matters and len(one.factors) > 1)
        return tuple(one.factors for one in held if not self._is_divided(one))

    @cached_property
    def free(self) -> tuple[int, ...]:
        """The factors of which no effect was found, by themselves or in their group, and that can go."""
        taken = {*self.needed}.union(*self.joint, *self.undivided)
        unknown = {factor for one in self.tests if not one.is_known for factor in one.factors}
        every = {factor for one in self.tests for factor in one.factors}
        return tuple(sorted(every - taken - unknown))

    def _parts(self, whole: GroupTest) -> list[GroupTest]:
        return [one for one in self.tests if {*one.factors} < {*whole.factors}]

    def _is_divided(self, whole: GroupTest) -> bool:
        parts = self._parts(whole)
        return bool(parts) and {*whole.factors} == {factor for one in parts for factor in one.factors}


def left_out(
    groups: Sequence[Group],
    log_times: Array,
    factors: int,
    fails: Collection[Group] = (),
    allowance: Allowance = NO_ALLOWANCE,
) -> LeftOut:
    """Return what leaving out each group does, against all factors staying.

    Levels are estimated within blocks, with one variance of the noise (`intra_block_estimates`), as each round has few
    blocks. The p-value of a group of c out of k factors is multiplied by k / c, and is at least that of any group that
    contains it: so the chance of calling any that does nothing is at most 5 % over all rounds, whatever was divided
    (Meinshausen 2008, "Hierarchical testing of variable importance").

    Args:
        groups: In the order in which they were tried, each with its factors in order. One that contains an earlier one
            is no part of the search: the last such is all that can go, at once.
        log_times: Blocks x (1 + groups), the first of all factors staying, NaN where there is no value.
        factors: How many can be left out, k.
        fails: Groups without which what is left does not work.
        allowance: What each interval must allow for beyond the scatter of blocks.

    Raises:
        ValueError: Another number of columns.
    """
    if log_times.ndim != 2 or log_times.shape[1] != 1 + len(groups):
        raise ValueError(f"a column for all and for each of {len(groups)} groups is needed, got {log_times.shape}")
    ratios = _ratios(log_times, allowance)
    known = {one: None if ratio is None else ratio.p_value for one, ratio in zip(groups, ratios, strict=True)}
    found: list[GroupTest] = []
    together = None
    for number, (one, ratio) in enumerate(zip(groups, ratios, strict=True)):
        if any({*earlier} < {*one} for earlier in groups[:number]):
            together = GroupTest(one, ratio, known[one], one in fails)
            continue
        around = [other for other in groups[: number + 1] if {*other} >= {*one}]
        adjusted = [_weighted(value, other, factors) for other in around if (value := known[other]) is not None]
        own = max(adjusted) if known[one] is not None else None
        found.append(GroupTest(one, ratio, own, one in fails))
    return LeftOut(tuple(found), together)


def _weighted(p_value: float, group: Group, factors: int) -> float:
    return min(1.0, p_value * factors / len(group))


def _ratios(log_times: Array, allowance: Allowance) -> list[Ratio | None]:
    count = log_times.shape[1]
    times = filled_blocks(log_times)
    if not np.isfinite(times[:, 0]).any():
        return [None] * (count - 1)
    estimates = intra_block_estimates(times).against_first()[1:]
    return [None if one is None else ratio_of(one, allowance=allowance) for one in estimates]


def first_groups(factors: Sequence[int], places: int) -> tuple[Group, ...]:
    """Return the groups that are left out first: as many as there are places, neighbours together."""
    return _divided(tuple(factors), min(len(factors), max(1, places)))


def next_groups(found: LeftOut, places: int) -> tuple[Group, ...]:
    """Return the parts of the groups that matter and were not divided, as small as there are places for."""
    waiting = found.undivided[: places // 2]
    if not waiting:
        return ()
    each = places // len(waiting)
    return tuple(part for one in waiting for part in _divided(one, min(len(one), each)))


def _divided(group: Group, parts: int) -> tuple[Group, ...]:
    split = np.array_split(np.array(group, dtype=np.int_), parts) if group else []
    return tuple(tuple(map(int, part)) for part in split if part.size)
