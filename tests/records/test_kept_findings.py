"""Findings of further searches, kept beside results."""

from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.kept_findings import KeptFinding, finding_text, keep_finding, kept_findings, read_finding
from tests.page.test_kept import EXPLANATION

FOUND = KeptFinding(
    kind="bisect", title="mlp on xla: crashed", lines=("culprit: pass:fusion",), command="ablatrix bisect"
)


def test_kept_finding_is_read_back(tmp_path: Path) -> None:
    path = keep_finding(tmp_path, "897/../4", FOUND)
    assert path == tmp_path / "findings" / "bisect-897-..-4.json"
    assert kept_findings([tmp_path / "results.jsonl", tmp_path / "other.jsonl"]) == [FOUND]


def test_kept_finding_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    keep_finding(tmp_path, "a", FOUND)
    other = FOUND.model_copy(update={"lines": ("culprit: pass:algsimp",)})
    keep_finding(tmp_path, "a", other)
    assert kept_findings([tmp_path / "results.jsonl"]) == [other]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "Field required"),
        (FOUND.model_dump_json().replace("bisect", "guess"), "Input should be 'bisect', 'reduction' or 'explanation'"),
        (FOUND.model_dump_json().replace('"bisect"', '"explanation"'), "of kind 'explanation' has no explanation"),
    ],
)
def test_kept_findings_refuse_what_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = keep_finding(tmp_path, "a", FOUND)
    path.write_text(text)
    with pytest.raises(RecordError, match=f"no finding that was kept here: .*{message}"):
        kept_findings([tmp_path / "results.jsonl"])


def test_kept_findings_of_results_without_any_are_none(tmp_path: Path) -> None:
    assert kept_findings([tmp_path / "results.jsonl"]) == []


@pytest.mark.parametrize("ms", ["1e308", "-1e13", "NaN", "Infinity"])
def test_explanation_with_time_that_nothing_takes_is_refused(ms: str) -> None:
    text = finding_text(EXPLANATION).replace('"ms": -1.5', f'"ms": {ms}')
    assert f'"ms": {ms}' in text
    with pytest.raises(RecordError, match="no finding that was kept here: Input should be"):
        read_finding(text.encode())
