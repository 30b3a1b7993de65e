"""The page of a history: a figure for each series, with its numbers, changes of level and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.groups import percent_text
from ablatrix.analysis.history import History, Point, Series, kind_text
from ablatrix.page.chart import BAND, COLOURS, INK, MUTED, SHAPES, Chart, Key, finished
from ablatrix.page.effects_charts import ratio_scale
from ablatrix.page.printed import interval, ratio_value
from ablatrix.page.shell import json_text, rendered
from ablatrix.page.table import Heading, Row, Shown, Table
from ablatrix.version import __version__

HEIGHT_PX = 260
TONES: Mapping[str, str] = {"slower": "bad", "faster": "good", "at_host_change": "warn"}


@dataclass(frozen=True)
class SeriesSection:
    """What the page shows of one series."""

    title: str
    chart: Chart
    points: Table


def write_history_page(found: History, out: str | Path) -> Path:
    """Write the page of a history. The same runs give the same bytes.

    Args:
        found: The history.
        out: File to write.

    Returns:
        The file.
    """
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = [_section(found, number, one) for number, one in enumerate(found.series)]
    values: dict[str, Any] = {
        "version": __version__,
        "runs": len(found.runs),
        "span": f"{found.runs[0].time_utc[:10]} to {found.runs[-1].time_utc[:10]}",
        "least": percent_text(found.least),
        "changes": _changes_table(found),
        "sections": sections,
        "run_table": _run_table(found),
        "missing": _missing_table(found),
        "data": json_text({"records": {"listed": []}, "statistics": {}}),
        "charts": json_text({one.chart.name: one.chart.spec for one in sections}),
    }
    path.write_text(rendered("history.html", values), encoding="utf-8", newline="\n")
    return path


def _section(found: History, number: int, one: Series) -> SeriesSection:
    title = f"{one.name}: {one.metric}"
    return SeriesSection(title, _chart(found, number, one, title), _points_table(found, number, one, title))


def _chart(found: History, number: int, one: Series, title: str) -> Chart:
    marks = [_mark(found, point) for point in one.points]
    return Chart(
        name=f"chart-series-{number}",
        title=f"{title}, over {one.bridge}",
        spec=finished(alt.layer(*_layers(found, one, marks)), HEIGHT_PX),
        note="Too few runs yet to look for changes." if one.too_short else "",
        table=title,
        keys=[
            Key("run, with its 95 % interval", "k0", SHAPES["circle"]),
            Key("level", "ink", "M-6-1H6V1H-6Z"),
            Key("first run on another machine", "muted", "M-1-6H1V6H-1Z"),
        ],
        words=_words(found, one),
    )


def _layers(found: History, one: Series, marks: list[dict[str, Any]]) -> list[alt.Chart]:
    scale, axis = ratio_scale(marks, ("low", "high", "ratio"))
    less = METRICS[one.metric].less
    y = alt.Y("low:Q", title=f"ratio to {one.bridge}, logarithmic; below 1 is {less}", scale=scale, axis=axis)
    count = len(found.runs)
    labels = alt.Axis(format="d", tickMinStep=1, grid=False)
    x = alt.X("run:Q", title="run", scale=alt.Scale(domain=[0.5, count + 0.5], nice=False, zero=False), axis=labels)
    levels = [
        {"run": first + 1 - 0.3, "end": last + 1 + 0.3, "ratio": ratio.value, "low": ratio.low, "high": ratio.high}
        for first, last, ratio in one.levels
    ]
    hosts = [{"run": number + 0.5} for number in found.host_changes]
    base = alt.Chart(alt.InlineData(values=marks)).encode(x=x)
    held = alt.Chart(alt.InlineData(values=levels)).encode(x=x, x2="end:Q")
    layers = [
        held.mark_rect(color=BAND).transform_filter("isValid(datum.low)").encode(y=y, y2="high:Q"),
        alt.Chart(alt.InlineData(values=[{"one": 1.0}])).mark_rule(color=INK, strokeDash=[3, 3]).encode(y="one:Q"),
        held.mark_rule(color=INK, strokeWidth=2).encode(y=alt.Y("ratio:Q")),
        base.mark_rule(strokeWidth=2, color=COLOURS[0]).transform_filter("isValid(datum.low)").encode(y=y, y2="high:Q"),
        base.mark_point(size=60, filled=True, opacity=1, color=COLOURS[0]).encode(
            y=alt.Y("ratio:Q"), tooltip=[alt.Tooltip(f"{name}:N") for name in ("name", "shown", "interval", "host")]
        ),
    ]
    if hosts:
        rule = alt.Chart(alt.InlineData(values=hosts)).mark_rule(color=MUTED, strokeDash=[6, 3], strokeWidth=2)
        layers.append(rule.encode(x=x))
    return layers


def _mark(found: History, point: Point) -> dict[str, Any]:
    run = found.runs[point.run]
    return {
        "run": point.run + 1,
        "name": run.name,
        "host": run.host,
        "ratio": point.ratio.value,
        "low": point.ratio.low,
        "high": point.ratio.high,
        "shown": ratio_value(point.ratio.value),
        "interval": interval(point.ratio),
    }


def _words(found: History, one: Series) -> list[str]:
    """Return a series in sentences: what a mean is of, its levels, and what changed between them."""
    lines = [f"The geometric mean of the ratios of {', '.join(one.workloads)}."] if one.workloads else []
    lines += [
        f"Runs {found.runs[first].name} to {found.runs[last].name}: {ratio_value(ratio.value)} {interval(ratio)}."
        for first, last, ratio in one.levels
    ]
    lines += [
        f"From {found.runs[shift.run].name} on {kind_text(shift, one.metric)}: by {ratio_value(shift.ratio.value)}."
        for shift in one.shifts
    ]
    lines += [f"Another machine from {found.runs[number].name} on." for number in found.host_changes]
    return lines


def _changes_table(found: History) -> Table:
    rows = [
        Row(
            [
                Shown(one.workload),
                Shown(one.compiler),
                Shown(one.metric),
                Shown(found.runs[shift.run].name),
                Shown(found.runs[shift.before].name),
                Shown(ratio_value(shift.ratio.value), shift.ratio.value),
                Shown(interval(shift.ratio)),
                Shown(kind_text(shift, one.metric), tone=TONES[shift.kind]),
            ]
        )
        for one in found.series
        for shift in one.shifts
    ]
    headings = [
        Heading("workload"),
        Heading("compiler"),
        Heading("metric"),
        Heading("first run"),
        Heading("last run before"),
        Heading("ratio", True, "By what the level was multiplied"),
        Heading("95 % interval", True),
        Heading("what", wide=True),
    ]
    return (
        Table("changes", "Changes of level", headings, rows).folded("metric")
        if rows
        else Table("changes", "Changes of level", headings, rows)
    )


def _points_table(found: History, number: int, one: Series, title: str) -> Table:
    rows = [
        Row(
            [
                Shown(found.runs[point.run].name),
                Shown(found.runs[point.run].time_utc),
                Shown(found.runs[point.run].host),
                Shown(point.bridge),
                Shown(ratio_value(point.ratio.value), point.ratio.value),
                Shown(interval(point.ratio)),
            ]
        )
        for point in one.points
    ]
    headings = [
        Heading("run"),
        Heading("begun"),
        Heading("machine"),
        Heading("beside"),
        Heading(f"ratio to {one.bridge}", True),
        Heading("95 % interval", True),
    ]
    return Table(f"points-{number}", title, headings, rows).folded("machine", "beside")


def _run_table(found: History) -> Table:
    rows = [
        Row(
            [
                Shown(run.name),
                Shown(run.time_utc),
                Shown(run.host),
                Shown(run.cpu),
                Shown(head or ""),
                Shown(", ".join(level for level in run.levels if level != head)),
                Shown(found.unused.get(number, "")),
            ]
        )
        for number, (run, head) in enumerate(zip(found.runs, found.heads, strict=True))
    ]
    headings = [
        Heading("run"),
        Heading("begun"),
        Heading("machine"),
        Heading("processor", wide=True),
        Heading("new build"),
        Heading("bridges"),
        Heading("why it has no point", wide=True),
    ]
    return Table("runs", "Runs, in the order of time", headings, rows).without_empty("why it has no point")


def _missing_table(found: History) -> Table:
    rows = [
        Row([Shown(f"{one.name}: {one.metric}"), Shown(found.runs[number].name), Shown(why)])
        for one in found.series
        for number, why in one.missing.items()
        if number not in found.unused
    ]
    headings = [Heading("series"), Heading("run"), Heading("why", wide=True)]
    return Table("missing", "Points that are missing", headings, rows)
