"""Findings that were kept beside results, as parts of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablatrix.cli.main import app
from ablatrix.records.explanation import SpreadMs
from ablatrix.records.kept_findings import KeptFinding, keep_finding
from tests.cli.test_explain import FOUND
from tests.synthetic import make_records, write_records

CULPRIT = KeptFinding(
    kind="bisect",
    title="encoder on tvm: wrong output (trial 8974)",
    lines=("culprit: pass:<FuseOps>", "confidence: 99 %"),
    command="ablatrix bisect 8974 --results results",
)
EXPLANATION = KeptFinding(
    kind="explanation", title="mlp: fusion", lines=("-1.5 ms",), command="ablatrix explain a b", explanation=FOUND
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_records(tmp_path / "results.jsonl", make_records(workloads=["encoder"], blocks=1, modes=["cold"]))
    return tmp_path


def page_of(results: Path) -> str:
    out = results / "report.html"
    done = CliRunner().invoke(app, ["page", str(results), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out.read_text(encoding="utf-8")


def test_kept_findings_are_parts_of_the_page(results: Path) -> None:
    assert 'id="kept"' not in page_of(results)
    keep_finding(results, "8974", CULPRIT)
    keep_finding(results, "mlp", EXPLANATION)
    text = page_of(results)
    section = text[text.index('<section id="kept"') : text.index('<section id="failures"')]
    assert '<a href="#kept">Looked into</a>' in text
    for part in (CULPRIT.title, "culprit: pass:&lt;FuseOps&gt;", "confidence: 99 %", CULPRIT.command):
        assert part in section, part
    assert EXPLANATION.title not in section and '<section id="explained"' in text
    assert "2 x matmul + add" in text[text.index('<section id="explained"') :]


def test_explained_chart_is_a_waterfall_to_the_total() -> None:
    from ablatrix.page.explained_chart import explained_chart

    chart = explained_chart(FOUND, 0)
    steps = chart.spec["datasets"][chart.spec["layer"][1]["data"]["name"]]
    assert [(one["name"], round(one["from"], 9), round(one["to"], 9)) for one in steps] == [
        ("2 x matmul + add", 0.0, -1.3),
        ("(computes no node)", -1.3, -1.3),
        ("(overhead: what is no kernel)", -1.3, -1.6),
        ("(residual)", -1.6, -1.5),
        ("total difference", 0.0, -1.5),
    ]
    assert chart.words[0] == "2 x matmul + add: -1.300 ms."


def test_explained_pair_that_may_not_differ_is_sentences_alone() -> None:
    from ablatrix.page.explained import explained_parts

    same = FOUND.model_copy(update={"difference": SpreadMs(ms=-0.02, low=-0.08, high=0.04)})
    (part,) = explained_parts([EXPLANATION.model_copy(update={"explanation": same})])
    assert (part.chart, part.table, part.lines) == (None, None, EXPLANATION.lines)
