"""For one estimate the paper and the page name the same records, and those that it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import polars as pl
import pytest

from ablatrix.analysis.claims.check import check_claims
from ablatrix.analysis.claims.model import Claims
from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.findings import Findings
from ablatrix.page.cells import NEEDED as CELLS
from ablatrix.page.cells import cells_table
from ablatrix.page.effects import MetricEffects, metric_effects
from ablatrix.page.overview import claims_table
from ablatrix.paper.claim_ratio import claim_ratio
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import Number
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.sentences.details import enter_details
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, union
from ablatrix.provenance.rows import canonical_rows
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.records.model import Record
from tests.provenance.made import in_two_parts, with_a_third_level
from tests.synthetic import Plant, make_records, tidied

COLD, RARE = "compile_first_run_ms", "physical_bytes_est"  # the page shows nothing of the second but claims
CLAIMS = Claims.model_validate(
    {
        "version": 1,
        "claims": [
            {
                "id": "hot",
                "workload": "encoder",
                "compiler": "tvm",
                "metric": HOT_METRIC,
                "knob": "fusion",
                "at_least": 1,
            },
            {"id": "rare", "workload": "encoder", "compiler": "tvm", "metric": RARE, "knob": "reuse", "at_least": 1},
            {"id": "cold", "workload": "encoder", "compiler": "tvm", "metric": COLD, "knob": "reuse", "at_least": 1},
            {
                "id": "cell",
                "workload": "attention",
                "compiler": "tvm",
                "metric": COLD,
                "configuration": {"fusion": "on"},
                "at_least": 1,
            },
        ],
    }
)
PLANTS = [
    Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep", "partition": "whole"}, block=1),
    Plant("compile_error", "encoder", "cold", {"memory_plan": "on", "fusion": "on"}, block=0),
    Plant("unsupported", "attention", "hot", {"memory_plan": "on"}),
    Plant("crashed", "attention", "cold", {"partition": "regions", "reuse": "release"}),
]


def planted() -> list[Record]:
    return make_records(blocks=3, plants=PLANTS, superseded=2, primers=2)


RECORDS: dict[str, Callable[[], list[Record]]] = {
    "whole": lambda: make_records(blocks=2),
    "failures and unsupported levels": planted,
    "split blocks": lambda: in_two_parts(make_records(blocks=2)),
    "three levels": lambda: with_a_third_level(planted()),
    "split blocks with failures": lambda: in_two_parts(planted()),
}


@dataclass(frozen=True)
class Both:
    """What the paper and the page make of the same records."""

    findings: Findings

    @cached_property
    def estimates(self) -> Estimates:
        return Estimates(self.findings, Ledger(paper_rows(self.findings)))

    @cached_property
    def finder(self) -> RowFinder:
        return RowFinder(canonical_rows(self.findings.trials, CELLS))

    @cached_property
    def page(self) -> dict[str, MetricEffects]:
        found = (metric_effects(one, self.findings, self.finder) for one in self.findings.evidence)
        return {one.metric.name: one for one in found}

    def in_paper(self, rows: Ranges) -> list[str]:
        return [self.estimates.ledger.rows.ids[index] for first, last in rows for index in range(first, last + 1)]

    def on_page(self, rows: Ranges) -> list[str]:
        ids = self.finder.rows.trials["record_id"]
        return [ids[index] for first, last in rows for index in range(first, last + 1)]

    def of_mean(self, numbers: dict[str, Number], mean: Number) -> list[str]:
        return self.in_paper(union(numbers[key].rows for key in mean.parameters["of"]))


@pytest.fixture(scope="module", params=RECORDS)
def both(request: pytest.FixtureRequest) -> Both:
    return Both(Findings(tidied(RECORDS[request.param]())))


def test_main_effects_and_controls_name_same_records(both: Both) -> None:
    compared = 0
    for evidence in both.findings.evidence:
        for held in both.page[evidence.metric.name].judged:
            interval = both.estimates.effect(held.effect, evidence)
            if interval is not None:
                compared += 1
                assert both.in_paper(interval.value.rows) == both.on_page(held.sources["effect"])
        for control in evidence.controls:
            value = both.estimates.control(control, evidence.metric.name, evidence.mode).value
            sources = [
                held.sources["control"]
                for held in both.page[evidence.metric.name].judged
                if held.effect.workload == control.workload
            ]
            assert sources and all(both.in_paper(value.rows) == both.on_page(one) for one in sources)
    assert compared >= 8


def test_shares_name_records_of_their_total(both: Both) -> None:
    compared = 0
    for evidence in both.findings.evidence:
        for held in both.page[evidence.metric.name].attributions:
            interval = both.estimates.effect(held.total, evidence)
            if interval is not None:
                compared += 1
                assert both.in_paper(interval.value.rows) == both.on_page(held.rows)
    assert compared


def test_geometric_mean_names_records_of_its_members(both: Both) -> None:
    compared = 0
    for evidence in both.findings.evidence:
        for mean, _, rows in both.page[evidence.metric.name].means:
            members = [one for one in evidence.effects if _is_of(one, mean) and one.ratio is not None]
            intervals = [
                (one.workload, interval)
                for one in members
                if (interval := both.estimates.effect(one, evidence)) is not None
            ]
            printed = both.estimates.mean(mean, intervals)
            if printed is not None:
                compared += 1
                numbers = {one.key: one for one in both.estimates.ledger.numbers}
                assert both.of_mean(numbers, printed.value) == both.on_page(rows)
    assert compared >= 4


def _is_of(one: Effect, mean: object) -> bool:
    names = ("compiler", "stage", "kind", "knob", "base_level", "level")
    return all(getattr(one, name) == getattr(mean, name) for name in names)


def test_claims_and_their_factors_name_same_records(both: Both) -> None:
    checked = check_claims(both.findings, CLAIMS)
    table = claims_table(both.findings, checked, both.finder.rows)
    for one, row in zip(checked, table.rows, strict=True):
        interval = claim_ratio(both.estimates, one)
        assert (interval is None) == ("claim" not in row.sources)
        if interval is not None:
            assert both.in_paper(interval.value.rows) == both.on_page(row.sources["claim"])
        assert sorted(both.on_page(row.sources["rests"])) == sorted(one.rows)


def test_medians_and_ratios_of_cells_name_same_records(both: Both) -> None:
    sources = Sources(both.findings, both.estimates.ledger, both.estimates)
    enter_details(sources)
    numbers = {one.key: one for one in both.estimates.ledger.numbers}
    groups = ["workload", "compiler", "role", "mode", "knob_partition", "knob_reuse", "knob_memory_plan", "knob_fusion"]
    table = cells_table(both.findings, both.finder, groups, 1000)
    rows = {tuple(row.facets[name] for name in groups): row.sources for row in table.rows}
    compared = 0
    for unit in both.estimates.units.values():
        median, ratio = (f"benefit/{unit.key}/best/{name}" for name in ("run_ms_p50", f"{HOT_METRIC}/ratio"))
        best = both.findings.trials.filter(pl.col("record_id") == both.in_paper(numbers[median].rows)[0])
        key = tuple(str(value) for value in best.select(groups).row(0))
        assert both.in_paper(numbers[median].rows) == both.on_page(rows[key]["p50"])
        if ratio in numbers:
            compared += 1
            assert both.in_paper(numbers[ratio].rows) == both.on_page(rows[key]["ratio"])
    assert compared
