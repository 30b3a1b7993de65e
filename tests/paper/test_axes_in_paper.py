"""Axes in the paper: a figure and a table that are there with axes alone, a sentence, and means that say over what."""

import csv
from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.paper.figures.along_axes import compose_along_axes
from ablatrix.paper.make import make_paper
from ablatrix.plotting.figure import Width, house_style
from ablatrix.plotting.labels import ENGLISH
from ablatrix.records.model import Record
from tests.legibility import faults
from tests.paper.written import write_paper
from tests.synthetic import make_records, tidied, write_records
from tests.with_axes import LENGTHS, as_variants

NAMES = ["attention", "encoder", "resnet"]
pytestmark = pytest.mark.usefixtures("no_images")
CROSSING = {"attention": 0.8 / 0.6, "encoder": 1.0 / 0.6, "resnet": 1.25 / 0.6}


def variants(
    fusion: dict[str, float] | None = None, only: tuple[str, ...] = tuple(NAMES), seed: int = 7
) -> list[Record]:
    records = make_records(workloads=NAMES, blocks=4, noise=0.001, seed=seed)
    return as_variants(records, {name: LENGTHS[name] for name in only}, fusion)


def paper(folder: Path, records: list[Record]) -> Path:
    findings = Findings(tidy([write_records(folder / "results.jsonl", records)]))
    made = make_paper(findings, None, folder / "paper")
    assert (made.not_applicable, made.absent_tables) == ((10, 12), ())
    return folder / "paper"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_paper_with_axes_has_figure_table_and_sentence(tmp_path: Path) -> None:
    made = paper(tmp_path, variants({"encoder": 0.9, "resnet": 0.81}))
    shown = rows_of(made / "figures" / "fig11.csv")
    assert [row["value"] for row in shown if row["knob"] == "fusion"] == ["16", "64", "256"]
    table = rows_of(made / "tables" / "table9.csv")
    fusion = [row for row in table if row["change"].startswith("fusion")]
    assert [(row["part"], row["effect"]) for row in fusion] == [
        ("tokens, run time", "grows"),
        ("tokens, cold-start time", ""),
    ]
    assert [fusion[0][f"tokens {value}"].partition(" ")[0] for value in (16, 64, 256)] == ["0.600", "0.540", "0.486"]
    text = (made / "text" / "benefit.md").read_text(encoding="utf-8")
    assert "the saving from `fusion` on net grows with tokens, from 40" in text
    assert "(Figure 11)" in text
    document = (made / "paper.tex").read_text(encoding="utf-8")
    assert r"\input{tables/table9}" in document
    assert r"\input{figures/fig11}" in document


def test_main_table_names_a_workload_once_and_says_over_what_the_mean_is(tmp_path: Path) -> None:
    made = paper(tmp_path, variants(only=("attention", "encoder")))
    text = (made / "tables" / "table2.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith("| ")][2:]
    assert [[cell.strip("| ") for cell in row] for row in rows] == [
        ["net", "tokens=16"], ["", "tokens=64"], ["resnet", ""], ["geomean", ""],
    ]  # fmt: skip
    assert "first over the variants of each workload (2 values of tokens of net)" in text
    data = rows_of(made / "tables" / "table2.csv")
    assert [(row["workload"], row["axes"]) for row in data[:2]] == [("net", "tokens=16"), ("net", "tokens=64")]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "`fusion` on net turns from a saving into a loss between tokens 16 and 256"),
        ("zh", "在 tokens 取 16 与 256 之间由收益变为损失"),
    ],
)
def test_sentence_names_values_between_which_effect_crosses_one(tmp_path: Path, language: str, expected: str) -> None:
    made = write_paper(tmp_path, variants(CROSSING, seed=2), language=language, claims=False)
    assert expected in (made.directory / "text" / "benefit.md").read_text(encoding="utf-8")


def test_paper_without_axes_has_neither(tmp_path: Path) -> None:
    findings = Findings(tidy([write_records(tmp_path / "results.jsonl", make_records(blocks=2))]))
    made = make_paper(findings, None, tmp_path / "paper")
    assert (made.not_applicable, made.absent_tables) == ((10, 11, 12), (9,))
    names = {file.name.partition(".")[0] for file in made.files}
    assert not {"table9", "fig11"} & names
    assert not any("figure 11" in line for line in made.left_out)


@pytest.mark.parametrize("width", ["column", "page"])
def test_figure_along_axes_is_legible(width: Width) -> None:
    findings = Findings(tidied([one for one in variants(CROSSING) if one.mode == "hot"]))
    found = findings.curves("run_ms_paired")
    assert [point.value for point in found[0].points] == ["16", "64", "256"]
    with house_style():
        for page in compose_along_axes(found, "run_ms_paired", width, ENGLISH):
            assert faults(page) == []
