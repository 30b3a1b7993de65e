"""From the table of trials to the factorial grids that effects are computed from: a value a configuration and block.

A grid belongs to one (workload, compiler, mode, metric) and one stage. In a *factorial* stage it spans every
combination of the levels of the knobs that vary; in a stage *around* a configuration, that centre and each level by
itself. Records say which of the two a stage is, its levels and its centre; they name the first stage that asked for a
configuration, so the corners of a grid may be in an earlier stage. In records before 1.3 the kind follows from the
shape: where a stage has no complete grid of its own, it is around the one configuration from which all of its
configurations differ in one knob at most.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress, count
from typing import Any, Literal, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.effects.host_repeats import OnHosts
from ablatrix.analysis.effects.readings import Key, Readings, TrialLayout
from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.effects.shapes import Shape, shape_of
from ablatrix.analysis.groups import Instrument
from ablatrix.analysis.reasons import NOT_RUN, Absence, Cause, KnobLevels, Lack, Why
from ablatrix.statistics.precision import Columns, Comparison, Configuration, Pair, columns_of
from ablatrix.statistics.ratio import Allowance


class Blocks(Sequence[Mapping[Configuration, float]]):
    """The values of configurations block by block, out of one array: a map is made of a block that is asked for."""

    def __init__(self, names: Sequence[Configuration], values: NDArray[np.float64]) -> None:
        """Take the configurations, and a row a block and a column a configuration, NaN without a value."""
        self._names, self._values = tuple(names), values

    def __len__(self) -> int:
        """Return how many blocks there are."""
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Mapping[Configuration, float]: ...

    @overload
    def __getitem__(self, index: slice) -> "Blocks": ...

    def __getitem__(self, index: int | slice) -> "Mapping[Configuration, float] | Blocks":
        """Return the values that a block has, or some of the blocks."""
        if isinstance(index, slice):
            return Blocks(self._names, self._values[index])
        row = self._values[index].tolist()
        return {name: log for name, log in zip(self._names, row, strict=True) if not math.isnan(log)}

    def columns(self, configurations: Iterable[Configuration]) -> Columns:
        """Return what `columns_of` gives."""
        own = dict(zip(self._names, np.ascontiguousarray(self._values.T), strict=True))
        never = np.full(len(self._values), math.nan)
        return {one: own.get(one, never) for one in configurations}


@dataclass(frozen=True, kw_only=True)
class GridHosts:
    """The repeats of a grid on several hosts.

    Attributes:
        names: Of the hosts, one for each block of the grid.
        of_repeat: The number of each repeat's host.
        repeats: For each repeat, the log of the metric by configuration, relative to the baseline where there is one.
    """

    names: tuple[str, ...]
    of_repeat: tuple[int, ...]
    repeats: Blocks


@dataclass(frozen=True, kw_only=True)
class FactorialGrid:
    """The measured configurations of one stage, block by block.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        digest: Of the workload: the same name can have several sizes.
        comparison: The knobs that vary, in the order of the study, all of them wanted; the configuration that the
            others are compared with (the study's baseline, or the centre); and every configuration of the stage,
            measured or not.
        centre: Levels of the configuration compared with that are not the baseline's; none in a factorial stage.
        blocks: For each repeat that has a value at all, the log of the metric by configuration. Where a block was
            split, each value is relative to the baseline in the same part.
        blocks_empty: Repeats that were run and have no value.
        absent: By configuration, why it lacks a value in some block or in all.
        offset: How far the instrument is off in this unit, on the logarithm: what its failed A/A control shows.
        steps: By configuration, the smallest difference that the metric can show beside it, on the logarithm; empty for
            metrics that only scatter limits.
        same_program: Pairs of configurations that differ in one knob and are one program.
        confirms: The screening whose knobs the stage confirms, on blocks of its own; None of any other stage.
        hosts: Where the unit ran on several, so that ``blocks`` has one for each of them: their repeats; else None.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    mode: str
    metric: str
    stage: str
    kind: Literal["factorial", "around"]
    comparison: Comparison
    centre: KnobLevels
    blocks: Sequence[Mapping[Configuration, float]]
    blocks_empty: int
    absent: Mapping[Configuration, Absence]
    offset: float = 0.0
    steps: Mapping[Configuration, float] = field(default_factory=dict)
    same_program: frozenset[frozenset[Configuration]] = frozenset()
    confirms: str | None = None
    hosts: "GridHosts | None" = None

    @cached_property
    def columns(self) -> Columns:
        """The blocks by configuration: a value a block, NaN where the block lacks it."""
        if isinstance(self.blocks, Blocks):
            return self.blocks.columns(self.comparison.configurations)
        return columns_of(self.blocks, self.comparison.configurations)

    def allowance(self, *pairs: Sequence[Configuration]) -> Allowance:
        """Return what an interval must allow for that is a mean over pairs, or over other sets, of configurations."""
        steps = [max((self.steps.get(one, 0.0) for one in pair), default=0.0) for pair in pairs]
        return Allowance(self.offset, math.fsum(steps) / len(steps) if steps else 0.0)

    def acting(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Return the pairs in which a knob acts: those that are not one program."""
        return [pair for pair in pairs if frozenset(pair) not in self.same_program]

    def whole(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Return the pairs that are whole in every block."""
        return [pair for pair in pairs if not any(np.isnan(self.columns[one]).any() for one in pair)]

    def why_missing(self, configurations: Sequence[Configuration]) -> Why | None:
        """Return why no block has all of these configurations, None when one has, or when nothing says why.

        The reasons are of those that no block has; if there are none, of those that some block lacks.
        """
        if any(all(one in block for one in configurations) for block in self.blocks):
            return None
        never = [one for one in configurations if not any(one in block for block in self.blocks)]
        by_absence = self.by_absence(never or [one for one in configurations if one in self.absent])
        lacks = [Lack.of(absence, names) for absence, names in by_absence.items()]
        return Why.of(*lacks) if lacks else None

    def by_absence(self, configurations: Iterable[Configuration]) -> Mapping[Absence, list[str]]:
        """Return the names of configurations by why they lack values, both in the order in which they are given."""
        found: dict[Absence, list[str]] = {}
        for one in configurations:
            found.setdefault(self.absent.get(one, NOT_RUN), []).append(self.comparison.name(one))
        return found


def factorial_grids(
    trials: pl.DataFrame,
    metric: str,
    mode: str,
    origin: Sequence[str] = (),
    instrument: Instrument | None = None,
    programs: SamePrograms | None = None,
    layout: TrialLayout | None = None,
) -> list[FactorialGrid]:
    """Return the factorial grids of a metric in one mode, by origin, workload, compiler and stage.

    Args:
        trials: The table of trials. Only measured ones enter, and of those only ok ones give values.
        metric: Column of a positive number.
        mode: ``cold`` or ``hot``.
        origin: Columns that distinguish mixed records.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        programs: Which configurations are one program; what ``trials`` prove by default.
        layout: Of ``trials``, where it is known already.
    """
    instrument = instrument or Instrument(trials, origin)
    programs = programs or SamePrograms.of(trials, origin)
    found = []
    for unit, held in (layout or TrialLayout(trials, origin)).readings(metric, mode):
        of_unit = (unit[: len(origin)], *unit[len(origin) :], mode, metric)
        known = _Known(unit, instrument.offset(metric, mode, unit), programs)
        for stage, own in held.by_stage.items():
            plan = held.plans.get(stage)
            shape = shape_of(held, own, plan)
            if shape is not None:
                grid = _grid((*of_unit, stage), shape, held, known)
                found.append(grid if plan is None or plan.chosen is None else replace(grid, confirms=plan.chosen.of))
    return found


@dataclass(frozen=True)
class _Known:
    """What the whole results say about a unit."""

    unit: Key
    offset: float
    programs: SamePrograms


def _grid(key: Key, shape: Shape, readings: Readings, known: _Known) -> FactorialGrid:
    """Take a stage from a unit's readings, and say of each configuration why it is absent."""
    knobs = tuple(readings.knobs[i] for i in shape.positions)
    short = {one: tuple(one[i] for i in shape.positions) for one in shape.configurations}
    comparison = Comparison(knobs, knobs, short[shape.base], tuple(short.values()))
    own = [(column, one) for column, one in enumerate(readings.measured) if one in short]
    cut = readings.logs[:, [column for column, _ in own]]
    names = [short[one] for _, one in own]
    filled = ~np.isnan(cut)
    blocks = Blocks(names, cut[filled.any(axis=1)])
    lacking = dict(zip(names, (len(cut) - filled.sum(axis=0)).tolist(), strict=True))
    absent = {}
    for one in shape.configurations:
        if one not in readings.measured:
            absent[short[one]] = NOT_RUN
        elif lacking[short[one]]:
            counts = Counter(readings.failures.get(one, {}))
            counts[Cause.NO_RECORD] = readings.repeats - readings.measured[one]
            absent[short[one]] = Absence.of(counts, readings.repeats)
    named = zip(readings.knobs, shape.base, readings.baseline, strict=True)
    centre = KnobLevels({knob: str(level) for knob, level, base in named if level != base})
    origin, workload, digest, compiler, mode, metric, stage = key
    fixed = {knob: str(level) for knob, level in zip(readings.knobs, shape.base, strict=True) if knob not in knobs}
    return FactorialGrid(
        origin=origin,
        workload=workload,
        digest=digest,
        compiler=compiler,
        mode=mode,
        metric=metric,
        stage=stage,
        kind=shape.kind,
        comparison=comparison,
        centre=centre,
        blocks=blocks,
        blocks_empty=len(cut) - len(blocks),
        absent=absent,
        offset=known.offset,
        steps={short[one]: step for one, step in readings.steps.items() if one in short},
        same_program=known.programs.within(known.unit, comparison, fixed),
        hosts=_hosts(readings.hosts, names, [column for column, _ in own], [not np.isnan(row).all() for row in cut]),
    )


def _hosts(
    held: OnHosts | None, names: Sequence[Configuration], columns: Sequence[int], filled: Sequence[bool]
) -> GridHosts | None:
    """Return the repeats of the hosts that have a value."""
    if held is None:
        return None
    place = {host: number for number, host in enumerate(compress(count(), filled))}
    rows = [row for row, host in enumerate(held.of_repeat) if host in place]
    return GridHosts(
        names=tuple(held.names[host] for host in place),
        of_repeat=tuple(place[held.of_repeat[row]] for row in rows),
        repeats=Blocks(names, held.logs[rows][:, columns]),
    )
