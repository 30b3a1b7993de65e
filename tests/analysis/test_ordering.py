"""Numbers among levels are in numeric order wherever levels are listed, fractions and numbers as text included."""

from __future__ import annotations

from typing import Any

import pytest

from ablatrix.analysis.diagnosis.configurations import Setting
from ablatrix.analysis.diagnosis.explanation import explain
from ablatrix.analysis.effects.estimates import main_effects
from ablatrix.analysis.groups import sort_key
from ablatrix.records.model import Record
from ablatrix.records.schema import validate_line
from tests.analysis.made import table
from tests.synthetic import make_records


@pytest.mark.parametrize(
    ("levels", "ordered"),
    [
        (["128", "2", "16", "4"], ["2", "4", "16", "128"]),
        ([0.5, 10, 2.5, -1, "0.25"], [-1, "0.25", 0.5, 2.5, 10]),
        (["O2", "8", "off", "1e1"], ["8", "1e1", "O2", "off"]),
        (["nan", "inf", "1_0", "2"], ["2", "1_0", "inf", "nan"]),
        (["b", None, "a"], [None, "a", "b"]),
    ],
)
def test_numbers_come_by_value_then_words(levels: list[Any], ordered: list[Any]) -> None:
    assert sorted(levels, key=sort_key) == ordered


def renumbered(record: Record) -> Record:
    """Return a record whose knob ``fusion`` is a number with four levels: one for each pair with ``memory_plan``."""
    numbers = {("off", "off"): 2, ("off", "on"): 128, ("on", "off"): 0.5, ("on", "on"): 16}

    def named(knobs: dict[str, Any]) -> dict[str, Any]:
        level = numbers.get((knobs.get("fusion"), knobs.get("memory_plan")))  # type: ignore[arg-type]
        kept = {knob: held for knob, held in knobs.items() if knob not in {"fusion", "memory_plan"}}
        return {**kept, **({} if level is None else {"unroll": level})}

    config = record.config
    changed = {"knobs": named(dict(config.knobs)), "baseline": named(dict(config.baseline)), "stage_plan": None}
    return record.model_copy(update={"config": config.model_copy(update={**changed, "primary_knobs": None})})


def test_effects_of_numbers_are_in_numeric_order() -> None:
    records = [renumbered(one) for one in make_records(workloads=["encoder"], blocks=3)]
    trials = table(records)
    assert set(trials["knob_unroll"].drop_nulls().to_list()) == {"2", "128", "0.5", "16"}
    found = [effect.level for effect in main_effects(trials, "run_ms_paired", "hot", ["unroll"])]
    assert found == ["0.5", "16", "128"]


def test_record_with_fraction_is_read_as_written() -> None:
    record = renumbered(make_records(workloads=["encoder"], blocks=1)[1])
    again = validate_line(record.model_dump_json())
    assert again.config.knobs == record.config.knobs
    assert again.config.settings == {}
    assert again.meta.settings_in_force == {}


def test_explanation_lists_excluded_numbers_in_order() -> None:
    bad = [(Setting("a", level),) for level in ("1", "2", "16", "128")]
    fine = [(Setting("a", level),) for level in ("64", "8", "256")]
    (((condition,),),) = explain(bad, fine)
    assert condition.excluded == ("8", "64", "256")
    assert condition.levels == ("1", "2", "16", "128")
