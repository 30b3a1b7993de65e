"""Which rows an estimate follows from: the one answer of the paper and the page.

An effect is a number of its whole stage: which pairs of configurations and which repeats enter it depends on all of
the stage's configurations, and parts of a split block are compared through the baselines of each. So its rows are the
ok trials with a value that have the levels of the stage's centre in all knobs but those that the stage moves, and the
baseline's. A total, and its parts, follow from the configurations between its two ends alone. Where the metric is the
paired run time, which is made from all ok hot trials of a block, the rows are the whole blocks. A screening and its
confirmation have blocks of their own, and no others enter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import polars as pl

from ablatrix.analysis.effects import Effect
from ablatrix.analysis.groups import Control, Sizes, Whole, stages_apart
from ablatrix.analysis.table import IS_OK
from ablatrix.provenance.ranges import Ranges, ranges_of, union
from ablatrix.provenance.rows import ROW, Rows
from ablatrix.provenance.unit_trials import Choices, Mask, RowNumbers, UnitTrials
from ablatrix.provenance.units import Levels, Unit, UnitKey, units_of
from ablatrix.records.metrics import HOT_METRIC

_NONE: Whole = np.empty(0, np.int64)
SHARED = " shared"
"""Stands for the blocks that stages share where some have blocks of their own; no stage's name begins with a space."""


@dataclass(frozen=True)
class StageRows:
    """What an effect, or the factor of a claim, follows from.

    Attributes:
        rows: Its rows.
        fixed: The level of each knob that is not moved.
        moved: The levels of each knob that is moved.
        blocks: In how many blocks the configurations have a value; more than the repeats where blocks were split.
    """

    rows: Ranges
    fixed: Levels
    moved: Choices
    blocks: int


class RowFinder:
    """Finds the rows of estimates, each once.

    Attributes:
        rows: All trials.
        units: The units of measured trials, by `Unit.identity`.
    """

    def __init__(self, rows: Rows, origin: Sequence[str] = (), sizes: Sizes | None = None) -> None:
        """Take the trials, the columns that distinguish mixed records, and how sizes of a workload are told apart."""
        self.rows = rows
        self.units: Mapping[UnitKey, Unit] = units_of(rows, origin, sizes)
        self._kept: dict[tuple[Any, ...], StageRows] = {}
        self._blocks: dict[tuple[UnitKey, str | None], Ranges] = {}
        self._trials: dict[tuple[UnitKey, str, str, str | None], UnitTrials] = {}
        self._apart = stages_apart(rows.trials)
        self._every = RowNumbers(rows.trials)

    def unit_of(self, held: Effect | Control) -> Unit:
        """Return the unit that an estimate is of."""
        return self.units[(*held.origin, held.workload, held.digest, held.compiler)]

    def of_effect(self, effect: Effect, stage: Sequence[Effect]) -> StageRows:
        """Return what an effect of any kind follows from.

        Args:
            effect: One of the stage's.
            stage: All effects of the same unit and stage, which give the knobs and levels that it moves.
        """
        unit = self.unit_of(effect)
        between: dict[str, Sequence[str]] = {}
        if effect.kind in ("main", "around"):
            own = [one for one in stage if one.kind == effect.kind and (one.kind == "main" or one.knob == effect.knob)]
            for one in own:
                held = between.setdefault(str(one.knob), (one.base_level,))
                between[str(one.knob)] = (*held, one.level)
        else:
            between = {str(one.knob): (one.base_level, one.level) for one in stage if one.kind == "shapley"}
        fixed = {knob: level for knob, level in {**unit.baseline, **effect.centre}.items() if knob not in between}
        found = self.of_stage(unit, effect.mode, effect.metric, fixed, between, self.series_of(effect.stage))
        rows = self.widened_by(unit, effect.mode, effect.metric, found.rows, effect.allowance.offset)
        return replace(found, rows=rows)

    def series_of(self, stage: str | None) -> str | None:
        """Return in whose blocks a stage is measured: its own, or those that stages share; None where all do."""
        if not self._apart:
            return None
        return stage if stage in self._apart else SHARED

    def of_stage(
        self, unit: Unit, mode: str, metric: str, fixed: Levels, moved: Choices, series: str | None = None
    ) -> StageRows:
        """Return what an estimate over the configurations of a stage follows from.

        Args:
            unit: Whose configurations they are.
            mode: ``cold`` or ``hot``.
            metric: Column of a positive number.
            fixed: The level of each knob that the stage does not move.
            moved: The levels of each knob that it moves; those that other stages have are not in its grid.
            series: The stage in whose own blocks it is measured, `SHARED`, or None for any block.
        """
        choices: dict[str, Sequence[str]] = {**{knob: (level,) for knob, level in fixed.items()}, **moved}
        key = (unit.identity, mode, metric, series, *sorted((knob, *levels) for knob, levels in choices.items()))
        if key not in self._kept:
            held = self._held(unit, mode, "ok", series)
            chosen = held.with_value(metric) & (held.among(choices) | held.among(_alone(unit.baseline)))
            rows = self._rows(unit, metric, held, chosen, series)
            self._kept[key] = StageRows(rows, fixed, moved, held.blocks(chosen))
        return self._kept[key]

    def of_screening(self, unit: Unit, mode: str, metric: str, stage: str) -> Ranges:
        """Return the rows that a screening follows from: those of its own blocks."""
        held = self._held(unit, mode, "ok", stage)
        return self._rows(unit, metric, held, held.with_value(metric), stage)

    def of_ratio(self, unit: Unit, mode: str, metric: str, levels: Levels, base: Levels) -> Ranges:
        """Return the rows of the paired ratio of one configuration to another."""
        held = self._held(unit, mode)
        chosen = held.with_value(metric) & (held.among(_alone(levels)) | held.among(_alone(base)))
        return self._rows(unit, metric, held, chosen)

    def at(self, unit: Unit, mode: str | None, levels: Levels, *columns: str) -> pl.DataFrame:
        """Return the ok measured trials of a unit with all of these levels, in one mode or in all; see `Rows.at`."""
        held = [self._held(unit, one) for one in ([mode] if mode else unit.ok)]
        found = [one.at(_alone(levels)) for one in held]
        return self.rows.at(np.concatenate([_NONE, *found]), *columns)

    def eager(self, unit: Unit, mode: str, *columns: str) -> pl.DataFrame:
        """Return the ok eager trials of a unit's workload in one mode, likewise."""
        return self.rows.at(self._eager.get((unit.workload, unit.digest, mode), _NONE), *columns)

    def widened_by(self, unit: Unit, mode: str, metric: str, rows: Ranges, offset: float) -> Ranges:
        """Return the rows of an estimate, with those of the A/A control where its failure widens the interval."""
        return union([rows, self.of_control(unit, mode, metric)]) if offset else rows

    def of_control(self, unit: Unit, mode: str, metric: str) -> Ranges:
        """Return the rows of an A/A control: of the baseline, in each build that has one, and its twins."""
        sides = [self._held(unit, mode), self._held(unit, mode, "twins")]
        return union(self._rows(unit, metric, held, held.with_value(metric) & held.is_controlled) for held in sides)

    def blocks_of(self, unit: Unit, series: str | None = None) -> Ranges:
        """Return the rows that a unit's paired run times are made from: all hot ok trials of its blocks."""
        key = (unit.identity, series)
        if key not in self._blocks:
            self._blocks[key] = ranges_of(self._held(unit, "hot", "ok", series).beside(self._paired))
        return self._blocks[key]

    def blocks_in(self, unit: Unit, mode: str, metric: str, series: str | None = None) -> int:
        """Return in how many blocks a unit has a value; more than the repeats where blocks were split."""
        held = self._held(unit, mode, "ok", series)
        return held.blocks(held.with_value(metric))

    @cached_property
    def _eager(self) -> Mapping[tuple[str, str, str], Whole]:
        """The rows of ok eager trials by workload, digest and mode."""
        ok = self.rows.trials.lazy().filter(IS_OK & (pl.col("role") == "reference"))
        groups = ok.group_by("workload", "workload_digest", "mode", maintain_order=True).agg(ROW).collect()
        return {(*key,): rows.cast(pl.Int64).to_numpy() for *key, rows in zip(*groups.get_columns(), strict=True)}

    @cached_property
    def _paired(self) -> Whole:
        """The rows that have a paired run time."""
        timed = self.rows.part(IS_OK & pl.col(HOT_METRIC).is_not_null())[ROW]
        return timed.cast(pl.Int64).to_numpy()

    def _held(
        self, unit: Unit, mode: str, role: Literal["ok", "twins"] = "ok", series: str | None = None
    ) -> UnitTrials:
        key = (unit.identity, mode, role, series)
        if key not in self._trials:
            own = (unit.ok if role == "ok" else unit.twins).get(mode, self.rows.trials.clear())
            if series is not None:
                is_apart = pl.col("stage").is_in(list(self._apart))
                own = own.filter(~is_apart if series == SHARED else pl.col("stage") == series)
            self._trials[key] = UnitTrials(self._every, own[ROW].cast(pl.Int64).to_numpy())
        return self._trials[key]

    def _rows(self, unit: Unit, metric: str, held: UnitTrials, chosen: Mask, series: str | None = None) -> Ranges:
        if metric == HOT_METRIC and chosen.any():
            return self.blocks_of(unit, series)
        return held.rows(chosen)


def plain_choices(choices: Choices) -> dict[str, list[str]]:
    """Return levels by knob as plain data, for parameters."""
    return {knob: list(levels) for knob, levels in choices.items()}


def _alone(levels: Levels) -> Choices:
    return {knob: (level,) for knob, level in levels.items()}
