"""From the table of trials to the values of each unit: a value a configuration and repeat, over all of its stages."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.effects.host_repeats import OnHosts, hosts_of_repeats, on_several_hosts
from ablatrix.analysis.groups import (
    PLAN,
    HostNumbers,
    StagePlan,
    Whole,
    combined,
    host_columns,
    host_numbers,
    in_order,
    key_order,
    knob_order,
    numbered,
    numbered_codes,
    over_hosts,
    plans_of,
    sort_key,
    step_of,
)
from ablatrix.analysis.reasons import Cause
from ablatrix.records.status import Status
from ablatrix.statistics.precision import Configuration

UNIT = ("workload", "workload_digest", "compiler", "mode")
OBSERVERS = ("pass_timing",)  # they only observe a compile; what they cost is not an effect of a compiler
REPEAT, ROW = "replicate", " row"  # no column of a record begins with a space
IN_ORDER = ("run", "block", "position")

Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The trials of one unit: repeats of every configuration, over all knobs of the compiler.

    Attributes:
        plans: What the stages span, as far as records say it.
        logs: A row a repeat and a column a configuration, in the order of ``measured``; NaN without a value. Where the
            unit ran on several hosts, a row a host (see `ablatrix.analysis.groups.hosts`).
        block_logs: The same by block, each value as it was measured: a repeat may be several blocks.
        steps: See `FactorialGrid`.
        measured: In how many repeats each configuration was run.
        repeats: How many repeats there are.
        hosts: The repeats of each host; None where all are of one.
    """

    knobs: tuple[str, ...]
    baseline: Configuration
    by_stage: Mapping[str, tuple[Configuration, ...]]
    plans: Mapping[str, StagePlan]
    logs: NDArray[np.float64]
    block_logs: NDArray[np.float64]
    failures: Mapping[Configuration, Counter[str]]
    measured: Mapping[Configuration, int]
    steps: Mapping[Configuration, float]
    repeats: int
    hosts: OnHosts | None = None


UnitReadings = tuple[Key, Readings]
"""A unit (values of the columns that distinguish mixed records, workload, digest, compiler), and its values."""


class TrialLayout:
    """The measured trials of a table in their repeats: laid out once a mode, and read for each metric."""

    def __init__(self, trials: pl.DataFrame, origin: Sequence[str] = ()) -> None:
        """Take the table of trials, and the columns that distinguish mixed records."""
        self._trials = trials
        self._origin = tuple(origin)
        self._laid: dict[str, list[_Laid]] = {}
        self._kept: dict[tuple[str, str], list[UnitReadings]] = {}

    def readings(self, metric: str, mode: str) -> list[UnitReadings]:
        """Return each unit that has knobs (origin, workload, digest, compiler) with its values, sorted.

        A screening, and its confirmation, have blocks of their own: their values come by themselves, after those of the
        unit's other stages.
        """
        if (metric, mode) not in self._kept:
            values = self._trials[metric].cast(pl.Float64).to_numpy()
            if mode not in self._laid:
                self._laid[mode] = list(_laid_out(self._trials, mode, self._origin))
            found = [(one.unit, _read(one, metric, values, self._statuses)) for one in self._laid[mode]]
            self._kept[metric, mode] = found
        return self._kept[metric, mode]

    @cached_property
    def _statuses(self) -> tuple[Whole, list[str]]:
        """The status of each trial by its number, and the statuses by number."""
        found = numbered(self._trials, ["status"])
        return found.numbers, self._trials["status"][found.first].to_list()


@dataclass(frozen=True, kw_only=True)
class _Laid:
    """Where the trials of one unit are, whatever is read of them.

    Attributes:
        at: The row of each of its trials in the table, in the order of (run, block, position).
        trial: Which of its trials a block has of a configuration (blocks x configurations); -1: none.
        repeats: The blocks of each repeat.
        base: Column of the baseline.
        hosts: Of each repeat; none where all are of one.
    """

    unit: Key
    knobs: tuple[str, ...]
    baseline: Configuration
    configurations: tuple[Configuration, ...]
    by_stage: Mapping[str, tuple[Configuration, ...]]
    plans: Mapping[str, StagePlan]
    at: Whole
    trial: Whole
    repeats: tuple[range, ...]
    base: int | None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """Values of a column by number: that of each row, and what the numbers stand for."""

    numbers: Whole
    values: Sequence[Any]

    @classmethod
    def of(cls, frame: pl.DataFrame, *columns: str) -> "_Column":
        found = numbered(frame, columns)
        distinct = frame.select(columns)[found.first]
        return cls(found.numbers, distinct.rows() if len(columns) > 1 else distinct.to_series().to_list())

    @property
    def count(self) -> int:
        return len(self.values)

    def has_null(self, rows: Whole) -> bool:
        return None in self.values and bool((self.numbers[rows] == self.values.index(None)).any())

    def equals(self, other: "_Column", rows: Whole) -> NDArray[np.bool_]:
        """Return in which rows both have the same value; null equals none."""
        known = {value: number for number, value in enumerate(self.values) if value is not None}
        same = np.array([known.get(value, -1) for value in other.values], np.int64)
        found: NDArray[np.bool_] = self.numbers[rows] == same[other.numbers[rows]]
        return found


def _laid_out(trials: pl.DataFrame, mode: str, origin: Sequence[str]) -> Iterator[_Laid]:
    """Yield each unit that has knobs. All that takes the table is done for all units at once."""
    names = [
        name.removeprefix("knob_")
        for name in trials.columns
        if name.startswith("knob_") and f"baseline_{name.removeprefix('knob_')}" in trials.columns
    ]
    more = [name for name in (PLAN, REPEAT) if name in trials.columns]
    hosts = host_columns(trials, origin)
    columns = tuple(dict.fromkeys((*origin, *UNIT, *IN_ORDER, "block_id", "stage", *more, *hosts)))
    levels = [f"{part}_{name}" for part in ("knob", "baseline") for name in names]
    # Of no stage is the reference alone; nobody measured another, but such a record passes every rule.
    of_stages = (pl.col("role") == "measured") & (pl.col("mode") == mode) & pl.col("stage").is_not_null()
    chosen = trials.lazy().with_row_index(ROW).filter(of_stages)
    measured = chosen.select(ROW, *columns, *levels).collect()  # lazy: else every column is copied
    if REPEAT not in more:
        measured = measured.with_columns(pl.lit(None, pl.Int64()).alias(REPEAT))
    table = _Table(
        order=knob_order(trials),
        rows=measured[ROW].cast(pl.Int64).to_numpy(),
        knobs={name: _Column.of(measured, f"knob_{name}") for name in names},
        baselines={name: _Column.of(measured, f"baseline_{name}") for name in names},
        blocks=_Column.of(measured, "run", "block", "block_id", REPEAT),
        stages=_Column.of(measured, "stage"),
        plans=_Column.of(measured, "stage", PLAN) if PLAN in more else None,
        hosts=host_numbers(measured.select(hosts)),
    )
    unit = _Column.of(measured, *origin, *UNIT)
    run, block, position = (measured[name].to_numpy() for name in IN_ORDER)
    ordered = np.lexsort((position, block, run, unit.numbers))
    ends = np.searchsorted(unit.numbers[ordered], np.arange(unit.count + 1))
    for number in sorted(range(unit.count), key=lambda one: key_order(unit.values[one])):
        own = ordered[ends[number] : ends[number + 1]]
        knobs = [name for name in names if not table.baselines[name].has_null(own)]
        for part in _by_blocks(own, table) if knobs else ():
            yield _lay(unit.values[number][:-1], part, tuple(in_order(knobs, table.order)), table)


def _by_blocks(own: Whole, table: "_Table") -> list[Whole]:
    """Return the trials of a unit in the blocks that its stages share, and those of each stage with its own blocks."""
    if table.plans is None:
        return [own]
    texts = {number: str(text) for number, (_, text) in enumerate(table.plans.values) if text is not None}
    apart = {number for number, text in texts.items() if StagePlan.read(text).chosen is not None}
    if not apart:
        return [own]
    stages = {number: table.plans.values[number][0] for number in apart}
    held = table.plans.numbers[own]
    shared = own[~np.isin(held, list(apart))]
    found = [shared] if shared.size else []
    for stage in dict.fromkeys(stages[number] for number in sorted(apart)):
        numbers = [number for number in apart if stages[number] == stage]
        part = own[np.isin(held, numbers)]
        found += [part] if part.size else []
    return found


@dataclass(frozen=True, kw_only=True)
class _Table:
    """What all units share: the measured trials of a mode by columns.

    Attributes:
        order: The knobs of the study.
        rows: Which row of the table of trials each is.
        hosts: The host of each; None where all are of one.
    """

    order: Sequence[str]
    rows: Whole
    knobs: Mapping[str, _Column]
    baselines: Mapping[str, _Column]
    blocks: _Column
    stages: _Column
    plans: _Column | None
    hosts: HostNumbers | None = None


def _lay(unit: Key, own: Whole, knobs: tuple[str, ...], table: _Table) -> _Laid:
    """Put the trials of a unit into repeats; see `_repeats` for the parts of a split block."""
    for observer in OBSERVERS:
        if observer in knobs:
            own = own[table.knobs[observer].equals(table.baselines[observer], own)]
    baseline: Configuration = ()
    if own.size:
        held = (table.baselines[name] for name in knobs)
        baseline = tuple(one.values[one.numbers[own.min()]] for one in held)  # that of the first in the table
    kinds, column = _by_appearance(
        combined([(table.knobs[name].numbers[own], table.knobs[name].count) for name in knobs])
    )
    at_kind = [[table.knobs[name].values[number] for number in table.knobs[name].numbers[own[kinds]]] for name in knobs]
    configurations = tuple(zip(*at_kind, strict=True))
    starts, block = _by_appearance(table.blocks.numbers[own])
    keys = [table.blocks.values[number] for number in table.blocks.numbers[own[starts]]]
    trial = np.full((len(keys), len(configurations)), -1, np.int64)
    trial[block, column] = np.arange(own.size)  # of two trials of one configuration in a block the later one counts
    base = configurations.index(baseline) if baseline in configurations else None
    repeats = tuple(_repeats(keys, trial >= 0, base))
    stages: dict[str, set[Configuration]] = {}
    for number, kind in set(zip(table.stages.numbers[own].tolist(), column.tolist(), strict=True)):
        stages.setdefault(table.stages.values[number], set()).add(configurations[kind])
    # Larger stages first: they are the grids; the order in which a study names its stages is not in the records.
    ordered = sorted(stages.items(), key=lambda item: (-len(item[1]), item[0]))
    return _Laid(
        unit=unit,
        knobs=knobs,
        baseline=baseline,
        configurations=configurations,
        by_stage={name: tuple(sorted(held, key=levels_key)) for name, held in ordered},
        plans=_plans(table.plans, own),
        at=table.rows[own],
        trial=trial,
        repeats=repeats,
        base=base,
        hosts=hosts_of_repeats(repeats, table.hosts, own[starts]),
    )


def _read(laid: _Laid, metric: str, values: NDArray[np.float64], statuses: tuple[Whole, list[str]]) -> Readings:
    """Return the values of a metric: a value a configuration and repeat."""
    own, status = values[laid.at], statuses[0][laid.at]
    good = (status == (statuses[1].index(Status.OK) if Status.OK in statuses[1] else -1)) & (own > 0)
    logs = np.full(own.size, math.nan)
    logs[good] = list(map(math.log, own[good].tolist()))  # libm's: the same on every processor
    present = laid.trial >= 0
    by_block = np.where(present, logs[laid.trial], math.nan) if own.size else np.full(laid.trial.shape, math.nan)
    configurations = laid.configurations
    failures: dict[Configuration, Counter[str]] = {one: Counter() for one in configurations}
    for block, column in np.argwhere(present & np.isnan(by_block)).tolist():
        name = statuses[1][status[laid.trial[block, column]]]
        failures[configurations[column]][Cause.NO_VALUE if name == Status.OK else name] += 1
    first = [repeat.start for repeat in laid.repeats]
    by_repeat = by_block[first]
    for number, repeat in enumerate(laid.repeats):
        if len(repeat) > 1:
            by_repeat[number] = math.nan
            for part_of_block in by_block[repeat.start : repeat.stop]:
                there = ~np.isnan(part_of_block)
                if laid.base is not None and there[laid.base]:
                    by_repeat[number, there] = part_of_block[there] - part_of_block[laid.base]
                else:
                    for lost in np.flatnonzero(there).tolist():
                        failures[configurations[lost]][Cause.NO_BASELINE] += 1
    on_hosts = None
    if laid.hosts:
        on_hosts = on_several_hosts(laid.hosts, by_repeat, laid.base, [failures[one] for one in configurations])
    counts = np.logical_or.reduceat(present, first, axis=0).sum(axis=0).tolist() if first else []
    return Readings(
        knobs=laid.knobs,
        baseline=laid.baseline,
        by_stage=laid.by_stage,
        plans=laid.plans,
        logs=by_repeat if on_hosts is None else over_hosts(by_repeat, on_hosts.of_repeat, laid.base),
        block_logs=by_block,
        failures=failures,
        measured=dict(zip(configurations, counts, strict=True)),
        steps=_steps(metric, configurations, by_block),
        repeats=len(laid.repeats),
        hosts=on_hosts,
    )


def _steps(
    metric: str, configurations: Sequence[Configuration], by_block: NDArray[np.float64]
) -> dict[Configuration, float]:
    held = {one: column[~np.isnan(column)].tolist() for one, column in zip(configurations, by_block.T, strict=True)}
    steps = {one: step_of(metric, *logs) for one, logs in held.items()}
    return {one: step for one, step in steps.items() if step}


def _by_appearance(codes: Whole) -> tuple[Whole, Whole]:
    """Return where each distinct number appears first, in this order, and which of them each place has."""
    found = numbered_codes(codes)
    order = np.argsort(found.first)
    place = np.empty(found.count, np.int64)
    place[order] = np.arange(found.count)
    return found.first[order], place[found.numbers]


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


def _plans(column: _Column | None, own: Whole) -> dict[str, StagePlan]:
    """Return what the stages of a unit span; nothing in records before 1.3."""
    if column is None:
        return {}
    firsts, _ = _by_appearance(column.numbers[own])
    return plans_of(column.values[number] for number in column.numbers[own[firsts]])


def levels_key(levels: Configuration) -> tuple[tuple[int, float, str], ...]:
    """Return a key that orders configurations, level by level."""
    return tuple(map(sort_key, levels))
