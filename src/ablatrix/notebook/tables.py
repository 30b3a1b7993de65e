"""The tables of results as frames: what a reader wants first comes first, and nothing is rounded."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.effects import Evidence, evidence_frame
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import group_columns, summarise_groups
from ablatrix.records.metrics import METRIC_OF_MODE

FIRST = ("scope", "metric", "mode", "workload", "compiler", "effect", "knob", "other_knob", "base_level", "level")
FIGURES = ("ratio", "ratio_low", "ratio_high", "verdict")
DIRECT = ("main", "around")
STATISTICS = ("n", "median", "median_low", "median_high", "ratio", "ratio_low", "ratio_high", "ratio_blocks")


def effects_table(evidence: Sequence[Evidence]) -> pl.DataFrame:
    """Return what each knob does: a row a main effect, or a level around a centre, and the means over workloads."""
    return _arranged(evidence, pl.col("effect").is_in(DIRECT), left_out=("other_knob",))


def attribution_table(evidence: Sequence[Evidence]) -> pl.DataFrame:
    """Return the total from one end to the other, and its parts: a row each."""
    return _arranged(evidence, ~pl.col("effect").is_in(DIRECT))


def summary_table(findings: Findings, mixed: Sequence[str]) -> pl.DataFrame:
    """Return a row a cell and mode: its trials, and the metric that the mode is mainly compared by."""
    groups = group_columns(findings.found, mixed)
    table = summarise_groups(findings.trials, groups, findings.instrument)
    counts = [pl.col(f"n_{name}").alias(name) for name in ("trials", "ok", "failed")]
    parts = []
    for mode in dict.fromkeys(table["mode"]):
        metric = METRIC_OF_MODE[mode]
        figures = [pl.col(f"{metric}_{name}").alias(name) for name in STATISTICS]
        parts.append(
            table.with_row_index("row")
            .filter(pl.col("mode") == mode)
            .select("row", *groups, *counts, pl.lit(metric).alias("metric"), *figures)
        )
    return pl.concat(parts).sort("row").drop("row")


def _arranged(evidence: Sequence[Evidence], chosen: pl.Expr, left_out: Sequence[str] = ()) -> pl.DataFrame:
    frame = evidence_frame(evidence).filter(chosen)
    origin = list(evidence[0].origin) if evidence else []
    first = [name for name in (*origin, *FIRST, *FIGURES) if name not in left_out]
    return frame.select(*first, *(name for name in frame.columns if name not in {*first, *left_out}))
