"""Classes of warm-up: planted phases are found, noise is not, and units do not matter."""

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ablatrix.statistics.warmup import MAX_ITERATIONS, classify_warm_up, find_outliers

Series = NDArray[np.float64]
COUNT = MAX_ITERATIONS
INDEX = np.arange(COUNT)


def noisy(level: Series | float = 1.0, seed: int = 0, noise: float = 0.01) -> Series:
    return np.asarray(10.0 * level * (1 + noise * np.random.default_rng(seed).normal(size=COUNT)))


PLANTED: dict[str, tuple[Callable[[], Series], str, int | None]] = {
    "one level": (noisy, "flat", 0),
    "one level, much noise": (lambda: noisy(noise=0.05), "flat", 0),
    "slower start": (lambda: noisy(np.where(INDEX < 20, 1.2, 1.0)), "warmed_up", 20),
    "two slower phases": (lambda: noisy(np.select([INDEX < 20, INDEX < 60], [1.5, 1.2], 1.0)), "warmed_up", 60),
    "two slow iterations": (lambda: noisy(np.where(INDEX < 2, 1.6, 1.0)), "warmed_up", 2),
    "slower later": (lambda: noisy(np.where(INDEX >= 60, 1.05, 1.0)), "slowing", 60),
    "fast in the middle": (lambda: noisy(np.where((INDEX >= 40) & (INDEX < 80), 0.8, 1.0)), "slowing", 80),
    "slow and back": (lambda: noisy(np.where((INDEX >= 40) & (INDEX < 80), 1.2, 1.0)), "warmed_up", 80),
    "faster at the end": (lambda: noisy(np.where(INDEX >= 130, 0.9, 1.0)), "unsteady", None),
    "slower at the end": (lambda: noisy(np.where(INDEX >= 130, 1.1, 1.0)), "unsteady", None),
    "a change too small to matter": (
        lambda: noisy(np.where(INDEX < 75, 1.006, 1.0), noise=0.001),
        "flat",
        0,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_warm_up_of_planted_phases_has_their_class(name: str) -> None:
    make, classification, steady_from = PLANTED[name]
    found = classify_warm_up(make())
    assert (found.classification, found.steady_from, found.iterations) == (classification, steady_from, COUNT)


def test_warm_up_with_one_very_slow_first_iteration_is_found() -> None:
    # Its two-sample segment has a variance that would reach over any distance.
    series = noisy()
    series[0] = 1000.0
    assert classify_warm_up(series).classification == "warmed_up"
    assert classify_warm_up(series).steady_from == 2


@pytest.mark.parametrize("at", [30, 75, 140, 149])
def test_warm_up_class_ignores_labelled_outlier(at: int) -> None:
    series = noisy()
    series[at] *= 3
    found = classify_warm_up(series)
    assert (found.classification, found.steady_from) == ("flat", 0)
    assert at in found.outliers
    assert found.iterations == COUNT


def test_warm_up_iterations_are_counted_with_outliers() -> None:
    series = noisy(np.where(INDEX < 60, 1.2, 1.0))
    series[[25, 35]] *= 3
    found = classify_warm_up(series)
    assert found.outliers == (25, 35)
    assert found.steady_from == 60


def test_warm_up_phase_is_not_searched_for_outliers() -> None:
    series = np.ones(COUNT)
    series[[0, 14, 15, 100]] = 5.0
    assert find_outliers(series) == (15, 100)


def test_warm_up_phase_of_tenth_of_window_is_no_outlier() -> None:
    series = np.ones(COUNT)
    series[60:63] = 5.0
    assert find_outliers(series) == (60, 61, 62)
    series[60:65] = 5.0
    assert find_outliers(series) == ()


def test_warm_up_phases_are_rarely_found_in_noise() -> None:
    rng = np.random.default_rng(3)
    draws = [rng.normal(10, 0.3, COUNT) for _ in range(10)] + [rng.lognormal(2, 0.2, COUNT) for _ in range(10)]
    draws += [np.round(rng.normal(10, 0.1, COUNT), 1) for _ in range(5)]  # a coarse clock: many equal readings
    classes = [classify_warm_up(series).classification for series in draws]
    assert classes.count("flat") >= len(classes) - 1


@pytest.mark.parametrize("value", [0.0, 1e-6, 3.5, 1e9])
@pytest.mark.parametrize("count", [1, 2, 3, 5, COUNT])
def test_warm_up_of_constant_series_is_flat(value: float, count: int) -> None:
    found = classify_warm_up([value] * count)
    assert (found.classification, found.steady_from, found.outliers) == ("flat", 0, ())


def test_warm_up_distinguishes_constant_levels_without_spread() -> None:
    found = classify_warm_up([2.0] * 30 + [1.0] * 60)
    assert (found.classification, found.steady_from) == ("warmed_up", 30)


def test_warm_up_of_short_series_is_flat_only_within_tolerance() -> None:
    assert classify_warm_up([1.0, 1.005]).classification == "flat"
    assert classify_warm_up([2.0, 1.0]).classification == "unsteady"
    assert classify_warm_up([2.0, 1.0, 1.0]).steady_from is None


def test_warm_up_of_short_quiet_series_is_found() -> None:
    found = classify_warm_up([40.0, 10.01, 10.0, 9.99, 10.0, 10.01, 10.0, 9.99])
    assert (found.classification, found.steady_from) == ("warmed_up", 2)


def test_warm_up_of_long_series_is_judged_by_its_start() -> None:
    series = np.concatenate([noisy(np.where(INDEX < 20, 1.2, 1.0)), np.full(1000, 99.0)])
    found = classify_warm_up(series)
    assert (found.iterations, found.classification, found.steady_from) == (COUNT, "warmed_up", 20)


SERIES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=40)


@given(SERIES, st.integers(-9, 9))
@settings(max_examples=60, deadline=None)
def test_warm_up_does_not_depend_on_time_unit(series: list[float], exponent: int) -> None:
    # Powers of two scale exactly, so rounding cannot decide a close case differently.
    assert classify_warm_up(series) == classify_warm_up([value * 2.0**exponent for value in series])


@given(SERIES)
@settings(max_examples=60, deadline=None)
def test_warm_up_class_of_any_series_fits_its_steady_part(series: list[float]) -> None:
    found = classify_warm_up(series)
    assert found.iterations == len(series)
    assert (found.steady_from is None) == (found.classification == "unsteady")
    assert (found.steady_from == 0) == (found.classification == "flat")
    assert found.steady_from is None or found.steady_from <= math.ceil(0.75 * len(series))
    assert all(0 <= a < b < len(series) for a, b in itertools.pairwise(found.outliers))


def test_warm_up_of_full_series_is_classified_in_allowed_time() -> None:
    classify_warm_up(noisy())  # the import is not counted
    start = time.process_time()
    classify_warm_up(noisy(seed=1))
    assert time.process_time() - start < 0.3


@pytest.mark.parametrize("samples", [[], [math.nan], [1.0, -0.5]])
def test_warm_up_of_invalid_times_is_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        classify_warm_up(samples)


def test_warm_up_with_zero_tolerance_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tolerance > 0 must hold, but got tolerance=0\.0"):
        classify_warm_up([1.0], tolerance=0.0)
