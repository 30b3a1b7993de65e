"""A screening as it was run: from the levels of knobs in its configurations, and times by block, to what knobs do."""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ablatrix.statistics.multiplicity import benjamini_hochberg
from ablatrix.statistics.ratio import NO_ALLOWANCE, ROUNDING, Allowance, Ratio
from ablatrix.statistics.screening.checks import DesignCheck, design_checks
from ablatrix.statistics.screening.collapse import collapsed
from ablatrix.statistics.screening.design import Array, Kind, ScreeningDesign, Word, make_design
from ablatrix.statistics.screening.designs import one_at_a_time
from ablatrix.statistics.screening.effects import screened_effects
from ablatrix.statistics.screening.groups import Group, LeftOut, left_out
from ablatrix.statistics.screening.permutations import Order, coalitions
from ablatrix.statistics.screening.sampled import sampled_shapley

Levels = tuple[Any, ...]
Block = Mapping[Any, float]
"""The logs of a block's values, by the levels of the factors."""
FALSE_DISCOVERIES = 0.05
"""Share of false ones among the factors that a screening finds, at most, in the mean (Benjamini & Hochberg 1995)."""


@dataclass(frozen=True, kw_only=True)
class ObservedEffect:
    """What a factor does, or two together.

    Attributes:
        word: The factor, or the two; the same twice for a curve.
        ratio: See `ScreenedEffect` and `Collapsed`; None where what has values cannot tell.
        q_value: Adjusted over the factors, or over the pairs (Benjamini & Hochberg 1995).
        stands_out: See `ScreenedEffect`.
        aliases: Effects that cannot be told from it.
        share: The Shapley share of a factor, where all corners are known.
        acts: In how many of the pairs of corners a factor changes the program, and how many there are.
    """

    word: Word
    ratio: Ratio | None
    q_value: float | None
    stands_out: bool | None = None
    aliases: tuple[Word, ...] = ()
    share: Ratio | None = None
    acts: tuple[int, int] | None = None

    @property
    def is_found(self) -> bool:
        """Whether it is found at the false discovery rate; what never varies needs no test."""
        if self.ratio is None:
            return False
        if self.q_value is None:
            return self.ratio.count > 1 and abs(math.log(self.ratio.value)) > ROUNDING
        return self.q_value <= FALSE_DISCOVERIES

    @property
    def size(self) -> float:
        """How large it is, on the logarithm."""
        return 0.0 if self.ratio is None else abs(math.log(self.ratio.value))


@dataclass(frozen=True)
class Observed:
    """What a screening shows.

    Attributes:
        factors: In the order of the factors.
        pairs: Interactions and curves, as far as its design shows them.
        checks: Tests of what its design assumes.
        runs: Configurations that were issued.
        groups: Of a search by groups, what is known of leaving factors out; else None.
    """

    factors: tuple[ObservedEffect, ...]
    pairs: tuple[ObservedEffect, ...]
    checks: tuple[DesignCheck, ...]
    runs: int
    groups: LeftOut | None = None

    @property
    def found(self) -> list[int]:
        """The factors that are found, the largest first."""
        held = sorted((one for one in self.factors if one.is_found), key=lambda one: (-one.size, one.word))
        return [one.word[0] for one in held]


def observe(
    levels: Sequence[Sequence[Hashable]],
    issued: Sequence[Levels],
    blocks: Sequence[Block],
    kind: str,
    resolution: int | None,
    allowance: Allowance = NO_ALLOWANCE,
) -> Observed:
    """Return what a screening shows that timed the runs of its design.

    Args:
        levels: Of each factor: two, the baseline's first, or low, middle and high.
        issued: The levels of all factors in each run that was issued, in any order and as often as it was.
        blocks: What was measured.
        kind: That of the design, see `Kind`.
        resolution: That of the design.
        allowance: See `screened_effects`.

    Raises:
        ValueError: A run with another level, or of another number of factors.
    """
    design, runs = _design(levels, issued, cast(Kind, kind), resolution)
    times = _table(runs, blocks)
    if not np.isfinite(times).any():
        return Observed((), (), (), len(runs))
    effects = screened_effects(design, times, allowance=allowance)
    found = [
        ObservedEffect(
            word=one.word, ratio=one.ratio, q_value=one.q_value, stands_out=one.stands_out, aliases=one.aliases
        )
        for one in effects
    ]
    singles = tuple(one for one in found if len(one.word) == 1)
    pairs = tuple(one for one in found if len(one.word) == 2)
    return Observed(singles, pairs, design_checks(design, times, effects), len(runs))


def observe_corners(
    corners: Mapping[Levels, Sequence[int]], blocks: Sequence[Block], allowance: Allowance = NO_ALLOWANCE
) -> Observed:
    """Return what a screening shows all of whose corners were compiled, and each distinct program timed.

    Args:
        corners: By the levels of the factors in the corner that was timed for a program, all its corners.
        blocks: What was measured.
        allowance: See `collapsed`.
    """
    runs = tuple(corners)
    times = _table(runs, blocks)
    count = sum(map(len, corners.values()))
    if not np.isfinite(times).any():
        return Observed((), (), (), len(runs))
    program_of = np.full(count, -1, dtype=np.int_)
    for number, held in enumerate(corners.values()):
        program_of[list(held)] = number
    whole = collapsed(program_of, times, allowance=allowance)
    pairs_of_corners = count // 2
    factors = tuple(
        ObservedEffect(word=(factor,), ratio=ratio, q_value=q_value, share=share, acts=(acts, pairs_of_corners))
        for factor, (ratio, q_value, share, acts) in enumerate(
            zip(whole.main, _adjusted(whole.main), whole.shares, whole.acts, strict=True)
        )
    )
    crossed = list(whole.interactions.items())
    q_values = _adjusted([ratio for _, ratio in crossed])
    pairs = tuple(
        ObservedEffect(word=word, ratio=ratio, q_value=q_value)
        for (word, ratio), q_value in zip(crossed, q_values, strict=True)
    )
    return Observed(factors, pairs, (), len(runs))


def observe_orders(
    levels: Sequence[Sequence[Hashable]],
    orders: Sequence[Order],
    blocks: Sequence[Block],
    allowance: Allowance = NO_ALLOWANCE,
) -> Observed:
    """Return what sampled orders show: the Shapley share of each factor.

    Args:
        levels: Of each factor: the baseline's and the other one.
        orders: Pairs of orders; those that were not run are no part of the sample.
        blocks: What was measured.
        allowance: See `sampled_shapley`.
    """
    runs = [tuple(held[moved] for held, moved in zip(levels, row, strict=True)) for row in coalitions(orders)]
    times = _table(runs, blocks)
    issued = sum(bool(np.isfinite(column).any()) for column in times.T)
    try:
        shares = sampled_shapley(orders, times, allowance=allowance)
    except ValueError:  # no pair of orders is whole
        return Observed((), (), (), issued)
    ratios = [one.ratio for one in shares]
    factors = tuple(
        ObservedEffect(word=(factor,), ratio=ratio, q_value=q_value, share=ratio)
        for factor, (ratio, q_value) in enumerate(zip(ratios, _adjusted(ratios), strict=True))
    )
    return Observed(factors, (), (), issued)


def observe_groups(
    levels: Sequence[Sequence[Hashable]],
    issued: Sequence[Levels],
    blocks: Sequence[Block],
    *,
    idle: Collection[int] = (),
    baseline: Levels = (),
    fails: Collection[Levels] = (),
    allowance: Allowance = NO_ALLOWANCE,
) -> Observed:
    """Return what a search by groups shows: configurations that leave out some of all factors.

    Args:
        levels: Of each factor: as it stays, and as it is left out.
        issued: The levels of all factors in each run that was issued, in the order of their blocks.
        blocks: What was measured.
        idle: Factors that change nothing, which are left out only where all that can go is.
        baseline: The levels of the baseline, which is in every block whether it is asked for or not.
        fails: Levels of runs that do not work.
        allowance: See `left_out`.
    """
    groups = [group for one in dict.fromkeys(issued) if (group := _left(levels, one))]
    given = _left(levels, baseline)
    own = _without_baseline(groups, given) if given else groups
    measured = [{_left(levels, one): value for one, value in block.items()} for block in blocks]
    table = _table([(), *own], measured)
    broken = {_left(levels, one) for one in fails}
    count = len(levels) - len(idle)
    found = left_out(own, table, count, broken, allowance)
    together = tuple(sorted({*found.free, *idle}))
    if given and given == together and given not in own:  # the baseline itself is what is left
        found = left_out([*own, given], _table([(), *own, given], measured), count, broken, allowance)
    tests = {one.factors[0]: one for one in found.tests if len(one.factors) == 1}
    factors = tuple(
        ObservedEffect(
            word=(factor,),
            ratio=tests[factor].ratio if factor in tests else None,
            q_value=tests[factor].p_value if factor in tests else None,
        )
        for factor in range(len(levels))
        if factor not in idle
    )
    return Observed(factors, (), (), 1 + len(own), found)


def _left(levels: Sequence[Sequence[Hashable]], run: Levels) -> Group:
    """Return the factors that a run leaves out."""
    return tuple(number for number, (held, one) in enumerate(zip(levels, run, strict=False)) if one == held[-1])


def _without_baseline(groups: Sequence[Group], given: Group) -> list[Group]:
    """Leave out the baseline's group, unless it fits into the search: it contains no other, and overlaps none."""
    others = [{*group} for group in groups if group != given]
    fits = all({*given} <= other or not {*given} & other for other in others)
    return [group for group in groups if group != given or fits]


def _adjusted(ratios: Sequence[Ratio | None]) -> list[float | None]:
    known = [None if ratio is None else ratio.p_value for ratio in ratios]
    adjusted = iter(benjamini_hochberg([value for value in known if value is not None]))
    return [None if value is None else next(adjusted) for value in known]


def _design(
    levels: Sequence[Sequence[Hashable]], issued: Sequence[Levels], kind: Kind, resolution: int | None
) -> tuple[ScreeningDesign, tuple[Levels, ...]]:
    """Return the design with the levels of each of its runs."""
    if kind == "one_at_a_time":
        single = one_at_a_time(len(levels), "baseline")
        runs = (tuple(held[code] for held, code in zip(levels, run, strict=True)) for run in single.runs)
        return single, tuple(runs)
    distinct = tuple(dict.fromkeys(issued))
    rows = [[_code(held, level) for held, level in zip(levels, one, strict=True)] for one in distinct]
    return make_design(np.array(rows, dtype=np.int_), kind, resolution), distinct


def _table(runs: Sequence[Levels], blocks: Sequence[Block]) -> Array:
    """Return the values of blocks by run (blocks x runs); NaN where a block has none."""
    places = {one: run for run, one in enumerate(runs)}
    found: Array = np.full((len(blocks), len(runs)), math.nan)
    for row, block in enumerate(blocks):
        for one, value in block.items():
            if one in places:
                found[row, places[one]] = value
    return found


def _code(levels: Sequence[Hashable], level: Hashable) -> int:
    """Return a level as designs have it: 0 or 1; of three -1, 0 or 1.

    Raises:
        ValueError: It is none of them.
    """
    place = list(levels).index(level)
    return place - 1 if len(levels) == 3 else place
