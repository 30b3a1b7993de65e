"""The page's figures as Vega-Lite, made with Altair: the same numbers give the same specification."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from ablatrix.analysis.effects import Effect
from ablatrix.analysis.groups import sort_key
from ablatrix.analysis.table import IS_FAILURE, IS_OK
from ablatrix.page.effects import Attribution, Judged, MetricEffects, spelled, verdict_text
from ablatrix.page.printed import count, interval, ratio_value
from ablatrix.records.metrics import CACHE_MISSES as MISSES
from ablatrix.records.metrics import COLD_METRIC as TIME

# Okabe & Ito's palette. Colours of text, lines and background come from the page, which has a light and a dark theme.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-right", "triangle-left")
INK, MUTED, LINE, BAND, FAILED = "var(--ink)", "var(--muted)", "var(--line)", "var(--band)", "var(--bad)"
CROSS = "\N{MULTIPLICATION SIGN}"
STEP_PX = 15
MAX_UNITS = 24
MAX_POINTS = 2_000
LOG_FROM = 8.0  # a span of values wider than this is drawn on a logarithmic axis


@dataclass(frozen=True)
class Chart:
    """A figure.

    Attributes:
        name: Id in the page.
        title: What it shows, as its heading and accessible name.
        spec: The Vega-Lite specification.
        note: How to read it, and what is not in it.
        table: Caption of the table that holds its numbers.
    """

    name: str
    title: str
    spec: Mapping[str, Any]
    note: str
    table: str

    @property
    def spoken(self) -> str:
        """The text alternative of the figure."""
        return f"{self.note} The numbers are in the table that follows: {self.table}.".strip()


def effects_chart(one: MetricEffects) -> Chart | None:
    """Return the effects on a metric with intervals and A/A controls, None if there is none to draw."""
    units = list(dict.fromkeys(map(_unit, one.judged)))
    shown, left_out = set(units[:MAX_UNITS]), len(units) - MAX_UNITS
    several = len({held.effect.compiler for held in one.judged}) > 1
    marks = [_effect_mark(held, several) for held in one.judged if _unit(held) in shown]
    if not any(mark["ratio"] for mark in marks):
        return None
    knobs = list(dict.fromkeys(mark["knob"] for mark in marks))
    data = alt.InlineData(values=marks)
    x = alt.X(
        "low:Q", title=_axis(one), scale=_log_scale(marks, ("low", "high", "ratio", "control_low", "control_high"))
    )
    y = alt.Y("unit:N", title=None, sort=None)
    offset = alt.YOffset("knob:N", sort=knobs)
    colour, shape = _by_knob(knobs)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "knob", "shown", "interval", "verdict", "proof")]
    base = alt.Chart(data).encode(y=y, yOffset=offset)
    layers = [
        base.mark_bar(color=BAND, height=STEP_PX)
        .transform_filter("isValid(datum.control_low)")
        .encode(x=x.copy(), x2="control_high:Q"),
        alt.Chart(alt.InlineData(values=[{"one": 1.0}])).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="one:Q"),
        base.mark_rule(strokeWidth=2).transform_filter("isValid(datum.low)").encode(x=x, x2="high:Q", color=colour),
        base.mark_point(size=80, filled=True, opacity=1)
        .transform_filter("isValid(datum.ratio) && !datum.no_op")
        .encode(x="ratio:Q", color=colour, shape=shape, tooltip=tooltip),
        base.mark_point(size=80, filled=False, opacity=1)
        .transform_filter("isValid(datum.ratio) && datum.no_op")
        .encode(x="ratio:Q", color=colour, shape=shape, tooltip=tooltip),
        base.mark_text(align="left", color=FAILED, fontSize=11, text=f"{CROSS} not attributable")
        .transform_filter("!isValid(datum.ratio)")
        .encode(x=alt.value(4), tooltip=tooltip),
    ]
    layers[0].encoding.x.shorthand = "control_low:Q"
    note = ""
    if left_out > 0:
        note = f"Drawn are the first {MAX_UNITS} of {len(units)} pairs of workload and compiler; the table has all."
    return Chart(
        f"chart-effects-{one.metric.name}",
        f"{one.title}: effect of each knob",
        _finished(alt.layer(*layers), _height(len(shown), len(knobs))),
        note,
        f"effects on {one.title.lower()}",
    )


def attribution_chart(one: MetricEffects) -> Chart | None:
    """Return the steps from the baseline to the last levels as a waterfall, None if no total is attributable."""
    drawn = one.attributions[:MAX_UNITS]
    several = len({held.total.compiler for held in one.attributions}) > 1
    bars = [bar for held in drawn for bar in _waterfall(held, several)]
    if not any(bar["from"] for bar in bars):
        return None
    steps = list(dict.fromkeys(bar["step"] for bar in bars if bar["step"] != "total"))
    order = [*steps, "total"]
    data = alt.InlineData(values=bars)
    x = alt.X("from:Q", title=_axis(one), scale=_log_scale(bars, ("from", "to")))
    colour = alt.Color(
        "step:N",
        title=None,
        sort=order,
        scale=alt.Scale(domain=order, range=[*_cycled(COLOURS, len(steps)), MUTED]),
        legend=_legend(),
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "step", "shown", "interval")]
    base = alt.Chart(data).encode(y=alt.Y("unit:N", title=None, sort=None), yOffset=alt.YOffset("step:N", sort=order))
    layers = [
        alt.Chart(alt.InlineData(values=[{"one": 1.0}])).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="one:Q"),
        base.mark_bar(height=STEP_PX - 4)
        .transform_filter("isValid(datum.from)")
        .encode(x=x, x2="to:Q", color=colour, tooltip=tooltip),
        base.mark_tick(height=STEP_PX - 2, thickness=2, color=INK)
        .transform_filter("isValid(datum.from)")
        .encode(x=alt.X("to:Q"), tooltip=tooltip),
        base.mark_text(align="left", color=FAILED, fontSize=11, text=f"{CROSS} not attributable")
        .transform_filter("!isValid(datum.from)")
        .encode(x=alt.value(4)),
    ]
    note = ""
    if len(one.attributions) > MAX_UNITS:
        note = f"Drawn are the first {MAX_UNITS} of {len(one.attributions)} totals; the table has all."
    return Chart(
        f"chart-attribution-{one.metric.name}",
        f"{one.title}: from the baseline to everything on",
        _finished(alt.layer(*layers), _height(len(drawn), len(order))),
        note,
        f"attribution of {one.title.lower()}",
    )


def cold_chart(trials: pl.DataFrame) -> Chart | None:
    """Return compile time against cache misses, None if no cold trial was run.

    Beyond `MAX_POINTS` trials a mark is the median of the trials that share workload, compiler, partition and misses.
    """
    points = _cold_points(trials)
    ok = points.filter(IS_OK & pl.col(MISSES).is_not_null() & (pl.col(TIME) > 0))
    failed = points.filter(IS_FAILURE)
    if points.is_empty() or ok.is_empty():
        return None
    rows, note = _cold_marks(ok)
    many = len({row["unit"] for row in rows}) > len(SHAPES)
    layers = _cold_layers(rows, many)
    lost = _failed_marks(failed)
    if lost:
        crosses = alt.Chart(alt.InlineData(values=lost)).mark_text(text=CROSS, fontSize=16, color=FAILED)
        at = {"y": alt.value(6), "tooltip": [alt.Tooltip(f"{name}:N") for name in ("unit", "status", "trials")]}
        layers.append(crosses.transform_filter("isValid(datum.misses)").encode(x="misses:Q", **at))
        layers.append(crosses.transform_filter("!isValid(datum.misses)").encode(x=alt.value(6), **at))
        note += (
            f" Crosses along the top: {count(failed.height, 'failed trial')}; at the left edge, misses are not known."
        )
    if many:
        note += " There are too many workloads for a shape each; hover over a mark to see which it is."
    return Chart(
        "chart-cold",
        "Cold: compile time against cache misses",
        _finished(alt.layer(*layers), 320),
        note,
        "every cell and mode",
    )


def _cold_marks(ok: pl.DataFrame) -> tuple[list[dict[str, Any]], str]:
    """Return one mark per trial, or medians if there are too many, and a note that says what a mark is."""
    keys = ["unit", "partition", MISSES]
    note = f"One mark a trial ({count(ok.height, 'trial')})."
    middle = ok.select(*keys, pl.col(TIME).alias("ms"), pl.col(TIME).alias("low"), pl.col(TIME).alias("high"), n=1)
    if ok.height > MAX_POINTS:
        time = pl.col(TIME)
        middle = ok.group_by(keys).agg(
            time.median().alias("ms"),
            time.quantile(0.05).alias("low"),
            time.quantile(0.95).alias("high"),
            pl.len().alias("n"),
        )
        note = (
            f"{ok.height:,} trials are too many to draw: a mark is the median of all that share workload, partition "
            "and misses, its line goes from their 5th to their 95th percentile."
        )
    return middle.sort(*keys, "ms").rename({MISSES: "misses"}).to_dicts(), note


def _cold_layers(rows: Sequence[dict[str, Any]], many: bool) -> list[Any]:
    """Return the lines and marks; if there are ``many`` workloads, they do not have their own shapes."""
    units = sorted({row["unit"] for row in rows}, key=sort_key)
    partitions = sorted({row["partition"] for row in rows}, key=lambda level: (level != "whole", sort_key(level)))
    y_scale, x_scale = _scale([row["ms"] for row in rows]), _scale([row["misses"] for row in rows])
    colour = alt.Color(
        "partition:N", title="partition", scale=_domain(partitions, COLOURS), legend=_legend(title="partition")
    )
    encoding: dict[str, Any] = {"color": colour}
    if not many:
        encoding["shape"] = alt.Shape("unit:N", title="workload", scale=_domain(units, SHAPES), legend=_legend())
    y = alt.Y("ms:Q", title="compile + first run (ms)", scale=y_scale)
    x = alt.X("misses:Q", title="compile cache misses up to the first run", scale=x_scale, axis=alt.Axis(tickMinStep=1))
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "partition")]
    tooltip += [alt.Tooltip("misses:Q"), alt.Tooltip("ms:Q", format=".4s"), alt.Tooltip("n:Q")]
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(x=x, color=colour)
    return [
        base.mark_rule(opacity=0.6).encode(
            y=alt.Y("low:Q", title="compile + first run (ms)", scale=y_scale), y2="high:Q"
        ),
        base.mark_point(size=45, filled=True, opacity=0.75).encode(y=y, tooltip=tooltip, **encoding),
    ]


def _cold_points(trials: pl.DataFrame) -> pl.DataFrame:
    cold = (pl.col("mode") == "cold") & (pl.col("role") == "measured") & (IS_OK | IS_FAILURE)
    partition = pl.col("knob_partition") if "knob_partition" in trials.columns else pl.lit(None, pl.String)
    chosen = trials.lazy().filter(cold)
    columns = ("workload", "compiler", "status")
    points = chosen.select(
        *(pl.col(name).cast(pl.String) for name in columns), partition.cast(pl.String).alias("partition"), MISSES, TIME
    ).collect()
    compiler = pl.lit(" · ") + pl.col("compiler") if points["compiler"].n_unique() > 1 else pl.lit("")
    return points.with_columns(unit=pl.col("workload") + compiler, partition=pl.col("partition").fill_null("none"))


def _failed_marks(failed: pl.DataFrame) -> list[dict[str, Any]]:
    keys = ["unit", "status", MISSES]
    counts = failed.group_by(keys).agg(pl.len().alias("trials")).sort(*keys, nulls_last=True)
    return counts.rename({MISSES: "misses"}).to_dicts()


def _unit(held: Judged) -> tuple[str, str]:
    return (held.effect.workload, held.effect.compiler)


def _label(workload: str, compiler: str, several: bool) -> str:
    return f"{workload} · {compiler}" if several else workload


def _effect_mark(held: Judged, several: bool) -> dict[str, Any]:
    ratio = held.effect.ratio
    control = held.control.ratio if held.control else None
    return {
        "unit": _label(held.effect.workload, held.effect.compiler, several),
        "knob": spelled(held.change),
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "shown": ratio_value(ratio.value) if ratio else "not attributable",
        "interval": interval(ratio, held.effect.exact),
        "verdict": verdict_text(held),
        "proof": held.proof.verdict.replace("_", "-") if held.proof else "none",
        "no_op": held.is_no_op,
        "control_low": control.low if control else None,
        "control_high": control.high if control else None,
    }


def _waterfall(held: Attribution, several: bool) -> list[dict[str, Any]]:
    """Return one bar per knob, each starting at the end of the one before, and the total, starting at 1."""
    unit = _label(held.total.workload, held.total.compiler, several)
    bars, log = [], 0.0
    for part in held.shares:
        name = spelled((str(part.share.knob), part.share.base_level, part.share.level))
        before = log
        log += math.log(part.share.ratio.value) if part.share.ratio else 0.0
        bars.append(_bar(unit, name, (before, log), part.share))
    total = held.total.ratio
    return [*bars, _bar(unit, "total", (0.0, math.log(total.value) if total else 0.0), held.total)]


def _bar(unit: str, step: str, logs: tuple[float, float], effect: Effect) -> dict[str, Any]:
    bar: dict[str, Any] = {"unit": unit, "step": step, "from": None, "to": None, "shown": None, "interval": None}
    if effect.ratio is not None:
        bar |= {"from": math.exp(logs[0]), "to": math.exp(logs[1])}
        bar |= {"shown": ratio_value(effect.ratio.value), "interval": interval(effect.ratio, effect.exact)}
    return bar


def _axis(one: MetricEffects) -> str:
    return f"ratio, logarithmic; below 1 is {one.metric.less}"


def _log_scale(marks: Sequence[Mapping[str, Any]], names: Sequence[str]) -> alt.Scale:
    """Return a scale that covers 1 and every value, with a margin at both ends."""
    logs = [math.log(mark[name]) for mark in marks for name in names if mark.get(name)]
    low, high = min(0.0, *logs), max(0.0, *logs)
    room = max((high - low) * 0.06, 0.002)
    return alt.Scale(type="log", domain=[math.exp(low - room), math.exp(high + room)], nice=False)


def _scale(values: Sequence[float]) -> alt.Scale:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        return alt.Scale(type="log", domain=[low / 1.3, high * 1.3], nice=False)
    return alt.Scale(domain=[0, max(high, 1) * 1.1], nice=False)


def _by_knob(knobs: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    colour = alt.Color("knob:N", title=None, scale=_domain(knobs, COLOURS), legend=_legend())
    return colour, alt.Shape("knob:N", title=None, scale=_domain(knobs, SHAPES), legend=_legend())


def _domain(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    return alt.Scale(domain=list(names), range=_cycled(values, len(names)))


def _cycled(values: Sequence[str], number: int) -> list[str]:
    return [values[index % len(values)] for index in range(number)]


def _legend(title: str | None = None, **look: Any) -> alt.Legend:
    return alt.Legend(orient="top", title=title, labelLimit=260, symbolOpacity=1, **look)


def _height(units: int, rows: int) -> int:
    """Return the height in pixels of units with this many rows each, and the gaps between them."""
    return units * (rows + 1) * STEP_PX


def _finished(chart: alt.LayerChart | alt.FacetChart, height: int) -> dict[str, Any]:
    """Return the specification: as wide as its container in the page, in the page's fonts and colours."""
    font = "system-ui, sans-serif"
    made = (
        chart.properties(width="container", height=height, background="transparent")
        .configure(font=font)
        .configure_view(stroke=LINE)
        .configure_axis(
            labelColor=INK,
            titleColor=MUTED,
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            labelLimit=150,
            labelSeparation=6,
        )
        .configure_legend(
            columns=2,
            labelColor=INK,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
    )
    spec: dict[str, Any] = made.to_dict()
    # The address of the schema is not needed.
    return {key: value for key, value in spec.items() if key != "$schema"}
