"""The paper's files: what they say is what the records say."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import AnalysisError
from ablatrix.paper.english import ENGLISH
from ablatrix.paper.make import make_paper
from ablatrix.paper.text import write_left_out
from ablatrix.records.model import Record
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied, write_records

FILES = [
    *(f"tables/table{number}.{kind}" for number in range(1, 9) for kind in ("csv", "md", "tex", "html")),
    *(f"figures/fig{number}.{kind}" for number in (*range(1, 10), 13) for kind in ("pdf", "png", "svg", "csv", "tex")),
    *(f"text/{name}.{kind}" for name in ("setup", "fairness", "benefit", "correctness") for kind in ("md", "tex")),
    "text/left_out.md",
    "macros.tex",
    "provenance.json",
    "paper.tex",
    "latexmkrc",
]


def make(tmp_path: Path, records: list[Record], template: str | None = None) -> Path:
    path = write_records(tmp_path / "results.jsonl", records)
    chosen = None
    if template is not None:
        chosen = tmp_path / "template.yaml"
        chosen.write_text(template, encoding="utf-8")
    make_paper(Findings(tidy([path])), chosen, tmp_path / "paper")
    return tmp_path / "paper"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("no_images")
def test_paper_has_files_of_shipped_template(tmp_path: Path) -> None:
    """That they are the same in another process is in tests/artifact/test_remake.py."""
    written = make_paper(Findings(tidied(make_records())), None, tmp_path)
    assert sorted(file.relative_to(tmp_path).as_posix() for file in written.files) == sorted(FILES)
    assert written.left_out == ()


@pytest.mark.usefixtures("no_images")
def test_effects_figure_comes_with_unrounded_values(tmp_path: Path) -> None:
    rows = rows_of(make(tmp_path, make_records(workloads=["encoder"], noise=0.0)) / "figures" / "fig5.csv")
    assert [row["knob"] for row in rows] == list(PRIMARY)
    for row in rows:
        assert float(row["ratio"]) == pytest.approx(HOT_EFFECT[row["knob"]], rel=1e-12)
        assert (row["blocks"], row["pairs"], row["pairs_partial"], row["pairs_missing"]) == ("2", "8", "0", "0")


@pytest.mark.usefixtures("no_images")
def test_text_states_what_records_hold(tmp_path: Path) -> None:
    plants = [Plant("missing_check", "encoder", "cold", {"fusion": "on", "reuse": "keep"})]
    text = make(tmp_path, make_records(workloads=["encoder"], plants=plants, noise=0.001)) / "text"
    fairness, benefit, correctness = (
        (text / f"{name}.md").read_text(encoding="utf-8") for name in ("fairness", "benefit", "correctness")
    )
    setup = (text / "setup.md").read_text(encoding="utf-8")
    assert "All experiments ran on a machine with 2 cores (Synthetic CPU 3000" in setup
    assert "64 succeeded and 8 failed (unchecked output)" in fairness
    assert "60% of this time is spent in code generation including all passes and 20% in linking; every" in fairness
    assert "misses per cold trial is 1 if the program is compiled as a whole and 3 if it is" in fairness
    assert "Digests confirm for all 32 such trials that the executable timed is the one whose outputs" in fairness
    assert re.search(r"and `fusion`\) reduces the run time by 4[34](\.\d)?% \(95% CI .*?%\) on encoder", benefit)
    assert re.search(r"attributes the largest reduction to `fusion` \((39|40)(\.\d)?%, CI", benefit)
    assert "passed: 8 comparisons are missing. Trials with a wrong or missing output" in correctness
    assert "In successful trials, outputs differ from the reference by at most" in correctness
    assert (text / "left_out.md").read_text(encoding="utf-8") == "Nothing was left out.\n"
    assert "64 succeeded and 8 failed (unchecked output)" in (text / "fairness.tex").read_text(encoding="utf-8")
    latex = (text / "benefit.tex").read_text(encoding="utf-8")
    assert re.search(
        r"change in run time \(Figure~\\ref\{fig:\d+\}\) attributes the largest reduction to \\texttt\{fusion\}", latex
    )
    assert r"60\% of this time" in (text / "fairness.tex").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_images")
def test_sentences_and_figures_without_data_are_omitted_and_listed(tmp_path: Path) -> None:
    paper = make(tmp_path, make_records(workloads=["encoder"], modes=["cold"]))
    left_out = (paper / "text" / "left_out.md").read_text(encoding="utf-8")
    assert "- fairness, hot_scope: no hot trial succeeded\n" in left_out
    assert "- fairness, control/run_ms_paired: no hot block holds both the baseline and its second copy" in left_out
    assert "- figure 5: there is no trial to draw\n" in left_out
    assert not (paper / "figures" / "fig5.pdf").exists()
    assert "A steady-state time" not in (paper / "text" / "fairness.md").read_text(encoding="utf-8")


CUSTOM: dict[str, Any] = {
    "unknown key": ("tabels: []", r"template.yaml:2: unknown key 'tabels'.*did you mean 'tables'"),
    "unknown aggregation": (
        "tables: [{number: 1, title: t, caption: c, group_by: [workload], "
        "columns: [{column: run_ms_p50, aggregation: mode}]}]",
        "template.yaml:2: .*'median'",
    ),
    "no such column": (
        "tables: [{number: 1, title: t, caption: c, group_by: [workload, colour], columns: [{column: workload}]}]",
        "table 1: there is no column 'colour'",
    ),
    "value outside of the groups": (
        "tables: [{number: 1, title: t, caption: c, group_by: [workload], columns: [{column: run_ms_p50}]}]",
        "table 1: column 'run_ms_p50' is shown as a value but is not in group_by",
    ),
    "text has no median": (
        "tables: [{number: 1, title: t, caption: c, group_by: [mode], columns: [{column: host, aggregation: median}]}]",
        "table 1: column 'host' has no numbers",
    ),
    "bad format": (
        "tables: [{number: 1, title: t, caption: c, group_by: [mode], "
        "columns: [{column: run_ms_p50, aggregation: median, format: .3q}]}]",
        "template.yaml:2: .*format.*'.3q'",
    ),
    "no such metric": (
        "figures: [{number: 1, title: t, caption: c, kind: main_effects, metric: status}]",
        "figure 1: 'status' is not a column of numbers",
    ),
}


@pytest.mark.parametrize(("text", "message"), CUSTOM.values(), ids=CUSTOM.keys())
def test_template_that_is_wrong_is_refused_with_location(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        make(tmp_path, make_records(workloads=["attention"], blocks=1)[:4], f"version: 1\n{text}\n")


@pytest.mark.usefixtures("no_images")
def test_template_chooses_columns_filter_order_and_format(tmp_path: Path) -> None:
    template = """
version: 1
tables:
  - number: 7
    title: Fusion & friends
    caption: 100 % made up
    filter: {role: [measured], mode: [hot], knob_partition: [whole]}
    group_by: [knob_fusion, workload]
    columns:
      - {column: workload}
      - {column: knob_fusion, heading: fused}
      - {column: run_ms_p50, aggregation: min, heading: fastest, format: .1f}
      - {column: parameter_count, aggregation: max, heading: weights (k), format: .0f, divide_by: 1000}
    sort: [workload]
"""
    tables = make(tmp_path, make_records(noise=0.0), template) / "tables"
    assert (tables / "table7.csv").read_text(encoding="utf-8") == (
        "workload,fused,fastest,weights (k)\n"
        "attention,off,3.6,100\nattention,on,2.1,100\nencoder,off,27.6,1850\nencoder,on,16.6,1850\n"
    )
    assert r"\textbf{Fusion \& friends.} 100 \% made up" in (tables / "table7.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize(("lines", "text"), [(["a", "b"], "- a\n- b\n"), ([], "Nothing was left out.\n")])
def test_omissions_are_listed_one_per_line(tmp_path: Path, lines: list[str], text: str) -> None:
    assert write_left_out(lines, ENGLISH, tmp_path).read_text(encoding="utf-8") == text
