"""Labels of axes: round numbers, and several of them however narrow the span is."""

import pytest

from ablatrix.page.axes import ticks


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.997, 1.0025, [0.997, 0.998, 0.999, 1.0, 1.001, 1.002]),
        (0.925, 1.048, [0.94, 0.96, 0.98, 1.0, 1.02, 1.04]),
        (0.4, 1.2, [0.4, 0.6, 0.8, 1.0, 1.2]),
        (0.3, 1.4, [0.3, 0.5, 0.7, 1.0]),
        (0.09, 1.1, [0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0]),
        (40.0, 9_000.0, [50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0]),
        (0.001, 1_100.0, [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0]),
    ],
)
def test_ticks_of_span_are_round_numbers_within_it(low: float, high: float, wanted: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("width", [1.0001, 1.003, 1.01, 1.05, 1.3, 2.0, 3.9, 4.1, 6.0, 10.0, 30.0, 1e3])
@pytest.mark.parametrize("low", [0.0123, 0.7, 0.9876, 1.0, 7.3, 5_432.1])
def test_ticks_of_any_span_are_at_least_three_and_not_many(low: float, width: float) -> None:
    found = ticks(low, low * width)
    assert 3 <= len(found) <= 11
    assert all(low * 0.999999 <= value <= low * width * 1.000001 for value in found)
