"""The input of tables whose every number is in the ledger, and how their numbers are entered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.effects import Ablation, Move, SpeedUp, mean_speed_up
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import base_of, sort_key
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.digits import interval_form
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.number import Number, Statistic
from ablatrix.paper.tables.word import Cell, Word, both
from ablatrix.plotting.labels import Labels
from ablatrix.provenance.finder import plain_choices
from ablatrix.provenance.keys import key_part, step_part
from ablatrix.provenance.ranges import Ranges, ranges_of
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import HOT_METRIC, METRIC_OF_MODE
from ablatrix.records.variants import axes_text
from ablatrix.statistics.quantile import quantile_interval
from ablatrix.statistics.ratio import Ratio

PREFIX = "tables"
INVERSE = {"view": "inverse"}
"""How a ratio to eager is seen as a speed-up over it."""


@dataclass(frozen=True)
class TableSources:
    """The input of tables.

    Attributes:
        findings: What is estimated from the trials.
        estimates: Where numbers are entered, and how their rows are found.
        labels: The words of the paper's language.
        mixed: Columns of mixed origin.
    """

    findings: Findings
    estimates: Estimates
    labels: Labels
    mixed: Sequence[str] = ()

    def metric(self, mode: str | None = None) -> tuple[str, str]:
        """Return the metric and mode that workloads are compared by: hot where any trial is, if not told."""
        there = self.findings.trials.lazy().filter(IS_OK).select(pl.col("mode").unique()).collect()["mode"].to_list()
        chosen = mode or ("hot" if "hot" in there or not there else "cold")
        return METRIC_OF_MODE[chosen], chosen

    def word(self, name: str, **slots: object) -> Cell:
        """Return a word of the paper's language."""
        return both(self.labels, lambda it: it(name, **slots))

    def subject(self, one: Ablation, with_compiler: bool) -> tuple[Cell, ...]:
        """Return the cells that say what an ablation is of: its workload, and its compiler where there are several."""
        label = self.unit(one).label
        workload = both(self.labels, lambda it: it.workload(label))
        return (workload, self.compiler(one.compiler)) if with_compiler else (workload,)

    def by_variant(self, found: Sequence[Ablation]) -> bool:
        """Return whether some of these ablations are of variants, so that a table has a column for their axes."""
        return any(one.workload in self.findings.variants for one in found)

    def in_order(self, found: Sequence[Ablation], compilers: Sequence[str]) -> list[Ablation]:
        """Return ablations in the order of rows: by compiler, then by workload with its variants by their axes."""
        return sorted(found, key=lambda one: (compilers.index(one.compiler), sort_key(self.unit(one).label)))

    def names(self, one: Ablation, before: Ablation | None, with_compiler: bool, with_axes: bool) -> tuple[Cell, ...]:
        """Return the cells that say what a row is of, with a column for axis values where some rows are of variants.

        Args:
            one: What the row is of.
            before: What the row above is of; a workload whose variants follow each other is named once.
            with_compiler: Whether there are several compilers.
            with_axes: Whether the table has a column of axis values.
        """
        first, *rest = self.subject(one, with_compiler)
        variant = self.findings.variants.get(one.workload)
        if not with_axes:
            return (first, *rest)
        if variant is None:
            return (first, "", *rest)
        above = None if before is None or before.compiler != one.compiler else before.workload
        is_repeated = above is not None and base_of(above, self.findings.variants) == variant.base
        name = Word(variant.base, "") if is_repeated else both(self.labels, lambda it: it.workload(variant.base))
        return (name, axes_text(variant.axes.items(), ", "), *rest)

    def compiler(self, name: str) -> Cell:
        """Return the cell of a compiler."""
        return both(self.labels, lambda it: it.compiler(name))

    def compilers(self, names: Sequence[str]) -> Cell:
        """Return what tells apart the part of a table that is about some compilers."""
        return both(self.labels, lambda it: it("on_compiler", compiler=it("comma").join(map(it.compiler, names))))

    def unit(self, one: Ablation) -> Unit:
        """Return the unit that an ablation is of."""
        return self.estimates.units[one.workload, one.digest, one.compiler]

    def median(
        self, key: str, rows: pl.DataFrame, column: str, divide_by: float = 1.0, unit: str | None = None
    ) -> Number | None:
        """Return the median of a column, with the digits that its interval over trials supports; None without any."""
        if column not in rows.columns:
            return None
        chosen = pl.DataFrame([rows[ROW], rows[column]])
        chosen = chosen.drop_nulls(column) if chosen[column].null_count() else chosen
        values = chosen[column].to_list()
        if not values:
            return None
        low, high = quantile_interval(values, 0.5) or (None, None)
        middle = sorted(values)[len(values) // 2]
        form = interval_form(float(middle), low, high, divide_by, unit)
        return self.estimates.ledger.median(f"{PREFIX}/{key}", chosen, column, form)

    def speed_up(self, one: Ablation, name: str, found: SpeedUp) -> Number | None:
        """Return a speed-up of a configuration over the one that its ablation starts from; None without a ratio."""
        if found.ratio is None:
            return None
        unit = self.unit(one)
        start = {knob: one.base[knob] for knob in found.moved}
        fixed = {knob: level for knob, level in one.base.items() if knob not in found.moved}
        moved = {knob: (start[knob], level) for knob, level in found.moved.items()}
        finder = self.estimates.finder
        behind = finder.of_stage(unit, one.mode, one.metric, fixed, moved, finder.series_of(found.stage))
        rows = finder.widened_by(unit, one.mode, one.metric, behind.rows, found.ratio.widened)
        parameters = {
            "fixed": fixed,
            "levels": plain_choices(moved),
            "split": not self.findings.hosts and behind.blocks > found.repeats,
            "start": start,
            "end": dict(found.moved),
        }
        return self._ratio(_key(unit, name, one.metric), "speed_up", found.ratio, rows, {**_of(one), **parameters})

    def over_eager(self, one: Ablation, name: str, found: SpeedUp) -> Number | None:
        """Return the speed-up of a configuration over eager execution."""
        if found.ratio is None:
            return None
        unit = self.unit(one)
        levels = {**one.base, **found.moved}
        if one.metric == HOT_METRIC:
            rows = self.estimates.finder.blocks_of(unit)
        else:
            finder = self.estimates.finder
            rows = ranges_of(pl.concat([finder.at(unit, one.mode, levels)[ROW], finder.eager(unit, one.mode)[ROW]]))
        rows = self.estimates.finder.widened_by(unit, one.mode, one.metric, rows, found.ratio.widened)
        parameters = {**_of(one), "knobs": levels}
        key = _key(unit, f"{name}_over_eager", one.metric)
        return self._ratio(key, "reference_ratio", found.ratio, rows, {**parameters, **INVERSE})

    def mean(
        self, compiler: str, name: str, metric: str, members: Mapping[str, SpeedUp], is_over_base: bool
    ) -> Number | None:
        """Return the geometric mean of speed-ups that have been entered, by their keys; None where none has a ratio."""
        ratio = mean_speed_up(list(members.values()))
        if ratio is None:
            return None
        key = f"{PREFIX}/speed_up/geometric_mean/{key_part(compiler)}/{name}/{key_part(metric)}"
        by_workload: dict[str, list[str]] = {}
        for member, found in members.items():
            by_workload.setdefault(found.base, []).append(member)
        nested = {"by_workload": list(by_workload.values())} if len(by_workload) < len(members) else {}
        parameters = {"of": list(members), **nested, **({} if is_over_base else INVERSE)}
        return self._ratio(key, "geometric_mean", ratio, (), parameters)

    def _ratio(
        self, key: str, statistic: Statistic, ratio: Ratio, rows: Ranges, parameters: Mapping[str, Any]
    ) -> Number:
        """Enter a speed-up and its ends; where it is seen as an inverse, its low end is the statistic's high one."""
        form = interval_form(ratio.value, ratio.low, ratio.high)
        low, high = ("high", "low") if "view" in parameters else ("low", "high")
        held = {**parameters, "widened": ratio.widened} if ratio.widened else dict(parameters)
        enter = self.estimates.ledger.enter
        for part, suffix, value in ((low, "low", ratio.low), (high, "high", ratio.high)):
            if value is not None:
                enter(f"{key}/{suffix}", statistic, value, form, rows, {**held, "part": part})
        return enter(f"{key}/ratio", statistic, ratio.value, form, rows, {**held, "part": "value"})


def knob_heading(labels: Labels, moves: Sequence[Move], move: Move) -> Cell:
    """Return the heading of a column about a knob; with its level, where the knob is moved to several."""
    is_alone = sum(one.knob == move.knob for one in moves) == 1
    return both(labels, lambda it: it.knob(move.knob) if is_alone else it.move(move.knob, move.level))


def move_name(knob: str, level: str) -> str:
    """Return the part of a key that names a knob by itself."""
    return f"alone/{step_part(knob, level)}"


def _key(unit: Unit, name: str, metric: str) -> str:
    return f"{PREFIX}/speed_up/{unit.key}/{name}/{key_part(metric)}"


def _of(one: Ablation) -> dict[str, Any]:
    return {
        "workload": one.workload,
        "workload_digest": one.digest,
        "compiler": one.compiler,
        "mode": one.mode,
        "metric": one.metric,
    }
