"""One meaning of "failed" and of "not run": everything that counts trials gives the same numbers."""

import json
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import typer

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import group_columns, summarise_groups
from ablatrix.analysis.table.planned import count_planned, load_design
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.artifact.contents import gather
from ablatrix.cli.progress import Counts
from ablatrix.cli.run import end_run
from ablatrix.page.cold_chart import cold_chart
from ablatrix.page.failures import COLUMNS, failures
from ablatrix.page.overview import tiles
from ablatrix.paper.figures.memory_latency import places_of
from ablatrix.provenance.rows import canonical_rows
from ablatrix.records.brief import Brief
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.trials.run.runner import RunSummary
from ablatrix.verdict import reach_verdict
from tests.paper.written import write_paper
from tests.synthetic import Plant, make_records, write_records
from tests.verdict.test_verdict import quick_paper

NOT_RUN = [
    Plant("not_run_budget", "encoder", "hot", {"fusion": "on", "reuse": "release"}, 1),  # 4 trials
    Plant("not_run_budget", "encoder", "cold", {"fusion": "on"}, 1),  # 8 trials
]
PLANTS = [
    Plant("crashed", "encoder", "hot", {"fusion": "on", "reuse": "keep", "memory_plan": "on"}, 0),  # 2 trials
    Plant("missing_check", "encoder", "hot", {"fusion": "off", "reuse": "keep", "memory_plan": "on"}, 1),  # 2 trials
    Plant("wrong_output", "encoder", "cold", {"fusion": "on"}, 0),  # 8 trials
    Plant("unsupported", "encoder", "hot", {"fusion": "off", "reuse": "release"}, 0),  # 4 trials
    *NOT_RUN,
]
COUNTS = (12, 12)  # failed, not run
OUTCOMES = ("n_ok", "n_failed", "n_unsupported", "n_interrupted", "n_not_run_budget")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return make_records(workloads=["encoder"], blocks=2, plants=PLANTS)


@pytest.fixture(scope="module")
def results(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("outcomes")
    keys = ("trial_id", "cell_id", "mode", "role")
    design = {"trials": [{key: getattr(record, key) for key in keys} for record in records]}
    (directory / "design.json").write_text(json.dumps(design), encoding="utf-8")
    return write_records(directory / "results.jsonl", records)


@pytest.fixture(scope="module")
def found(results: Path) -> Tidy:
    return tidy([results])


def summary_of(records: list[Record]) -> RunSummary:
    return RunSummary(Path("results.jsonl"), len(records), dict(Counter(record.status for record in records)), None)


def test_summary_and_plan_table_count_outcomes_alike(found: Tidy, results: Path) -> None:
    table = summarise_groups(found.trials, group_columns(found))
    assert (table["n_failed"].sum(), (table["n_not_run_budget"] + table["n_interrupted"]).sum()) == COUNTS
    assert (table["n_trials"] == table.select(pl.sum_horizontal(*OUTCOMES)).to_series()).all()
    planned = count_planned(found.trials, load_design(results.with_name("design.json")))
    assert (planned["failed"].sum(), planned["not_run"].sum()) == COUNTS


def test_page_counts_outcomes_alike(found: Tidy) -> None:
    findings = Findings(found)
    rows = canonical_rows(findings.trials, ["checked", "ill_conditioned", "eager_wrong", *COLUMNS])
    groups, _ = failures(rows, ["workload", "compiler", "mode"], [], most=100)
    failed = [one.count for one in groups if Status(one.status).is_failure]
    not_run = [one.count for one in groups if not Status(one.status).ran]
    assert (sum(failed), sum(not_run)) == COUNTS
    assert groups[: len(failed)] == [one for one in groups if Status(one.status).is_failure]
    tile = tiles(rows, [], [], [])[0]
    assert (tile.figure, tile.tone) == ("44 of 72 ok", "bad")
    assert tile.detail == "8 wrong output, 2 missing check, 2 crashed, 4 unsupported, 12 not run budget"
    chart = cold_chart(findings.trials)
    assert chart is not None
    assert "8 failed trials" in chart.note


def test_verdict_counts_outcomes_alike(results: Path) -> None:
    numbers = reach_verdict([results], make=quick_paper).criteria[0].numbers
    assert (numbers["failed"], numbers["planned_not_run"]) == COUNTS
    assert (numbers["ok"], numbers["by_status"]["unsupported"]) == (44, 4)


def test_figures_and_documents_count_outcomes_alike(found: Tidy, records: list[Record]) -> None:
    places = places_of(found.trials, "planned_bytes", "run_ms_paired", "hot", [])
    assert sum(one.failed for one in places) == sum(one.status.is_failure for one in records if one.mode == "hot") == 4
    trials = gather(records).trials
    assert (len(trials.failed), sum(trials.not_run.values())) == COUNTS


def test_paper_counts_outcomes_alike_in_words(records: list[Record], tmp_path: Path) -> None:
    paper = write_paper(tmp_path, records, claims=False)
    numbers = {one["key"]: one["value"] for one in paper.provenance["numbers"]}
    assert (numbers["fairness/failed"], numbers["fairness/not_run"]) == COUNTS
    sentence = paper.sentences["fairness: trials_and_outcomes"]
    assert "44 succeeded, 12 failed (wrong output: 8, unchecked output: 2, crash: 2), 4 required" in sentence
    assert " and 12 did not run (time budget spent). Those that ran" in sentence


def test_progress_and_summary_count_outcomes_alike(records: list[Record]) -> None:
    counts = Counts()
    for record in records:
        counts.count(Brief.of(record))
    assert (counts.failures.total(), counts.not_run) == COUNTS
    assert counts.troubles() == "2 crashed, 2 missing_check, 8 wrong_output, 12 not run"
    summary = summary_of(records)
    assert (summary.failed, summary.not_run, summary.complete, summary.good) == (*COUNTS, True, False)


@pytest.mark.parametrize(
    ("plants", "code", "words"),
    [
        ([], None, None),
        ([Plant("unsupported", "encoder", "hot", {})], None, None),
        ([Plant("timeout", "encoder", "hot", {})], 1, None),
        (NOT_RUN, 1, "12 trials were not run: the time budget was spent"),
    ],
)
def test_run_exits_with_0_only_when_all_ran_and_none_failed(
    plants: list[Plant], code: int | None, words: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = summary_of(make_records(workloads=["encoder"], blocks=2, plants=plants))
    if code is None:
        end_run(summary)
    else:
        with pytest.raises(typer.Exit) as caught:
            end_run(summary)
        assert caught.value.exit_code == code
    told = capsys.readouterr().err
    assert re.search("were not run", told) is None if words is None else words in told
