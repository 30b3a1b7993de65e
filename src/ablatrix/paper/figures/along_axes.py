"""Effects along an axis of a workload: a panel a knob and compiler, a line a workload, with intervals."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablatrix.analysis.effects import AxisCurve, AxisPoint
from ablatrix.analysis.reasons import levels_text
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

ROW_IN, AXIS_LABEL_IN = 1.75, 0.18
MAX_NAME = {"column": 22, "page": 30}
MAX_TICKS = 8
SPREAD = 0.06
"""How far apart lines lie on an axis of words, so that intervals do not hide each other."""
Panel = tuple[str, str, str, str]
"""Axis, knob, level and compiler."""
Line = tuple[str, str]
"""Workload, and the values of its other axes."""


def compose_along_axes(
    curves: Sequence[AxisCurve], metric: str, width: Width = "column", labels: Labels = ENGLISH
) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`.

    An axis of numbers is in numeric order, and logarithmic where its values span a factor of 4 or more; one of words
    has its values side by side.
    """
    width_in = WIDTHS_IN[width]
    lines: list[Line] = list(dict.fromkeys(map(_line, curves)))
    panels: list[Panel] = list(dict.fromkeys(map(_panel, curves)))
    columns = 1 if width == "column" else 2 if len(panels) in (2, 4) else min(3, len(panels))
    handles = _legend(curves, lines, labels, MAX_NAME[width])
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    several = len({compiler for *_, compiler in panels}) > 1
    most = int(width_in / columns / CHARACTER_IN)
    pages = []
    for page in in_pages(panels, rows_that_fit(ROW_IN, around_in, width), columns):
        figure, axes = panel_grid(len(page), columns, width_in, ROW_IN, around_in)
        for one, held in zip(axes, page, strict=True):
            _draw(one, [curve for curve in curves if _panel(curve) == held], lines)
            title = _title(held, panels, several, labels)
            one.set_title(short_names([title], most)[title])
            one.set_xlabel(held[0])
        figure.supylabel(ratio_label(metric, "to_base_level", labels))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _panel(curve: AxisCurve) -> Panel:
    return (curve.axis, curve.knob, curve.level, curve.compiler)


def _line(curve: AxisCurve) -> Line:
    return (curve.base, levels_text(curve.others))


def _title(panel: Panel, panels: Sequence[Panel], several: bool, labels: Labels) -> str:
    _, knob, level, compiler = panel
    has_levels = len({other[2] for other in panels if other[1] == knob}) > 1
    name = labels.knob(knob) + (f" {labels.level(knob, level)}" if has_levels else "")
    return f"{name}, {labels.compiler(compiler)}" if several else name


def _draw(axes: Axes, curves: Sequence[AxisCurve], lines: Sequence[Line]) -> None:
    axes.axhline(1.0, color=INK, linewidth=0.6, zorder=2)
    is_numeric = all(curve.is_numeric for curve in curves)
    values = list(dict.fromkeys(point.value for curve in curves for point in curve.points))
    for place, curve in enumerate(curves):
        style = _style(lines.index(_line(curve)))
        shift = 0.0 if is_numeric else SPREAD * (place - (len(curves) - 1) / 2)
        at = [float(point.number or 0.0) if is_numeric else values.index(point.value) + shift for point in curve.known]
        axes.plot(at, [_ends(point)[1] for point in curve.known], zorder=4, **style)
        for x, point in zip(at, curve.known, strict=True):
            low, _, high = _ends(point)
            axes.plot([x, x], [low, high], color=style["color"], linewidth=1.1, zorder=3)
    if is_numeric:
        _number_ticks(axes, curves)
    else:
        axes.set_xlim(-0.5, len(values) - 0.5)
        axes.xaxis.set_major_locator(FixedLocator(list(range(len(values)))))
        shown = short_names(values, max(6, 40 // max(len(values), 1)))
        axes.set_xticklabels([shown[value] for value in values])
    held = [end for curve in curves for point in curve.known for end in _ends(point)]
    scale_axis(axes, "y", [*held, 1.0], 5, from_zero=False)


def _number_ticks(axes: Axes, curves: Sequence[AxisCurve]) -> None:
    numbers = sorted({point.number for curve in curves for point in curve.points if point.number is not None})
    if any(curve.scale == "doubling" for curve in curves):
        axes.set_xscale("log", base=2)
    shown = numbers if len(numbers) <= MAX_TICKS else [numbers[0], *numbers[1:-1:2], numbers[-1]]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(short_number))


def _ends(point: AxisPoint) -> tuple[float, float, float]:
    """Return low end, value and high end of an effect; without an interval its value alone."""
    ratio = point.effect.ratio
    assert ratio is not None  # of known points alone
    low, high = (ratio.value if end is None else end for end in (ratio.low, ratio.high))
    return low, ratio.value, high


def _style(index: int) -> dict[str, Any]:
    """Return how a line looks, in a panel and in the legend."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 3.0,
        "linewidth": 0.8,
    }


def _legend(curves: Sequence[AxisCurve], lines: Sequence[Line], labels: Labels, most: int) -> list[Handle]:
    names = {line: labels.workload(line[0]) + (f" ({line[1]})" if line[1] else "") for line in lines}
    short = short_names(names.values(), most)
    handles: list[Handle] = [
        Line2D([], [], label=short[names[line]], **_style(index)) for index, line in enumerate(lines)
    ]
    known = [point.effect.ratio for curve in curves for point in curve.known]
    if any(ratio is not None and ratio.low is not None for ratio in known):
        handles.append(Line2D([], [], color=INK, linewidth=1.1, label=labels("bar_interval")))
    handles.append(count_note((ratio.count for ratio in known if ratio is not None), labels))
    return handles
