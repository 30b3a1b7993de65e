"""The sequential test of whether a configuration is as slow as another one was."""

import math

import numpy as np
import pytest

from ablatrix.statistics.sequential import Spread, nearness, pooled_spread

STEP = math.log(1.1)


def test_nearness_of_a_clear_block_is_decided_at_once() -> None:
    slow, fast = nearness([STEP], STEP, Spread()), nearness([0.001], STEP, Spread())
    assert slow.slow and slow.doubt < 0.01
    assert not fast.slow and fast.doubt < 0.01


def test_nearness_in_the_middle_is_in_doubt() -> None:
    assert nearness([STEP / 2], STEP, Spread()).doubt == pytest.approx(0.5)


def test_nearness_gets_surer_with_blocks() -> None:
    spread = Spread(0.05, 20.0)
    one, many = nearness([STEP], STEP, spread), nearness([STEP] * 6, STEP, spread)
    assert many.doubt < one.doubt


def test_nearness_without_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="a step above 0"):
        nearness([0.1], 0.0, Spread())


def test_pooled_spread_of_many_blocks_is_theirs() -> None:
    draws = np.random.default_rng(3).normal(0.0, 0.03, size=(50, 4))
    found = pooled_spread([row + offset for offset, row in enumerate(draws)])
    assert found.value == pytest.approx(0.03, rel=0.2)
    assert found.freedom == 4 + 50 * 3


def test_pooled_spread_of_single_blocks_is_the_prior() -> None:
    assert pooled_spread([[0.3], [0.0]]) == Spread()


def test_nearness_is_wrong_no_more_often_than_its_doubt() -> None:
    draws = np.random.default_rng(5).normal(STEP, 0.03, size=4000)
    found = [nearness([value], STEP, Spread(0.03, 400.0)) for value in draws]
    wrong = np.mean([not one.slow for one in found])
    assert wrong <= np.mean([one.doubt for one in found]) + 0.02


def test_nearness_lets_blocks_average_out_what_other_load_adds() -> None:
    noisy = Spread(value=0.1, freedom=30.0)
    doubts = [nearness([0.2] * count, 0.2, noisy).doubt for count in (1, 4, 16)]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[-1] < 0.001
