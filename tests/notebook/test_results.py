"""Results as one object: every table, figure and chart from a directory, a bundle or a file, each with its HTML."""

from __future__ import annotations

import zipfile
from pathlib import Path

import altair as alt
import polars as pl
import pytest
from matplotlib.figure import Figure

import ablatrix
from ablatrix.errors import AnalysisError, RecordError
from ablatrix.notebook.results import Results
from tests.synthetic import Plant, make_records, write_records

PLANTS = [Plant("timeout", "encoder", "hot", {"fusion": "on"}, 0)]
RECORDS = make_records(blocks=3, plants=PLANTS, superseded=1)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    write_records(path / "results.jsonl", RECORDS)
    return path


@pytest.fixture(scope="module")
def results(directory: Path) -> Results:
    return ablatrix.load(directory)


def test_load_takes_directory_file_and_zip_alike(directory: Path, results: Results, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "quick.zip", "w") as archive:
        archive.write(directory / "results.jsonl", "quick/results.jsonl")
    for path in (directory / "results.jsonl", str(directory), tmp_path / "quick.zip"):
        assert ablatrix.load(path).trials.equals(results.trials)


def test_results_of_zip_keep_records_readable(directory: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "quick.zip", "w") as archive:
        archive.write(directory / "results.jsonl", "quick/results.jsonl")
    held = ablatrix.load(tmp_path / "quick.zip")
    (tmp_path / "quick.zip").unlink()
    assert list(held.records) == RECORDS


def test_records_are_read_by_id_and_counted(results: Results) -> None:
    assert len(results.records) == len(RECORDS)
    last = RECORDS[-1]
    assert results.records[last.record_id] == last
    assert results.records[last.trial_id] == last
    with pytest.raises(RecordError, match="no record or trial has the id 'none'"):
        results.records["none"]
    shown = results.records._repr_html_()
    assert f"{len(RECORDS)} records" in shown
    assert shown.count("<tr>") == 11


def test_trials_are_frame_that_pandas_takes(results: Results) -> None:
    assert isinstance(results.trials, pl.DataFrame)
    assert results.trials.height == len(RECORDS) - 1
    assert results.trials.to_pandas().shape == results.trials.shape


def test_effects_are_those_of_library_with_main_columns_first(results: Results) -> None:
    found = results.effects(metric="run_ms_paired")
    assert found.columns[:6] == ["scope", "metric", "mode", "workload", "compiler", "effect"]
    assert set(found["effect"]) == {"main"}
    table = ablatrix.read_table(results.files)
    (evidence,) = ablatrix.find_effects(table, ablatrix.Question(metrics=("run_ms_paired",)))
    expected = {
        (one.workload, one.knob): one.ratio.value for one in evidence.effects if one.kind == "main" and one.ratio
    }
    rows = found.filter(scope="workload").drop_nulls("ratio")
    assert {(row["workload"], row["knob"]): row["ratio"] for row in rows.iter_rows(named=True)} == expected
    assert found.filter(scope="geometric mean").height == 4


def test_effects_of_all_metrics_and_some_workloads_are_given(results: Results) -> None:
    assert set(results.effects()["metric"]) >= {"run_ms_paired", "compile_first_run_ms", "planned_bytes"}
    assert set(results.effects(workloads=["encoder"])["workload"]) == {"encoder"}
    with pytest.raises(AnalysisError, match="there is no metric 'speed'"):
        results.effects(metric="speed")


def test_attribution_has_total_and_its_parts(results: Results) -> None:
    found = results.attribution(metric="run_ms_paired").filter(workload="attention")
    total = found.filter(effect="total").row(0, named=True)
    shares = found.filter(effect="shapley")
    assert shares.height == 4
    assert shares["log_ratio"].sum() == pytest.approx(total["log_ratio"])


def test_summary_has_row_for_cell_and_mode(results: Results) -> None:
    found = results.summary()
    assert found.height == 2 * 2 * 18
    cold = found.filter(workload="attention", mode="cold", role="twin").row(0, named=True)
    assert (cold["metric"], cold["trials"], cold["ok"], cold["failed"]) == ("compile_first_run_ms", 3, 3, 0)
    assert cold["median"] > 0
    assert cold["ratio_low"] < cold["ratio"] < cold["ratio_high"]
    lost = found.filter(workload="encoder", mode="hot", knob_fusion="on")
    assert lost["failed"].to_list() == [1] * lost.height


@pytest.mark.parametrize("name", ["cold_scatter", "main_effects", "attribution", "memory_latency", "break_even"])
def test_figure_of_paper_is_drawn_by_name(results: Results, name: str) -> None:
    figure = results.figure(name)
    assert isinstance(figure, Figure)
    assert figure.get_axes()
    shown = figure._repr_html_() or ""
    assert shown.startswith("<img")
    assert len(shown) > 10_000


def test_figure_of_other_metric_takes_its_mode(results: Results) -> None:
    cold, hot = results.figure("main_effects", metric="compile_first_run_ms"), results.figure("main_effects")
    assert cold.get_supxlabel() != hot.get_supxlabel() or cold.get_supylabel() != hot.get_supylabel()


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("speedup", {}, "there is no figure 'speedup'; there are: speed_up, steps"),
        ("main_effects", {"page": 9}, "has 1 pages, but page 9 was asked for"),
        (
            "main_effects",
            {"colour": "red"},
            "has no setting 'colour'; it has: appendix, optional, filter, width",
        ),
        ("main_effects", {"mode": "warm"}, "figure 'main_effects': "),
        ("main_effects", {"filter": {"workload": ["none"]}}, "these results have nothing to draw in it"),
    ],
)
def test_figure_that_cannot_be_made_is_refused(
    results: Results, name: str, choices: dict[str, object], message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        results.figure(name, **choices)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["effects", "attribution", "cold"])
def test_chart_of_page_is_made_without_its_style_sheet(results: Results, name: str) -> None:
    chart = results.chart(name)
    assert isinstance(chart, alt.TopLevelMixin)
    text = chart.to_json()
    assert "var(--" not in text
    assert "#1b1f24" in text
    assert "<html" in chart.to_html()


def test_chart_of_unknown_name_or_metric_is_refused(results: Results) -> None:
    with pytest.raises(AnalysisError, match="there is no chart 'speed'; there are: effects, attribution, cold"):
        results.chart("speed")
    with pytest.raises(AnalysisError, match="there is no metric 'speed'"):
        results.chart("effects", metric="speed")


@pytest.mark.usefixtures("no_images")
@pytest.mark.slow
def test_verdict_shows_each_criterion_in_html(results: Results) -> None:
    verdict = results.verdict()
    assert [one.letter for one in verdict.criteria] == ["a", "b", "c", "d"]
    shown = verdict._repr_html_()
    assert "Verdict: not done" in shown
    assert shown.count("<tr>") == 4


def test_results_show_what_they_are_of(results: Results) -> None:
    shown = results._repr_html_()
    for text in ("attention, encoder", "fusion (off, on)", "8 timeout", "bench-1", "attempt that a later one replaced"):
        assert text in shown
    assert "results of" in repr(results)


def test_results_of_several_hosts_need_permission(tmp_path: Path) -> None:
    one = write_records(tmp_path / "a.jsonl", make_records(blocks=2))
    other = write_records(tmp_path / "b.jsonl", make_records(blocks=2, host="bench-2", seed=8))
    with pytest.raises(AnalysisError, match="of several origins"):
        ablatrix.load(one, other)
    both = ablatrix.load(one, other, allow_mixed=True)
    assert "host" in both.mixed
    assert set(both.effects(metric="run_ms_paired")["host"].drop_nulls()) == {"bench-1", "bench-2"}
    assert set(both.summary()["host"]) == {"bench-1", "bench-2"}
    assert both.chart("effects", metric="run_ms_paired").to_dict()["title"] == "Run time (hot): effect of each knob"


def test_load_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file or directory"):
        ablatrix.load(tmp_path / "none")
    with pytest.raises(AnalysisError, match="no results were given"):
        ablatrix.load()
