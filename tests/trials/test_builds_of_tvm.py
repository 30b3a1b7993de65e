"""Two commits of a plug-in of TVM in one study: what the later one broke, and with which knob."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.records.journal import final_records, read_records
from ablatrix.study.load import load_study
from ablatrix.trials.run.runner import run
from tests.builds.sources import make_repository

MODEL = """
import torch


class Wide(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.relu(x) * 2.0


def wide():
    return Wide(), (torch.randn(64, 256),)
"""
PASSES = """
import tvm


@tvm.transform.module_pass(opt_level=0)
def tune(module, context):
    from tinypass import rewrite

    return rewrite(module)
"""
HARMLESS = """
def rewrite(module):
    return module
"""
# Still right, and several times as slow: what it adds is zero, which no compiler may know of floats.
SLOW = """
import tvm
from tvm import relax


@relax.expr_functor.mutator
class _More(relax.PyExprMutator):
    def visit_call_(self, call):
        call = super().visit_call_(call)
        if call.op != tvm.ir.Op.get("relax.nn.relu"):
            return call
        more = call.args[0]
        for _ in range(6):
            more = relax.op.cos(relax.op.sin(more))
        return relax.op.add(call, relax.op.multiply(more, relax.const(0.0, "float32")))


def rewrite(module):
    mutator = _More(module)
    for name, function in module.functions_items():
        if isinstance(function, relax.Function):
            mutator.builder_.update_func(name, mutator.visit_expr(function))
    return mutator.builder_.get()
"""
STUDY = """
name: plug-in
workloads: [{name: wide, source: "model.py:wide"}]
builds:
  before: {git: {repository: plug-in, commit: BEFORE, pythonpath: [python]}}
  after: {git: {repository: plug-in, commit: AFTER, pythonpath: [python]}}
compilers:
  - name: tvm
    knobs: {tune: {pass: "passes.py:tune", before: LegalizeOps}}
    builds: [before, after]
modes: [hot]
stages: [{name: main, factorial: {build: [before, after], tune: [off, on]}}]
checks: {input_sets: 1}
protocol:
  threads: 1
  repeats: 0
  hot: {blocks: 3, max_blocks: 3, rounds: 6, burst_ms: 1, warm_up_ms: 2, timeout_s: 120}
"""


@pytest.mark.compiler
def test_interaction_of_knob_and_commit_that_was_planted_is_found(tmp_path: Path) -> None:
    commits = make_repository(tmp_path / "plug-in", [{"python/tinypass.py": text} for text in (HARMLESS, SLOW)])
    for name, text in (("model.py", MODEL), ("passes.py", PASSES)):
        (tmp_path / name).write_text(text)
    text = STUDY.replace("BEFORE", commits[0]).replace("AFTER", commits[1])
    (tmp_path / "study.yaml").write_text(text)
    summary = run(load_study(tmp_path / "study.yaml"), tmp_path / "out", study_directory=tmp_path)
    assert summary.good
    found = Findings(tidy([summary.results])).attributions(
        "run_ms_paired", "hot", {"build": "before", "tune": "off"}, {"build": "after", "tune": "on"}
    )
    ratios = {(one.kind, one.knob): one.ratio for one in found}
    crossed, alone = ratios["interaction", "build"], ratios["add_one_in", "build"]
    assert crossed is not None
    assert crossed.low is not None
    assert crossed.low > 1.5  # the later commit is slower by so much more with the knob on
    assert alone is not None
    assert alone.low is not None
    assert alone.high is not None
    assert alone.low < 1.1
    assert alone.high > 0.9
    code = {
        (one.config.knobs["build"], one.config.knobs["tune"]): one.compile.artifact_digest
        for one in final_records(read_records(summary.results))
        if one.compile is not None
    }
    assert code["before", "off"] == code["after", "off"] == code["before", "on"]
    assert code["after", "on"] != code["after", "off"]
