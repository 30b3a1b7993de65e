"""The field reference in the docs follows the model."""

from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.reference import field_reference, insert_reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "records.md"


def test_documented_fields_match_model() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == insert_reference(text), (
        "docs/records.md is stale: write insert_reference(text) of ablatrix.records.reference back to it"
    )


def test_fields_all_have_meaning() -> None:
    rows = [line for line in field_reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.rsplit("|", 2)[1].strip() in ("", "null")] == [
        row for row in rows if row.startswith("| `status`")
    ]


def test_document_without_markers_is_refused() -> None:
    with pytest.raises(RecordError, match="no markers"):
        insert_reference("# Records\n")
