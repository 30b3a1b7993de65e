"""The registry of metrics: it agrees with the record, the table, the summaries and the shipped template."""

from typing import get_args

import pytest

from ablatrix.analysis.table.columns import COLUMNS
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.spec import TableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.records.metrics import METRICS, SAMPLE_METRICS, Metric, metrics_for, page_metrics
from ablatrix.records.model import Record, RunFacts
from ablatrix.records.part import Part


def part_of(metric: Metric) -> type[Part]:
    """Return the part of the record that holds a metric's field."""
    part: type[Part] = Record
    for step in metric.source[:-1]:
        part = next(one for one in get_args(part.model_fields[step].annotation) if issubclass(one, Part))
    return part


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_metric_is_field_of_record_and_column_of_its_name(metric: Metric) -> None:
    columns = [one for one in COLUMNS if one.name == metric.name]
    if not metric.source:
        assert columns == []  # the table derives it: of a whole block, or of the tokens of a run
        assert metric.name == "run_ms_paired" or metric.of_tokens
        return
    (column,) = columns
    assert (column.path, column.kind) == (metric.source, "real" if metric.quantity.unit == "ms" else "whole")
    assert metric.source[-1] in part_of(metric).model_fields


def test_sample_fields_are_adjacent_in_order_of_registry() -> None:
    fields = list(RunFacts.model_fields)
    first = fields.index("run_ms_mean")
    assert fields[first - 1] == "run_ms_cold"
    assert fields[first:][: len(SAMPLE_METRICS)] == list(SAMPLE_METRICS)
    assert fields[first + len(SAMPLE_METRICS)] == "iterations"


def test_metric_that_is_exact_is_no_time() -> None:
    measured = {one.name for one in METRICS.values() if one.exact_from is None and "effects" in one.uses}
    assert {METRICS[name].quantity.unit for name in measured - {"peak_rss_delta_bytes"}} == {"ms"}
    assert {one.name for one in METRICS.values() if one.resolution} == {"peak_rss_delta_bytes"}
    assert "ms" not in {one.quantity.unit for one in METRICS.values() if one.exact_from is not None}


def test_metric_names_titles_and_short_headings_are_unique() -> None:
    for names in (
        [one.english for one in METRICS.values()],
        [one.chinese for one in METRICS.values()],
        [one.short for one in METRICS.values() if one.short],
        [one.label for one in METRICS.values() if one.label],
    ):
        assert "" not in names
        assert len(set(names)) == len(names)
    assert METRICS["run_ms_p95"].title("en") == "p95 run time"
    assert METRICS["run_ms_p95"].title("zh") == "运行时间 p95"


def test_metrics_of_effects_are_those_in_which_less_is_better() -> None:
    assert {METRICS[name].quantity.more for name in metrics_for("effects")} == {"slower", "larger", "more"}
    assert {one.name for one in METRICS.values() if one.of_tokens} == {"ms_per_token", "tokens_per_s", "floor_share"}


def test_summary_shows_ratio_only_beside_its_metric() -> None:
    assert set(metrics_for("ratio")) < set(metrics_for("summary"))


def test_page_metrics_show_hot_before_cold_and_those_of_both() -> None:
    shown = [one.short for one in page_metrics()]
    assert shown.index("p50") < shown.index("p95") < shown.index("cold") < shown.index("misses")
    assert shown[-2:] == ["planned", "peak"]


def test_sample_summary_has_at_least_these_fields() -> None:
    assert (
        SAMPLE_METRICS.items()
        >= {
            "run_ms_mean": "mean",
            "run_ms_p50": 50,
            "run_ms_p90": 90,
            "run_ms_p95": 95,
            "run_ms_p99": 99,
            "run_ms_min": "min",
        }.items()
    )


def test_shipped_template_shows_metrics_with_units_and_short_headings() -> None:
    shown = [
        column
        for table in load_template().tables
        if isinstance(table, TableSpec)
        for column in table.columns
        if column.column in METRICS and column.aggregation == "median"
    ]
    assert len(shown) == 5
    for column in shown:
        metric = METRICS[column.column]
        assert (words_in(column.heading, "en"), column.unit, column.divide_by) == (
            metric.short,
            metric.quantity.shown_unit,
            metric.quantity.divide_by,
        )
