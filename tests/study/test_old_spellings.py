"""Keys of a study that were renamed: the old spelling is read, says so, and is the same study."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.load import load_study
from ablatrix.study.model import Study

TEXT = """\
name: renamed
workloads: [mlp]
compilers: [tvm]
modes: [cold, hot]
stages:
  - name: primary
    factorial: {{fusion: [off, on]}}
checks: {{{checks}}}
protocol: {{hot: {{blocks: 2, {blocks}: 3}}}}
"""


def study_of(checks: dict[str, int], hot: dict[str, int]) -> Study:
    data: dict[str, Any] = {
        "name": "renamed",
        "workloads": ["mlp"],
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
        "checks": checks,
        "protocol": {"hot": hot},
    }
    return Study.model_validate(data)


def test_study_with_old_spelling_has_same_values_and_digest() -> None:
    old = study_of({"draws": 4}, {"most_blocks": 7})
    new = study_of({"input_sets": 4}, {"max_blocks": 7})
    assert old == new
    assert (new.checks.input_sets, new.protocol.hot.max_blocks) == (4, 7)
    assert old.digest == new.digest


def test_study_digest_stays_as_before_keys_were_renamed() -> None:
    digest = "4e820781828f1b9c3abe1e7efa74fffed6b504217004fdee4b5ebaaff99cce8d"
    assert study_of({"input_sets": 4}, {"max_blocks": 7}).digest == digest


def test_load_study_with_old_spelling_logs_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "study.yaml").write_text(TEXT.format(checks="draws: 2", blocks="most_blocks"))
    with caplog.at_level(logging.WARNING, logger="ablatrix.study"):
        study = load_study(tmp_path / "study.yaml").study
    assert (study.checks.input_sets, study.protocol.hot.max_blocks) == (2, 3)
    assert [record.args for record in caplog.records] == [("draws", "input_sets"), ("most_blocks", "max_blocks")]


def test_load_study_with_both_spellings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEXT.format(checks="draws: 2, input_sets: 2", blocks="max_blocks"))
    with pytest.raises(StudyError, match="'draws' is the old spelling of 'input_sets', and both are given"):
        load_study(tmp_path / "study.yaml")
