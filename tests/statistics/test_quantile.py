"""Summaries and quantile intervals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.statistics.quantile import MANY_ROWS, median, quantile_interval, row_sums, summarise

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


@given(st.integers(1, 17), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 30, 200]))
def test_sums_of_many_rows_are_rounded_once(columns: int, seed: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(columns, MANY_ROWS)) * 2.0 ** rng.integers(-spread, spread + 1, (columns, MANY_ROWS))
    values[1::2] *= rng.choice([-1.0, 1.0], (columns // 2, MANY_ROWS))
    values[columns // 2 :, ::3] = -values[: columns - columns // 2, ::3]  # much cancels
    assert row_sums([*values]).tolist() == [math.fsum(row) for row in values.T.tolist()]


@pytest.mark.parametrize(
    ("terms", "total"),
    [
        ((1.0, 2.0**-53), 1.0),  # the middle between two numbers, to the even one
        ((1.0, 2.0**-53, 2.0**-120), 1.0 + 2.0**-52),
        ((1.0, -(2.0**-54), -(2.0**-120)), 1.0 - 2.0**-53),  # below a power of two numbers lie closer together
        ((1e100, 1.0, -1e100), 1.0),
        ((0.1,) * 10, 1.0),
        ((-0.0, -0.0), 0.0),
        ((5e-324, -5e-324), 0.0),
    ],
)
def test_row_sum_of_hard_terms_is_nearest_number(terms: tuple[float, ...], total: float) -> None:
    for rows in (1, MANY_ROWS):
        found = row_sums([np.full(rows, term) for term in terms])
        assert found.tolist() == [total] * rows
        assert not np.signbit(found).any()


@pytest.mark.parametrize("samples", [[], [math.nan], [1.0, math.inf]])
def test_quantile_of_no_or_non_finite_samples_is_refused(samples: list[float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        summarise(samples, [50])
    with pytest.raises(ValueError, match=r"0 < quantile < 1 must hold, but got quantile=1\.0"):
        quantile_interval([1.0], 1.0)
