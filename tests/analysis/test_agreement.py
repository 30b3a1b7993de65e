"""Two measurements agree, do not, or are not told apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.analysis.runs.agreement import Sides, agreements

SPREAD = (-0.001, 0.0, 0.001, 0.0005, -0.0005)


def around(log: float, spread: float = 1.0) -> tuple[float, ...]:
    return tuple(log + spread * one for one in SPREAD)


@pytest.mark.parametrize(
    ("pair", "state"),
    [
        (Sides(around(-0.1), around(-0.1)), "within"),
        (Sides(around(-0.1), around(-0.105)), "within"),  # told apart, and still within the margin
        (Sides(around(-0.1, 30), around(-0.11, 30)), "overlapping"),
        (Sides(around(-0.1), around(-0.2)), "apart"),
        (Sides(around(-0.1), around(0.1)), "opposite"),
        (Sides(around(-0.1), around(0.1), signed=False), "apart"),
        (Sides(around(-0.1), (-0.1,)), "undecided"),
        (Sides((-0.1,), (-0.1,), exact=True), "within"),
        (Sides((-0.1,), (-0.2,), exact=True), "apart"),
        (Sides((-0.1,), (0.2,), exact=True), "opposite"),
    ],
)
def test_state_follows_from_welch_interval_and_margin(pair: Sides, state: str) -> None:
    (found,) = agreements([pair], 0.02)
    assert found.state == state


def test_ratio_of_two_runs_divides_other_by_one() -> None:
    (found,) = agreements([Sides(around(math.log(2.0)), around(math.log(3.0)))], 0.02)
    assert found.ratio.value == pytest.approx(1.5)


def test_state_of_chance_difference_among_equal_pairs_is_not_apart() -> None:
    """One pair has p about 0.004: apart by itself, and not in a family of 40."""
    odd = Sides(around(0.0, 10), around(0.02, 10))
    alone, many = agreements([odd], 0.001), agreements([odd] + [Sides(around(0.0, 10), around(0.0, 10))] * 39, 0.001)
    assert (alone[0].state, many[0].state) == ("apart", "overlapping")


def test_margin_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="margin > 0"):
        agreements([], 0.0)


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=6),
    st.lists(st.floats(-1, 1), min_size=2, max_size=6),
    st.floats(0.001, 0.5),
)
def test_state_with_sides_swapped_is_unchanged(one: list[float], other: list[float], margin: float) -> None:
    forth = agreements([Sides(tuple(one), tuple(other))], margin)[0]
    back = agreements([Sides(tuple(other), tuple(one))], margin)[0]
    assert forth.state == back.state
    assert forth.ratio.value * back.ratio.value == pytest.approx(1.0)
