"""Levels of a block: what disturbs whole rounds or single bursts falls out, real differences stay."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.statistics.rounds import paired_levels, twin_levels

TIMES = st.floats(1e-3, 1e5)


def blocks() -> st.SearchStrategy[dict[str, list[float]]]:
    return st.integers(1, 12).flatmap(
        lambda size: st.dictionaries(st.text(max_size=3), st.lists(TIMES, min_size=size, max_size=size), min_size=1)
    )


def test_level_is_mean_of_fastest_third_without_what_all_lost_in_round() -> None:
    logs = {"a": [0.0, 0.3, 0.5, 0.9, 0.1, 0.7], "b": [1.1, 1.0, 1.9, 1.5, 1.0, 1.9]}
    # First levels 0.0 and 1.0; lost by both in each round: 0.0, 0.0, 0.5, 0.5, 0.0, 0.7.
    levels = paired_levels({name: [math.exp(log) for log in values] for name, values in logs.items()})
    assert levels == pytest.approx({"a": (0.0 + 0.0) / 2, "b": (1.0 + 1.0) / 2}, abs=1e-12)


def test_level_of_one_trial_is_mean_of_fastest_tenth() -> None:
    bursts = [5.0, 2.0, 90.0, 8.0, 3.0, 7.0, 6.0, 9.0, 9.0, 9.0, 9.0]
    # By itself it lost, in each round, whatever it was slower by.
    assert paired_levels({"a": bursts}) == pytest.approx({"a": (math.log(2.0) + math.log(3.0)) / 2})


def test_level_of_trial_that_is_disturbed_more_often_stays() -> None:
    noise = random.Random(1)
    calm = [math.exp(noise.gauss(0, 0.001)) for _ in range(40)]
    disturbed = [time * (1.0 if noise.random() < 0.5 else 1.2) for time in calm]
    levels = paired_levels({"a": calm, "b": disturbed})
    assert levels["b"] == pytest.approx(levels["a"], abs=0.001)


def test_levels_do_not_depend_on_drift_or_slow_round() -> None:
    weather = [1.0, 1.5, 40.0, 0.7, 3.0, 3.0, 3.0, 3.1]
    levels = paired_levels({"a": [2.0 * w for w in weather], "b": [3.0 * w for w in weather], "c": weather})
    assert levels["b"] - levels["a"] == pytest.approx(math.log(1.5), abs=1e-12)
    assert levels["a"] - levels["c"] == pytest.approx(math.log(2.0), abs=1e-12)


def test_levels_ignore_bursts_in_which_one_trial_was_stopped() -> None:
    steady = [1.0] * 10
    stalled = [1.0] * 8 + [80.0, 200.0]
    levels = paired_levels({"a": steady, "b": stalled, "c": steady})
    assert levels["b"] == pytest.approx(levels["a"], abs=1e-12)


def shared_core(rounds: int, *, slow: float, level: float, seed: int) -> list[float]:
    """Return bursts that a neighbour on the same core slows by half, but for a few that it leaves alone."""
    noise = random.Random(seed)
    return [math.exp(level + noise.gauss(0, 0.01)) * (1.5 if noise.random() < slow else 1.0) for _ in range(rounds)]


def test_level_of_block_that_is_never_calm_is_of_its_middle_bursts() -> None:
    apart = []
    for seed in range(30):
        bursts = {
            name: shared_core(40, slow=0.95, level=level, seed=3 * seed + number)
            for number, (name, level) in enumerate({"a": 0.0, "b": 0.02, "c": 0.0}.items())
        }
        levels = paired_levels(bursts)
        apart.append(levels["b"] - levels["a"])
    assert statistics.mean(apart) == pytest.approx(0.02, abs=0.002)
    assert statistics.stdev(apart) < 0.005  # by their fastest third they scatter by 0.06


def test_level_of_block_that_is_mostly_calm_is_of_its_fastest_bursts() -> None:
    bursts = {name: shared_core(40, slow=0.5, level=0.0, seed=seed) for seed, name in enumerate("abc")}
    assert paired_levels(bursts) == pytest.approx(dict.fromkeys("abc", -0.015), abs=0.01)


def test_level_of_few_rounds_is_of_fastest_bursts() -> None:
    """Seven rounds are too few to see how much either level varies."""
    bursts = {"a": [1.5, 1.5, 1.5, 1.0, 1.5, 1.5, 1.5], "b": [1.5] * 7}
    levels = paired_levels(bursts)
    assert levels["a"] == pytest.approx(math.log(1.5) * 2 / 3)
    assert levels["b"] == pytest.approx(math.log(1.5))


def test_levels_of_undisturbed_trials_are_log_times() -> None:
    levels = paired_levels({"a": [2.0, 2.0], "b": [5.0, 5.0]})
    assert levels == pytest.approx({"a": math.log(2.0), "b": math.log(5.0)})


@given(blocks())
def test_levels_do_not_depend_on_order_of_trials(bursts: dict[str, list[float]]) -> None:
    assert paired_levels(dict(reversed(bursts.items()))) == pytest.approx(paired_levels(bursts), abs=1e-9)


@given(blocks(), st.floats(0.5, 2.0))
def test_level_of_slower_trial_is_higher_by_log_of_factor(bursts: dict[str, list[float]], factor: float) -> None:
    name = next(iter(bursts))
    twice = {**bursts, "the same, slower": [time * factor for time in bursts[name]]}
    levels = paired_levels(twice)
    assert levels["the same, slower"] - levels[name] == pytest.approx(math.log(factor), abs=1e-9)


@pytest.mark.parametrize(
    ("bursts", "message"),
    [
        ({"a": [1.0, 2.0], "b": [1.0]}, "a burst in every round, but got a: 2, b: 1"),
        ({"a": [1.0, 0.0]}, "every time must be positive"),
        ({"a": [1.0, math.nan]}, "finite"),
        ({"a": []}, "at least"),
    ],
)
def test_levels_of_unpairable_trials_are_refused(bursts: dict[str, list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_levels(bursts)


def test_levels_of_nothing_are_empty() -> None:
    assert paired_levels({}) == {}


def test_twin_levels_share_their_mean_and_keep_their_distance() -> None:
    assert twin_levels(1.0, 1.5) == (1.25, 1.75)
