"""The text of a table's cells: a number computed from a group's rows, or why there is none."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Numbered, numbered
from ablatrix.analysis.table import CLASS, IS_OK, UNSTEADY
from ablatrix.errors import AnalysisError
from ablatrix.paper.digits import interval_form
from ablatrix.paper.filters import filtered
from ablatrix.paper.tables.word import Cell, both
from ablatrix.paper.template.sources import TRIALS
from ablatrix.paper.template.spec import BY_INTERVAL, ColumnSpec, TableSpec
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.records.metrics import METRICS
from ablatrix.records.status import Status
from ablatrix.statistics.quantile import quantile_interval
from ablatrix.statistics.ratio import Ratio

NOTHING = "\N{EN DASH}"
"""Printed where there is no reading, or where a number does not apply."""

Key = tuple[Any, ...]
Value = TypeVar("Value")
_GROUP = " group"  # no column of a record begins with a space
_OF_VALUES = ("mean", "median", "p50", "p95", "min", "max")
_FIGURES: Mapping[str, Callable[[Sequence[Any]], float]] = {
    "count": len,
    "distinct": lambda values: len(set(values)),
    "mean": lambda values: math.fsum(values) / len(values),
    "median": statistics.median,
    "p50": statistics.median,
    "p95": lambda values: float(np.quantile(values, 0.95)),
    "min": min,
    "max": max,
    "sum": sum,
}


@dataclass(frozen=True)
class Groups:
    """The rows of a table: groups of the rows of its source.

    Attributes:
        findings: What is estimated from all trials; notes on what is omitted come from it.
        frame: The rows of the source that the table keeps.
        names: Columns whose values make a group.
        labels: The words of the paper's language.
    """

    findings: Findings
    spec: TableSpec
    frame: pl.DataFrame
    names: tuple[str, ...]
    labels: Labels = ENGLISH
    _kept: dict[str, pl.DataFrame] = field(default_factory=dict)
    _statuses_kept: dict[tuple[str, ...], Mapping[int, list[str]]] = field(default_factory=dict)

    @cached_property
    def _numbered(self) -> Numbered:
        """The group of each row by number: a million rows are grouped by it in a fraction of the time of names."""
        return numbered(self.frame, self.names)

    @cached_property
    def _key_of(self) -> list[Key]:
        """The groups by number."""
        return self.frame.select(self.names)[self._numbered.first].rows()

    @cached_property
    def keys(self) -> list[Key]:
        """The groups in the order in which they first appear."""
        return [self._key_of[number] for number in np.argsort(self._numbered.first)]

    def column(self, column: ColumnSpec) -> Mapping[Key, Cell]:
        """Return the cell of each group in one column.

        Raises:
            AnalysisError: A cell would have several values.
        """
        if column.aggregation == "value":
            at = self.names.index(column.column)
            return {key: NOTHING if key[at] is None else self._text(key[at], column) for key in self.keys}
        if column.aggregation == "outcome":
            outcomes = self._by_key(_outcomes(self._rows(column)))
            return {key: self._outcome(outcomes.get(key)) for key in self.keys}
        if column.aggregation == "checks":
            return self._checks(column)
        if column.aggregation == "ratio":
            return self._ratios(column) if self.spec.source in TRIALS else self._estimates(column)
        return self._figures(column)

    def _rows(self, column: ColumnSpec) -> pl.DataFrame:
        """Return the rows that a column uses, with the number of their group; the same filter is applied once."""
        key = repr(sorted(column.filter.items()))
        if key not in self._kept:
            frame = self.frame.with_columns(pl.Series(_GROUP, self._numbered.numbers))
            self._kept[key] = filtered(frame, column.filter, f"table {self.spec.number}")
        return self._kept[key]

    def _by_key(self, by_number: Mapping[int, Value]) -> dict[Key, Value]:
        """Return what is known of groups by number by their keys."""
        return {self._key_of[number]: held for number, held in by_number.items()}

    def _figures(self, column: ColumnSpec) -> Mapping[Key, Cell]:
        rows = self._rows(column)
        taken = self._taken(rows, column)
        if (figures := _plain(taken, rows.schema[column.column], column)) is not None:
            plain = self._by_key(figures)
            held_of = plain if column.aggregation != "count" else {**dict.fromkeys(self.keys, 0), **plain}
            marks = self._marks(column, held_of)
            return {
                key: _figure(held_of[key], column) if key in held_of else marks.get(key, NOTHING) for key in self.keys
            }
        values = self._by_key(_values(taken, column.column))
        marks = self._marks(column, values)
        cells: dict[Key, Cell] = {}
        for key in self.keys:
            held = values.get(key, [])
            if column.aggregation == "only":
                cells[key] = self._only(column, key, held) if held else marks.get(key, NOTHING)
            elif held or column.aggregation in ("count", "distinct"):
                cells[key] = _figure(_FIGURES[column.aggregation](held), _with_digits(column, held))
            else:
                cells[key] = marks.get(key, NOTHING)
        return cells

    def _taken(self, rows: pl.DataFrame, column: ColumnSpec) -> pl.LazyFrame:
        if self.spec.source not in TRIALS or column.over == "all":
            return rows.lazy()
        return rows.lazy().filter(IS_OK)  # lazy: else every column is copied

    def _only(self, column: ColumnSpec, key: Key, values: Sequence[Any]) -> Cell:
        distinct = list(dict.fromkeys(values))
        if len(distinct) > 1:
            raise AnalysisError(
                f"table {self.spec.number}: column '{column.column}' should have only one value in a row, but the row "
                f"({_named(key)}) has {len(distinct)}: {_named(distinct[:4])}; name a column that distinguishes them "
                f"in group_by or in the column's filter"
            )
        return self._text(distinct[0], column)

    def _checks(self, column: ColumnSpec) -> Mapping[Key, Cell]:
        rows = self._rows(column)
        names = ("checked", "missing")
        sums = rows.group_by(_GROUP).agg(pl.col(name).sum() for name in names)
        made = self._by_key(dict(sums.select(_GROUP, pl.struct(names)).iter_rows()))
        cells: dict[Key, Cell] = {}
        for key in self.keys:
            counts = made.get(key, dict.fromkeys(names, 0))
            asked = counts["checked"] + counts["missing"]
            cells[key] = f"{counts['checked']}/{asked}" if asked else NOTHING
        return cells

    def _ratios(self, column: ColumnSpec) -> Mapping[Key, Cell]:
        rows = self._rows(column)
        found = self.findings.part(rows).ratios(column.column, [_GROUP])
        ratios = self._by_key({number: ratio for (number,), ratio in found.items()})
        with_value = self._taken(rows, column).filter(pl.col(column.column).is_not_null())
        known = {self._key_of[number] for number in with_value.select(pl.col(_GROUP).unique()).collect()[_GROUP]}
        marks = self._marks(column, {*ratios, *known})
        no_baseline = both(self.labels, lambda it: it("no_baseline"))
        cells: dict[Key, Cell] = {}
        for key in self.keys:
            if key in ratios:
                cells[key] = _ratio_text(ratios[key], column.format)
            else:
                cells[key] = no_baseline if key in known else marks.get(key, NOTHING)
        return cells

    def _estimates(self, column: ColumnSpec) -> Mapping[Key, Cell]:
        """Return the ratios of the source with their intervals, one per group."""
        name = column.column
        parts = (name, f"{name}_low", f"{name}_high")
        lost = both(self.labels, lambda it: it("not_attributable_cell"))
        cells: dict[Key, Cell] = {}
        for *key, value, low, high in self._rows(column).select(*self.names, *parts).iter_rows():
            if tuple(key) in cells:
                raise AnalysisError(
                    f"table {self.spec.number}: column '{name}' has several effects in the row ({_named(key)}); name "
                    f"a column that distinguishes them (metric, effect, stage) in group_by or in the column's filter"
                )
            # An interval of no width belongs to an exact number, which needs none.
            has_interval = low != high
            ratio = None
            if value is not None:
                ratio = Ratio(value, low if has_interval else None, high if has_interval else None, 0)
            cells[tuple(key)] = lost if ratio is None else _ratio_text(ratio, column.format)
        return {key: cells.get(key, NOTHING) for key in self.keys}

    def values(self, column: ColumnSpec) -> Mapping[Key, float]:
        """Return the ratio of each group of a source of estimates, of those that have one."""
        rows = self._rows(column).select(*self.names, column.column).drop_nulls(column.column)
        return {tuple(key): value for *key, value in rows.iter_rows()}

    def _marks(self, column: ColumnSpec, numbers: Collection[Key]) -> Mapping[Key, Cell]:
        """Return why groups have no number: the statuses of their trials in the modes in which any trial has one.

        Args:
            column: The column.
            numbers: The groups that have one.
        """
        if self.spec.source not in TRIALS or len(numbers) == len(self.keys):
            return {}
        rows = self._rows(column).lazy()
        known = rows.filter(pl.col(column.column).is_not_null()).select(pl.col("mode").unique().cast(pl.String))
        modes = sorted(known.collect()["mode"].drop_nulls().to_list())
        key = (repr(sorted(column.filter.items())), *modes)
        if key not in self._statuses_kept:
            others = rows.filter(~IS_OK, *([pl.col("mode").is_in(modes)] if modes else []))
            statuses = others.group_by(_GROUP).agg(pl.col("status").unique().cast(pl.String)).collect()
            self._statuses_kept[key] = dict(statuses.select(_GROUP, "status").iter_rows())
        return {group: self._statuses(sorted(names)) for group, names in self._by_key(self._statuses_kept[key]).items()}

    def _statuses(self, names: Sequence[str]) -> Cell:
        return both(self.labels, lambda it: it("comma").join(map(it.status, names)))

    def _outcome(self, counts: Counter[str] | None) -> Cell:
        return NOTHING if counts is None else both(self.labels, partial(_outcome_text, counts))

    def _text(self, value: Any, column: ColumnSpec) -> Cell:
        if isinstance(value, bool):
            return both(self.labels, lambda it: it("yes" if value else "no"))
        return _text(value, column)


def _plain(rows: pl.LazyFrame, kind: pl.DataType, column: ColumnSpec) -> Mapping[int, float] | None:
    """Return the figure of each group with a value, where its values need not leave the table for it; else None.

    These are exact, whatever the order of the rows; a million values as a list take a second.
    """
    name = column.aggregation
    is_ordered = name in ("min", "max") and kind.is_numeric()
    if column.format == BY_INTERVAL or not (name == "count" or is_ordered or (name == "sum" and kind.is_integer())):
        return None
    value = getattr(pl.col(column.column), name)()
    groups = rows.filter(pl.col(column.column).is_not_null()).group_by(_GROUP)
    found = groups.agg(value.alias(" value")).collect()
    return dict(zip(found[_GROUP].to_list(), found[" value"].to_list(), strict=True))


def _values(rows: pl.LazyFrame, column: str) -> dict[int, list[Any]]:
    """Return each group's values that are not null, in the order of the rows."""
    held = rows.filter(pl.col(column).is_not_null())
    lists = held.group_by(_GROUP, maintain_order=True).agg(pl.col(column).alias(" values")).collect()
    return dict(zip(lists[_GROUP].to_list(), lists[" values"].to_list(), strict=True))


def _outcomes(rows: pl.DataFrame) -> dict[int, Counter[str]]:
    """Return how many trials of each group have each status, and how many are unsteady."""
    counts: dict[int, Counter[str]] = {}
    unsteady = (pl.col(CLASS) == UNSTEADY).sum().alias(" unsteady")
    found = rows.group_by(_GROUP, "status").agg(pl.len().alias(" count"), unsteady)
    picked = found.select(_GROUP, "status", " count", " unsteady")
    for number, status, count, changing in picked.iter_rows():
        of_group = counts.setdefault(number, Counter())
        of_group[status] += count
        of_group[UNSTEADY] += changing
    return counts


def _outcome_text(counts: Counter[str], labels: Labels) -> str:
    """Return how many are ok, what the others are, and in how many the warm-up never became steady."""
    held = {name: count for name, count in counts.items() if name != UNSTEADY}
    text = f"{held.get(Status.OK, 0)}/{sum(held.values())}"
    others = [f"{held[name]} {labels.status(name)}" for name in sorted(held) if name != Status.OK]
    others += [f"{counts[UNSTEADY]} {labels('unsteady')}"] if counts[UNSTEADY] else []
    return f"{text} ({', '.join(others)})" if others else text


def _text(value: Any, column: ColumnSpec) -> str:
    is_number = isinstance(value, int | float) and (column.format or column.divide_by != 1.0)
    if is_number and column.format == BY_INTERVAL:
        column = column.model_copy(update={"format": interval_form(float(value), None, None, column.divide_by).spec})
    return _number(value, column) if is_number else str(value)


def _number(value: float, column: ColumnSpec) -> str:
    shown = value if column.divide_by == 1.0 else value / column.divide_by
    return format(shown, column.format) if column.format or isinstance(shown, int) else format(float(shown), ".6g")


def _with_digits(column: ColumnSpec, values: Sequence[Any]) -> ColumnSpec:
    """Return the column with the format that the interval of its value supports, where the template asks for that."""
    if column.format != BY_INTERVAL:
        return column
    value = float(_FIGURES[column.aggregation](values))
    ends = quantile_interval(values, 0.5) if column.aggregation in ("median", "p50") else None
    low, high = ends or (None, None)
    form = interval_form(value, low, high, column.divide_by)
    return column.model_copy(update={"format": form.spec})


def _figure(value: float, column: ColumnSpec) -> str:
    """Return a figure; one that is no larger than its metric can show is saturated, and is said to be at most that."""
    known = METRICS.get(column.column) if column.aggregation in _OF_VALUES else None
    if known is not None and known.resolution and value <= known.resolution:
        return f"≤ {_number(known.resolution, column)}"
    return _number(value, column)


def _ratio_text(ratio: Ratio, form: str) -> str:
    if form == BY_INTERVAL:
        form = interval_form(ratio.value, ratio.low, ratio.high).spec
    text = format(ratio.value, form)
    if ratio.low is None or ratio.high is None:
        return text
    return f"{text} [{format(ratio.low, form)}, {format(ratio.high, form)}]"


def _named(values: Sequence[Any]) -> str:
    return ", ".join(NOTHING if value is None else str(value) for value in values)
