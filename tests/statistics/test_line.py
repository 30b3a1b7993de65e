"""A least-squares line, its intervals, and where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.statistics.line import fit_line


def test_line_through_exact_points_has_no_scatter() -> None:
    line = fit_line([(64, 1.64), (256, 3.56), (1024, 11.24)])
    assert line is not None
    assert (line.slope.value, line.start.value) == pytest.approx((0.01, 1.0))
    assert (line.slope.low, line.slope.high) == pytest.approx((0.01, 0.01))
    assert line.r_squared == pytest.approx(1.0)
    assert line.points == 3


def test_line_of_textbook_example_has_its_intervals() -> None:
    # Anscombe's first set: slope 0.5001 (standard error 0.1179), start 3.0001 (1.1247), R squared 0.6665.
    xs = (10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5)
    ys = (8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68)
    line = fit_line(list(zip(map(float, xs), ys, strict=True)))
    assert line is not None
    assert line.slope.value == pytest.approx(0.5001, abs=5e-5)
    assert line.start.value == pytest.approx(3.0001, abs=5e-5)
    assert line.slope.high - line.slope.value == pytest.approx(2.262157 * 0.1179, rel=1e-3)
    assert line.start.high - line.start.value == pytest.approx(2.262157 * 1.1247, rel=1e-3)
    assert line.r_squared == pytest.approx(0.6665, abs=5e-5)


def test_line_needs_three_different_places() -> None:
    assert fit_line([]) is None
    assert fit_line([(1, 1.0), (2, 2.0)]) is None
    assert fit_line([(1, 1.0), (2, 2.0), (2, 2.5)]) is None


def test_line_of_constant_points_has_no_share() -> None:
    line = fit_line([(1, 2.0), (2, 2.0), (3, 2.0)])
    assert line is not None
    assert (line.slope.value, line.start.value, line.r_squared) == (0.0, 2.0, None)


@given(st.lists(st.tuples(st.integers(1, 4096), st.floats(0.001, 1000)), min_size=3, max_size=12))
def test_line_agrees_with_numpy(points: list[tuple[int, float]]) -> None:
    line = fit_line(points)
    if line is None:
        assert len({x for x, _ in points}) < 3
        return
    xs, ys = (np.array(one, float) for one in zip(*points, strict=True))
    slope, start = np.polyfit(xs, ys, 1)
    scale = float(np.abs(ys).max())
    assert line.slope.value == pytest.approx(slope, abs=1e-6 * scale)
    assert line.start.value == pytest.approx(start, abs=1e-6 * scale * max(1.0, float(xs.max() / np.ptp(xs))))
    assert line.slope.low <= line.slope.value <= line.slope.high
