"""``report.html``: all results in one self-contained HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ablatrix.analysis.claims import CheckedClaim
from ablatrix.analysis.effect_metrics import DEFAULT_METRICS
from ablatrix.analysis.effects import DEFAULT_MARGIN, Question, gather, repeats_text
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import BUILD_COLUMNS, ORIGIN_COLUMNS, PLAN, group_columns, percent_text, refuse_mixed
from ablatrix.errors import AnalysisError
from ablatrix.page import cells, failures
from ablatrix.page.axis_charts import axis_charts, axis_table
from ablatrix.page.builds import build_sections
from ablatrix.page.chart import Chart
from ablatrix.page.cold_chart import cold_chart
from ablatrix.page.crossed_chart import crossed_charts
from ablatrix.page.effects import (
    MetricEffects,
    attribution_table,
    effects_table,
    interactions_table,
    metric_effects,
    reasons,
)
from ablatrix.page.effects_charts import attribution_chart, effects_chart
from ablatrix.page.environment import environment_table, exclusions_table, machine_line, noise_table, run_span
from ablatrix.page.explained import explained_parts
from ablatrix.page.glance import glance_table
from ablatrix.page.hosts import hosts_table
from ablatrix.page.main_table import main_tables
from ablatrix.page.overview import claims_table, tiles
from ablatrix.page.precision import controls_table, precision_of, precision_table
from ablatrix.page.record_ids import packed_ids
from ablatrix.page.screens import screening_table
from ablatrix.page.setup import baseline_lines, knobs_table, workloads_table
from ablatrix.page.shell import json_text, rendered
from ablatrix.page.statistics import STATISTICS
from ablatrix.page.table import Table
from ablatrix.page.tokens import context_table
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.rows import canonical_rows
from ablatrix.provenance.units import Unit
from ablatrix.records.kept_findings import KeptFinding
from ablatrix.version import __version__

MAX_CELLS = 1_500
MAX_FAILURES = 100
MAX_GLANCES = 40
MAX_REASONS = 30
# Columns that distinguish origins and cells: few trials differ in them, so each combination is looked at once.
DISTINGUISHING = (
    *ORIGIN_COLUMNS,
    *BUILD_COLUMNS,
    "stratum",
    "version_",
    "workload",
    "parameter_",
    "compiler",
    "role",
    "knob_",
    PLAN,
)
NEEDED = ("stage", "is_baseline", "ill_conditioned", "eager_wrong", *DEFAULT_METRICS)


@dataclass(frozen=True, kw_only=True)
class MetricSection:
    """What the page shows about one metric."""

    found: MetricEffects
    chart: Chart | None
    effects: Table
    waterfall: Chart | None
    attribution: Table
    interactions: Table
    reasons: Sequence[str]
    curves: Sequence[Chart] = ()
    along_axes: Table | None = None
    screening: Table | None = None
    crossed: Sequence[Chart] = ()


def write_page(
    findings: Findings,
    claims: Sequence[CheckedClaim],
    out: str | Path,
    records: Sequence[Path] = (),
    allow_mixed: bool = False,
    kept: Sequence[KeptFinding] = (),
) -> Path:
    """Write the page of a set of results. The same records give the same bytes.

    Args:
        findings: What is estimated from the records.
        claims: Claims that were checked against these records; if there are none, their section is omitted.
        out: File to write.
        records: The files that the trials were read from: tracebacks and output are shown from them.
        allow_mixed: Accept records of several studies, machines, commits or versions; columns then distinguish them.
        kept: What further searches in these results came to.

    Returns:
        The file.

    Raises:
        AnalysisError: Origins are mixed, without ``allow_mixed``.
    """
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(findings, claims, records, allow_mixed, kept), encoding="utf-8", newline="\n")
    return path


def _page(
    findings: Findings,
    claims: Sequence[CheckedClaim],
    records: Sequence[Path],
    allow_mixed: bool,
    kept: Sequence[KeptFinding],
) -> str:
    trials = findings.trials
    distinct = findings.of(_combinations(trials))
    mixed = refuse_mixed(distinct, allow_mixed, strata_apart=True)
    groups = group_columns(distinct, mixed)
    order = list(dict.fromkeys([*(name for name in groups if name != "mode"), "workload_digest", "mode"]))
    rows = canonical_rows(trials, [*order, *NEEDED, *cells.NEEDED, *failures.COLUMNS])
    finder = RowFinder(rows, mixed, findings.sizes)
    metrics = [metric_effects(one, findings, finder) for one in _evidence(findings, mixed)]
    precision = precision_of(findings, metrics, groups)
    failed, all_failures = failures.failures(rows, order, records, MAX_FAILURES)
    cold = cold_chart(trials)
    sections = [_section(one) for one in metrics]
    explained = explained_parts(kept)
    charts = [
        one for section in sections for one in (section.chart, *section.curves, section.waterfall, *section.crossed)
    ] + [cold, *(one.chart for one in explained)]
    values: dict[str, Any] = {
        "version": __version__,
        "studies": sorted(trials["study"].drop_nulls().unique().to_list()),
        "mixed": mixed,
        "results": () if mixed else main_tables(findings, finder, metrics),
        "tiles": tiles(rows, claims, precision, metrics),
        "claims": claims_table(findings, claims, rows) if claims else None,
        "glance": glance_table(metrics, MAX_GLANCES) if metrics else None,
        "precision": precision_table(precision),
        "controls": controls_table(metrics),
        "hosts": hosts_table(metrics),
        "repeats": repeats_text(findings.hosts),
        "margin": percent_text(DEFAULT_MARGIN),
        "sections": sections,
        "builds": () if mixed else build_sections(findings, metrics),
        "max_reasons": MAX_REASONS,
        "explained": explained,
        "contexts": context_table(() if mixed else findings.context_lines, rows.trials),
        "cold": cold,
        "cells": cells.cells_table(findings, finder, groups, MAX_CELLS),
        "filters": [*map(cells.facet_name, groups), "outcome"],
        "kept": [one for one in kept if one.explanation is None],
        "failures": failed,
        "all_failures": all_failures,
        "record_count": rows.trials.height,
        "data": json_text({"records": packed_ids(rows.trials["record_id"]), "statistics": STATISTICS}),
        "charts": json_text({one.name: one.spec for one in charts if one}),
        **_described(findings, list(finder.units.values()), groups),
    }
    return rendered("page.html", values)


def _combinations(trials: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct rows of the columns that distinguish origins and cells, in any order."""
    chosen = trials.select(name for name in trials.columns if name.startswith(DISTINGUISHING))
    counts = chosen.select(pl.all().n_unique())
    found = chosen.select(name for name in chosen.columns if counts[name].item() > 1).unique()
    if not found.width:
        return chosen.head(1)
    # Most columns are the same in all trials, and need not be compared.
    alike = [chosen[name].new_from_index(0, found.height) for name in chosen.columns if name not in found.columns]
    return found.with_columns(alike).select(chosen.columns)


def _described(findings: Findings, units: Sequence[Unit], groups: Sequence[str]) -> dict[str, Any]:
    """Return what describes the study and its surroundings, and no result of it."""
    varying = [name.removeprefix("knob_") for name in groups if name.startswith("knob_")]
    return {
        "span": run_span(findings.trials),
        "machine": machine_line(findings.found),
        "baselines": baseline_lines(units, varying, findings.trials),
        "knobs": knobs_table(findings, units),
        "workloads": workloads_table(findings, units),
        "environment": environment_table(findings.found),
        "noise": noise_table(findings.trials),
        "exclusions": exclusions_table(findings.found),
        "notes": findings.found.notes,
    }


def _evidence(findings: Findings, mixed: Sequence[str]) -> Sequence[Any]:
    if not mixed:
        return findings.evidence
    try:
        return gather(findings.found, Question(), mixed)
    except AnalysisError:  # no knob varies
        return ()


def _section(one: MetricEffects) -> MetricSection:
    return MetricSection(
        found=one,
        chart=effects_chart(one),
        effects=effects_table(one),
        waterfall=attribution_chart(one),
        attribution=attribution_table(one),
        interactions=interactions_table(one),
        reasons=reasons(one),
        curves=axis_charts(one),
        along_axes=axis_table(one) if one.curves else None,
        screening=screening_table(one) if one.screens else None,
        crossed=crossed_charts(one),
    )
