"""From the table of trials to the factorial grids that effects are computed from: a value a configuration and block.

A grid belongs to one (workload, compiler, mode, metric) and one stage. In a *factorial* stage it spans every
combination of the levels of the knobs that vary; in a stage *around* a configuration, that centre and each level by
itself. Records say which of the two a stage is, its levels and its centre; they name the first stage that asked for a
configuration, so the corners of a grid may be in an earlier stage. In records before 1.3 the kind follows from the
shape: where a stage has no complete grid of its own, it is around the one configuration from which all of its
configurations differ in one knob at most.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.groups import PLAN, Instrument, StagePlan, grouped, in_order, knob_order, sort_key, step_of
from ablatrix.analysis.reasons import NOT_RUN, Absence, Cause, KnobLevels, Lack, Why
from ablatrix.records.status import Status
from ablatrix.statistics.precision import Columns, Comparison, Configuration, Pair, columns_of
from ablatrix.statistics.ratio import Allowance

UNIT = ("workload", "workload_digest", "compiler", "mode")
OBSERVERS = ("pass_timing",)  # they only observe a compile; what they cost is not an effect of a compiler
REPEAT = "replicate"
SPARSEST = 4  # a grid with more corners than this many for each configuration measured is not taken as one

Key = tuple[Any, ...]


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
    blocks: tuple[Mapping[Configuration, float], ...]
    blocks_empty: int
    absent: Mapping[Configuration, Absence]
    offset: float = 0.0
    steps: Mapping[Configuration, float] = field(default_factory=dict)
    same_program: frozenset[frozenset[Configuration]] = frozenset()

    @cached_property
    def columns(self) -> Columns:
        """The blocks by configuration: a value a block, NaN where the block lacks it."""
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


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The trials of one unit: repeats of every configuration, over all knobs of the compiler.

    Attributes:
        plans: What the stages span, as far as records say it.
        logs: A row a repeat and a column a configuration, in the order of ``measured``; NaN without a value.
        steps: See `FactorialGrid`.
        measured: In how many repeats each configuration was run.
    """

    knobs: tuple[str, ...]
    baseline: Configuration
    by_stage: Mapping[str, tuple[Configuration, ...]]
    plans: Mapping[str, StagePlan]
    logs: NDArray[np.float64]
    failures: Mapping[Configuration, Counter[str]]
    measured: Mapping[Configuration, int]
    steps: Mapping[Configuration, float]


def factorial_grids(
    trials: pl.DataFrame,
    metric: str,
    mode: str,
    origin: Sequence[str] = (),
    instrument: Instrument | None = None,
    programs: SamePrograms | None = None,
) -> list[FactorialGrid]:
    """Return the factorial grids of a metric in one mode, by origin, workload, compiler and stage.

    Args:
        trials: The table of trials. Only measured ones enter, and of those only ok ones give values.
        metric: Column of a positive number.
        mode: ``cold`` or ``hot``.
        origin: Columns that distinguish mixed records.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        programs: Which configurations are one program; what ``trials`` prove by default.
    """
    instrument = instrument or Instrument(trials, origin)
    programs = programs or SamePrograms.of(trials, origin)
    found = []
    for unit, readings in readings_of(trials, metric, mode, origin):
        of_unit = (unit[: len(origin)], *unit[len(origin) :], mode, metric)
        known = _Known(unit, instrument.offset(metric, mode, unit), programs)
        for stage, own in readings.by_stage.items():
            shape = _shape(readings, own, readings.plans.get(stage))
            if shape is not None:
                found.append(_grid((*of_unit, stage), shape, readings, known))
    return found


def readings_of(
    trials: pl.DataFrame, metric: str, mode: str, origin: Sequence[str] = ()
) -> Iterator[tuple[Key, Readings]]:
    """Yield each unit that has knobs (origin, workload, digest, compiler) with its values; see `factorial_grids`."""
    knob_columns = [
        name
        for name in trials.columns
        if name.startswith("knob_") and f"baseline_{name.removeprefix('knob_')}" in trials.columns
    ]
    base_columns = [f"baseline_{name.removeprefix('knob_')}" for name in knob_columns]
    more = [name for name in (PLAN, REPEAT) if name in trials.columns]
    columns = (*origin, *UNIT, "run", "block", "block_id", "position", "stage", "status", metric, *more)
    order = knob_order(trials)
    chosen = trials.lazy().filter((pl.col("role") == "measured") & (pl.col("mode") == mode))
    measured = chosen.select(*columns, *knob_columns, *base_columns).collect()  # lazy: else every column is copied
    for unit, part in grouped(measured, [*origin, *UNIT]):
        knobs = [name.removeprefix("knob_") for name in knob_columns if part[f"baseline_{name[5:]}"].null_count() == 0]
        if knobs:
            yield unit[:-1], _read(part, metric, tuple(in_order(knobs, order)))


def _read(part: pl.DataFrame, metric: str, knobs: tuple[str, ...]) -> Readings:
    """Put the trials of a unit into repeats; see `_repeats` for the parts of a split block."""
    observers = [name for name in knobs if name in OBSERVERS]
    seen = part.filter(
        pl.all_horizontal(pl.lit(True), *(pl.col(f"knob_{o}") == pl.col(f"baseline_{o}") for o in observers))
    )
    baseline = tuple(seen.select(f"baseline_{name}" for name in knobs).row(0)) if len(seen) else ()
    rows = seen.sort("run", "block", "position")
    repeat_of = pl.col(REPEAT) if REPEAT in rows.columns else pl.lit(None, pl.Int64())
    rows = rows.with_columns(repeat_of.alias(REPEAT))
    block_keys, block = _numbered(rows, ["run", "block", "block_id", REPEAT])
    configurations, own = _numbered(rows, [f"knob_{name}" for name in knobs])
    statuses, values = rows["status"].to_list(), rows[metric].cast(pl.Float64).to_numpy()
    good = (rows["status"] == Status.OK.value).to_numpy() & (values > 0)
    logs = np.full(len(rows), math.nan)
    logs[good] = list(map(math.log, values[good].tolist()))  # libm's: the same on every processor
    row = np.full((len(block_keys), len(configurations)), -1)
    row[block, own] = np.arange(len(rows))  # of two trials of one configuration in a block the later one counts
    present = row >= 0
    by_block = np.where(present, logs[row], math.nan)
    failures: dict[Configuration, Counter[str]] = {one: Counter() for one in configurations}
    for failed in row[present & np.isnan(by_block)].tolist():
        status = statuses[failed]
        failures[configurations[own[failed]]][Cause.NO_VALUE if status == Status.OK else status] += 1
    base = configurations.index(baseline) if baseline in configurations else None
    repeats = list(_repeats(block_keys, present, base))
    first = [repeat.start for repeat in repeats]
    by_repeat = by_block[first]
    for number, repeat in enumerate(repeats):
        if len(repeat) > 1:
            by_repeat[number] = math.nan
            for part_of_block in by_block[repeat.start : repeat.stop]:
                there = ~np.isnan(part_of_block)
                if base is not None and there[base]:
                    by_repeat[number, there] = part_of_block[there] - part_of_block[base]
                else:
                    for column in np.flatnonzero(there):
                        failures[configurations[column]][Cause.NO_BASELINE] += 1
    counts = np.logical_or.reduceat(present, first, axis=0).sum(axis=0).tolist() if repeats else []
    stages: dict[str, set[Configuration]] = {}
    named, stage = _numbered(rows, ["stage"])
    for number, column in set(zip(stage.tolist(), own.tolist(), strict=True)):
        stages.setdefault(named[number][0], set()).add(configurations[column])
    # Larger stages first: they are the grids; the order in which a study names its stages is not in the records.
    ordered = sorted(stages.items(), key=lambda item: (-len(item[1]), item[0]))
    by_stage = {name: tuple(sorted(held, key=_levels_key)) for name, held in ordered}
    return Readings(
        knobs=knobs,
        baseline=baseline,
        by_stage=by_stage,
        plans=_plans(rows),
        logs=by_repeat,
        failures=failures,
        measured=dict(zip(configurations, counts, strict=True)),
        steps=_steps(metric, configurations, by_block),
    )


def _steps(
    metric: str, configurations: Sequence[Configuration], by_block: NDArray[np.float64]
) -> dict[Configuration, float]:
    held = {one: column[~np.isnan(column)].tolist() for one, column in zip(configurations, by_block.T, strict=True)}
    steps = {one: step_of(metric, *logs) for one, logs in held.items()}
    return {one: step for one, step in steps.items() if step}


def _numbered(rows: pl.DataFrame, keys: Sequence[str]) -> tuple[list[Key], NDArray[np.int64]]:
    """Return the distinct values of some columns in the order in which they appear, and which of them each row has."""
    groups = rows.with_row_index(" row").group_by(keys, maintain_order=True).agg(" row")
    numbers = groups.select(" row").with_row_index("number", offset=0).explode(" row").sort(" row")["number"]
    return groups.select(keys).rows(), numbers.cast(pl.Int64).to_numpy()


def _repeats(block_keys: Sequence[Key], present: NDArray[np.bool_], base: int | None) -> Iterator[range]:
    """Yield the blocks of each repeat: one, or the parts into which it was split.

    Parts follow each other in the run order. Where records do not say to which repeat a block belongs, parts share
    nothing but the baseline, while a further repeat has the configurations of the one before.

    Args:
        block_keys: Run, number, id and repeat (or None) of each block.
        present: Whether a block has a configuration (blocks x configurations).
        base: Column of the baseline.
    """
    # One whole number a block, a bit a configuration: sets that are fast to compare.
    masks = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(present, axis=1, bitorder="little")]
    start = held = 0
    for number, (key, mask) in enumerate(zip(block_keys, masks, strict=True)):
        others = mask if base is None else mask & ~(1 << base)
        last = block_keys[number - 1]
        if None in (key[3], last[3]):
            is_part = key[1] - last[1] <= 1 and bool(others) and not others & held
        else:
            is_part = key[3] == last[3]
        if number > start and key[0] == last[0] and is_part:
            held |= others
            continue
        if number > start:
            yield range(start, number)
        start, held = number, others
    if block_keys:
        yield range(start, len(block_keys))


@dataclass(frozen=True)
class _Shape:
    kind: Literal["factorial", "around"]
    base: Configuration
    positions: tuple[int, ...]
    configurations: tuple[Configuration, ...]


def _plans(rows: pl.DataFrame) -> dict[str, StagePlan]:
    """Return what the stages of a unit span; nothing in records before 1.3."""
    if PLAN not in rows.columns:
        return {}
    named = rows.select("stage", PLAN).drop_nulls().unique(maintain_order=True)
    return {str(stage): StagePlan.read(str(text)) for stage, text in named.iter_rows()}


def _shape(readings: Readings, own: Sequence[Configuration], plan: StagePlan | None) -> _Shape | None:
    """Return what a stage spans, None when nothing varies in it."""
    if plan is not None:
        return _planned_around(readings, plan) if plan.kind == "around" else _planned_factorial(readings, plan)
    return _inferred(readings, own)


def _planned_around(readings: Readings, plan: StagePlan) -> _Shape | None:
    """Return a centre and each level by itself; a level that this mode never has, such as of a cache, is omitted."""
    centre = _configuration(readings, plan.centre)
    moved: dict[Configuration, None] = {}
    for position, knob in enumerate(readings.knobs):
        for level in plan.levels.get(knob, ()):
            one = (*centre[:position], level, *centre[position + 1 :])
            if one != centre and any(other[position] == level for other in readings.measured):
                moved[one] = None
    positions = tuple(i for i, level in enumerate(centre) if any(one[i] != level for one in moved))
    return _Shape("around", centre, positions, (centre, *moved)) if moved else None


def _planned_factorial(readings: Readings, plan: StagePlan) -> _Shape | None:
    """Return every combination of the levels that this mode has; of a grid that is mostly not run, what was run.

    The baseline's level of a knob that the stage has at other levels only joins with what earlier stages have of it.
    """
    base = readings.baseline
    choices: list[tuple[Any, ...]] = []
    foreign = []  # positions where the baseline's level is none of the stage's
    for position, (knob, level) in enumerate(zip(readings.knobs, base, strict=True)):
        there = {one[position] for one in readings.measured}
        others = [one for one in plan.levels.get(knob, ()) if one != level and one in there]
        choices.append((level, *sorted(others, key=sort_key)))
        foreign += [position] if others and level not in plan.levels[knob] else []
    positions = tuple(i for i, levels in enumerate(choices) if len(levels) > 1)
    if not positions:
        return None
    if math.prod(map(len, choices)) <= SPARSEST * len(readings.measured):
        grid = [
            one
            for one in itertools.product(*choices)
            if one in readings.measured or not any(one[i] == base[i] for i in foreign)
        ]
        return _Shape("factorial", base, positions, tuple(dict.fromkeys((base, *grid))))
    within = [one for one in readings.measured if all(level in held for level, held in zip(one, choices, strict=True))]
    return _Shape("factorial", base, positions, tuple(dict.fromkeys((base, *within))))


def _configuration(readings: Readings, levels: Mapping[str, str]) -> Configuration:
    named = zip(readings.knobs, readings.baseline, strict=True)
    return tuple(levels.get(knob, str(level)) for knob, level in named)


def _inferred(readings: Readings, own: Sequence[Configuration]) -> _Shape | None:
    base = readings.baseline
    levels = [sorted({one[i] for one in own} - {level}, key=sort_key) for i, level in enumerate(base)]
    positions = tuple(i for i, others in enumerate(levels) if others)
    if not positions:
        return None
    choices = [(level, *others) if others else (level,) for level, others in zip(base, levels, strict=True)]
    size = math.prod(map(len, choices))
    grid = tuple(itertools.product(*choices)) if size <= SPARSEST * len(readings.measured) else ()
    if not grid or any(one not in readings.measured for one in grid):
        centre = _centre(readings, own)
        if centre is not None:
            moved = tuple(one for one in own if one != centre)
            around = tuple(i for i, level in enumerate(centre) if any(one[i] != level for one in moved))
            return _Shape("around", centre, around, (centre, *moved)) if moved else None
        grid = grid or (base, *(one for one in own if one != base))
    return _Shape("factorial", base, positions, grid)


def _centre(readings: Readings, own: Sequence[Configuration]) -> Configuration | None:
    """Return the measured configuration from which each of a stage differs in at most one knob.

    Of several, the one from which most do differ, then the one nearest to the baseline.
    """
    fitting = [one for one in readings.measured if all(_distance(one, other) <= 1 for other in own)]
    return min(
        fitting,
        key=lambda one: (sum(one == other for other in own), _distance(one, readings.baseline), _levels_key(one)),
        default=None,
    )


@dataclass(frozen=True)
class _Known:
    """What the whole results say about a unit."""

    unit: Key
    offset: float
    programs: SamePrograms


def _grid(key: Key, shape: _Shape, readings: Readings, known: _Known) -> FactorialGrid:
    """Take a stage from a unit's readings, and say of each configuration why it is absent."""
    knobs = tuple(readings.knobs[i] for i in shape.positions)
    short = {one: tuple(one[i] for i in shape.positions) for one in shape.configurations}
    comparison = Comparison(knobs, knobs, short[shape.base], tuple(short.values()))
    own = [(column, one) for column, one in enumerate(readings.measured) if one in short]
    cut = readings.logs[:, [column for column, _ in own]]
    names = [short[one] for _, one in own]
    filled = ~np.isnan(cut)
    blocks = tuple(
        {name: log for name, log in zip(names, row, strict=True) if not math.isnan(log)}
        for row in cut[filled.any(axis=1)].tolist()
    )
    lacking = dict(zip(names, (len(cut) - filled.sum(axis=0)).tolist(), strict=True))
    absent = {}
    for one in shape.configurations:
        if one not in readings.measured:
            absent[short[one]] = NOT_RUN
        elif lacking[short[one]]:
            counts = Counter(readings.failures.get(one, {}))
            counts[Cause.NO_RECORD] = len(cut) - readings.measured[one]
            absent[short[one]] = Absence.of(counts, len(cut))
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
    )


def _distance(one: Configuration, other: Configuration) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def _levels_key(levels: Configuration) -> tuple[tuple[int, float, str], ...]:
    return tuple(map(sort_key, levels))
