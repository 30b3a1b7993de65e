"""Blocks end once the difference is shown and the residual small, or there is none worth the name."""

from functools import partial
from operator import le

import pytest

from ablatrix.explain.stopping import LOOKS, MOST, is_clear, is_end
from ablatrix.explain.sums import Sums
from ablatrix.records.explanation import SpreadMs

NONE = SpreadMs(ms=0.0)


def sums(low: float, high: float, residual_half: float) -> Sums:
    difference = SpreadMs(ms=(low + high) / 2, low=low, high=high)
    return Sums(
        a={"total": SpreadMs(ms=100.0)},
        b={},
        difference=difference,
        noise=NONE,
        kernels=NONE,
        overhead=NONE,
        residual=NONE,
        residual_half=residual_half,
        groups=(),
    )


@pytest.mark.parametrize(
    ("low", "high", "residual_half", "clear"),
    [
        (-11.0, -9.0, 1.0, True),  # a tenth of 10
        (-11.0, -9.0, 1.2, False),  # the residual may still be more
        (-3.0, 1.0, 0.0, False),  # neither shown nor small
        (-0.9, 0.8, 9.0, True),  # less than 1 % of 100
        (-1.1, 0.8, 9.0, False),
        (-0.9, -0.1, 9.0, True),  # shown, and less than 1 %
        (-1.2, -0.2, 0.0, False),
    ],
)
def test_is_clear_by_interval_and_residual(low: float, high: float, residual_half: float, clear: bool) -> None:
    assert is_clear(sums(low, high, residual_half)) is clear


def test_is_clear_one_block_says_nothing() -> None:
    one = sums(-11.0, -9.0, 0.0)
    assert not is_clear(Sums(**{**vars(one), "difference": SpreadMs(ms=-10.0)}))


def ends_at(most: int, clear_from: int) -> int:
    """Return the number of blocks after which they end, if they are clear from a number on."""
    return next(blocks for blocks in range(1, 99) if is_end(blocks, most, partial(le, clear_from, blocks)))


@pytest.mark.parametrize(
    ("most", "clear_from", "end"),
    [
        (MOST, 1, 3),  # three in any case
        (MOST, 9, 10),  # looked at ten times, not after every block
        (MOST, 16, 20),
        (MOST, 99, 20),
        (9, 99, 9),
        (1, 99, 3),
    ],
)
def test_is_end_at_a_look_at_clear_blocks_or_when_there_are_the_most(most: int, clear_from: int, end: int) -> None:
    assert ends_at(most, clear_from) == end


def test_looks_are_ten_as_the_intervals_of_sums_say() -> None:
    assert len(LOOKS) == 10
    assert LOOKS[-1] == MOST
