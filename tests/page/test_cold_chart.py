"""The figure of cold trials: which marks it has, where they stand, and what it says of failures."""

import itertools
from typing import Any

import pytest

from ablatrix.page.chart import Chart
from ablatrix.page.cold_chart import MAX_LANES, cold_chart
from tests.page.shapes import many_workloads
from tests.synthetic import Plant, make_records, tidied


def drawn(chart: Chart) -> list[dict[str, Any]]:
    """The marks of the figure."""
    return next(values for values in chart.spec["datasets"].values() if "ms" in values[0])


def test_cold_chart_has_mark_for_each_configuration_with_its_span() -> None:
    records = make_records(blocks=3, modes=["cold"])
    chart = cold_chart(tidied(records).trials)
    assert chart is not None
    marks = drawn(chart)
    assert len(marks) == 32
    assert all(mark["trials"] == 3 and mark["low"] <= mark["ms"] <= mark["high"] for mark in marks)
    assert chart.note.startswith("A mark is the median of the trials of a configuration (96 ok trials in all)")
    assert [key.text for key in chart.keys] == ["partition whole", "partition regions", "attention", "encoder"]
    assert [line.partition(":")[0] for line in chart.words] == ["partition whole", "partition regions"]


def test_cold_chart_marks_with_same_misses_stand_side_by_side() -> None:
    chart = cold_chart(tidied(make_records(blocks=3, modes=["cold"])).trials)
    assert chart is not None
    by_misses: dict[int, list[float]] = {}
    for mark in drawn(chart):
        by_misses.setdefault(mark["misses"], []).append(mark["at"])
    bands = [(min(held), max(held)) for _, held in sorted(by_misses.items())]
    assert sorted(by_misses) == [1, 3]
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(bands))


@pytest.mark.parametrize(
    ("workloads", "marks", "meaning"),
    [
        (1, 16, "the trials of a configuration"),
        (12, 24, "all trials that share workload, partition and misses"),
        (25, 2, "all trials that share partition and misses"),
    ],
)
def test_cold_chart_without_room_takes_medians_of_more(workloads: int, marks: int, meaning: str) -> None:
    chart = cold_chart(tidied(many_workloads(workloads, growth=1.0)).trials)
    assert chart is not None
    assert len(drawn(chart)) == marks
    assert max(mark["at"] for mark in drawn(chart)) < MAX_LANES
    assert f"A mark is the median of {meaning} (" in chart.note


@pytest.mark.parametrize("status", ["compile_error", "wrong_output"])
def test_cold_chart_counts_failures_apart(status: str) -> None:
    plants = [Plant(status, "encoder", "cold", {"fusion": "on"}, block=0)]
    chart = cold_chart(tidied(make_records(blocks=2, modes=["cold"], plants=plants)).trials)
    assert chart is not None
    assert "Crosses along the top: 8 failed trials." in chart.note
    assert all(mark["trials"] == 2 or mark["unit"] == "encoder" for mark in drawn(chart))


def test_cold_chart_without_ok_trial_is_none() -> None:
    plants = [Plant("crashed", name, "cold", {}) for name in ("attention", "encoder")]
    assert cold_chart(tidied(make_records(blocks=1, modes=["cold"], plants=plants)).trials) is None
