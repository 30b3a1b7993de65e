"""What one run of a history measured: the new build against each bridge, and bridges against each other."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.effects import Effect, SamePrograms, factorial_grids, main_effects
from ablatrix.analysis.groups import Instrument
from ablatrix.analysis.reasons import optional_text
from ablatrix.analysis.table import tidy
from ablatrix.errors import AnalysisError
from ablatrix.statistics.ratio import Allowance, Estimate, combined_estimate, least_error, paired_estimate

BUILD = "build"
Unit = tuple[str, str, str]
"""What a series is of: workload, compiler, metric."""


@dataclass(frozen=True)
class Measured:
    """What a run says of one unit.

    Attributes:
        base: The run's base level.
        levels: For each level of the knob the log of the metric over that at the run's base level, in each block; 0
            for the base level.
        allowance: What the intervals have to allow for.
        missing: Levels without a value, and why.
    """

    base: str
    levels: Mapping[str, tuple[float, ...]]
    allowance: Allowance
    missing: Mapping[str, str]

    def between(self, level: str, other: str) -> Estimate | None:
        """Return the log ratio of one level to another; None where one has no value."""
        if level not in self.levels or other not in self.levels:
            return None
        one, two = self.levels[level], self.levels[other]
        if len(one) == len(two):
            return self._allowed(paired_estimate([a - b for a, b in zip(one, two, strict=True)]))
        return self._allowed(combined_estimate([paired_estimate(one), paired_estimate(two)], [1.0, -1.0]))

    def _allowed(self, found: Estimate) -> Estimate:
        error = least_error(found, self.allowance)
        # How far the instrument may be off is allowed for as a further error: an interval would be wider by it.
        return (
            found
            if error is None
            else Estimate(found.mean, error + self.allowance.offset / 2.0, found.freedom, found.count)
        )


@dataclass(frozen=True)
class HistoryRun:
    """One run of a history.

    Attributes:
        name: What it is called: the name of its directory or file.
        time_utc: When its first trial began.
        host, cpu: The machine.
        levels: The levels of the knob that it measured or tried to; none in a run that does not vary it.
        bases: The base levels of the knob: of each compiler one.
        digests: Of each build, what it consists of, where that is recorded.
        units: What it measured.
    """

    name: str
    time_utc: str
    host: str
    cpu: str
    levels: tuple[str, ...]
    bases: tuple[str, ...]
    units: Mapping[Unit, Measured]
    digests: Mapping[str, str] = field(default_factory=dict)

    def renamed(self, names: Mapping[str, str]) -> HistoryRun:
        """Return the run with other names for some of its levels."""

        def name(level: str) -> str:
            return names.get(level, level)

        units = {
            unit: replace(
                one,
                base=name(one.base),
                levels={name(level): logs for level, logs in one.levels.items()},
                missing={name(level): why for level, why in one.missing.items()},
            )
            for unit, one in self.units.items()
        }
        levels, bases = (tuple(map(name, held)) for held in (self.levels, self.bases))
        return replace(self, levels=levels, bases=bases, units=units)


def read_run(name: str, file: Path, metrics: Sequence[str], knob: str = BUILD) -> HistoryRun:
    """Read a run.

    Args:
        name: What it is called.
        file: Its records.
        metrics: Names of metrics.
        knob: The knob whose levels are the builds.

    Raises:
        RecordError: The records cannot be read.
        AnalysisError: They hold no finished trial, or a metric does not exist.
    """
    if unknown := [one for one in metrics if one not in METRICS]:
        raise AnalysisError(f"there is no metric '{unknown[0]}' for a history; there are: {', '.join(METRICS)}")
    trials = tidy([file]).trials
    facts = trials.sort("time_utc").row(0, named=True)
    instrument, programs = Instrument(trials), SamePrograms.of(trials)
    units: dict[Unit, Measured] = {}
    for metric in metrics:
        for mode in METRICS[metric].modes:
            grids = factorial_grids(trials, metric, mode, (), instrument, programs)
            effects = main_effects(trials, metric, mode, [knob], instrument, programs, grids)
            for unit, held in itertools.groupby(effects, key=lambda one: (one.workload, one.compiler, metric)):
                units.setdefault(unit, _measured(list(held)))
    levels = sorted({level for one in units.values() for level in (*one.levels, *one.missing)})
    bases = sorted({one.base for one in units.values()})
    host, cpu = str(facts["host"]), str(facts["cpu"])
    builds = trials.select("build_name", "build_digest").drop_nulls().unique().cast(pl.String())
    return HistoryRun(name, facts["time_utc"], host, cpu, tuple(levels), tuple(bases), units, dict(builds.iter_rows()))


def _measured(effects: Sequence[Effect]) -> Measured:
    blocks = max((len(one.logs) for one in effects), default=0)
    levels = {one.level: one.logs for one in effects if one.logs}
    if blocks:
        levels[effects[0].base_level] = (0.0,) * blocks
    offset, step = (max(getattr(one.allowance, name) for one in effects) for name in ("offset", "step"))
    missing = {one.level: optional_text(one.reason) or "no block has it" for one in effects if not one.logs}
    return Measured(effects[0].base_level, levels, Allowance(offset, step), missing)
