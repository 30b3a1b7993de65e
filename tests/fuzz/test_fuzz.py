"""Short form; the long one is ``scripts/fuzz.py``."""

from __future__ import annotations

import pytest

from tests.fuzz.fuzz import document, read_all
from tests.fuzz.targets import targets

COUNTS = {"study": 25, "study_text": 15, "archive": 15, "records": 25}


def test_same_number_gives_same_document() -> None:
    assert document("claims", 3)[1] == document("claims", 3)[1] != document("claims", 4)[1]


@pytest.mark.parametrize("name", targets())
def test_changed_document_is_read_or_refused(name: str) -> None:
    endings = list(read_all(name, range(COUNTS.get(name, 60))))
    assert [ending.fault.what for ending in endings if ending.fault] == []
