"""What each knob does, and how the whole is made up of what the knobs do; each figure a ratio over blocks.

Every effect is computed in each block by itself, on logarithms, and then taken over blocks. What needs a
configuration that is not ok is "not attributable", with the reason; nothing is imputed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.effect_metrics import is_exact
from ablatrix.analysis.effects.grid import FactorialGrid, factorial_grids
from ablatrix.analysis.effects.over_hosts import EffectOnHosts, effect_on_hosts
from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.effects.shapes import SPARSEST
from ablatrix.analysis.groups import Instrument, sort_key
from ablatrix.analysis.reasons import KnobLevels, Why, because
from ablatrix.errors import AnalysisError
from ablatrix.statistics.attribution import interactions, shapley, step, total
from ablatrix.statistics.precision import Configuration, Differences, Pair, mean_differences
from ablatrix.statistics.quantile import row_sums
from ablatrix.statistics.ratio import ROUNDING, Allowance, Estimate, Ratio, paired_estimate, paired_ratio

Kind = Literal["main", "around", "total", "add_one_in", "shapley", "leave_one_out", "interaction"]
Corner = frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect on one metric in one stage.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        digest: Of the workload: the same name can have several sizes.
        centre: Levels of the configuration that a stage is around, where they are not the baseline's.
        kind: ``main``: mean over the other knobs' levels. ``around``: a level against the centre of its stage.
            ``total``: from one named configuration to another; the others are its parts: ``add_one_in``: a knob
            alone. ``shapley``: its share. ``leave_one_out``: a knob, all others on. ``interaction``: how much more a
            knob does while another is on.
        knob: The knob that is moved; None for the total.
        base_level, level: From and to; for the total, the levels in which the two ends differ from the baseline.
        other: The second knob of an interaction.
        ratio: What it multiplies the metric by, with an interval over blocks. None when it is not attributable.
        exact: The ratio is no estimate: the metric is computed or counted, and is equal in all blocks.
        logs: The ratio in each block, as a logarithm; on each host, where the unit ran on several.
        allowance: What the interval allows for beyond the scatter of blocks.
        blocks_left_out: Blocks that lack a value that this effect needs.
        pairs, pairs_partial, pairs_missing: Main effects: pairs of configurations that are whole in every block, and
            make the effect; and that are omitted, as they are whole in some blocks only, or in none.
        same_program: Main effects: pairs that are omitted, as both levels are the same program there: (at the level, at
            the base level). Where all are, the knob is a *no-op*, and the effect is made of them.
        is_no_op: Whether the knob acts in none of its pairs.
        reason: Why it is not attributable; None where it is.
        hosts: Of a unit that ran on several hosts, main effects, levels around a centre and totals: the effect on each.
        of_hosts: The host of each of ``logs``; none where these are of blocks.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    mode: str
    metric: str
    stage: str
    centre: KnobLevels
    kind: Kind
    knob: str | None
    base_level: str
    level: str
    other: str | None
    ratio: Ratio | None
    exact: bool
    logs: tuple[float, ...]
    allowance: Allowance
    blocks_left_out: int
    pairs: int
    pairs_partial: int
    pairs_missing: int
    same_program: tuple[tuple[KnobLevels, KnobLevels], ...]
    is_no_op: bool
    reason: Why | None
    hosts: EffectOnHosts | None = None
    of_hosts: tuple[str, ...] = ()

    @property
    def blocks(self) -> int:
        """Blocks that it is made of, of all hosts."""
        return len(self.logs) if self.hosts is None else self.hosts.blocks

    @property
    def pairs_same(self) -> int:
        """How many pairs are the same program."""
        return len(self.same_program)

    @property
    def pairs_acting(self) -> tuple[int, int]:
        """In how many pairs the knob acts, and how many there are."""
        others = self.pairs + self.pairs_partial + self.pairs_missing
        return (0, others) if self.is_no_op else (others, others + self.pairs_same)

    @property
    def estimate(self) -> Estimate | None:
        """What the ratio is made of; None when it is not attributable."""
        return paired_estimate(self.logs) if self.logs else None


def main_effects(
    trials: pl.DataFrame,
    metric: str,
    mode: str,
    knobs: Sequence[str],
    instrument: Instrument | None = None,
    programs: SamePrograms | None = None,
    grids: Sequence[FactorialGrid] | None = None,
) -> list[Effect]:
    """Return the main effects of knobs, for each workload and compiler; see `effects_of_levels`.

    Each knob is taken from the first stage in which it varies, the largest stages first.

    Args:
        trials: The table of trials.
        metric: Column of a positive number.
        mode: ``cold`` or ``hot``.
        knobs: Names of knobs, without a prefix.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        programs: Which configurations are one program; what ``trials`` prove by default.
        grids: Of ``trials``, where they are known already.
    """
    if grids is None:
        grids = factorial_grids(trials, metric, mode, (), instrument, programs)
    by_unit: dict[tuple[Any, ...], list[FactorialGrid]] = {}
    for grid in grids:
        by_unit.setdefault((grid.workload, grid.digest, grid.compiler), []).append(grid)
    found = []
    for of_unit in by_unit.values():
        held = [(grid, effects_of_levels(grid)) for grid in of_unit if set(knobs) & set(grid.comparison.knobs)]
        for knob in knobs:
            first = next((effects for grid, effects in held if knob in grid.comparison.knobs), [])
            found += [effect for effect in first if effect.knob == knob]
    return found


def effects_of_levels(grid: FactorialGrid) -> list[Effect]:
    """Return what moving each knob from its base level to each other one does.

    In a factorial stage it is the main effect: the mean over the levels of the other knobs (see
    `ablatrix.statistics.precision.mean_differences`), without those at which both levels are the same program. Around
    a centre there is one pair, and nothing to average.
    """
    return [
        effect_of_pairs(
            grid,
            (knob, str(grid.comparison.baseline[grid.comparison.knobs.index(knob)]), str(level)),
            grid.comparison.pairs(knob, level),
        )
        for knob, level in grid.comparison.steps()
    ]


def effect_of_pairs(grid: FactorialGrid, name: tuple[str, str, str], every: Sequence[Pair]) -> Effect:
    """Return what moving a knob does in some pairs of configurations: the mean over those in which it acts.

    Args:
        grid: The measured configurations of a stage.
        name: The knob, the level that it is moved from, and the level that it is moved to.
        every: (configuration at the new level, the same at the old one); they differ in the knob alone.
    """
    knob, base, level = name
    acting = grid.acting(every)
    pairs = acting or every
    held = mean_differences(grid.columns, pairs)
    reason: Why | None = None
    if not held.values:
        corners = list(dict.fromkeys(one for pair in pairs for one in pair))
        reason = grid.why_missing(corners) or Why.of(because("no_whole_pair"))
    return _effect(
        grid,
        "main" if grid.kind == "factorial" else "around",
        (knob, base, level, None),
        _Estimated(
            held.values,
            grid.allowance(*grid.whole(pairs)),
            pairs=held,
            same=_levels_of(grid, [pair for pair in every if pair not in acting]),
            is_no_op=bool(every) and not acting,
            reason=reason,
            hosts=effect_on_hosts(grid, grid.whole(pairs)) if held.values else None,
        ),
    )


def interaction_of_pairs(grid: FactorialGrid, name: "Name", crossed: Sequence[tuple[Pair, Pair]]) -> Effect:
    """Return by which factor one knob's ratio is another one while a second knob is moved, in the mean over others.

    Args:
        grid: The measured configurations of a stage.
        name: The first knob, the levels that it is moved from and to, and the second knob.
        crossed: (pair of the first knob with the second one moved, the same pair with it not moved).
    """
    columns = grid.columns
    found = [columns[a] - columns[b] - (columns[c] - columns[d]) for (a, b), (c, d) in crossed]
    whole = [(one, sets) for one, sets in zip(found, crossed, strict=True) if one.size and not np.isnan(one).any()]
    corners = [tuple(one for pair in sets for one in pair) for _, sets in whole]
    values = (row_sums([one for one, _ in whole]) / len(whole)).tolist() if whole else []
    reason: Why | None = None
    if not values:
        every = list(dict.fromkeys(one for sets in crossed for pair in sets for one in pair))
        reason = grid.why_missing(every) or Why.of(because("no_whole_pair"))
    return _effect(grid, "interaction", name, _Estimated(values, grid.allowance(*corners), reason=reason))


def attribution(
    grid: FactorialGrid, start: Mapping[str, str] | None = None, end: Mapping[str, str] | None = None
) -> list[Effect]:
    """Return the total from one configuration to another, and what each knob contributes.

    Shapley shares and interactions need every configuration between the two ends in a block; blocks that lack one are
    omitted, and the total is over the same blocks, so that the shares multiply to it. Where no block is whole, the
    total, and what a knob does alone and last, are still given over the blocks that have their two configurations.

    Args:
        grid: Of a factorial stage. Around a centre there is no path from one end to the other, and in a grid of which
            little was run hardly any: they have no attribution.
        start: Levels that are not the baseline's.
        end: Levels that are not the last ones; the last level of a knob is that with the highest number, or the last
            in the alphabet, and never the baseline's.

    Raises:
        AnalysisError: A level that the stage does not have, or ends that do not differ.
    """
    if grid.kind != "factorial" or 2 ** len(grid.comparison.knobs) > SPARSEST * len(grid.comparison.configurations):
        return []
    cube = _cube(grid, _end(grid, start or {}, last=False), _end(grid, end or {}, last=True))
    if not cube.knobs:
        raise AnalysisError(
            f"{grid.workload} on {grid.compiler}, stage '{grid.stage}': both ends of the attribution are "
            f"{grid.comparison.name(cube.corners[frozenset()])}; name levels that differ"
        )
    knobs, off, on = cube.knobs, frozenset[str](), frozenset(cube.knobs)
    whole = cube.holding(*cube.corners)
    shares, crossed = shapley(whole, knobs), interactions(whole, knobs)
    ends = total(whole if whole[off].size else cube.holding(off, on), knobs)
    names = [grid.comparison.name(cube.corners[one]) for one in (off, on)]
    found = [cube.effect("total", (None, names[0], names[1], None), ends, (off, on))]
    for knob in knobs:
        name: Name = (knob, *cube.levels(knob), None)
        alone, without = frozenset({knob}), on - {knob}
        added = step(cube.holding(off, alone), knob, off)
        left = step(cube.holding(without, on), knob, on)
        found += [
            cube.effect("add_one_in", name, added, (off, alone)),
            cube.effect("shapley", name, shares[knob], tuple(cube.corners)),
            cube.effect("leave_one_out", name, left, (without, on)),
        ]
    for knob, other in combinations(knobs, 2):
        name = (knob, *cube.levels(knob), other)
        found.append(cube.effect("interaction", name, crossed[knob, other], tuple(cube.corners)))
    return found


Name = tuple[str | None, str, str, str | None]


@dataclass(frozen=True)
class _Cube:
    """Every configuration between two ends of a grid, by the set of knobs whose level is the second end's."""

    grid: FactorialGrid
    knobs: tuple[str, ...]
    corners: Mapping[Corner, Configuration]

    def holding(self, *corners: Corner) -> Mapping[Corner, NDArray[np.float64]]:
        """Return the values of these corners, a value a block, in the blocks that have them all."""
        never = np.full(len(self.grid.blocks), math.nan)  # a corner that was not run at all
        table = np.stack([self.grid.columns.get(self.corners[corner], never) for corner in corners])
        kept = table[:, ~np.isnan(table).any(axis=0)]
        return dict(zip(corners, kept, strict=True))

    def levels(self, knob: str) -> tuple[str, str]:
        """Return the level of a knob at both ends."""
        index = self.grid.comparison.knobs.index(knob)
        return str(self.corners[frozenset()][index]), str(self.corners[frozenset(self.knobs)][index])

    def effect(self, kind: Kind, name: Name, found: NDArray[np.float64], needs: Sequence[Corner]) -> Effect:
        """Return an effect from its value in each block that has what it needs."""
        values = found.tolist()
        corners = [self.corners[one] for one in needs]
        reason = None if values else self.grid.why_missing(corners)
        hosts = effect_on_hosts(self.grid, [(corners[1], corners[0])]) if kind == "total" and values else None
        found_here = _Estimated(
            values, self.grid.allowance(corners), reason=reason, hosts=hosts, of_hosts=self._hosts(corners)
        )
        return _effect(self.grid, kind, name, found_here)

    def _hosts(self, corners: Sequence[Configuration]) -> tuple[str, ...]:
        """Return the hosts that have all of some corners; none where the grid is of one."""
        hosts, columns = self.grid.hosts, self.grid.columns
        if hosts is None or any(corner not in columns for corner in corners):
            return ()
        lacking = np.isnan(np.stack([columns[corner] for corner in corners]))
        return tuple(name for name, gaps in zip(hosts.names, lacking.T, strict=True) if not gaps.any())


def _cube(grid: FactorialGrid, start: Configuration, end: Configuration) -> _Cube:
    moving = [index for index, (one, other) in enumerate(zip(start, end, strict=True)) if one != other]
    knobs = tuple(grid.comparison.knobs[index] for index in moving)
    corners = {}
    for moved in chain.from_iterable(combinations(moving, size) for size in range(len(moving) + 1)):
        levels = tuple(end[i] if i in moved else level for i, level in enumerate(start))
        corners[frozenset(grid.comparison.knobs[index] for index in moved)] = levels
    return _Cube(grid, knobs, corners)


def _end(grid: FactorialGrid, chosen: Mapping[str, str], last: bool) -> Configuration:
    """Return the baseline or the last levels, with those of ``chosen`` for the knobs that the stage has."""
    end = []
    for index, (knob, base) in enumerate(zip(grid.comparison.knobs, grid.comparison.baseline, strict=True)):
        levels = sorted({str(one[index]) for one in grid.comparison.configurations}, key=sort_key)
        others = [level for level in levels if level != base]
        level = chosen.get(knob, others[-1] if last else str(base))
        if level not in levels:
            raise AnalysisError(
                f"{grid.workload} on {grid.compiler}, stage '{grid.stage}': knob '{knob}' was not run at "
                f"level '{level}'; it was at: {', '.join(levels)}"
            )
        end.append(level)
    return tuple(end)


NO_PAIRS = Differences((), 0, 0, 0)


@dataclass(frozen=True)
class _Estimated:
    """An effect's log in each block, and what is known about it."""

    values: Sequence[float]
    allowance: Allowance
    pairs: Differences = NO_PAIRS
    same: tuple[tuple[KnobLevels, KnobLevels], ...] = ()
    is_no_op: bool = False
    reason: Why | None = None
    hosts: EffectOnHosts | None = None
    of_hosts: tuple[str, ...] = ()


def _levels_of(grid: FactorialGrid, pairs: Sequence[Pair]) -> tuple[tuple[KnobLevels, KnobLevels], ...]:
    def levels(one: Configuration) -> KnobLevels:
        return KnobLevels(dict(zip(grid.comparison.knobs, map(str, one), strict=True)))

    return tuple((levels(there), levels(here)) for there, here in pairs)


def _effect(grid: FactorialGrid, kind: Kind, name: Name, found: _Estimated) -> Effect:
    knob, base_level, level, other = name
    values, pairs = found.values, found.pairs
    of_hosts = found.of_hosts or (() if found.hosts is None else found.hosts.names)
    exact = bool(values) and is_exact(grid.metric, values)
    return Effect(
        origin=grid.origin,
        workload=grid.workload,
        digest=grid.digest,
        compiler=grid.compiler,
        mode=grid.mode,
        metric=grid.metric,
        stage=grid.stage,
        centre=grid.centre,
        kind=kind,
        knob=knob,
        base_level=base_level,
        level=level,
        other=other,
        ratio=_ratio(values, exact, found.allowance) if values else None,
        exact=exact,
        logs=tuple(values),
        allowance=Allowance() if exact else found.allowance,
        blocks_left_out=len(grid.blocks) - len(values),
        pairs=pairs.whole,
        pairs_partial=pairs.partial,
        pairs_missing=pairs.missing,
        same_program=found.same,
        is_no_op=found.is_no_op,
        reason=found.reason,
        hosts=found.hosts,
        of_hosts=of_hosts if len(of_hosts) == len(values) else (),
    )


def _ratio(logs: Sequence[float], exact: bool, allowance: Allowance) -> Ratio:
    if not exact:
        return paired_ratio(logs, allowance=allowance)
    value = 1.0 if abs(logs[0]) <= ROUNDING else math.exp(logs[0])
    return Ratio(value, value, value, len(logs))
