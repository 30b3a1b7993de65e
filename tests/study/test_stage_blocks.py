"""How a repeat of a screening is divided into blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.study.stage_blocks import hot_trials, part_sizes


@given(st.integers(0, 300), st.integers(4, 40), st.booleans())
def test_blocks_hold_all_and_none_is_too_large(others: int, live: int, anchored: bool) -> None:
    sizes = part_sizes(others, live, anchored=anchored)
    assert sum(sizes) == others
    assert others == 0 or min(sizes) > 0
    trials = [size + (3 if anchored or number == 0 else 1) for number, size in enumerate(sizes)]
    assert max(trials) <= live
    assert sum(trials) == hot_trials(others + 1, live, anchored=anchored)


@pytest.mark.parametrize(
    ("configurations", "anchored", "trials"),
    [
        (16, True, 18),
        (16, False, 18),
        (64, True, 63 + 5 * 3),  # as many baselines, controls and references as blocks
        (64, False, 63 + 4 + 2),
        (0 + 1, False, 3),
    ],
)
def test_trials_of_repeat_are_configurations_and_anchors(configurations: int, anchored: bool, trials: int) -> None:
    assert hot_trials(configurations, 18, anchored=anchored) == trials
