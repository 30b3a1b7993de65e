"""The paper's figures as files: what they show is what the records say, in the same bytes, readable anywhere."""

import csv
import math
import re
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from pypdf import PdfReader

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import AnalysisError
from ablatrix.paper.figures.write import write_figure
from ablatrix.paper.template.load import load_template
from ablatrix.plotting.cold_scatter import MAX_POINTS, cold_marks, cold_points, compose_cold_scatter
from ablatrix.plotting.figure import house_style, save_pages
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC as TIME
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied, write_records

BLOCKS = 3
FAILING = {"fusion": "on", "reuse": "release", "partition": "regions"}
PLANTS = [
    *(Plant("crashed", "attention", mode, FAILING) for mode in ("cold", "hot")),
    Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"}),
]


def without_memory_plan(knobs: dict[str, Any]) -> dict[str, Any]:
    return {**knobs, "memory_plan": "off"}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_records(workloads=["attention", "encoder"], blocks=BLOCKS, plants=PLANTS, built_as=without_memory_plan)
    return write_records(tmp_path_factory.mktemp("records") / "results.jsonl", made)


@pytest.fixture(scope="module")
def trials(records: Path) -> pl.DataFrame:
    return tidy([records]).trials


@pytest.fixture(scope="module")
def written(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("figures")
    findings = Findings(tidy([records]))
    for spec in load_template().figures:
        files = write_figure(findings, spec, directory)
        is_drawn = not spec.optional or spec.kind == "interactions"  # three knobs or more in all combinations
        assert [file.suffix for file in files] == ([".pdf", ".png", ".svg", ".csv", ".tex"] if is_drawn else [])
    return directory


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def logs_of(trials: pl.DataFrame, metric: str, mode: str, workload: str) -> dict[tuple[str, ...], dict[int, float]]:
    """Log of a metric by levels of the primary knobs and block, of the ok trials: no code of the analysis."""
    chosen = trials.filter((pl.col("role") == "measured") & (pl.col("mode") == mode) & (pl.col("workload") == workload))
    found: dict[tuple[str, ...], dict[int, float]] = {}
    for row in chosen.iter_rows(named=True):
        if row["status"] == "ok":
            levels = tuple(row[f"knob_{knob}"] for knob in PRIMARY)
            found.setdefault(levels, {})[row["block"]] = math.log(row[metric])
    return found


def test_cold_figure_shows_every_cold_trial(written: Path, trials: pl.DataFrame) -> None:
    rows = rows_of(written / "fig4.csv")
    cold = trials.filter((pl.col("mode") == "cold") & (pl.col("role") == "measured"))
    assert len(rows) == cold.height == 2 * 16 * BLOCKS
    ok = {row["trial_id"]: float(row[TIME]) for row in rows if row["status"] == "ok"}
    told = cold.filter(pl.col("status") == "ok")
    assert ok == dict(zip(told["trial_id"], told[TIME], strict=True))
    assert {row["status"] for row in rows} == {"ok", "crashed", "wrong_output"}
    assert all(row[TIME] == "" for row in rows if row["status"] == "crashed")


def test_effects_figure_shows_means_of_paired_logs_without_no_ops(written: Path, trials: pl.DataFrame) -> None:
    rows = {(row["workload"], row["knob"]): row for row in rows_of(written / "fig5.csv")}
    logs = logs_of(trials, "run_ms_paired", "hot", "encoder")
    for place, knob in enumerate(PRIMARY):
        off, on = PRIMARY[knob]
        pairs = [(levels, (*levels[:place], on, *levels[place + 1 :])) for levels in logs if levels[place] == off]
        by_block = [
            statistics.fmean(logs[other][block] - logs[one][block] for one, other in pairs) for block in range(BLOCKS)
        ]
        row = rows["encoder", knob]
        assert float(row["ratio"]) == pytest.approx(math.exp(statistics.fmean(by_block)), rel=1e-12)
        half = 4.302652729911275 * statistics.stdev(by_block) / math.sqrt(BLOCKS)  # t of 2 degrees of freedom at 97.5 %
        assert float(row["high"]) == pytest.approx(float(row["ratio"]) * math.exp(half), rel=1e-9)
        assert (row["blocks"], row["pairs"]) == (str(BLOCKS), "8")
    assert {knob: rows["encoder", knob]["knob_proof"] for knob in PRIMARY} == {
        "partition": "effective",
        "reuse": "effective",
        "memory_plan": "no_op",
        "fusion": "effective",
    }
    assert (rows["attention", "fusion"]["pairs"], rows["attention", "fusion"]["pairs_missing"]) == ("6", "2")


def test_waterfall_steps_multiply_to_whole(written: Path, trials: pl.DataFrame) -> None:
    rows = [row for row in rows_of(written / "fig6.csv") if row["workload"] == "encoder"]
    steps, whole = [row for row in rows if row["step"] == "knob"], [row for row in rows if row["step"] == "whole"]
    assert [row["knob"] for row in steps] == list(PRIMARY)
    assert math.prod(float(row["share"]) for row in steps) == pytest.approx(float(whole[0]["share"]), rel=1e-12)
    logs = logs_of(trials, "run_ms_paired", "hot", "encoder")
    first, last = (tuple(levels[i] for levels in PRIMARY.values()) for i in (0, 1))
    total = statistics.fmean(logs[last][block] - logs[first][block] for block in range(BLOCKS))
    assert float(whole[0]["share"]) == pytest.approx(math.exp(total), rel=1e-12)
    befores = [1.0, *(float(row["after"]) for row in steps[:-1])]
    assert [float(row["before"]) for row in steps] == pytest.approx(befores)
    assert [row["no_op"] for row in steps] == ["false", "false", "true", "false"]
    lost = [row for row in rows_of(written / "fig6.csv") if row["workload"] == "attention"]
    assert {row["share"] for row in lost} == {""}
    assert all("crashed in 3 of 3 blocks" in row["not_attributable"] for row in lost)


def test_memory_and_latency_figure_shows_median_and_paired_ratio(written: Path, trials: pl.DataFrame) -> None:
    rows = [row for row in rows_of(written / "fig7.csv") if row["workload"] == "encoder"]
    logs = logs_of(trials, "run_ms_paired", "hot", "encoder")
    base = tuple(levels[0] for levels in PRIMARY.values())
    scale = statistics.median(math.exp(log) for log in logs[base].values())
    assert len(rows) == 16
    for row in rows:
        levels = tuple(row[f"knob_{knob}"] for knob in PRIMARY)
        ratio = statistics.fmean(logs[levels][block] - logs[base][block] for block in range(BLOCKS))
        assert float(row["run_ms_paired"]) == pytest.approx(scale * math.exp(ratio), rel=1e-9)
        own = trials.filter(
            (pl.col("workload") == "encoder") & (pl.col("role") == "measured") & (pl.col("mode") == "hot"),
            *(pl.col(f"knob_{knob}") == level for knob, level in zip(PRIMARY, levels, strict=True)),
        )
        assert float(row["planned_bytes"]) == statistics.median(own["planned_bytes"])
        assert (row["is_baseline"] == "true") == (levels == base)
    failed = [row for row in rows_of(written / "fig7.csv") if row["failed"] != "0"]
    assert len(failed) == 2
    assert {(row["run_ms_paired"], row["ratio"], row["failed"]) for row in failed} == {("", "", str(BLOCKS))}


def test_break_even_figure_shows_each_knob_and_all_together(written: Path, trials: pl.DataFrame) -> None:
    rows = {(row["workload"], row["moved"]): row for row in rows_of(written / "fig8.csv")}
    fusion = rows["encoder", "fusion=on"]
    assert fusion["verdict"] == "pays at once"
    assert float(fusion["run_ratio"]) == pytest.approx(HOT_EFFECT["fusion"], rel=0.05)
    assert rows["encoder", "partition=regions"]["verdict"] == "pays at first"
    all_on = rows["attention", "partition=regions, reuse=release, memory_plan=on, fusion=on"]
    assert (all_on["verdict"], all_on["runs"]) == ("not attributable", "")
    assert rows["encoder", "memory_plan=on"]["no_op"] == "true"
    assert len(rows) == 2 * 5


def test_figure_files_embed_fonts_without_date_or_version(written: Path) -> None:
    for number in range(1, 10):
        reader = PdfReader(written / f"fig{number}.pdf")
        assert not reader.metadata
        fonts: list[Mapping[str, Any]] = [
            font.get_object()
            for page in reader.pages
            for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
        ]
        assert fonts
        for font in fonts:
            assert font["/Subtype"] != "/Type3"
            inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            assert "/FontFile2" in inner["/FontDescriptor"]
        width = float(reader.pages[0].mediabox.width) / 72
        assert width == pytest.approx(7.0 if number in (2, 6, 7) else 3.3, abs=0.01)


def test_figure_svg_is_one_xml_file_without_outside_references(written: Path) -> None:
    for number in range(1, 10):
        text = (written / f"fig{number}.svg").read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg")
        assert "<!DOCTYPE" not in text
        assert "<text" not in text  # letters are outlines: no font is looked for
        for element in root.iter():
            for name, value in element.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:")), value
                assert not re.search(r"url\((?!#)", value)
        assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)


def test_figure_in_latex_is_included_at_its_width(written: Path) -> None:
    column, page = ((written / f"fig{number}.tex").read_text(encoding="utf-8") for number in (5, 6))
    assert r"\begin{figure}" in column
    assert (
        r"\includegraphics[width=\columnwidth,height=0.8\textheight,keepaspectratio]{\ablatrixhere fig5.pdf}" in column
    )
    assert r"\begin{figure*}" in page
    assert r"\includegraphics[width=\textwidth,height=0.8\textheight,keepaspectratio]{\ablatrixhere fig6.pdf}" in page
    assert r"\label{fig:6}" in page


@pytest.mark.slow
def test_figure_of_several_pages_is_one_pdf_and_one_image_per_page(trials: pl.DataFrame, tmp_path: Path) -> None:
    points = cold_points(trials).filter(pl.col("workload") == "attention")
    many = pl.concat(points.with_columns(pl.lit(f"w{i:02d}").alias("workload")) for i in range(25))
    with house_style():
        files = save_pages(compose_cold_scatter(many), tmp_path / "fig")
    names = [file.name for file in files]
    assert names == ["fig.pdf", "fig.png", "fig.svg", "fig_2.png", "fig_2.svg", "fig_3.png", "fig_3.svg"]
    assert len(PdfReader(files[0]).pages) == 3


def test_figure_of_many_trials_shows_labelled_groups(trials: pl.DataFrame) -> None:
    points = cold_points(trials)
    crowd = pl.concat(points.with_columns(pl.col(TIME) * (1 + i / 100)) for i in range(MAX_POINTS // points.height + 1))
    marks = cold_marks(crowd)
    assert cold_marks(points).height == points.height
    assert marks.height < 20
    assert int(marks["trials"].sum()) == crowd.height
    one = marks.filter(
        (pl.col("workload") == "encoder") & (pl.col("partition") == "whole") & (pl.col("status") == "ok")
    )
    times = sorted(
        crowd.filter((pl.col("workload") == "encoder") & (pl.col("partition") == "whole") & (pl.col("status") == "ok"))[
            TIME
        ]
    )
    assert one[TIME].item() == pytest.approx(statistics.median(times), rel=1e-12)
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    assert (one["low"].item(), one["high"].item()) == pytest.approx((cuts[0], cuts[-1]))
    with house_style():
        (page,) = compose_cold_scatter(crowd)
    texts = {text.get_text() for text in page.legends[0].get_texts()}
    assert "mark: median of trials, bar: 5 to 95%" in texts


def test_figure_of_workload_with_several_sizes_has_line_per_size(tmp_path: Path) -> None:
    small = make_records(workloads=["attention"], modes=["hot"], blocks=1, seed=1)
    large = [
        record.model_copy(
            update={
                "workload": record.workload.model_copy(
                    update={"parameters": {"width": 128, "dropout": 0.0}, "digest": "0" * 64}
                ),
                "block_id": "f" * 16,
                "trial_id": record.trial_id[::-1],
                "record_id": record.record_id[::-1],
            }
        )
        for record in small
    ]
    spec = next(spec for spec in load_template().figures if spec.kind == "main_effects")
    write_figure(Findings(tidied([*small, *large])), spec, tmp_path)
    names = {row["workload"] for row in rows_of(tmp_path / "fig5.csv")}
    assert names == {"attention (width=64)", "attention (width=128)"}


def test_main_effects_figure_uses_own_knobs_where_no_others_exist(tmp_path: Path) -> None:
    found = Findings(tidied(make_records(workloads=["attention"])))
    own = {f"{part}_{knob}": f"{part}_flag_{knob}" for knob in PRIMARY for part in ("knob", "baseline")}
    spec = next(spec for spec in load_template().figures if spec.kind == "main_effects")
    write_figure(Findings(found.of(found.trials.rename(own))), spec, tmp_path)
    assert {row["knob"] for row in rows_of(tmp_path / "fig5.csv")} == {f"flag_{knob}" for knob in PRIMARY}


TEMPLATES = {
    "an option of another kind": (
        "kind: cold_scatter, knobs: [fusion]",
        r"template.yaml:2: unknown key 'knobs' in 'figures\[0\]' "
        r"\(known: appendix, caption, caption_if, filter, kind, number, optional, title, width",
    ),
    "no such kind": (
        "kind: main_efects",
        r"template.yaml:2: figures\[0\]: there is no kind 'main_efects'; did you mean 'main_effects'\?",
    ),
    "no kind": ("width: page", r"template.yaml:2: key 'kind' is missing in 'figures\[0\]'"),
    "no such width": ("kind: cold_scatter, width: half", r"width.*'column' or 'page', got 'half'"),
    "mode that lacks the metric": (
        "kind: main_effects, mode: cold",
        r"metric 'run_ms_paired' is measured in hot trials, not in cold ones; give mode: hot",
    ),
    "no number": ("kind: attribution, metric: status", "figure 1: 'status' is not a column of numbers"),
    "no such level": ("kind: attribution, end: {fusion: maybe}", "knob 'fusion' was not run at level 'maybe'"),
    "number given twice": (
        "kind: cold_scatter}, {number: 1, title: t, caption: c, kind: cold_scatter",
        "two figures have the number 1",
    ),
}


@pytest.mark.parametrize(("entry", "message"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_figure_entry_that_is_wrong_is_refused_with_location(
    records: Path, tmp_path: Path, entry: str, message: str
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(f"version: 1\nfigures: [{{number: 1, title: t, caption: c, {entry}}}]\n", encoding="utf-8")
    with pytest.raises(AnalysisError, match=message):
        for spec in load_template(template).figures:
            write_figure(Findings(tidy([records])), spec, tmp_path)


def test_figure_shows_zero_misses_beside_many(trials: pl.DataFrame) -> None:
    points = cold_points(trials)
    warm = points.with_columns(pl.lit("warm").alias("cache"), pl.lit(0, pl.Int64).alias(MISSES), pl.col(TIME) / 3)
    many = points.with_columns(pl.col(MISSES) * 20)
    with house_style():
        (page,) = compose_cold_scatter(pl.concat([warm, many]))
    low, high = page.axes[0].get_xlim()
    assert low < 0
    assert high > 60
    assert "warm cache" in {text.get_text() for text in page.legends[0].get_texts()}
