"""Changes of level: found where they are, not made of noise, one bad run or an offset that points share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.statistics.history import find_changes

ERROR = 0.003
STEP = math.log(1.02)


def drawn(seed: int, count: int, spread: float = ERROR) -> list[float]:
    return list(np.random.default_rng(seed).normal(0.0, spread, count))


def stepped(seed: int, before: int, behind: int, step: float = STEP) -> list[float]:
    return [value + step * (index >= before) for index, value in enumerate(drawn(seed, before + behind))]


@pytest.mark.parametrize("seed", range(5))
def test_step_of_two_percent_is_found_with_two_points(seed: int) -> None:
    values = stepped(seed, 25, 2)
    changes, levels = find_changes(values, [ERROR] * 27, 0.01)
    assert [one.index for one in changes] == [25]
    assert changes[0].estimate.mean == pytest.approx(STEP, abs=0.01)
    assert [(one.first, one.end) for one in levels] == [(0, 25), (25, 27)]


def test_one_point_behind_is_not_enough() -> None:
    assert find_changes(stepped(1, 25, 1, 0.1), [ERROR] * 26)[0] == []


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_bad_run_is_no_change(seed: int) -> None:
    values = drawn(seed, 20, 0.001)
    values[17] += 0.2
    assert find_changes(values, [ERROR] * 20)[0] == []


@given(st.lists(st.floats(-0.1, 0.1), min_size=0, max_size=25), st.floats(-1.0, 1.0))
@settings(max_examples=50)
def test_shift_of_all_points_changes_nothing(values: list[float], offset: float) -> None:
    errors = [ERROR] * len(values)
    plain, moved = (find_changes(one, errors)[0] for one in (values, [value + offset for value in values]))
    assert [one.index for one in plain] == [one.index for one in moved]


def test_two_steps_are_found() -> None:
    values = [value + STEP * (index >= 12) - 0.03 * (index >= 24) for index, value in enumerate(drawn(3, 36))]
    changes, levels = find_changes(values, [ERROR] * 36, 0.01)
    assert [one.index for one in changes] == [12, 24]
    assert len(levels) == 3


def test_step_below_least_is_none() -> None:
    assert find_changes(stepped(1, 25, 15, 0.008), [0.0005] * 40, 0.01)[0] == []


def test_step_at_seam_may_be_its_offset() -> None:
    values = stepped(2, 15, 15)
    assert [one.index for one in find_changes(values, [ERROR] * 30, 0.0, {15: 0.0})[0]] == [15]
    assert find_changes(values, [ERROR] * 30, 0.0, {15: 0.02})[0] == []


def test_wide_intervals_of_points_are_believed() -> None:
    """The points lie close together by chance: a step within their intervals is none."""
    values = [0.0] * 10 + [0.02] * 3
    assert find_changes(values, [0.02] * 13)[0] == []
    assert [one.index for one in find_changes(values, [0.001] * 13)[0]] == [10]


def test_few_points_have_one_level() -> None:
    changes, levels = find_changes([0.0, 0.0, 0.1, 0.1], [0.001] * 4)
    assert changes == []
    assert [(one.first, one.end) for one in levels] == [(0, 4)]


def test_no_points_have_no_level() -> None:
    assert find_changes([], []) == ([], [])


def test_errors_of_other_length_are_refused() -> None:
    with pytest.raises(ValueError, match="needs an error"):
        find_changes([0.0, 0.1], [0.1])


def test_series_without_change_raises_few_alarms() -> None:
    alarms = sum(len(find_changes(drawn(seed, 30), [ERROR] * 30)[0]) for seed in range(60))
    assert alarms == 0
