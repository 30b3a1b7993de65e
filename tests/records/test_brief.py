"""What a run needs of a record: the same of a line as of the record, and nothing of a line that has a fault."""

from __future__ import annotations

import json

import pytest

from ablatrix.records.brief import Brief, read_brief
from ablatrix.records.journal import record_line
from tests.synthetic import Plant, make_records

RECORDS = make_records(
    workloads=["attention"], blocks=1, plants=[Plant("crashed", "attention", "hot", {"fusion": "on"})]
)
LINE = record_line(RECORDS[0])


def test_brief_of_every_kind_of_line_is_that_of_its_record() -> None:
    assert {record.status.value for record in RECORDS} >= {"ok", "crashed"}
    for record in RECORDS:
        assert read_brief(record_line(record)) == Brief.of(record)


def test_brief_of_a_hot_record_has_its_bursts() -> None:
    hot = next(one for one in RECORDS if one.mode == "hot" and one.runtime is not None)
    assert hot.runtime is not None
    hot = hot.model_copy(update={"runtime": hot.runtime.model_copy(update={"burst_ms_min": [0.5, 0.25]})})
    assert Brief.of(hot).bursts_ms == (0.5, 0.25)
    assert read_brief(record_line(hot)) == Brief.of(hot)


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "fine"), ("attempt", -1), ("schema_version", "1.4"), ("trial_id", 7), ("workload", None)],
)
def test_line_with_a_fault_in_what_is_needed_has_no_brief(field: str, value: object) -> None:
    assert read_brief(json.dumps(json.loads(LINE) | {field: value})) is None


def test_line_that_is_cut_has_no_brief() -> None:
    assert read_brief(LINE[:-20]) is None
