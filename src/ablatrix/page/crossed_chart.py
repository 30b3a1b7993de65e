"""The figure of interactions: a square of knobs for each screening and factorial of three knobs or more."""

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from ablatrix.analysis.effects import CrossedKnobs, crossed_knobs
from ablatrix.page.chart import COLOURS, LINE, Chart, Key, finished
from ablatrix.page.effects import MetricEffects
from ablatrix.page.printed import interval, ratio_value

CELL_PX, NAMES_PX = 24, 110
LESS, EVEN, MORE = COLOURS[0], "#FFFFFF", COLOURS[5]
LEAST_REACH, NAMED = math.log(1.05), 5
"""Full colours are for at least so much; so many pairs are named in words."""
SQUARE = "M-4.5-4.5H4.5V4.5H-4.5Z"


def crossed_charts(one: MetricEffects) -> list[Chart]:
    """Return the squares of knobs of a metric."""
    squares = crossed_knobs([screen for screen, _ in one.screens], [effect for effect, _ in one.interactions])
    return [_chart(one, square, number) for number, square in enumerate(squares)]


def _chart(one: MetricEffects, square: CrossedKnobs, number: int) -> Chart:
    cells = [cell for cell in _cells(square) if cell is not None]
    reach = max([*(abs(math.log(cell["ratio"])) for cell in cells), LEAST_REACH])
    colours = alt.Scale(domain=[-reach, 0.0, reach], range=[LESS, EVEN, MORE])
    base = alt.Chart(alt.InlineData(values=cells)).encode(
        x=alt.X("other:N", sort=list(square.knobs), title=None, axis=alt.Axis(labelAngle=-90, grid=False)),
        y=alt.Y("knob:N", sort=list(square.knobs), title=None, axis=alt.Axis(grid=False)),
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("knob", "other", "shown", "interval", "says")]
    colour = alt.Color("log:Q", scale=colours, legend=None)
    layers = [
        base.mark_rect(stroke=LINE).encode(color=colour, tooltip=tooltip),
        base.mark_point(size=30, filled=True, color="#000000", opacity=1).transform_filter("datum.found"),
    ]
    where = f"{square.workload} on {square.compiler}, {square.stage}"
    others = f" The {square.others} further knobs have smaller ones." if square.others else ""
    summed = " A pair that the design cannot tell from others has their sum." if square.is_summed else ""
    screened = " Not confirmed." if square.is_screened else ""
    return Chart(
        name=f"chart-crossed-{one.metric.name}-{number}",
        title=f"{one.title}: interactions, {where}",
        spec=finished(alt.layer(*layers), CELL_PX * len(square.knobs) + NAMES_PX),
        note=f"The factor on one knob's ratio when the other is changed too.{screened}{summed}{others}",
        table=f"interactions on {one.title.lower()}",
        keys=[
            Key("both together less than the product", "k0", SQUARE),
            Key("more", "k5", SQUARE),
            Key("shown to be there", "ink", "M0-2.5A2.5 2.5 0 1 1 0 2.5A2.5 2.5 0 1 1 0-2.5Z"),
        ],
        words=_words(square),
    )


def _cells(square: CrossedKnobs) -> list[Mapping[str, Any] | None]:
    knobs = square.knobs
    pairs = [(knobs[row], knobs[column]) for row in range(len(knobs)) for column in range(row)]
    return [_cell(square, *pair) for pair in pairs]


def _cell(square: CrossedKnobs, knob: str, other: str) -> Mapping[str, Any] | None:
    held = square.pairs.get(frozenset((knob, other)))
    if held is None:
        return None
    return {
        "knob": knob,
        "other": other,
        "ratio": held.ratio.value,
        "log": math.log(held.ratio.value),
        "shown": ratio_value(held.ratio.value),
        "interval": interval(held.ratio),
        "found": held.is_found,
        "says": ("shown" if held.is_found else "not shown") + (", a sum of several" if held.aliases else ""),
    }


def _words(square: CrossedKnobs) -> list[str]:
    found = [(pair, held) for pair, held in square.pairs.items() if held.is_found]
    if not found:
        return ["No interaction is shown to be there."]
    found.sort(key=lambda item: -abs(math.log(item[1].ratio.value)))
    named = [f"{' x '.join(sorted(pair))} {ratio_value(held.ratio.value)}" for pair, held in found[:NAMED]]
    return [f"Of {len(square.pairs)} pairs {len(found)} are shown to interact, the largest: {', '.join(named)}."]
