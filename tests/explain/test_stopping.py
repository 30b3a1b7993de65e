"""Blocks end once the difference is shown and the residual small, or there is none worth the name."""

import pytest

from ablatrix.explain.stopping import is_clear
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
