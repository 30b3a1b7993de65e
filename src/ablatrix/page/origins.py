"""Which records stand behind an effect: the trials of its stage, found again from the levels that it names."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.effects import Effect
from ablatrix.page.sources import Sources, joined, written

Test = Callable[["_Cell"], bool]


@dataclass(frozen=True)
class _Cell:
    """The ok trials with a value of one configuration."""

    role: str
    is_baseline: bool
    levels: Mapping[str, str | None]
    baseline: Mapping[str, str | None]
    places: str


class Origins:
    """The records of effects on one metric in one mode."""

    def __init__(self, sources: Sources, metric: str, mode: str) -> None:
        trials = sources.trials
        knobs = [
            name.removeprefix("knob_")
            for name in trials.columns
            if name.startswith("knob_") and f"baseline_{name.removeprefix('knob_')}" in trials.columns
        ]
        keys = ["workload", "compiler", "role", "is_baseline"]
        levels = [f"{prefix}_{knob}" for prefix in ("knob", "baseline") for knob in knobs]
        chosen = trials.lazy().filter((pl.col("mode") == mode) & pl.col("is_ok") & (pl.col(metric) > 0))
        found = chosen.select(*keys, *levels, "place").group_by([*keys, *levels], maintain_order=True).agg("place")
        self._units: dict[tuple[str, str], list[_Cell]] = {}
        for row in found.collect().partition_by([*keys, *levels], maintain_order=True):
            held = row.row(0, named=True)
            cell = _Cell(
                held["role"],
                held["is_baseline"],
                {knob: held[f"knob_{knob}"] for knob in knobs},
                {knob: held[f"baseline_{knob}"] for knob in knobs},
                written(row["place"][0].to_numpy()),
            )
            self._units.setdefault((held["workload"], held["compiler"]), []).append(cell)

    def of_effect(self, effect: Effect, stage: Sequence[Effect]) -> str:
        """Return the ranges of the trials behind an effect.

        Args:
            effect: A main effect, a level around a centre, or an interaction.
            stage: All effects of the same workload, compiler and stage, which tell the stage's levels.
        """
        asked: dict[str, set[str | None]] = {}
        if effect.kind == "around":
            others = (other for other in stage if other.kind == "around" and other.knob != effect.knob)
            asked = {str(other.knob): {other.base_level} for other in others}
        if effect.kind != "interaction":
            asked[str(effect.knob)] = {effect.base_level, effect.level}
        return self._find(stage, asked)

    def of_total(self, stage: Sequence[Effect]) -> str:
        """Return the ranges of the trials behind an attribution: the configurations between its two ends."""
        shares = (one for one in stage if one.kind == "shapley")
        between: dict[str, set[str | None]] = {str(one.knob): {one.base_level, one.level} for one in shares}
        return self._find(stage, between)

    def of_floor(self, workload: str, compiler: str) -> str:
        """Return the ranges of the baseline's trials and of its twins."""
        cells = self._units.get((workload, compiler), [])
        return joined(one.places for one in cells if one.is_baseline and one.role in ("measured", "twin"))

    def _find(self, stage: Sequence[Effect], asked: Mapping[str, Collection[str | None]]) -> str:
        """Return the trials of a stage that have one of the levels asked for of each knob named."""
        cells = self._units.get((stage[0].workload, stage[0].compiler), [])
        in_stage = _grid(stage)
        return joined(
            one.places
            for one in cells
            if one.role == "measured"
            and in_stage(one)
            and all(one.levels.get(knob) in levels for knob, levels in asked.items())
        )


def _grid(stage: Sequence[Effect]) -> Test:
    """Return whether a cell is in a stage: at its levels of the knobs that vary, at its centre's of the rest."""
    varying: dict[str, set[str | None]] = {}
    for one in stage:
        if one.kind in ("main", "around") and one.knob:
            varying.setdefault(one.knob, set()).update((one.base_level, one.level))
    centre = stage[0].centre

    def holds(cell: _Cell) -> bool:
        for knob, level in cell.levels.items():
            base = cell.baseline[knob]
            wanted = varying.get(knob, {centre.get(knob, base)})
            if base is not None and level not in wanted:
                return False
        return True

    return holds
