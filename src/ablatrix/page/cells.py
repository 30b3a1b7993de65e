"""The table of all cells: one row per configuration and mode, with its cost, ratio to the baseline and outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key
from ablatrix.analysis.table import IS_OK, UNSTEADY, has_status
from ablatrix.page.printed import NOTHING, interval, memory, number, ratio_value, significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.cells import Key, cell_key, cell_rows, ratio_rows
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges
from ablatrix.records.metrics import METRIC_OF_MODE, Metric, page_metrics
from ablatrix.records.status import Status
from ablatrix.statistics.ratio import Ratio

FIGURES = page_metrics()
ROLES = {"reference": "eager (reference)", "twin": "baseline again (A/A control)"}
NEEDED = (*(metric.name for metric in FIGURES), *METRIC_OF_MODE.values(), "checked", "missing", "rms_ratio")


def _figures(trials: pl.DataFrame) -> list[Metric]:
    """Return the metrics that the table shows: those of tokens only where a trial has them."""
    return [one for one in FIGURES if not one.of_tokens or trials[one.name].null_count() < trials.height]


def cells_table(findings: Findings, finder: RowFinder, groups: Sequence[str], most: int) -> Table:
    """Return a row for each group of trials; if there are too many to show, those that are not all ok are kept first.

    Args:
        findings: What is estimated from the trials.
        finder: Finds their rows, which have the columns in `NEEDED`.
        groups: Columns that make a row, ``mode`` among them; see `ablatrix.analysis.groups.group_columns`.
        most: Largest number of rows to show.
    """
    figures = _figures(findings.trials)
    summary = _summary(findings.trials, groups)
    kept = summary
    if summary.height > most:
        first = summary.with_row_index("row").sort(pl.col("n_ok") == pl.col("n_trials"), "row").head(most)
        kept = first.sort("row").drop("row")
    sources = _sources(finder, groups)
    ratios = {mode: findings.ratios(metric, groups) for mode, metric in METRIC_OF_MODE.items()}
    baselines = {unit.compiler: unit.baseline for unit in finder.units.values()}
    rows = [_row(held, groups, figures, sources, ratios, baselines) for held in kept.iter_rows(named=True)]
    left = summary.height - kept.height
    note = f"{left:,} of {summary.height:,} rows are not on this page; ablation.csv has all trials." if left else ""
    named = [Heading(facet_name(name)) for name in _own_columns(groups)]
    return Table(
        "cells",
        "Every cell and mode: medians over ok trials, the ratio to the baseline, outcomes and checks",
        [
            *named,
            Heading(
                "configuration",
                meaning="The levels in which it differs from the baseline; filters know all of them",
                wide=True,
            ),
            Heading("mode"),
            Heading("outcome", meaning="Trials by outcome"),
            *(Heading(_heading(metric), True) for metric in figures),
            Heading(
                "ratio to baseline",
                True,
                "To the baseline of the same block, with its 95 % interval: run time when hot, compile + first run "
                "when cold",
            ),
            Heading("outputs checked", True, "Outputs compared with the oracle, of those that should have been"),
            Heading(
                "worst RMS",
                True,
                "Largest RMS error over the sum of the largest of eager with other roundings (before 1.3: of eager) "
                "and rms_floor of the oracle's RMS; allowed: rms_factor",
            ),
        ],
        rows,
        note,
    )


def _row(
    held: Mapping[str, Any],
    groups: Sequence[str],
    figures: Sequence[Metric],
    sources: Mapping[Key, Mapping[str, Ranges]],
    ratios: Mapping[str, Mapping[tuple[Any, ...], Ratio]],
    baselines: Mapping[str, Mapping[str, str]],
) -> Row:
    key = tuple(held[name] for name in groups)
    found, ratio = sources[cell_key(key)], ratios[held["mode"]].get(key)
    checked, missing = held["checked"], held["missing"]
    cells = [_level(held[name]) for name in _own_columns(groups)]
    cells += [_configuration(held, groups, baselines), Shown(held["mode"])]
    cells.append(_outcome(held))
    for metric in figures:
        value = held[metric.name]
        cells.append(EMPTY if value is None else Shown(_written(value, metric), value, metric.short))
    if held["is_baseline"] and held["role"] == "measured":
        cells.append(Shown("1", 1.0, tone="quiet"))
    elif ratio is None:
        cells.append(EMPTY)
    else:
        tone = {-1: "good", 1: "bad"}.get(ratio.side, "")
        cells.append(Shown(f"{ratio_value(ratio.value)} {interval(ratio)}", ratio.value, "ratio", tone))
    if checked is None:
        cells.append(Shown("none", tone="warn"))
    else:
        tone = "bad" if missing else ""
        cells.append(Shown(f"{checked:,}/{checked + (missing or 0):,}", checked, "checks", tone))
    error = held["rms_ratio"]
    cells.append(EMPTY if error is None else Shown(significant(error, 3), error, "worst"))
    is_compared = any(cell.statistic == "ratio" for cell in cells)
    shown = {name: ranges for name, ranges in found.items() if ranges and (name != "ratio" or is_compared)}
    facets: dict[str, str | Sequence[str]] = {name: _word(held[name]) for name in groups}
    return Row(cells, shown, facets | {"outcome": [name for name in Status if held[f"n_{name}"]]})


def facet_name(column: str) -> str:
    """Return what filters and the search call a column that distinguishes cells: ``fusion`` for ``knob_fusion``."""
    return column.removeprefix("knob_").removeprefix("parameter_")


def _own_columns(groups: Sequence[str]) -> list[str]:
    """Return the columns that have a column of their own in the table: knobs and roles are one configuration."""
    return [name for name in groups if name not in ("role", "mode") and not name.startswith("knob_")]


def _word(value: Any) -> str:
    return "none" if value is None else str(value)


def _level(value: Any) -> Shown:
    return Shown(NOTHING, tone="quiet") if value is None else Shown(str(value))


def _configuration(held: Mapping[str, Any], groups: Sequence[str], baselines: Mapping[str, Mapping[str, str]]) -> Shown:
    """Return the levels in which a row differs from the baseline of its compiler, or its role."""
    role = str(held["role"])
    if role == "twin" and not held["is_baseline"]:  # only of builds there are such, in records that a run wrote
        build = held.get("knob_build")
        of = "another configuration" if build is None else f"baseline in build {build}"
        return Shown(f"{of} again (A/A control)", tone="quiet")
    if role != "measured":
        return Shown(ROLES.get(role, role), tone="quiet")
    if held["is_baseline"]:
        return Shown("baseline")
    base = baselines.get(str(held["compiler"]), {})
    knobs = [name for name in groups if name.startswith("knob_") and held[name] is not None]
    moved = [f"{facet_name(name)}={held[name]}" for name in knobs if str(held[name]) != base.get(facet_name(name))]
    return Shown(", ".join(moved) or "the baseline's levels of all knobs that vary")


def _heading(metric: Metric) -> str:
    """Return a metric's heading, with its unit if its values are written without one."""
    heading = metric.page.heading if metric.page is not None else metric.short
    return f"{heading} ({metric.quantity.shown_unit})" if metric.quantity.form == "significant" else heading


def _written(value: float, metric: Metric) -> str:
    if metric.resolution and value <= metric.resolution:  # saturated
        return f"≤ {memory(metric.resolution)}"
    return {"significant": significant, "whole": number, "sized": memory}[metric.quantity.form](
        value if metric.quantity.form == "sized" else value / metric.quantity.divide_by
    )


def _outcome(held: Mapping[str, Any]) -> Shown:
    counts = {name: held[f"n_{name}"] for name in Status if held[f"n_{name}"]}
    text = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())
    if held["n_unsteady"]:
        text += f" ({held['n_unsteady']:,} unsteady)"
    failed = any(name.is_failure for name in counts)
    tone = "bad" if failed else ("quiet" if not held["n_ok"] else "")
    return Shown(text, held["n_ok"] / held["n_trials"], "", tone)


def _sources(finder: RowFinder, groups: Sequence[str]) -> dict[Key, dict[str, Ranges]]:
    """Return for each group the rows of each of its statistics."""
    ok = IS_OK
    taken = {"outcome": pl.lit(value=True)}
    taken |= {metric.short: ok & pl.col(metric.name).is_not_null() for metric in FIGURES}
    taken |= {"checks": pl.col("checked").is_not_null(), "worst": pl.col("rms_ratio").is_not_null()}
    ratios = ratio_rows(finder, groups, METRIC_OF_MODE)
    return {key: held | {"ratio": ratios.get(key, ())} for key, held in cell_rows(finder.rows, groups, taken).items()}


def _summary(trials: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Return one row per group, sorted: medians over ok trials, outcomes, sums of checks, the worst error."""
    used = ("status", "is_baseline", "warm_up_classification", "checked", "missing", "rms_ratio", *NEEDED)
    found = (
        trials.lazy()
        .select(*dict.fromkeys((*groups, *used)))
        .group_by(list(groups))
        .agg(
            pl.col("is_baseline").all(),
            pl.len().alias("n_trials"),
            *(has_status(status).sum().alias(f"n_{status}") for status in Status),
            (pl.col("warm_up_classification") == UNSTEADY).sum().alias("n_unsteady"),
            *(
                pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
                for name in ("checked", "missing")
            ),
            pl.col("rms_ratio").max(),
            *(pl.col(metric.name).filter(IS_OK).median() for metric in FIGURES),
        )
        .collect()
    )
    keys = found.select(groups).rows()
    return found[sorted(range(len(keys)), key=lambda index: [sort_key(value) for value in keys[index]])]
