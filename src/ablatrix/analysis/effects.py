"""What one knob does on the average over the others, and how far two equal configurations lie apart."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.estimate import grouped, sort_key
from ablatrix.statistics.ratio import Ratio, paired_ratio

UNIT = ("workload", "workload_digest", "compiler", "mode")


@dataclass(frozen=True)
class Effect:
    """The main effect of moving one knob from the baseline's level to another.

    Attributes:
        ratio: Geometric mean over the other knobs of (time at ``level`` / time at ``base_level``), with an
            interval over repeats. None when no pair was measured.
        pairs: Pairs of trials that it is made of, over all repeats.
        pairs_missing: Pairs that were run, but in which a trial is not ok.
    """

    workload: str
    compiler: str
    knob: str
    base_level: str
    level: str
    ratio: Ratio | None
    pairs: int
    pairs_missing: int


@dataclass(frozen=True)
class NoiseFloor:
    """How far a twin of the baseline lies from the baseline: an A/A comparison.

    Attributes:
        ratio: Twin over baseline, paired over blocks.
        spread: Largest absolute log ratio of any block: 0.02 is about 2 %.
    """

    workload: str
    compiler: str
    ratio: Ratio
    spread: float


@dataclass(frozen=True)
class _Step:
    knob: str
    position: int
    base_level: str
    level: str


@dataclass(frozen=True)
class _Reading:
    block: tuple[Any, ...]
    log: float | None


def main_effects(trials: pl.DataFrame, metric: str, mode: str, knobs: Sequence[str]) -> list[Effect]:
    """Return the main effects of knobs on a time, for each workload and compiler.

    Two trials make a pair when they differ in this knob alone and are repeats of the same number. Trials of
    one block are compared directly; when a block was split, each is first divided by the baseline of its own
    part.

    Args:
        trials: The table of trials.
        metric: Column of a time.
        mode: ``cold`` or ``hot``.
        knobs: Names of knobs, without a prefix.
    """
    measured = trials.filter((pl.col("role") == "measured") & (pl.col("mode") == mode))
    columns = [name for name in trials.columns if name.startswith("knob_")]
    effects = []
    for unit, part in grouped(measured, UNIT):
        cells, baselines, base_levels = _readings(part, metric, columns)
        for knob in knobs:
            if f"knob_{knob}" in base_levels:
                position = columns.index(f"knob_{knob}")
                for level in _other_levels(cells, position, base_levels[f"knob_{knob}"]):
                    step = _Step(knob, position, base_levels[f"knob_{knob}"], level)
                    effects.append(_effect(unit, step, cells, baselines))
    return effects


def noise_floors(trials: pl.DataFrame, metric: str, mode: str) -> list[NoiseFloor]:
    """Return the A/A spread of each workload and compiler that has a twin in a block with an ok baseline."""
    ok = trials.filter((pl.col("status") == "ok") & (pl.col("mode") == mode) & (pl.col(metric) > 0))
    floors = []
    for unit, part in grouped(ok, UNIT):
        sides = {
            role: _by_block(part.filter((pl.col("role") == role) & pl.col("is_baseline")), metric)
            for role in ("measured", "twin")
        }
        shared = sorted(sides["measured"].keys() & sides["twin"].keys())
        logs = [_mean(sides["twin"][block]) - _mean(sides["measured"][block]) for block in shared]
        if logs:
            floors.append(NoiseFloor(unit[0], unit[2], paired_ratio(logs), max(map(abs, logs))))
    return floors


Cells = Mapping[tuple[str | None, ...], Sequence[_Reading]]
Baselines = Mapping[tuple[Any, ...], Sequence[float]]


def _readings(part: pl.DataFrame, metric: str, columns: Sequence[str]) -> tuple[Cells, Baselines, dict[str, str]]:
    """Return each configuration's repeats in order, the baseline's logs by block, and its levels."""
    cells: dict[tuple[str | None, ...], list[_Reading]] = {}
    baselines: dict[tuple[Any, ...], list[float]] = {}
    base_levels: dict[str, str] = {}
    for row in part.sort("run", "position").iter_rows(named=True):
        value = row[metric] if row["status"] == "ok" else None
        log = math.log(value) if value else None
        block = (row["run"], row["block_id"])
        cells.setdefault(tuple(row[name] for name in columns), []).append(_Reading(block, log))
        if row["is_baseline"] and log is not None:
            baselines.setdefault(block, []).append(log)
        if not base_levels:
            levels = {name: row[name.replace("knob_", "baseline_", 1)] for name in columns}
            base_levels = {name: level for name, level in levels.items() if level is not None}
    return cells, baselines, base_levels


def _other_levels(cells: Cells, position: int, base_level: str) -> list[str]:
    levels = {knobs[position] for knobs in cells} - {None, base_level}
    return sorted((level for level in levels if level is not None), key=sort_key)


def _effect(unit: Sequence[Any], step: _Step, cells: Cells, baselines: Baselines) -> Effect:
    by_repeat: dict[int, list[float]] = {}
    missing = 0
    for knobs, there in cells.items():
        here = cells.get((*knobs[: step.position], step.base_level, *knobs[step.position + 1 :]))
        if knobs[step.position] != step.level or here is None:
            continue
        for repeat, (one, other) in enumerate(_repeats(there, here)):
            difference = _difference(one, other, baselines)
            if difference is None:
                missing += 1
            else:
                by_repeat.setdefault(repeat, []).append(difference)
    means = [_mean(by_repeat[repeat]) for repeat in sorted(by_repeat)]
    pairs = sum(map(len, by_repeat.values()))
    ratio = paired_ratio(means) if means else None
    return Effect(unit[0], unit[2], step.knob, step.base_level, step.level, ratio, pairs, missing)


def _repeats(there: Sequence[_Reading], here: Sequence[_Reading]) -> Iterator[tuple[_Reading, _Reading]]:
    """Pair the repeats of two configurations: by block where they share one, else by their number.

    The baseline stands in every part of a split block, so it meets each other configuration in a block.
    """
    of_block = {reading.block: reading for reading in here}
    shared = [(reading, of_block[reading.block]) for reading in there if reading.block in of_block]
    yield from shared or zip(there, here, strict=False)


def _difference(one: _Reading, other: _Reading, baselines: Baselines) -> float | None:
    if one.log is None or other.log is None:
        return None
    if one.block == other.block:
        return one.log - other.log
    if one.block not in baselines or other.block not in baselines:
        return None
    return (one.log - _mean(baselines[one.block])) - (other.log - _mean(baselines[other.block]))


def _by_block(part: pl.DataFrame, metric: str) -> dict[tuple[Any, ...], list[float]]:
    rows = sorted(zip(part["run"], part["block_id"], part[metric], strict=True))
    return {
        block: [math.log(row[2]) for row in group]
        for block, group in itertools.groupby(rows, key=lambda row: (row[0], row[1]))
    }


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
