"""Summaries and quantile intervals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.statistics.quantile import median, quantile_interval, summarise

PERCENTS = (50, 90, 95, 99, 99.9)
SAMPLES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=80)


@given(SAMPLES)
def test_percentiles_are_ordered_and_inside_samples(samples: list[float]) -> None:
    found = summarise(samples, PERCENTS)
    chain = [found.min, *(found.value(percent) for percent in PERCENTS), max(samples)]
    assert all(a <= b + 1e-9 * abs(b) for a, b in itertools.pairwise(chain))
    assert found.value("min") == found.min == min(samples)
    assert found.value("mean") == found.mean
    assert found.value(50) == median(samples)
    assert found.count == len(samples)
    assert math.isclose(found.mean, math.fsum(samples) / len(samples), rel_tol=1e-9)


@given(SAMPLES)
def test_percentiles_do_not_depend_on_sample_order(samples: list[float]) -> None:
    again = sorted(samples)
    a, b = summarise(samples, PERCENTS), summarise(again, PERCENTS)
    assert (a.percentiles, a.min) == (b.percentiles, b.min)


def test_percentiles_interpolate_linearly() -> None:
    found = summarise([4.0, 1.0, 3.0, 2.0], [50, 90, 99.9])
    assert found.percentiles == {50: 2.5, 90: 3.7, 99.9: pytest.approx(3.997)}
    assert (found.min, found.mean) == (1.0, 2.5)


@given(SAMPLES, st.floats(0.05, 0.95), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_quantile_interval_is_made_of_samples_and_grows_with_confidence(
    samples: list[float], quantile: float, confidence: float
) -> None:
    narrow = quantile_interval(samples, quantile, 0.5)
    wide = quantile_interval(samples, quantile, confidence)
    if wide is not None:
        assert narrow is not None
        assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]
        assert set(wide) <= set(samples)


@pytest.mark.parametrize(
    ("count", "quantile", "ranks"),
    # The classic table of two-sided 95 % intervals of the median.
    [
        (5, 0.5, None),
        (6, 0.5, (1, 6)),
        (10, 0.5, (2, 9)),
        (20, 0.5, (6, 15)),
        (50, 0.5, (18, 33)),
        (10, 0.95, None),
    ],
)
def test_median_interval_has_known_ranks(count: int, quantile: float, ranks: tuple[int, int] | None) -> None:
    assert quantile_interval([float(n) for n in range(1, count + 1)], quantile) == ranks


def test_quantile_interval_covers_true_value_as_often_as_promised() -> None:
    rng = np.random.default_rng(11)
    truth = -math.log(1 - 0.9)
    found = [quantile_interval(rng.exponential(size=100), 0.9) for _ in range(400)]
    covered = [pair is not None and pair[0] <= truth <= pair[1] for pair in found]
    assert 0.93 <= np.mean(covered) <= 1.0


@pytest.mark.parametrize("samples", [[], [math.nan], [1.0, math.inf]])
def test_quantile_of_no_or_non_finite_samples_is_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        summarise(samples, [50])
    with pytest.raises(ValueError, match=r"0 < quantile < 1 must hold, but got quantile=1\.0"):
        quantile_interval([1.0], 1.0)
