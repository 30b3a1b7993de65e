"""How a metric follows a knob whose levels are numbers: the ratio at each level, and the trend through all of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ablatrix.analysis.effects.estimates import Effect, effects_of_levels
from ablatrix.analysis.effects.grid import FactorialGrid
from ablatrix.analysis.groups import number_of
from ablatrix.analysis.reasons import KnobLevels, levels_text
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

FEWEST_LEVELS = 3
"""Through two levels there is always a line."""
LOG_FROM = 4.0
"""From this ratio of the largest level to the smallest on, what counts is how often a level is doubled."""
Scale = Literal["doubling", "unit"]


@dataclass(frozen=True)
class Point:
    """The metric at one level, over that at the base level.

    Attributes:
        ratio: 1 without an interval at the base level itself.
        blocks: It is made of.
    """

    level: float
    ratio: Ratio
    is_base: bool


@dataclass(frozen=True, kw_only=True)
class Trend:
    """How a metric of one workload on one compiler follows a numeric knob.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        digest: Of the workload.
        centre: Levels of the configuration that a stage is around, where they are not the baseline's.
        base_level: The level that points are compared with.
        points: One for each level that has a value, in numeric order, the base level's among them.
        scale: What ``ratio`` is for: each ``doubling`` of the level, or each ``unit`` that is added to it.
        ratio: What the metric is multiplied by, from the least-squares line through the logarithms of the points in
            each block, with an interval over blocks. None where fewer than three levels have a value in one block.
        fit: Share of the variation between the points that lies on the line (R squared of the means); None where
            they do not vary.
        missing: Levels without a value.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    mode: str
    metric: str
    stage: str
    centre: KnobLevels
    knob: str
    base_level: str
    points: tuple[Point, ...]
    scale: Scale
    ratio: Ratio | None
    fit: float | None
    missing: tuple[str, ...]


def trend_frame(trends: Sequence[Trend], origin: Sequence[str] = ()) -> pl.DataFrame:
    """Return a row a level of each trend, in numeric order, unrounded: its ratio to the base level, and the trend.

    Args:
        trends: Of any metrics.
        origin: Columns that distinguish mixed records.
    """
    rows = [
        {
            **dict(zip(origin, map(str, one.origin), strict=True)),
            "metric": one.metric,
            "mode": one.mode,
            "workload": one.workload,
            "compiler": one.compiler,
            "stage": one.stage,
            "centre": levels_text(one.centre) or None,
            "knob": one.knob,
            "base_level": one.base_level,
            "level": point.level,
            **_columns("", point.ratio),
            "blocks": point.ratio.count,
            "per": one.scale,
            **_columns("trend_", one.ratio),
            "fit": one.fit,
        }
        for one in trends
        for point in one.points
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _columns(prefix: str, ratio: Ratio | None) -> dict[str, float | None]:
    names = ("ratio", "ratio_low", "ratio_high")
    values = (None, None, None) if ratio is None else (ratio.value, ratio.low, ratio.high)
    return dict(zip((f"{prefix}{name}" for name in names), values, strict=True))


def trends_of(grid: FactorialGrid) -> list[Trend]:
    """Return the trend of each knob of a stage that has three levels or more, all of them numbers."""
    levels: dict[str, list[str]] = {}
    for knob, level in grid.comparison.steps():
        base = grid.comparison.baseline[grid.comparison.knobs.index(knob)]
        levels.setdefault(knob, [str(base)]).append(str(level))
    numeric = [knob for knob, own in levels.items() if len(own) >= FEWEST_LEVELS and None not in map(number_of, own)]
    effects = effects_of_levels(grid) if numeric else []  # most stages have none, and their effects take time
    return [_trend(grid, [effect for effect in effects if effect.knob == knob]) for knob in numeric]


def _trend(grid: FactorialGrid, effects: Sequence[Effect]) -> Trend:
    first = effects[0]
    base = _number(first.base_level)
    held = [effect for effect in effects if effect.ratio is not None]
    points = [Point(base, Ratio(1.0, None, None, len(grid.blocks)), is_base=True)]
    points += [Point(_number(effect.level), effect.ratio, is_base=False) for effect in held if effect.ratio]
    levels = [point.level for point in points]
    scale = scale_of(levels)
    return Trend(
        origin=grid.origin,
        workload=grid.workload,
        digest=grid.digest,
        compiler=grid.compiler,
        mode=grid.mode,
        metric=grid.metric,
        stage=grid.stage,
        centre=grid.centre,
        knob=str(first.knob),
        base_level=first.base_level,
        points=tuple(sorted(points, key=lambda point: point.level)),
        scale=scale,
        ratio=_slope(base, held, scale),
        fit=share_on_line(levels, [math.log(point.ratio.value) for point in points], scale),
        missing=tuple(effect.level for effect in effects if effect.ratio is None),
    )


def _slope(base: float, effects: Sequence[Effect], scale: Scale) -> Ratio | None:
    """Return the slope of each block's least-squares line, over blocks; None with fewer than three levels."""
    counts = {len(effect.logs) for effect in effects}
    if len(effects) + 1 < FEWEST_LEVELS or len(counts) != 1:
        return None
    weights = slope_weights([base, *(_number(effect.level) for effect in effects)], scale)
    slopes = [
        math.fsum(weight * log for weight, log in zip(weights[1:], logs, strict=True))
        for logs in zip(*(effect.logs for effect in effects), strict=True)
    ]
    # Each level may be off by its own allowance, and all to the worst side.
    pairs = list(zip(weights[1:], (effect.allowance for effect in effects), strict=True))
    allowance = Allowance(
        math.fsum(abs(weight) * one.offset for weight, one in pairs),
        math.fsum(abs(weight) * one.step for weight, one in pairs),
    )
    return paired_ratio(slopes, allowance=allowance)


def scale_of(levels: Sequence[float]) -> Scale:
    """Return what a slope over these levels is for."""
    return "doubling" if min(levels) > 0 and max(levels) / min(levels) >= LOG_FROM else "unit"


def placed(level: float, scale: Scale) -> float:
    """Return where a level lies on its scale."""
    return math.log2(level) if scale == "doubling" else level


def slope_weights(levels: Sequence[float], scale: Scale) -> list[float]:
    """Return by what the value at each level is multiplied so that their sum is the least-squares slope."""
    at = [placed(level, scale) for level in levels]
    centre = math.fsum(at) / len(at)
    squares = math.fsum((x - centre) ** 2 for x in at)
    return [(x - centre) / squares for x in at]


def share_on_line(levels: Sequence[float], logs: Sequence[float], scale: Scale) -> float | None:
    """Return which share of the squares of logarithms about their mean lies on their line.

    Args:
        levels: Of each value.
        logs: The values.
        scale: Of the levels.

    Returns:
        None with fewer than three values, or where they do not vary.
    """
    if len(logs) < FEWEST_LEVELS:
        return None
    mean = math.fsum(logs) / len(logs)
    whole = math.fsum((log - mean) ** 2 for log in logs)
    if whole <= 0.0:
        return None
    slope = math.fsum(weight * log for weight, log in zip(slope_weights(levels, scale), logs, strict=True))
    at = [placed(level, scale) for level in levels]
    centre = math.fsum(at) / len(at)
    return min(1.0, math.fsum((slope * (x - centre)) ** 2 for x in at) / whole)


def _number(level: str) -> float:
    found = number_of(level)
    assert found is not None
    return found
