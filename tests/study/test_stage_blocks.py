"""How a repeat of a screening is divided into blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.study.stage_blocks import hot_trials, part_sizes


@given(st.integers(0, 300), st.integers(8, 40), st.booleans(), st.integers(1, 3))
def test_blocks_hold_all_and_none_is_too_large(others: int, live: int, anchored: bool, builds: int) -> None:
    sizes = part_sizes(others, live, anchored=anchored, builds=builds)
    assert sum(sizes) == others
    assert others == 0 or min(sizes) > 0
    trials = [size + (1 + 2 * builds if anchored or number == 0 else builds) for number, size in enumerate(sizes)]
    assert max(trials) <= live
    if builds == 1:
        assert sum(trials) == hot_trials(others + 1, live, anchored=anchored)


def test_parts_of_baselines_alone_have_one_place_a_build() -> None:
    # 18 places: 3 + 2 anchors beside 13 in the first, two baselines beside 16 in the second
    assert part_sizes(29, 18, anchored=False, builds=2) == [13, 16]
    assert part_sizes(26, 18, anchored=True, builds=2) == [13, 13]


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
