"""Trends over numeric levels: values that were thought out by hand."""

import math

import pytest

from ablatrix.analysis.effects.trends import trend_frame, trends_of
from ablatrix.statistics.precision import Configuration
from tests.analysis.made import grid_of

Blocks = list[dict[Configuration, float]]


def test_trend_of_doublings_is_slope_on_logarithm_of_level() -> None:
    levels = ["1", "2", "4", "16"]
    blocks: Blocks = [
        {(level,): 5.0 + block - 0.1 * math.log2(float(level)) for level in levels} for block in (0, 1, 2)
    ]
    (trend,) = trends_of(grid_of({"threads": levels}, blocks))
    assert (trend.knob, trend.scale, trend.base_level, trend.missing) == ("threads", "doubling", "1", ())
    assert trend.ratio is not None
    assert trend.ratio.value == pytest.approx(math.exp(-0.1))
    assert trend.ratio.count == 3
    assert trend.fit == pytest.approx(1.0)
    assert [point.level for point in trend.points] == [1.0, 2.0, 4.0, 16.0]
    assert [point.ratio.value for point in trend.points] == pytest.approx([1, *(math.exp(-0.1 * x) for x in (1, 2, 4))])


def test_trend_of_near_levels_is_for_each_unit_with_interval_over_blocks() -> None:
    # Least squares through (2, 0), (3, y), (4, z): the slope is z / 2.
    blocks: Blocks = [{("2",): 0.0, ("3",): 0.5, ("4",): z} for z in (0.1, 0.2, 0.3)]
    (trend,) = trends_of(grid_of({"unroll": ["2", "3", "4"]}, blocks))
    assert (trend.scale, trend.ratio is not None) == ("unit", True)
    assert trend.ratio is not None
    assert trend.ratio.value == pytest.approx(math.exp(0.1))
    half = 4.302652729911275 * 0.05 / math.sqrt(3)
    assert trend.ratio.high == pytest.approx(math.exp(0.1 + half))


def test_fit_is_share_of_variation_on_the_line() -> None:
    blocks: Blocks = [{("1",): 0.0, ("2",): 1.0, ("3",): 0.0}] * 2
    (trend,) = trends_of(grid_of({"width": ["1", "2", "3"]}, blocks))
    assert trend.fit == pytest.approx(0.0, abs=1e-12)
    flat: Blocks = [{(level,): 2.0 for level in ("1", "2", "3")}] * 2
    (level,) = trends_of(grid_of({"width": ["1", "2", "3"]}, flat))
    assert (level.fit, level.ratio and level.ratio.value) == (None, 1.0)


def test_trend_is_mean_over_levels_of_other_knobs() -> None:
    blocks: Blocks = [
        {
            (level, other): slope * int(level)
            for other, slope in (("off", 0.1), ("on", 0.3))
            for level in ("1", "2", "3")
        }
        for _ in range(2)
    ]
    (trend,) = trends_of(grid_of({"width": ["1", "2", "3"], "fusion": ["off", "on"]}, blocks))
    assert trend.ratio is not None
    assert trend.ratio.value == pytest.approx(math.exp(0.2))


@pytest.mark.parametrize("levels", [["off", "on"], ["1", "2"], ["1", "2", "many"]])
def test_knob_with_words_or_two_levels_has_no_trend(levels: list[str]) -> None:
    assert trends_of(grid_of({"knob": levels}, [{(level,): 1.0 for level in levels}] * 2)) == []


def test_level_that_failed_is_missing_and_trend_needs_three() -> None:
    whole: Blocks = [{("1",): 0.0, ("2",): 0.1, ("4",): 0.2}] * 3
    (trend,) = trends_of(grid_of({"width": ["1", "2", "4", "8"]}, whole))
    assert (trend.missing, trend.ratio is not None) == (("8",), True)
    (short,) = trends_of(grid_of({"width": ["1", "2", "4"]}, [{("1",): 0.0, ("2",): 0.1}] * 3))
    assert (short.missing, short.ratio) == (("4",), None)


def test_trend_frame_has_row_a_level_in_numeric_order() -> None:
    blocks: Blocks = [{("16",): 0.0, ("2",): 0.3, ("128",): -0.3}] * 2
    frame = trend_frame(trends_of(grid_of({"width": ["16", "2", "128"]}, blocks)))
    assert frame["level"].to_list() == [2.0, 16.0, 128.0]
    assert frame["ratio"].to_list() == pytest.approx([math.exp(0.3), 1.0, math.exp(-0.3)])
    assert set(frame["per"]) == {"doubling"}
    assert frame["trend_ratio"].to_list() == pytest.approx([math.exp(-0.1)] * 3)
