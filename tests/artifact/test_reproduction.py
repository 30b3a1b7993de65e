"""Reproductions: what the new records say decides, and each mutation of them turns exactly the claims it touches."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from ablatrix.analysis.table.trials_table import tidy
from ablatrix.artifact.reproduction.comparison import report_reproduction
from ablatrix.artifact.reproduction.page import report_html, report_markdown
from ablatrix.artifact.reproduction.reproduction import (
    REPORT_VERSION,
    ReproductionReport,
    read_report,
    report_schema_text,
    report_text,
)
from ablatrix.errors import AnalysisError
from ablatrix.records.model import Record
from ablatrix.records.part import Level
from ablatrix.verdict import reach_verdict
from tests.artifact.conftest import write_results
from tests.claimed import claims_of
from tests.synthetic import Plant, broken, tidied, write_records
from tests.verdict.test_verdict import criterion, fallen, made, quick_paper

FROZEN = Path(__file__).parents[2] / f"schemas/reproduction-{REPORT_VERSION}.json"
CLAIMS = claims_of()
BOUNDS = {claim.id: claim.bound for claim in CLAIMS.claims}
ALL = {claim.id for claim in CLAIMS.claims}


def elsewhere(records: list[Record], factor: float = 1.3) -> list[Record]:
    """The same study on a slower machine of another name."""
    moved = []
    for one in records:
        machine = one.meta.machine.model_copy(update={"host": "bench-2", "cpu": "Synthetic CPU 2000 <b>"})
        update: dict[str, object] = {"meta": one.meta.model_copy(update={"machine": machine})}
        if one.runtime is not None:
            update["runtime"] = scaled(one, factor)
        moved.append(one.model_copy(update=update))
    return moved


def scaled(record: Record, factor: float) -> object:
    run = record.runtime
    assert run is not None
    times = {name: getattr(run, name) for name in ("compile_first_run_ms", "run_ms_p50", "run_ms_mean", "run_ms_p95")}
    update: dict[str, object] = {name: ms * factor for name, ms in times.items() if ms is not None}
    if run.burst_ms_p50 is not None:
        update["burst_ms_p50"] = [ms * factor for ms in run.burst_ms_p50]
    return run.model_copy(update=update)


def slower_all_on(records: list[Record]) -> list[Record]:
    on = {"partition": "regions", "reuse": "release", "memory_plan": "on", "fusion": "on"}
    return [
        one.model_copy(update={"runtime": scaled(one, 4.0)})
        if one.runtime
        and one.workload.name == "encoder"
        and one.mode == "hot"
        and all(one.config.knobs[knob] == level for knob, level in on.items())
        else one
        for one in records
    ]


def one_wrong(records: list[Record]) -> list[Record]:
    place = next(
        i
        for i, one in enumerate(records)
        if (one.workload.name, one.mode, one.meta.block) == ("encoder", "hot", 1)
        and one.role == "measured"
        and one.config.knobs["fusion"] == "on"
        and [one.config.knobs[knob] for knob in ("partition", "reuse", "memory_plan")] == ["whole", "keep", "off"]
    )
    return [*records[:place], broken(records[place], "wrong_output"), *records[place + 1 :]]


def no_fusion(_: list[Record]) -> list[Record]:
    def built_as(knobs: dict[str, Level]) -> dict[str, Level]:
        return knobs | {"fusion": "off"}

    return elsewhere(made(built_as=built_as))


def without_block(records: list[Record]) -> list[Record]:
    return [one for one in records if (one.workload.name, one.mode, one.meta.block) != ("encoder", "hot", 1)]


HOT = ("fusion", "partition-hot", "fusion-alone")
MUTATIONS: dict[str, tuple[Callable[[list[Record]], list[Record]], dict[str, str]]] = {
    "nothing": (list, {}),
    "one wrong output": (one_wrong, {**dict.fromkeys(HOT, "undecided"), "correct": "not_reproduced"}),
    "a missing block": (without_block, dict.fromkeys((*HOT, "all-on", "correct"), "undecided")),
    "a no-op knob": (
        no_fusion,
        dict.fromkeys(("fusion", "attention-fusion", "fusion-alone", "all-on"), "not_reproduced"),
    ),
    "a slower all-on": (slower_all_on, dict.fromkeys(("fusion", "partition-hot", "all-on"), "not_reproduced")),
}


@pytest.fixture(scope="module")
def good() -> list[Record]:
    return made()


@pytest.fixture(scope="module")
def report(good: list[Record]) -> ReproductionReport:
    return report_reproduction(tidied(elsewhere(good)), CLAIMS, tidied(good), "ab" * 32)


@pytest.mark.parametrize("name", MUTATIONS)
def test_reproduction_with_mutated_run_changes_exactly_dependent_claims(
    tmp_path: Path, good: list[Record], name: str
) -> None:
    mutate, expected = MUTATIONS[name]
    new = elsewhere(good)
    write_results(tmp_path, new)
    write_records(tmp_path / "results.jsonl", mutate(new))
    found = report_reproduction(tidy([tmp_path / "results.jsonl"]), CLAIMS, None)
    turned = {claim.id: claim.outcome for claim in found.claims if claim.outcome != "reproduced"}
    assert turned == expected
    assert {claim.id for claim in found.claims} == ALL
    assert all("here" in (claim.detail or "") for claim in found.claims)


def test_verdict_with_report_of_other_machine_holds_in_all_four(
    tmp_path: Path, good: list[Record], report: ReproductionReport
) -> None:
    write_results(tmp_path, good)
    (tmp_path / "reproduction.json").write_text(report_text(report))
    found = reach_verdict(
        [tmp_path / "results.jsonl"], report=tmp_path / "reproduction.json", claims=CLAIMS, make=quick_paper
    )
    assert found.holds, [one.findings for one in found.criteria]
    assert criterion(found, "b").numbers["claims_that_hold"] == criterion(found, "b").numbers["claims"] == len(ALL)
    assert criterion(found, "d").numbers == {
        "claims": len(ALL), "reproduced": len(ALL), "not_reproduced": 0, "undecided": 0, "host": "bench-2",
    }  # fmt: skip


def test_verdict_with_claim_not_shown_by_records_fails_in_b(tmp_path: Path, good: list[Record]) -> None:
    write_results(tmp_path, good)
    write_records(tmp_path / "results.jsonl", slower_all_on(good))
    found = reach_verdict([tmp_path / "results.jsonl"], claims=CLAIMS, make=quick_paper)
    assert "b" in fallen(found)
    assert [finding.split()[:2] for finding in criterion(found, "b").findings] == [
        ["fusion", "fails:"],
        ["partition-hot", "fails:"],
        ["all-on", "fails:"],
    ]


def test_report_has_both_figures_both_machines_and_changes(report: ReproductionReport) -> None:
    assert report.reproduced
    assert (report.recorded and report.recorded.host, report.here and report.here.host) == ("bench-1", "bench-2")
    assert {one.what: (one.recorded, one.here) for one in report.differences} == {
        "host": (("bench-1",), ("bench-2",)),
        "cpu": (("Synthetic CPU 3000",), ("Synthetic CPU 2000 <b>",)),
    }
    assert report.key_effects is not None
    assert report.key_effects > 5
    assert report.key_effects_reproduced == report.key_effects
    fusion = next(claim for claim in report.claims if claim.id == "fusion")
    assert fusion.recorded is not None
    assert fusion.here is not None
    assert fusion.recorded.factor == pytest.approx(fusion.here.factor)
    assert fusion.recorded.blocks == 5
    assert fusion.here.low is not None
    assert fusion.here.low > 1.5


def test_report_with_claim_not_shown_by_recorded_run_notes_it(good: list[Record]) -> None:
    recorded = tidied(made([Plant("wrong_output", "encoder", "cold", {"partition": "regions"}, block=0)]))
    found = report_reproduction(tidied(elsewhere(good)), CLAIMS, recorded)
    assert found.reproduced
    detail = next(claim.detail for claim in found.claims if claim.id == "partition-cold")
    assert detail is not None
    assert "the recorded run does not bear it (undecided): wrong_output in 1 of 3 blocks: partition=regions" in detail
    assert detail in report_markdown(found).replace("\\", "")


def test_reproduction_with_records_of_other_study_is_refused(good: list[Record]) -> None:
    with pytest.raises(AnalysisError, match="the new records are of study"):
        report_reproduction(tidied(made(seed=8)), CLAIMS, tidied(good))


def test_report_schema_matches_model_and_accepts_report(report: ReproductionReport) -> None:
    assert FROZEN.read_text(encoding="utf-8") == report_schema_text(), (
        "the report's fields changed: raise REPORT_VERSION and freeze a new schema file"
    )
    validator = jsonschema.Draft202012Validator(json.loads(FROZEN.read_text(encoding="utf-8")))
    written = json.loads(report_text(report))
    validator.validate(written)
    assert not validator.is_valid(written | {"unknown": 1})


def test_report_is_read_as_written_also_in_version_1_0(tmp_path: Path, report: ReproductionReport) -> None:
    (tmp_path / "new.json").write_text(report_text(report))
    assert read_report(tmp_path / "new.json") == report
    claim = {"name": "fusion makes it faster", "outcome": "reproduced", "detail": "0.94 and 0.95"}
    old = {"schema_version": "1.0", "study_digest": "d", "host": "h", "claims": [claim]}
    (tmp_path / "old.json").write_text(json.dumps(old))
    read = read_report(tmp_path / "old.json")
    assert (read.reproduced, read.here, read.claims[0].here) == (True, None, None)
    assert report_markdown(read).startswith("# Reproduction of the study d\n")


def test_report_pages_show_every_claim_and_html_is_self_contained(report: ReproductionReport) -> None:
    text, page = report_markdown(report), report_html(report, BOUNDS)
    for claim in report.claims:
        assert f"`{claim.id}`" in text
        assert f">{claim.id}</td>" in page
        assert claim.here is not None
        assert claim.here.text() in page
    assert "11 of 11 claims reproduced" in text
    assert "11 of 11 claims reproduced" in page
    assert not re.search(r"(src|href)=|<script|https?:|<b>|@import|url\(", page)
    assert page.count('role="img"') == sum(bool(claim.here and claim.here.factor) for claim in report.claims)
    assert (text, page) == (report_markdown(report), report_html(report, BOUNDS))


def test_report_page_shows_claim_bound_at_its_value(report: ReproductionReport) -> None:
    low, high = (report_html(report, dict.fromkeys(BOUNDS, bound)) for bound in (0.001, 1000.0))
    drawn = [re.findall(r'class="bound" x1="([0-9.]+)"', page) for page in (low, high)]
    assert set(drawn[0]) == {"8.0"}
    assert set(drawn[1]) == {"142.0"}
    assert len(drawn[0]) == len(drawn[1]) > 0
