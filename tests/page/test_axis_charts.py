"""Figures along axes on the page: their lines, their words, and the table of their numbers."""

from collections.abc import Mapping

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.page.axis_charts import axis_charts, axis_table
from ablatrix.page.cells import NEEDED
from ablatrix.page.effects import MetricEffects, metric_effects
from ablatrix.page.main_table import main_tables
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.rows import canonical_rows
from tests.synthetic import HOT_EFFECT, make_records, tidied
from tests.with_axes import LENGTHS, as_variants

NAMES = ["attention", "encoder", "resnet"]
FUSION = {"encoder": 0.9, "resnet": 0.81}


def made(
    only: tuple[str, ...] = tuple(NAMES), fusion: Mapping[str, float] | None = None
) -> tuple[Findings, RowFinder, list[MetricEffects]]:
    records = make_records(workloads=NAMES, modes=["hot"], blocks=3, noise=0.002)
    findings = Findings(tidied(as_variants(records, {name: LENGTHS[name] for name in only}, fusion)))
    finder = RowFinder(canonical_rows(findings.trials, NEEDED), sizes=findings.sizes)
    return findings, finder, [metric_effects(one, findings, finder) for one in findings.evidence]


def test_axis_chart_has_a_line_a_knob_and_says_it_in_words() -> None:
    _, _, metrics = made(fusion=FUSION)
    hot = next(one for one in metrics if one.metric.name == "run_ms_paired")
    (chart,) = axis_charts(hot)
    assert chart.title.endswith("effects along tokens of net")
    assert [key.text.partition(":")[0] for key in chart.keys] == ["partition", "reuse", "memory_plan", "fusion"]
    words = next(line for line in chart.words if line.startswith("fusion"))
    assert words.startswith("fusion: off\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}on: 0.6")
    assert words.endswith(" at 256; grows with tokens.")
    assert '"type": "log"' in str(chart.spec).replace("'", '"')


def test_axis_table_has_a_row_a_value_with_its_records() -> None:
    _, finder, metrics = made()
    hot = next(one for one in metrics if one.metric.name == "run_ms_paired")
    table = axis_table(hot)
    values = [row.cells[[heading.text for heading in table.headings].index("value")].text for row in table.rows]
    assert values == ["16", "64", "256"] * 4
    (stretch, *_) = table.rows[0].sources["effect"]
    assert finder.rows.trials[stretch[0]]["workload"].to_list() == ["net[tokens=16]"]


def test_main_table_orders_variants_by_number_and_weighs_their_workload_once() -> None:
    findings, finder, metrics = made(only=("attention", "encoder"), fusion={"attention": 0.5, "encoder": 0.5})
    (hot,) = main_tables(findings, finder, metrics)
    assert [row.cells[0].text for row in hot.rows] == ["net[tokens=16]", "net[tokens=64]", "resnet"]
    (mean,) = hot.foot
    assert mean.cells[0].text == "geometric mean over 2 values of tokens of net"
    at = [heading.text for heading in hot.headings].index("all on over baseline")
    whole = 1.05 * 0.99 * 0.9 * HOT_EFFECT["fusion"]
    assert mean.cells[at].value == pytest.approx(1 / (whole * 0.5**0.5), rel=0.01)


def test_page_without_axes_has_no_axis_chart() -> None:
    _, _, metrics = made(only=())
    assert [axis_charts(one) for one in metrics] == [[] for _ in metrics]
