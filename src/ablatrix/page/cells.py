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
NEEDED = (*(metric.name for metric in FIGURES), *METRIC_OF_MODE.values(), "checked", "missing", "rms_ratio")


def cells_table(findings: Findings, finder: RowFinder, groups: Sequence[str], most: int) -> Table:
    """Return a row for each group of trials; if there are too many to show, those that are not all ok are kept first.

    Args:
        findings: What is estimated from the trials.
        finder: Finds their rows, which have the columns in `NEEDED`.
        groups: Columns that make a row, ``mode`` among them; see `ablatrix.analysis.groups.group_columns`.
        most: Largest number of rows to show.
    """
    summary = _summary(findings.trials, groups)
    kept = summary
    if summary.height > most:
        first = summary.with_row_index("row").sort(pl.col("n_ok") == pl.col("n_trials"), "row").head(most)
        kept = first.sort("row").drop("row")
    sources = _sources(finder, groups)
    ratios = {mode: findings.ratios(metric, groups) for mode, metric in METRIC_OF_MODE.items()}
    rows = [_row(held, groups, sources, ratios) for held in kept.iter_rows(named=True)]
    left = summary.height - kept.height
    note = f"{left:,} of {summary.height:,} rows are not on this page; ablation.csv has all trials." if left else ""
    names = [Heading(name.removeprefix("knob_").removeprefix("parameter_")) for name in groups]
    return Table(
        "cells",
        "Every cell and mode: medians over ok trials, the ratio to the baseline, outcomes and checks",
        [
            *names,
            Heading("outcome", meaning="Trials by outcome"),
            *(Heading(_heading(metric), True) for metric in FIGURES),
            Heading(
                "ratio", True, "To the baseline of the same block: run time when hot, compile + first run when cold"
            ),
            Heading("95 % interval"),
            Heading("outputs checked", True, "Outputs compared with the oracle, of those that should have been"),
            Heading(
                "worst RMS",
                True,
                "Largest RMS error over the sum of the largest of eager with other roundings (before 1.3: of eager) "
                "and rms_floor of the oracle's RMS; allowed: rms_factor",
            ),
            Heading("n", True, "Trials"),
        ],
        rows,
        note,
    )


def _row(
    held: Mapping[str, Any],
    groups: Sequence[str],
    sources: Mapping[Key, Mapping[str, Ranges]],
    ratios: Mapping[str, Mapping[tuple[Any, ...], Ratio]],
) -> Row:
    key = tuple(held[name] for name in groups)
    found, ratio = sources[cell_key(key)], ratios[held["mode"]].get(key)
    checked, missing = held["checked"], held["missing"]
    cells = [
        Shown(NOTHING, tone="quiet", words="none") if held[name] is None else Shown(str(held[name])) for name in groups
    ]
    cells.append(_outcome(held))
    for metric in FIGURES:
        value = held[metric.name]
        cells.append(EMPTY if value is None else Shown(_written(value, metric), value, metric.short))
    if held["is_baseline"] and held["role"] == "measured":
        cells += [Shown("baseline", 1.0, tone="quiet"), EMPTY]
    elif ratio is None:
        cells += [EMPTY, EMPTY]
    else:
        tone = {-1: "good", 1: "bad"}.get(ratio.side, "")
        cells += [Shown(ratio_value(ratio.value), ratio.value, "ratio", tone), Shown(interval(ratio))]
    if checked is None:
        cells.append(Shown("none", tone="warn"))
    else:
        tone = "bad" if missing else ""
        cells.append(Shown(f"{checked:,}/{checked + (missing or 0):,}", checked, "checks", tone))
    error = held["rms_ratio"]
    cells.append(EMPTY if error is None else Shown(significant(error, 3), error, "worst"))
    cells.append(Shown(f"{held['n_trials']:,}", held["n_trials"], "outcome"))
    is_compared = any(cell.statistic == "ratio" for cell in cells)
    shown = {name: ranges for name, ranges in found.items() if ranges and (name != "ratio" or is_compared)}
    return Row(cells, shown)


def _heading(metric: Metric) -> str:
    """Return a metric's heading, with its unit if its values are written without one."""
    heading = metric.page.heading if metric.page is not None else metric.short
    return f"{heading} ({metric.quantity.shown_unit})" if metric.quantity.form == "significant" else heading


def _written(value: float, metric: Metric) -> str:
    if metric.resolution and value <= metric.resolution:  # saturated
        return f"≤ {memory(metric.resolution)}"
    return {"significant": significant, "whole": number, "sized": memory}[metric.quantity.form](value)


def _outcome(held: Mapping[str, Any]) -> Shown:
    counts = {name: held[f"n_{name}"] for name in Status if held[f"n_{name}"]}
    text = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())
    if held["n_unsteady"]:
        text += f" ({held['n_unsteady']:,} unsteady)"
    failed = any(name.is_failure for name in counts)
    tone = "bad" if failed else ("quiet" if not held["n_ok"] else "")
    return Shown(text, held["n_ok"] / held["n_trials"], "", tone, " ".join(counts))


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
