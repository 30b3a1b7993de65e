"""Effects along an axis of a workload: how what a knob does follows a size, a type or a phase.

The effects are those of each variant, with their intervals and verdicts; nothing is estimated anew but the trend
through them. Variants are measured in blocks of their own, so that their errors are independent.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import polars as pl

from ablatrix.analysis.effects.estimates import Effect, Kind
from ablatrix.analysis.effects.judgement import MAIN, Judgement
from ablatrix.analysis.effects.trends import FEWEST_LEVELS, Scale, placed, scale_of, share_on_line, slope_weights
from ablatrix.analysis.groups import Variants, number_of, sort_key
from ablatrix.analysis.reasons import KnobLevels, levels_text, optional_text
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import Allowance, Ratio, combined_estimate, ratio_of

Course = Literal["crosses", "grows", "falls"]
FEWEST_VALUES = 2
"""Of an axis along which anything is seen."""


@dataclass(frozen=True, kw_only=True)
class AxisPoint:
    """An effect at one value of an axis.

    Attributes:
        value: As text.
        number: The value where all values of the axis are numbers.
        judgement: Of the effect; None where there is nothing to judge.
    """

    value: str
    number: float | None
    effect: Effect
    judgement: Judgement | None

    @property
    def side(self) -> int:
        """On which side of 1 the effect is by its verdict: -1 below, 1 above, 0 undecided."""
        if self.judgement is None or not self.judgement.is_different or self.effect.ratio is None:
            return 0
        return -1 if self.effect.ratio.value < 1.0 else 1


@dataclass(frozen=True)
class Crossing:
    """Where the verdict changes its side.

    Attributes:
        before, after: The two values between which it does: the verdicts at both are different, to opposite sides, and
            undecided at any value between them.
        at: Where the straight line between both effects is 1, on the scale of the axis; None on an axis of words.
    """

    before: str
    after: str
    at: float | None


@dataclass(frozen=True, kw_only=True)
class AxisCurve:
    """One effect of one knob along one axis of a workload.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        base: The workload.
        others: The values of its other axes, which hold for all points.
        centre: Levels of the configuration that a stage is around, where they are not the baseline's.
        points: In the order of the values: by number, else by word.
        scale: What ``ratio`` is for: each ``doubling`` of the value, or each ``unit`` that is added to it.
        ratio: What the effect is multiplied by: the slope of the least-squares line through the logarithms of the
            points. None of an axis of words, and where fewer than three values have the effect.
        p_holm: Of that being 1, adjusted over all curves of a metric; None where it is not tested.
        fit: Share of the variation between the points that lies on the line.
        crossings: Where the verdict changes its side, in order.
    """

    origin: tuple[Any, ...]
    base: str
    axis: str
    others: KnobLevels
    compiler: str
    mode: str
    metric: str
    stage: str
    centre: KnobLevels
    kind: Kind
    knob: str
    base_level: str
    level: str
    points: tuple[AxisPoint, ...]
    scale: Scale
    ratio: Ratio | None
    p_holm: float | None
    fit: float | None
    crossings: tuple[Crossing, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether the axis is one of numbers."""
        return self.points[0].number is not None

    @property
    def known(self) -> tuple[AxisPoint, ...]:
        """The points that have the effect."""
        return tuple(point for point in self.points if point.effect.ratio is not None)

    @property
    def course(self) -> Course | None:
        """What may be said of the curve: the verdict changes its side; or the effect grows or falls with the value.

        The last two where the trend is significant and some verdict is different; None otherwise.
        """
        if self.crossings:
            return "crosses"
        if self.ratio is None or self.p_holm is None or self.p_holm > ALPHA:
            return None
        sides = math.fsum(point.side for point in self.points)
        if not sides:
            return None
        return "grows" if (self.ratio.value > 1.0) == (sides > 0) else "falls"


def axis_curves(
    effects: Sequence[Effect], judgements: Sequence[Judgement | None], variants: Variants
) -> list[AxisCurve]:
    """Return the curves of all main effects and levels around a centre, along every axis with two values or more.

    Args:
        effects: On one metric in one mode.
        judgements: One for each of them.
        variants: Which workloads are variants of one, and their axis values.
    """
    groups: dict[tuple[Any, ...], list[tuple[str, Effect, Judgement | None]]] = {}
    for effect, judgement in zip(effects, judgements, strict=True):
        variant = variants.get(effect.workload)
        if variant is None or effect.kind not in MAIN:
            continue
        of_stage = (effect.compiler, effect.stage, levels_text(effect.centre), effect.kind)
        step = (effect.knob, effect.base_level, effect.level)
        for axis in variant.axes:
            others = tuple(variant.others(axis).items())
            key = (effect.origin, variant.base, axis, others, *of_stage, *step)
            groups.setdefault(key, []).append((variant.at(axis), effect, judgement))
    held = [(key, members) for key, members in groups.items() if len({value for value, *_ in members}) >= FEWEST_VALUES]
    ordered = sorted(held, key=lambda item: _place(item[0]))
    slopes = [_Slope.of(points) for points in (_points(members) for _, members in ordered)]
    p_values = [slope.ratio.p_value if slope.ratio else None for slope in slopes]
    adjusted = iter(holm([value for value in p_values if value is not None]))
    p_holm = [None if value is None else next(adjusted) for value in p_values]
    return [_curve(key, slope, value) for (key, _), slope, value in zip(ordered, slopes, p_holm, strict=True)]


def curve_frame(curves: Sequence[AxisCurve], origin: Sequence[str] = ()) -> pl.DataFrame:
    """Return a row a point of each curve, unrounded: the effect at the value, and the curve's trend and crossings.

    Args:
        curves: Of any metrics.
        origin: Columns that distinguish mixed records.
    """
    rows = [
        {
            **dict(zip(origin, map(str, one.origin), strict=True)),
            "metric": one.metric,
            "mode": one.mode,
            "workload": one.base,
            "axis": one.axis,
            "other_axes": levels_text(one.others) or None,
            "compiler": one.compiler,
            "stage": one.stage,
            "centre": levels_text(one.centre) or None,
            "knob": one.knob,
            "base_level": one.base_level,
            "level": one.level,
            "value": point.value,
            "variant": point.effect.workload,
            **_columns("", point.effect.ratio),
            "blocks": point.effect.ratio.count if point.effect.ratio else 0,
            "verdict": point.judgement.verdict if point.judgement else None,
            "not_attributable": optional_text(point.effect.reason),
            "per": one.scale if one.ratio else None,
            **_columns("trend_", one.ratio),
            "trend_p_holm": one.p_holm,
            "fit": one.fit,
            "course": one.course,
            "crossings": "; ".join(map(crossing_text, one.crossings)) or None,
        }
        for one in curves
        for point in one.points
    ]
    return pl.DataFrame(rows, schema=curve_schema(origin), infer_schema_length=None)


def curve_schema(origin: Sequence[str] = ()) -> dict[str, pl.DataType]:
    """Return the columns of `curve_frame` with their types, in their order."""
    text, real = pl.String(), pl.Float64()
    names = ("metric", "mode", "workload", "axis", "other_axes", "compiler", "stage", "centre", "knob")
    schema: dict[str, pl.DataType] = dict.fromkeys((*origin, *names, "base_level", "level", "value", "variant"), text)
    schema |= dict.fromkeys(("ratio", "ratio_low", "ratio_high"), real) | {"blocks": pl.Int64()}
    schema |= dict.fromkeys(("verdict", "not_attributable", "per"), text)
    schema |= dict.fromkeys(("trend_ratio", "trend_ratio_low", "trend_ratio_high", "trend_p_holm", "fit"), real)
    return schema | dict.fromkeys(("course", "crossings"), text)


def crossing_text(one: Crossing) -> str:
    """Return where a verdict changes its side, in few words."""
    near = "" if one.at is None else f" near {one.at:.3g}"
    return f"between {one.before} and {one.after}{near}"


def _columns(prefix: str, ratio: Ratio | None) -> dict[str, float | None]:
    names = ("ratio", "ratio_low", "ratio_high")
    values = (None, None, None) if ratio is None else (ratio.value, ratio.low, ratio.high)
    return dict(zip((f"{prefix}{name}" for name in names), values, strict=True))


def _place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what puts a curve in order: its workload and axis, what it is at, its compiler. Knobs keep their order."""
    origin, base, axis, others, compiler, *_ = key
    return (tuple(map(sort_key, origin)), base, axis, tuple(sort_key(value) for _, value in others), compiler)


def _points(members: Sequence[tuple[str, Effect, Judgement | None]]) -> list[AxisPoint]:
    numbers = [number_of(value) for value, *_ in members]
    is_numeric = None not in numbers
    points = [
        AxisPoint(value=value, number=number if is_numeric else None, effect=effect, judgement=judgement)
        for (value, effect, judgement), number in zip(members, numbers, strict=True)
    ]
    return sorted(points, key=lambda point: sort_key(point.value))


@dataclass(frozen=True)
class _Slope:
    """The line through the points of a curve."""

    points: tuple[AxisPoint, ...]
    scale: Scale
    ratio: Ratio | None
    fit: float | None

    @classmethod
    def of(cls, points: Sequence[AxisPoint]) -> "_Slope":
        held = [(point.number, point.effect) for point in points if point.number is not None and point.effect.logs]
        levels = [number for number, _ in held]
        scale: Scale = scale_of(levels) if levels else "unit"
        if len(set(levels)) < FEWEST_LEVELS:
            return cls(tuple(points), scale, None, None)
        weights = slope_weights(levels, scale)
        estimates = [effect.estimate for _, effect in held]
        estimate = combined_estimate([one for one in estimates if one is not None], weights)
        # Each value may be off by its own allowance, and all to the worst side.
        pairs = list(zip(weights, (effect.allowance for _, effect in held), strict=True))
        allowance = Allowance(
            math.fsum(abs(weight) * one.offset for weight, one in pairs),
            math.fsum(abs(weight) * one.step for weight, one in pairs),
        )
        logs = [math.log(effect.ratio.value) for _, effect in held if effect.ratio is not None]
        ratio = ratio_of(estimate, allowance=allowance)
        return cls(tuple(points), scale, ratio, share_on_line(levels, logs, scale))


def _curve(key: tuple[Any, ...], slope: _Slope, p_holm: float | None) -> AxisCurve:
    first = slope.points[0].effect
    _, base, axis, others, *_ = key
    return AxisCurve(
        origin=first.origin,
        base=base,
        axis=axis,
        others=KnobLevels(dict(others)),
        compiler=first.compiler,
        mode=first.mode,
        metric=first.metric,
        stage=first.stage,
        centre=first.centre,
        kind=first.kind,
        knob=str(first.knob),
        base_level=first.base_level,
        level=first.level,
        points=slope.points,
        scale=slope.scale,
        ratio=slope.ratio,
        p_holm=p_holm,
        fit=slope.fit,
        crossings=tuple(_crossings(slope.points, slope.scale)),
    )


def _crossings(points: Sequence[AxisPoint], scale: Scale) -> Iterator[Crossing]:
    decided = [point for point in points if point.side]
    for before, after in pairwise(decided):
        if before.side != after.side:
            yield Crossing(before.value, after.value, _where_one(before, after, scale))


def _where_one(before: AxisPoint, after: AxisPoint, scale: Scale) -> float | None:
    """Return where the line between two effects on opposite sides is 1."""
    if before.number is None or after.number is None or before.effect.ratio is None or after.effect.ratio is None:
        return None
    start, end = math.log(before.effect.ratio.value), math.log(after.effect.ratio.value)
    low, high = placed(before.number, scale), placed(after.number, scale)
    at = low + (high - low) * start / (start - end)
    return 2.0**at if scale == "doubling" else at
