"""Effects along the axes of workloads: a figure for each axis of a workload, and the table of its numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ablatrix.analysis.effects import AxisCurve, AxisPoint, crossing_text
from ablatrix.analysis.effects import verdict_text as judgement_text
from ablatrix.analysis.reasons import levels_text
from ablatrix.page.chart import COLOURS, INK, SHAPES, Chart, colour_keys, domain, finished
from ablatrix.page.effects import NOT_ATTRIBUTABLE, MetricEffects, spelled
from ablatrix.page.effects_charts import ratio_scale
from ablatrix.page.printed import NOTHING, interval, ratio_value
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.ranges import Ranges

HEIGHT_PX = 260
MAX_LINES = 12
"""Of one figure: of more, the table has all."""


def axis_charts(one: MetricEffects) -> list[Chart]:
    """Return a figure for each axis of each workload: the effects of all knobs on all compilers along it."""
    groups: dict[tuple[str, str], list[AxisCurve]] = {}
    for curve in one.curves:
        if curve.known:
            groups.setdefault((curve.base, curve.axis), []).append(curve)
    return [_chart(one, number, base, axis, found) for number, ((base, axis), found) in enumerate(groups.items())]


def axis_table(one: MetricEffects) -> Table:
    """Return the effects along axes, a row a value."""
    behind = {id(held.effect): held.sources["effect"] for held in one.judged}
    rows = [_row(curve, point, behind) for curve in one.curves for point in curve.points]
    return Table(
        f"axes-{one.metric.name}",
        f"{one.title}: effects along the axes of workloads, as a ratio to the level left; below 1 is {one.metric.less}",
        [
            Heading("workload"),
            Heading("axis"),
            Heading("other axes"),
            Heading("compiler"),
            Heading("stage"),
            Heading("knob", wide=True),
            Heading("value", True),
            Heading("ratio", True),
            Heading("95 % interval", True),
            Heading("verdict", wide=True),
            Heading("along the axis", meaning="What the effect does as the value grows, over all values", wide=True),
        ],
        rows,
    ).folded("axis", "other axes", "compiler", "stage")


def _chart(one: MetricEffects, number: int, base: str, axis: str, found: Sequence[AxisCurve]) -> Chart:
    drawn = found[:MAX_LINES]
    several = len({curve.compiler for curve in found}) > 1
    names = list(dict.fromkeys(_name(curve, several) for curve in drawn))
    marks = [_mark(curve, point, several) for curve in drawn for point in curve.known]
    note = (
        f"Drawn are the first {MAX_LINES} of {len(found)} lines; the table has all." if len(found) > MAX_LINES else ""
    )
    return Chart(
        name=f"chart-axis-{number}-{one.metric.name}",
        title=f"{one.title}: effects along {axis} of {base}",
        spec=finished(alt.layer(*_layers(one, drawn, marks, names)), HEIGHT_PX),
        note=note,
        table=f"effects on {one.title.lower()} along axes",
        keys=colour_keys(names),
        words=[_words(curve, several) for curve in found],
    )


def _layers(
    one: MetricEffects, curves: Sequence[AxisCurve], marks: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[alt.Chart]:
    scale, axis = ratio_scale(marks, ("low", "high", "ratio"))
    y = alt.Y("low:Q", title=f"ratio, logarithmic; below 1 is {one.metric.less}", scale=scale, axis=axis)
    colour = alt.Color("line:N", scale=domain(names, COLOURS), legend=None)
    shape = alt.Shape("line:N", scale=domain(names, list(SHAPES)), legend=None)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("line", "value", "shown", "interval", "verdict")]
    base = alt.Chart(alt.InlineData(values=list(marks))).encode(x=_x(curves))
    unit = alt.Chart(alt.InlineData(values=[{"one": 1.0}]))
    return [
        unit.mark_rule(color=INK, strokeDash=[3, 3]).encode(y="one:Q"),
        base.mark_line(strokeWidth=1.5).encode(y=alt.Y("ratio:Q"), color=colour),
        base.mark_rule(strokeWidth=2).transform_filter("isValid(datum.low)").encode(y=y, y2="high:Q", color=colour),
        base.mark_point(size=80, filled=True, opacity=1).encode(
            y=alt.Y("ratio:Q"), color=colour, shape=shape, tooltip=tooltip
        ),
    ]


def _x(curves: Sequence[AxisCurve]) -> alt.X:
    """Return the axis of values: in numeric order, logarithmic where they span much; words side by side."""
    name = curves[0].axis
    if not all(curve.is_numeric for curve in curves):
        order = list(dict.fromkeys(point.value for curve in curves for point in curve.points))
        return alt.X("value:N", sort=order, title=name, axis=alt.Axis(labelAngle=0))
    numbers = sorted({point.number for curve in curves for point in curve.points if point.number is not None})
    is_wide = any(curve.scale == "doubling" for curve in curves)
    ends = [numbers[0] / 1.15, numbers[-1] * 1.15] if is_wide else _padded(numbers[0], numbers[-1])
    scale = alt.Scale(type="log", base=2, domain=ends) if is_wide else alt.Scale(domain=ends, zero=False, nice=False)
    axis = alt.Axis(values=numbers, labelExpr="format(datum.value, ',~g')", labelOverlap="greedy", grid=False)
    return alt.X("number:Q", title=name, scale=scale, axis=axis)


def _padded(low: float, high: float) -> list[float]:
    room = 0.06 * (high - low) or 1.0
    return [low - room, high + room]


def _mark(curve: AxisCurve, point: AxisPoint, several: bool) -> dict[str, Any]:
    ratio = point.effect.ratio
    assert ratio is not None  # of known points alone
    return {
        "line": _name(curve, several),
        "value": point.value,
        "number": point.number,
        "ratio": ratio.value,
        "low": ratio.low,
        "high": ratio.high,
        "shown": ratio_value(ratio.value),
        "interval": interval(ratio, point.effect.exact),
        "verdict": _verdict(point),
    }


def _name(curve: AxisCurve, several: bool) -> str:
    parts = [spelled((curve.knob, curve.base_level, curve.level)), curve.compiler if several else ""]
    return " \N{MIDDLE DOT} ".join(filter(None, [*parts, levels_text(curve.others)]))


def _words(curve: AxisCurve, several: bool) -> str:
    """Return a curve in a sentence: its effect at each value, and what it does along the axis."""
    points = [
        f"{ratio_value(point.effect.ratio.value)} at {point.value}" if point.effect.ratio else f"none at {point.value}"
        for point in curve.points
    ]
    return f"{_name(curve, several)}: {', '.join(points)}; {_course(curve) or 'no clear course'}."


def _course(curve: AxisCurve) -> str:
    if curve.crossings:
        verb = "crosses 1" if curve.is_numeric else "changes its side"
        return f"{verb} {', '.join(map(crossing_text, curve.crossings))}"
    return f"{curve.course} with {curve.axis}" if curve.course else ""


def _verdict(point: AxisPoint) -> str:
    return (judgement_text(point.judgement) if point.judgement else None) or NOT_ATTRIBUTABLE


def _row(curve: AxisCurve, point: AxisPoint, behind: Mapping[int, Ranges]) -> Row:
    ratio = point.effect.ratio
    sources = {"effect": behind[id(point.effect)]} if id(point.effect) in behind else {}
    return Row(
        [
            Shown(curve.base),
            Shown(curve.axis),
            Shown(levels_text(curve.others) or NOTHING),
            Shown(curve.compiler),
            Shown(curve.stage),
            Shown(spelled((curve.knob, curve.base_level, curve.level))),
            Shown(point.value) if point.number is None else Shown(point.value, point.number),
            EMPTY if ratio is None else Shown(ratio_value(ratio.value), ratio.value, "effect"),
            Shown(interval(ratio, point.effect.exact)),
            Shown(_verdict(point), tone="quiet" if not point.side else ""),
            Shown(_course(curve) or NOTHING),
        ],
        sources,
    )
