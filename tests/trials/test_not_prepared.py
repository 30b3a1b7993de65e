"""A workload that cannot be prepared: its trials are no failure of any compiler, and no compiler is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.records.journal import read_records
from ablatrix.study.resolve import resolve_study
from ablatrix.study.without_file import make_study
from ablatrix.trials.run import run

MODEL = """
import torch
from torch import nn


class Positive(nn.Module):
    def forward(self, x):
        return x[x > 0]


def make():
    return Positive(), torch.randn(4)
"""


def test_workload_that_cannot_be_prepared_is_not_run_on_any_compiler(tmp_path: Path) -> None:
    (tmp_path / "positive.py").write_text(MODEL)
    study = make_study(["positive.py:make"], ["tvm", "xla"], {"fusion": ["on"]}, ["cold"], directory=tmp_path)
    summary = run(resolve_study(study), tmp_path / "out")
    assert (summary.failed, summary.not_run, summary.good) == (0, summary.planned, False)
    records = list(read_records(summary.results))
    assert {one.status for one in records} == {"not_prepared"}
    assert {one.config.compiler for one in records} == {"eager", "tvm", "xla"}
    for record in records:
        assert record.error is not None
        assert (record.error.type, record.error.phase) == ("WorkloadError", "prepare")
        assert "depends on values of tensors" in record.error.message
        assert record.compile is None


@pytest.mark.parametrize("asked", [None, "0"])
def test_preparing_worker_is_offline_unless_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    if asked is not None:
        monkeypatch.setenv("HF_HUB_OFFLINE", asked)
    source = "import os\n" + MODEL.replace(
        "return Positive(), torch.randn(4)", "raise ValueError(os.environ['HF_HUB_OFFLINE'])"
    )
    (tmp_path / "told.py").write_text(source)
    study = make_study(["told.py:make"], ["xla"], {"fusion": ["on"]}, ["cold"], directory=tmp_path)
    summary = run(resolve_study(study), tmp_path / "out")
    error = next(read_records(summary.results)).error
    assert error is not None
    assert f"cannot be built: ValueError: {asked or 1} (" in error.message
