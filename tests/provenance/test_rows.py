"""The canonical order of rows, and parts of them."""

from itertools import chain

import polars as pl
import pytest

from ablatrix.provenance import rows as provenance_rows
from ablatrix.provenance.rows import OWNER, Rows, canonical_rows
from tests.synthetic import Plant, make_records, tidied

BY = ("workload", "compiler", "mode")


@pytest.fixture(scope="module")
def found() -> Rows:
    plants = [Plant("compile_error", "encoder", "cold", {"fusion": "on"}, 0)]
    records = make_records(workloads=["encoder", "attention"], blocks=2, plants=plants)
    return canonical_rows(tidied(records).trials, ("block",))


def text_order(trials: pl.DataFrame) -> pl.DataFrame:
    """The same rows in the documented order, by a plain sort of text."""
    knobs = [name for name in trials.columns if name.startswith("knob_")]
    first = ("workload", "workload_digest", OWNER, "mode", "failed", "status", "role", "compiler", *knobs)
    failed = trials.with_columns((pl.col("status") != "ok").alias("failed"))
    return failed.sort(*first, "run", "position", "trial_id", "record_id", nulls_last=False).drop("failed")


def test_canonical_rows_have_the_order_of_text(found: Rows) -> None:
    assert found.trials["row"].to_list() == list(range(found.trials.height))
    assert found.trials["record_id"].to_list() == text_order(found.trials.drop("row"))["record_id"].to_list()
    assert found.ids == tuple(found.trials["record_id"])


def test_canonical_rows_of_very_many_levels_have_the_same_order(found: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance_rows, "LARGEST", 8)
    again = canonical_rows(found.trials.drop("row", OWNER).sort("record_id"), ("block",))
    assert again.ids == found.ids


def test_part_has_rows_that_meet_the_condition_and_what_is_read(found: Rows) -> None:
    part = found.part((pl.col("mode") == "hot") & (pl.col("role") == "twin"), "workload")
    assert part.columns == ["row", "workload"]
    assert part.rows() == [
        (row, workload)
        for row, workload, mode, role in found.trials.select("row", "workload", "mode", "role").iter_rows()
        if (mode, role) == ("hot", "twin")
    ]


@pytest.mark.parametrize("few", [0, 64])
def test_parts_hold_each_row_once_with_every_column(found: Rows, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance_rows, "FEW", few)
    parts = found.parts(BY, pl.col("role") == "measured")
    for key, part in parts.items():
        assert part.columns == found.trials.columns
        assert part.select(BY).unique().rows() == [key]
        assert part["row"].is_sorted()
    whole = found.trials.filter(pl.col("role") == "measured")["row"].to_list()
    assert sorted(chain.from_iterable(part["row"] for part in parts.values())) == whole


def test_parts_without_any_row_are_none(found: Rows) -> None:
    assert found.parts(BY, pl.col("role") == "nobody") == {}
