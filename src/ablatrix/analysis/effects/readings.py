"""From the table of trials to the values of each unit: a value a configuration and repeat, over all of its stages."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import PLAN, StagePlan, grouped, in_order, knob_order, numbered, sort_key, step_of
from ablatrix.analysis.reasons import Cause
from ablatrix.records.status import Status
from ablatrix.statistics.precision import Configuration

UNIT = ("workload", "workload_digest", "compiler", "mode")
OBSERVERS = ("pass_timing",)  # they only observe a compile; what they cost is not an effect of a compiler
REPEAT = "replicate"

Key = tuple[Any, ...]


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


UnitReadings = tuple[Key, Readings]
"""A unit (values of the columns that distinguish mixed records, workload, digest, compiler), and its values."""


def readings_of(trials: pl.DataFrame, metric: str, mode: str, origin: Sequence[str] = ()) -> Iterator[UnitReadings]:
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
    by_stage = {name: tuple(sorted(held, key=levels_key)) for name, held in ordered}
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
    found = numbered(rows, keys)
    order = np.argsort(found.first)
    place = np.empty_like(order)
    place[order] = np.arange(found.count)
    return rows.select(keys)[found.first[order]].rows(), place[found.numbers]


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


def _plans(rows: pl.DataFrame) -> dict[str, StagePlan]:
    """Return what the stages of a unit span; nothing in records before 1.3."""
    if PLAN not in rows.columns:
        return {}
    named = rows.select("stage", PLAN).drop_nulls().unique(maintain_order=True)
    return {str(stage): StagePlan.read(str(text)) for stage, text in named.iter_rows()}


def levels_key(levels: Configuration) -> tuple[tuple[int, float, str], ...]:
    """Return a key that orders configurations, level by level."""
    return tuple(map(sort_key, levels))
