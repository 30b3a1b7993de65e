"""A table of the paper: groups of trials, aggregated, rounded and printed."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.estimate import grouped, sort_key, varying_knobs
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.warm_up import UNSTEADY, count_unsteady
from ablatrix.errors import AnalysisError
from ablatrix.paper.filters import filtered, require_column
from ablatrix.paper.markup import PrintedTable
from ablatrix.paper.template import ColumnSpec, TableSpec
from ablatrix.statistics.ratio import Ratio

KNOBS = "knobs"


def build_table(findings: Findings, spec: TableSpec, mixed: Sequence[str] = ()) -> PrintedTable:
    """Return a table as its template asks for.

    Args:
        findings: What is estimated from the trials.
        spec: The template's entry.
        mixed: Columns of mixed origin: each becomes a column in front.

    Raises:
        AnalysisError: The template names a column that the trials do not have, or groups by something else than it
            shows.
    """
    chosen = Findings(findings.of(filtered(findings.trials, spec.filter, f"table {spec.number}")))
    trials, knobs = chosen.trials, varying_knobs(findings.found)
    groups = [*mixed, *_expanded(spec.group_by, knobs)]
    columns = [*(ColumnSpec(column=name) for name in mixed), *_expanded_columns(spec.columns, knobs)]
    _check(spec, trials, groups, columns)
    ratios = {
        column.column: chosen.ratios(column.column, groups) for column in columns if column.aggregation == "ratio"
    }
    parts = grouped(trials, groups)
    order = [groups.index(name) for name in _expanded(spec.sort, knobs)]
    parts.sort(key=lambda item: [sort_key(item[0][position]) for position in order])
    rows = []
    for key, part in parts:
        group = _Group(dict(zip(groups, key, strict=True)), part)
        rows.append(tuple(_cell(column, group, ratios.get(column.column, {}).get(key)) for column in columns))
    return PrintedTable(
        spec.number,
        spec.title,
        spec.caption,
        tuple(column.heading or column.column.removeprefix("knob_") for column in columns),
        tuple(column.aggregation != "value" for column in columns),
        tuple(rows),
    )


@dataclass(frozen=True)
class _Group:
    key: dict[str, Any]
    trials: pl.DataFrame


def _cell(column: ColumnSpec, group: _Group, ratio: Ratio | None) -> str:
    if column.aggregation == "value":
        value = group.key[column.column]
        return "" if value is None else str(value)
    if column.aggregation == "outcome":
        return _outcome(group.trials)
    if column.aggregation == "checks":
        made, missing = (sum(group.trials[name].drop_nulls().to_list()) for name in ("checked", "missing"))
        return f"{made}/{made + missing}" if made + missing else ""
    if column.aggregation == "ratio":
        return "" if ratio is None else _ratio_text(ratio, column.format)
    trials = group.trials if column.over == "all" else group.trials.filter(pl.col("status") == "ok")
    values = trials[column.column].drop_nulls().to_list()
    return format(_aggregate(column.aggregation, values) / column.divide_by, column.format) if values else ""


def _aggregate(name: str, values: Sequence[float]) -> float:
    if name == "median":
        return statistics.median(values)
    if name == "mean":
        return math.fsum(values) / len(values)
    if name == "sum":
        return math.fsum(values)
    return min(values) if name == "min" else max(values)


def _outcome(trials: pl.DataFrame) -> str:
    """Return how many are ok, what the others are, and in how many the start never became steady."""
    statuses = trials["status"].to_list()
    text = f"{statuses.count('ok')}/{len(statuses)}"
    others = [f"{statuses.count(name)} {name}" for name in sorted(set(statuses) - {"ok"})]
    unsteady = count_unsteady(trials)
    others += [f"{unsteady} {UNSTEADY}"] if unsteady else []
    return f"{text} ({', '.join(others)})" if others else text


def _ratio_text(ratio: Ratio, form: str) -> str:
    text = format(ratio.value, form)
    if ratio.low is None or ratio.high is None:
        return text
    return f"{text} [{format(ratio.low, form)}, {format(ratio.high, form)}]"


def _expanded(names: Sequence[str], knobs: Sequence[str]) -> list[str]:
    return [name for entry in names for name in (knobs if entry == KNOBS else [entry])]


def _expanded_columns(columns: Sequence[ColumnSpec], knobs: Sequence[str]) -> list[ColumnSpec]:
    return [
        spec
        for column in columns
        for spec in ([ColumnSpec(column=name) for name in knobs] if column.column == KNOBS else [column])
    ]


def _check(spec: TableSpec, trials: pl.DataFrame, groups: Sequence[str], columns: Sequence[ColumnSpec]) -> None:
    subject = f"table {spec.number}"
    for name in (*groups, *(column.column for column in columns)):
        require_column(trials, name, subject)
    for column in columns:
        if column.aggregation == "value" and column.column not in groups:
            raise AnalysisError(
                f"{subject}: column '{column.column}' is shown as a value but is not in group_by; add it there, or "
                f"give it an aggregation (median, mean, min, max, sum, ratio)"
            )
        if column.aggregation not in ("value", "outcome") and not trials.schema[column.column].is_numeric():
            raise AnalysisError(
                f"{subject}: column '{column.column}' holds no numbers to take the {column.aggregation} of"
            )
    unknown = [name for name in spec.sort if name not in (*spec.group_by, KNOBS)]
    if unknown:
        raise AnalysisError(f"{subject}: sort names {', '.join(unknown)}, which is not in group_by")
