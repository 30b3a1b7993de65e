"""A configuration that is in several stages: every number follows from the blocks of its own stage alone."""

from pathlib import Path
from typing import Any

import pytest

from ablatrix.analysis.claims.check import check_claims, load_claims
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.paper.make import make_paper
from ablatrix.paper.rows import paper_rows
from ablatrix.provenance.claims import factor_of
from ablatrix.provenance.finder import RowFinder
from tests.paper import recompute
from tests.screened_study import write_screened

FACTORS = {"k0": 0.8, "k3": 1.1, "k5": 0.95}
SHARES: dict[str, Any] = {"name": "screen", "screen": "all", "design": "shapley"}
ALL_CORNERS: dict[str, Any] = {"name": "screen", "screen": ["k0", "k1", "k2", "k3"]}
CONFIRM: dict[str, Any] = {"name": "confirm", "factorial_of": {"stage": "screen", "most": 3}}
EACH: dict[str, Any] = {"name": "each", "around": {}, "vary": "all"}
CLAIMS = """version: 1
claims:
  - {id: knob, workload: mlp, compiler: mine, metric: run_ms_paired, knob: k0, at_least: 1.2}
  - {id: alone, workload: mlp, compiler: mine, metric: run_ms_paired, configuration: {k0: on}, at_least: 1.2}
"""
TEMPLATE = """version: 1
tables:
  - {number: 1, title: Each, kind: ablation, caption: Each.}
text: [setup, fairness, benefit, correctness, claims]
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stages", "live"),
    [([SHARES, CONFIRM], None), ([EACH, SHARES, CONFIRM], 6), ([EACH, ALL_CORNERS, CONFIRM], None)],
)
def test_numbers_follow_from_blocks_of_own_stage(
    tmp_path: Path, stages: list[dict[str, Any]], live: int | None
) -> None:
    made = write_screened(tmp_path, FACTORS, 8, 5, stages=stages, live=[live])
    records, claims, template = made.results / "results.jsonl", tmp_path / "claims.yaml", tmp_path / "template.yaml"
    claims.write_text(CLAIMS, encoding="utf-8")
    template.write_text(TEMPLATE, encoding="utf-8")
    findings = Findings(tidy([records]))
    make_paper(findings, template, tmp_path / "paper", claims=check_claims(findings, load_claims(claims)))
    assert recompute.check(recompute.read_records([records]), tmp_path / "paper") == []


def test_claim_about_confirmed_knob_rests_on_confirmation(tmp_path: Path) -> None:
    made = write_screened(tmp_path, FACTORS, 8, 5, stages=[SHARES, CONFIRM])
    claims = tmp_path / "claims.yaml"
    claims.write_text(CLAIMS, encoding="utf-8")
    findings = Findings(tidy([made.results / "results.jsonl"]))
    finder = RowFinder(paper_rows(findings))
    knob, _ = check_claims(findings, load_claims(claims))
    factor = factor_of(findings, finder, knob)
    assert factor is not None
    behind = finder.rows.trials[[row for first, last in factor.rows for row in range(first, last + 1)]]
    assert set(behind.filter(role="measured")["stage"]) == {"confirm"}
