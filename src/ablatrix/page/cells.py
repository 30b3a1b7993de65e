"""The table of all cells: a row a configuration and mode, with what it took, how it compares and how it ended."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import polars as pl

from ablatrix.analysis.estimate import sort_key
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.paired import HOT_METRIC
from ablatrix.analysis.warm_up import UNSTEADY
from ablatrix.page.printed import NOTHING, interval, memory, number, ratio_value, significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.cells import Key, cell_key, cell_rows, ratio_rows
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges
from ablatrix.records.model import Status
from ablatrix.statistics.ratio import Ratio

MISSES = "compile_cache_miss_delta_first_run"
COMPARED = {"hot": HOT_METRIC, "cold": "compile_first_run_ms"}
# Each figure of a row: its heading, the column that its median is taken of, and how it is written.
FIGURES = (
    ("p50", "p50 (ms)", "run_ms_p50", significant),
    ("p95", "p95 (ms)", "run_ms_p95", significant),
    ("cold", "compile + first run (ms)", "compile_first_run_ms", significant),
    ("misses", "cache misses", MISSES, number),
    ("planned", "planned", "planned_bytes", memory),
    ("peak", "peak growth", "peak_rss_delta_bytes", memory),
)
NEEDED = (*(column for _, _, column, _ in FIGURES), *COMPARED.values(), "checked", "missing", "rms_ratio")
# What ends a trial without saying anything against its configuration.
NOT_FAILED = ("ok", "unsupported", "interrupted", "not_run_budget")


def cells_table(findings: Findings, finder: RowFinder, groups: Sequence[str], most: int) -> Table:
    """Return a row for each group of trials; where there are too many to show, those that are not all ok stay.

    Args:
        findings: What is estimated from the trials.
        finder: Where their rows are found; they have the columns that `NEEDED` names.
        groups: Columns that make a row, ``mode`` among them; see `ablatrix.analysis.estimate.group_columns`.
        most: Rows to show.
    """
    summary = _summary(findings.trials, groups)
    kept = summary
    if summary.height > most:
        first = summary.with_row_index("row").sort(pl.col("n_ok") == pl.col("n_trials"), "row").head(most)
        kept = first.sort("row").drop("row")
    sources = _sources(finder, groups)
    ratios = {mode: findings.ratios(metric, groups) for mode, metric in COMPARED.items()}
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
            *(Heading(text, True) for _, text, _, _ in FIGURES),
            Heading(
                "ratio", True, "To the baseline of the same block: run time when hot, compile + first run when cold"
            ),
            Heading("95 % interval"),
            Heading("outputs checked", True, "Outputs compared with the oracle, of those that should have been"),
            Heading("worst RMS", True, "Largest RMS error over eager's own; the tolerance stands in the records"),
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
    for statistic, _, column, write in FIGURES:
        value = held[column]
        cells.append(EMPTY if value is None else Shown(write(value), value, statistic))
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


def _outcome(held: Mapping[str, Any]) -> Shown:
    counts = {name: held[f"n_{name}"] for name in get_args(Status) if held[f"n_{name}"]}
    text = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items())
    if held["n_unsteady"]:
        text += f" ({held['n_unsteady']:,} unsteady)"
    failed = any(name not in NOT_FAILED for name in counts)
    tone = "bad" if failed else ("quiet" if not held["n_ok"] else "")
    return Shown(text, held["n_ok"] / held["n_trials"], "", tone, " ".join(counts))


def _sources(finder: RowFinder, groups: Sequence[str]) -> dict[Key, dict[str, Ranges]]:
    """Return for each group the rows of each of its statistics."""
    ok = pl.col("status") == "ok"
    taken = {"outcome": pl.lit(value=True)}
    taken |= {name: ok & pl.col(column).is_not_null() for name, _, column, _ in FIGURES}
    taken |= {"checks": pl.col("checked").is_not_null(), "worst": pl.col("rms_ratio").is_not_null()}
    ratios = ratio_rows(finder, groups, COMPARED)
    return {key: held | {"ratio": ratios.get(key, ())} for key, held in cell_rows(finder.rows, groups, taken).items()}


def _summary(trials: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Return a row a group, sorted: medians over ok trials, outcomes, sums of checks, the worst error."""
    status = pl.col("status")
    ok = status == "ok"
    used = ("status", "is_baseline", "warm_up_classification", "checked", "missing", "rms_ratio", *NEEDED)
    found = (
        trials.lazy()
        .select(*dict.fromkeys((*groups, *used)))
        .group_by(list(groups))
        .agg(
            pl.col("is_baseline").all(),
            pl.len().alias("n_trials"),
            *((status == name).sum().alias(f"n_{name}") for name in get_args(Status)),
            (pl.col("warm_up_classification") == UNSTEADY).sum().alias("n_unsteady"),
            *(
                pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
                for name in ("checked", "missing")
            ),
            pl.col("rms_ratio").max(),
            *(pl.col(column).filter(ok).median().alias(column) for _, _, column, _ in FIGURES),
        )
        .collect()
    )
    keys = found.select(groups).rows()
    return found[sorted(range(len(keys)), key=lambda place: [sort_key(value) for value in keys[place]])]
