"""Tables of effects that follow something: trends along the levels of a knob, curves along the axes of workloads."""

from ablatrix.analysis.effects import AxisCurve, Evidence, Trend, crossing_text, measured_text
from ablatrix.analysis.reasons import levels_text, stage_text
from ablatrix.cli.effect_cells import KNOB, NONE, Table, by_unit, ratio_text
from ablatrix.cli.tables import Column, Row

TREND_COLUMNS = (
    Column("knob"),
    Column("ratio [95 % interval]", whole=True),
    Column("for", whole=True, shared=True),
    Column("on the line", rank=2, whole=True),
    Column("at each level", rank=1, comfort=15),
)
CURVE_COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("at each value", comfort=30),
    Column("trend [95 % interval]", rank=2, whole=True),
    Column("for", rank=3, whole=True, shared=True),
    Column("effect", rank=1, comfort=15),
)


def trend_table(one: Evidence) -> Table | None:
    """Return the trends along the levels of numeric knobs; None without any."""
    rows = [(_trend_unit(trend), _trend_row(trend)) for trend in one.trends]
    title = f"trend over the levels of numeric knobs; below 1 is {one.metric.less} with a higher level"
    return (title, TREND_COLUMNS, by_unit(rows)) if rows else None


def _trend_row(trend: Trend) -> Row:
    base = next(point for point in trend.points if point.is_base)
    others = [f"{point.level:g}: {point.ratio.value:.4f}" for point in trend.points if not point.is_base]
    return [
        trend.knob,
        measured_text(trend.ratio) if trend.ratio else NONE,
        "each doubling" if trend.scale == "doubling" else "each unit",
        "" if trend.fit is None else f"{trend.fit:.0%}",
        ", ".join([*others, f"over {base.level:g}"]),
    ]


def _trend_unit(trend: Trend) -> str:
    stage = stage_text(trend.stage, trend.centre)
    return ", ".join([f"{trend.workload} on {trend.compiler}", stage, *map(str, trend.origin)])


def curve_table(one: Evidence) -> Table | None:
    """Return the effects along the axes of workloads; None without any."""
    rows = [(_curve_unit(curve), _curve_row(curve)) for curve in one.curves]
    title = "effects along the axes of workloads; * where the verdict is different"
    return (title, CURVE_COLUMNS, by_unit(rows)) if rows else None


def _curve_row(curve: AxisCurve) -> Row:
    points = [f"{point.value}: {ratio_text(point.effect.ratio)}{'*' if point.side else ''}" for point in curve.points]
    where = ", ".join(map(crossing_text, curve.crossings))
    course = f"{'crosses 1' if curve.is_numeric else 'changes its side'} {where}" if where else str(curve.course or "")
    scale = "each doubling" if curve.scale == "doubling" else "each unit"
    return [
        f"{curve.knob}: {curve.base_level} -> {curve.level}",
        ", ".join(points),
        measured_text(curve.ratio) if curve.ratio else NONE,
        scale if curve.ratio else "",
        course,
    ]


def _curve_unit(curve: AxisCurve) -> str:
    stage = stage_text(curve.stage, curve.centre)
    along = f"along {curve.axis}" + (f" at {levels_text(curve.others)}" if curve.others else "")
    return ", ".join([f"{curve.base} on {curve.compiler}", stage, along, *map(str, curve.origin)])
