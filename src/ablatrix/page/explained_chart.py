"""The figure of an explanation: what each kind of operations adds to the difference, from zero to the total."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from ablatrix.page.axes import CHARACTERS, name_axis
from ablatrix.page.chart import COLOURS, INK, MUTED, SHAPES, Chart, Key, finished
from ablatrix.page.printed import significant
from ablatrix.plotting.bars import bars_of
from ablatrix.records.explanation import Explanation

ROW_PX, LETTER_PX = 36, 6.6
FASTER, SLOWER, OTHER, TOTAL = "B is faster", "B is slower", "no operation", "total"
KINDS = {FASTER: COLOURS[0], SLOWER: COLOURS[1], OTHER: COLOURS[4], TOTAL: MUTED}


def explained_chart(found: Explanation, number: int) -> Chart:
    """Return the steps from no difference to the total as a waterfall."""
    bars, total, unit = bars_of(found)
    steps = _steps(bars, total)
    shown = [kind for kind in KINDS if any(one["kind"] == kind for one in steps)]
    return Chart(
        name=f"chart-explained-{number}",
        title=f"{found.workload}: what the difference is made of",
        spec=finished(alt.layer(*_layers(steps, unit)), ROW_PX * len(steps)),
        note="Each bar begins where the one above it ends; left is faster. The last is the difference of trials.",
        table=f"{found.workload}: A and B",
        keys=[Key(kind, _tone(kind), SHAPES["square"]) for kind in shown],
        words=[f"{one['name']}: {one['shown']} {unit}." for one in steps],
    )


def _steps(bars: Sequence[tuple[str, float]], total: float) -> list[dict[str, Any]]:
    """Return the bars with where each begins and ends."""
    steps, at = [], 0.0
    for label, value in bars:
        kind = OTHER if label.startswith("(") else FASTER if value < 0 else SLOWER
        steps.append({"name": label, "from": at, "to": at + value, "kind": kind, "shown": significant(value)})
        at += value
    steps.append({"name": "total difference", "from": 0.0, "to": total, "kind": TOTAL, "shown": significant(total)})
    return steps


def _layers(steps: Sequence[dict[str, Any]], unit: str) -> list[alt.Chart]:
    names = name_axis()
    longest = max(len(one["name"]) for one in steps)
    names.minExtent = alt.ExprRef(f"{LETTER_PX} * min({longest}, {CHARACTERS})")  # Vega measures no broken labels
    y = alt.Y("name:N", sort=None, axis=names)
    axis = alt.Axis(titleAnchor="end", labelOverlap="greedy")
    colours = alt.Scale(domain=list(KINDS), range=list(KINDS.values()))
    base = alt.Chart(alt.InlineData(values=list(steps))).encode(y=y)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("name", "shown", "kind")]
    zero = alt.Chart(alt.InlineData(values=[{"zero": 0.0}])).mark_rule(color=INK, strokeDash=[3, 3])
    return [
        zero.encode(x="zero:Q"),
        base.mark_bar(height=ROW_PX - 9).encode(
            x=alt.X("from:Q", title=f"B less A, {unit}", axis=axis),
            x2="to:Q",
            color=alt.Color("kind:N", scale=colours, legend=None),
            tooltip=tooltip,
        ),
        base.mark_tick(height=ROW_PX - 6, thickness=2, color=INK).encode(x=alt.X("to:Q"), tooltip=tooltip),
    ]


def _tone(kind: str) -> str:
    return "muted" if kind == TOTAL else f"k{COLOURS.index(KINDS[kind])}"
