"""Response to knobs whose levels are numbers: a panel a knob and compiler, a line a workload, and its trend."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablatrix.analysis.effects import Trend
from ablatrix.paper.figures.words import ratio_label
from ablatrix.plotting.figure import COLOURS, INK, MARKERS, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CHARACTER_IN,
    Handle,
    add_legend,
    count_note,
    in_pages,
    legend_height_in,
    panel_grid,
    rows_that_fit,
    scale_axis,
    short_names,
    short_number,
)

ROW_IN, AXIS_LABEL_IN = 1.7, 0.3
MAX_NAME = {"column": 18, "page": 24}
Panel = tuple[str, str]
"""Knob and compiler."""


def compose_response(
    trends: Sequence[Trend], metric: str, width: Width = "column", labels: Labels = ENGLISH
) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`.

    The axis of levels is logarithmic where levels count by doublings, that of ratios where they span much.
    """
    width_in = WIDTHS_IN[width]
    workloads = list(dict.fromkeys(one.workload for one in trends))
    panels: list[Panel] = list(dict.fromkeys((one.knob, one.compiler) for one in trends))
    columns = min(1 if width == "column" else 3, len(panels))
    handles = _legend(trends, workloads, labels, MAX_NAME[width])
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    several = len({compiler for _, compiler in panels}) > 1
    pages = []
    for page in in_pages(panels, rows_that_fit(ROW_IN, around_in, width), columns):
        figure, axes = panel_grid(len(page), columns, width_in, ROW_IN, around_in)
        for one, held in zip(axes, page, strict=True):
            own = [trend for trend in trends if (trend.knob, trend.compiler) == held]
            _draw(one, own, workloads)
            most = int(width_in / columns / CHARACTER_IN)
            title = ", ".join(held) if several else held[0]
            one.set_title(short_names([title], most)[title])
            one.set_xlabel("")
        figure.supylabel(ratio_label(metric, "to_base_level", labels))
        figure.supxlabel(labels("level_axis"))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _draw(axes: Axes, trends: Sequence[Trend], workloads: Sequence[str]) -> None:
    axes.axhline(1.0, color=INK, linewidth=0.6, zorder=2)
    for trend in trends:
        style = _style(workloads.index(trend.workload))
        x = [point.level for point in trend.points]
        y = [point.ratio.value for point in trend.points]
        axes.plot(x, y, zorder=4, **style)
        for point in trend.points:
            if point.ratio.low is not None and point.ratio.high is not None:
                ends = [point.ratio.low, point.ratio.high]
                axes.plot([point.level] * 2, ends, color=style["color"], linewidth=1.1, zorder=3)
    levels = sorted({point.level for trend in trends for point in trend.points})
    if trends[0].scale == "doubling":
        axes.set_xscale("log", base=2)
    shown = levels if len(levels) <= 8 else [levels[0], *levels[1:-1:2], levels[-1]]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(short_number))
    scale_axis(axes, "y", [end for trend in trends for end in _ends(trend)], 5, from_zero=False)


def _style(index: int) -> dict[str, Any]:
    """Return how the line of a workload looks, in a panel and in the legend."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 3.0,
        "linewidth": 0.8,
    }


def _ends(trend: Trend) -> list[float]:
    held = [end for point in trend.points for end in (point.ratio.low, point.ratio.value, point.ratio.high)]
    return [end for end in held if end is not None]


def _legend(trends: Sequence[Trend], workloads: Sequence[str], labels: Labels, most: int) -> list[Handle]:
    names = short_names(workloads, most)
    handles: list[Handle] = [Line2D([], [], label=names[one], **_style(index)) for index, one in enumerate(workloads)]
    points = [point for trend in trends for point in trend.points if not point.is_base]
    if any(point.ratio.low is not None for point in points):
        handles.append(Line2D([], [], color=INK, linewidth=1.1, label=labels("bar_interval")))
    handles.append(count_note((point.ratio.count for point in points), labels))
    return handles
