"""The figures of effects: what each knob does, and what the total is made of."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ablatrix.analysis.effects import Effect, Value, largest
from ablatrix.page.axes import name_axis, number_axis
from ablatrix.page.chart import (
    BAND,
    COLOURS,
    CROSS,
    FAILED,
    INK,
    MUTED,
    SHAPES,
    Chart,
    Key,
    bar_keys,
    colour_keys,
    cycled,
    domain,
    finished,
)
from ablatrix.page.effects import NOT_ATTRIBUTABLE, Attribution, Change, Judged, MetricEffects, spelled, verdict_text
from ablatrix.page.printed import interval, ratio_value

STEP_PX = 15
LINE_PX = 13
NARROW = 12  # characters of a name in a line where the page is narrowest
MAX_UNITS = 24
TOTAL = "total"


def effects_chart(one: MetricEffects) -> Chart | None:
    """Return the effects on a metric with intervals and A/A controls, None if there is none to draw."""
    units = list(dict.fromkeys(map(_unit, one.judged)))
    shown, omitted = set(units[:MAX_UNITS]), len(units) - MAX_UNITS
    several = len({held.effect.compiler for held in one.judged}) > 1
    drawn, rest = _largest([held for held in one.judged if _unit(held) in shown])
    marks = [_effect_mark(held, several) for held in drawn]
    if not any(mark["ratio"] for mark in marks):
        return None
    knobs = list(dict.fromkeys(mark["knob"] for mark in marks))
    note = ""
    if omitted > 0:
        note = f"Drawn are the first {MAX_UNITS} of {len(units)} pairs of workload and compiler; the table has all."
    return Chart(
        name=f"chart-effects-{one.metric.name}",
        title=f"{one.title}: effect of each knob",
        spec=finished(alt.layer(*_effect_layers(one, marks, knobs)), _height(marks, len(knobs))),
        note=" ".join(filter(None, [note, rest])),
        table=f"effects on {one.title.lower()}",
        keys=colour_keys(knobs),
        words=_effect_words(drawn if rest else one.judged, several),
    )


def _largest(judged: Sequence[Judged]) -> tuple[list[Judged], str]:
    """Return the changes that are drawn, of many the largest, and what the others lie between."""
    ratios: dict[Change, list[Value]] = {}
    for held in judged:
        ratios.setdefault(held.change, []).append(1.0 if held.is_no_op else held.effect.ratio)
    chosen = largest(ratios)
    if not chosen.others:
        return list(judged), ""
    between = "" if chosen.ends is None else f", from {ratio_value(chosen.ends[0])} to {ratio_value(chosen.ends[1])}"
    drawn = sorted(
        (held for held in judged if held.change in chosen.shown), key=lambda held: chosen.shown.index(held.change)
    )
    return (
        drawn,
        f"Drawn are the {len(chosen.shown)} largest changes; the table has the other {chosen.others}, too{between}.",
    )


def attribution_chart(one: MetricEffects) -> Chart | None:
    """Return the steps from the baseline to the last levels as a waterfall, None if no total is attributable."""
    drawn = one.attributions[:MAX_UNITS]
    several = len({held.total.compiler for held in one.attributions}) > 1
    bars = [bar for held in drawn for bar in _waterfall(held, several)]
    if not any(bar["from"] for bar in bars):
        return None
    steps = list(dict.fromkeys(bar["step"] for bar in bars if bar["step"] != TOTAL))
    note = ""
    if len(one.attributions) > MAX_UNITS:
        note = f"Drawn are the first {MAX_UNITS} of {len(one.attributions)} totals; the table has all."
    return Chart(
        name=f"chart-attribution-{one.metric.name}",
        title=f"{one.title}: from the baseline to everything on",
        spec=finished(alt.layer(*_attribution_layers(one, bars, steps)), _height(bars, len(steps) + 1)),
        note=note,
        table=f"attribution of {one.title.lower()}",
        keys=[*bar_keys(steps), Key(TOTAL, "muted", SHAPES["square"])],
        words=[_attribution_words(held, several) for held in drawn],
    )


def _effect_layers(one: MetricEffects, marks: Sequence[dict[str, Any]], knobs: Sequence[str]) -> list[alt.Chart]:
    scale, axis = ratio_scale(marks, ("low", "high", "ratio", "control_low", "control_high"))
    x = alt.X("low:Q", title=_axis_title(one), scale=scale, axis=axis)
    colour = alt.Color("knob:N", scale=domain(knobs, COLOURS), legend=None)
    shape = alt.Shape("knob:N", scale=domain(knobs, list(SHAPES)), legend=None)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "knob", "shown", "interval", "verdict", "proof")]
    base = _base(marks, "knob", knobs)
    point = {"x": "ratio:Q", "color": colour, "shape": shape, "tooltip": tooltip}
    layers = [
        base.mark_bar(color=BAND, height=STEP_PX)
        .transform_filter("isValid(datum.control_low)")
        .encode(x=x.copy(), x2="control_high:Q"),
        _line_at_one(),
        base.mark_rule(strokeWidth=2).transform_filter("isValid(datum.low)").encode(x=x, x2="high:Q", color=colour),
        base.mark_point(size=80, filled=True, opacity=1)
        .transform_filter("isValid(datum.ratio) && !datum.no_op")
        .encode(**point),
        base.mark_point(size=80, filled=False, opacity=1)
        .transform_filter("isValid(datum.ratio) && datum.no_op")
        .encode(**point),
        base.mark_text(align="left", color=FAILED, fontSize=11, text=f"{CROSS} {NOT_ATTRIBUTABLE}")
        .transform_filter("!isValid(datum.ratio)")
        .encode(x=alt.value(4), tooltip=tooltip),
    ]
    layers[0].encoding.x.shorthand = "control_low:Q"
    return layers


def _attribution_layers(one: MetricEffects, bars: Sequence[dict[str, Any]], steps: Sequence[str]) -> list[alt.Chart]:
    order = [*steps, TOTAL]
    scale, axis = ratio_scale(bars, ("from", "to"))
    x = alt.X("from:Q", title=_axis_title(one), scale=scale, axis=axis)
    colours = alt.Scale(domain=order, range=[*cycled(COLOURS, len(steps)), MUTED])
    colour = alt.Color("step:N", sort=order, scale=colours, legend=None)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("unit", "step", "shown", "interval")]
    base = _base(bars, "step", order)
    known = "isValid(datum.from)"
    return [
        _line_at_one(),
        base.mark_bar(height=STEP_PX - 4).transform_filter(known).encode(x=x, x2="to:Q", color=colour, tooltip=tooltip),
        base.mark_tick(height=STEP_PX - 2, thickness=2, color=INK)
        .transform_filter(known)
        .encode(x=alt.X("to:Q"), tooltip=tooltip),
        base.mark_text(align="left", color=FAILED, fontSize=11, text=f"{CROSS} {NOT_ATTRIBUTABLE}")
        .transform_filter(f"!{known}")
        .encode(x=alt.value(4)),
    ]


def _base(data: Sequence[dict[str, Any]], rows: str, order: Sequence[str]) -> alt.Chart:
    """Return what the layers of a figure share: a group of rows for each unit."""
    y = alt.Y("unit:N", sort=None, axis=name_axis())
    return alt.Chart(alt.InlineData(values=list(data))).encode(y=y, yOffset=alt.YOffset(f"{rows}:N", sort=list(order)))


def _line_at_one() -> alt.Chart:
    one = alt.Chart(alt.InlineData(values=[{"one": 1.0}]))
    rule: alt.Chart = one.mark_rule(color=INK, strokeDash=[3, 3]).encode(x="one:Q")
    return rule


def _effect_words(judged: Sequence[Judged], several: bool) -> list[str]:
    by_change: dict[Change, list[Judged]] = {}
    for held in judged:
        by_change.setdefault(held.change, []).append(held)
    return [_change_words(change, found, several) for change, found in by_change.items()]


def _change_words(change: Change, found: Sequence[Judged], several: bool) -> str:
    known = sorted((held.effect.ratio.value, _name(held.effect, several)) for held in found if held.effect.ratio)
    lost = len(found) - len(known)
    verdicts = Counter(held.judgement.verdict or NOT_ATTRIBUTABLE for held in found)
    said = [f"{verdict} on {count}" for verdict, count in verdicts.most_common() if verdict != NOT_ATTRIBUTABLE]
    said += [f"{NOT_ATTRIBUTABLE} on {lost}"] if lost else []
    if not known:
        return f"{spelled(change)}: {', '.join(said)}."
    (low, first), (high, last) = known[0], known[-1]
    reach = f"{ratio_value(low)} on {first}"
    if len(known) > 1:
        reach = f"from {reach} to {ratio_value(high)} on {last}"
    return f"{spelled(change)}: {reach}; {', '.join(said)}."


def _attribution_words(held: Attribution, several: bool) -> str:
    name = _name(held.total, several)
    if held.total.ratio is None:
        return f"{name}: {NOT_ATTRIBUTABLE}."
    shares = [part.share for part in held.shares if part.share.ratio]
    shares.sort(key=lambda share: -abs(math.log(share.ratio.value)) if share.ratio else 0.0)
    parts = ", ".join(f"{_step(share)} {ratio_value(share.ratio.value)}" for share in shares if share.ratio)
    return f"{name}: {TOTAL} {ratio_value(held.total.ratio.value)}; shares: {parts}."


def _unit(held: Judged) -> tuple[str, str]:
    return (held.effect.workload, held.effect.compiler)


def _name(effect: Effect, several: bool) -> str:
    return f"{effect.workload} \N{MIDDLE DOT} {effect.compiler}" if several else effect.workload


def _step(effect: Effect) -> str:
    return spelled((str(effect.knob), effect.base_level, effect.level))


def _effect_mark(held: Judged, several: bool) -> dict[str, Any]:
    ratio = held.effect.ratio
    control = held.control.ratio if held.control else None
    return {
        "unit": _name(held.effect, several),
        "knob": spelled(held.change),
        "ratio": ratio.value if ratio else None,
        "low": ratio.low if ratio else None,
        "high": ratio.high if ratio else None,
        "shown": ratio_value(ratio.value) if ratio else NOT_ATTRIBUTABLE,
        "interval": interval(ratio, held.effect.exact),
        "verdict": verdict_text(held),
        "proof": held.proof.verdict.replace("_", "-") if held.proof else "none",
        "no_op": held.is_no_op,
        "control_low": control.low if control else None,
        "control_high": control.high if control else None,
    }


def _waterfall(held: Attribution, several: bool) -> list[dict[str, Any]]:
    """Return one bar per knob, each starting at the end of the one before, and the total, starting at 1."""
    unit = _name(held.total, several)
    bars, log = [], 0.0
    for part in held.shares:
        before = log
        log += math.log(part.share.ratio.value) if part.share.ratio else 0.0
        bars.append(_bar(unit, _step(part.share), (before, log), part.share))
    total = held.total.ratio
    return [*bars, _bar(unit, TOTAL, (0.0, math.log(total.value) if total else 0.0), held.total)]


def _bar(unit: str, step: str, logs: tuple[float, float], effect: Effect) -> dict[str, Any]:
    bar: dict[str, Any] = {"unit": unit, "step": step, "from": None, "to": None, "shown": None, "interval": None}
    if effect.ratio is not None:
        bar |= {"from": math.exp(logs[0]), "to": math.exp(logs[1])}
        bar |= {"shown": ratio_value(effect.ratio.value), "interval": interval(effect.ratio, effect.exact)}
    return bar


def _axis_title(one: MetricEffects) -> str:
    return f"ratio, logarithmic; below 1 is {one.metric.less}"


def ratio_scale(marks: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[alt.Scale, alt.Axis]:
    """Return a scale that covers 1 and every value, with a margin at both ends, and its axis."""
    logs = [math.log(mark[name]) for mark in marks for name in names if mark.get(name)]
    low, high = min(0.0, *logs), max(0.0, *logs)
    room = max((high - low) * 0.06, 0.002)
    ends = math.exp(low - room), math.exp(high + room)
    return alt.Scale(type="log", domain=list(ends), nice=False), number_axis(*ends)


def _height(marks: Sequence[Mapping[str, Any]], rows: int) -> int:
    """Return the height in pixels of all units: each has its rows and a gap, and room for its name in many lines."""
    names = dict.fromkeys(str(mark["unit"]) for mark in marks)
    lines = max(math.ceil(len(name) / NARROW) for name in names) + 1
    return len(names) * max((rows + 1) * STEP_PX, lines * LINE_PX)
