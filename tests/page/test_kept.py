"""Findings that were kept beside results, as parts of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablatrix.cli.main import app
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
