"""Screenings of many knobs: the largest effects, all of them against noise, and how they add up."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ablatrix.analysis.effects import ScreenedKnob, Screening
from ablatrix.paper.figures.words import ratio_label
from ablatrix.plotting.figure import COLOURS, FAINT, INK, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CHARACTER_IN,
    Handle,
    add_legend,
    count_note,
    in_pages,
    legend_height_in,
    panel_grid,
    ratio_axis,
    rows_that_fit,
    scale_axis,
    short_names,
    short_titles,
    unit_line,
)

ROW_IN = 2.1
SHOWN = 12
"""Knobs that have a line of their own; all are in the other two panels."""
PANELS = 3
MOST_NAME = 16
REACH = 1.02
FOUND, NOT_FOUND = COLOURS[0], FAINT


def compose_screening(
    screens: Sequence[Screening], metric: str, width: Width = "page", labels: Labels = ENGLISH
) -> list[Figure]:
    """Return the pages of the figure, three panels a workload and compiler; call it inside `house_style`."""
    width_in = WIDTHS_IN[width]
    columns = 1 if width == "column" else PANELS
    handles = _legend(screens, labels)
    around_in = legend_height_in(handles, width_in)
    fitting = max(1, rows_that_fit(ROW_IN, around_in, width) * columns // PANELS)
    pages = []
    for page in in_pages(screens, fitting):
        figure, panels = panel_grid(PANELS * len(page), columns, width_in, ROW_IN, around_in)
        for place, one in enumerate(page):
            effects, noise, sums = panels[PANELS * place : PANELS * (place + 1)]
            title = labels(
                "on_compiler_of", workload=labels.workload(one.workload), compiler=labels.compiler(one.compiler)
            )
            most = int(width_in / columns / CHARACTER_IN)
            effects.set_title(short_names([title], most)[title])
            _draw_effects(effects, one, metric, width_in / columns, labels)
            _draw_noise(noise, one, labels)
            _draw_sums(sums, one, labels)
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _draw_effects(axes: Axes, one: Screening, metric: str, width_in: float, labels: Labels) -> None:
    """Draw the largest effects with their intervals, the largest at the top."""
    shown = [knob for knob in one.knobs if knob.ratio is not None][:SHOWN]
    names = short_titles([knob.knob for knob in shown], MOST_NAME, labels.knob)
    unit_line(axes)
    ends = []
    for place, knob in enumerate(shown):
        assert knob.ratio is not None
        low, high = knob.ratio.low, knob.ratio.high
        ends += [end for end in (low, knob.ratio.value, high) if end is not None]
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=_colour(knob), linewidth=1.1, zorder=3)
        axes.plot([knob.ratio.value], [place], zorder=4, **_mark(knob))
    axes.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(range(len(shown))))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([names[knob.knob] for knob in shown])
    ratio_axis([axes], ends, width_in - MOST_NAME * CHARACTER_IN, REACH)
    axes.set_xlabel(ratio_label(metric, "to_base_level", labels))


def _draw_noise(axes: Axes, one: Screening, labels: Labels) -> None:
    """Draw the size of each effect over the quantile that it would have if all were noise."""
    points = one.half_normal
    for knob, quantile, size in points:
        axes.plot([quantile], [100.0 * size], zorder=4, **_mark(knob))
    scale_axis(axes, "x", [quantile for _, quantile, _ in points], 5, log=False)
    scale_axis(axes, "y", [100.0 * size for *_, size in points], 5, log=False)
    axes.set_xlabel(labels("half_normal_axis"))
    axes.set_ylabel(labels("size_axis"))


def _draw_sums(axes: Axes, one: Screening, labels: Labels) -> None:
    """Draw which part of all that knobs do the largest ones are."""
    shares = [100.0 * share for share in one.explained]
    counts = list(range(1, len(shares) + 1))
    axes.plot([0, *counts], [0.0, *shares], color=INK, linewidth=0.8, zorder=3)
    found = len(one.found)
    if found:
        axes.plot([found], [shares[found - 1]], zorder=4, color=FOUND, marker="o", markersize=3.6, linestyle="none")
    scale_axis(axes, "x", [0.0, *map(float, counts)], 5, log=False, whole=True)
    scale_axis(axes, "y", [0.0, 100.0], 5, log=False)
    axes.set_xlabel(labels("knobs_axis"))
    axes.set_ylabel(labels("explained_axis"))


def _mark(knob: ScreenedKnob) -> dict[str, Any]:
    colour = _colour(knob)
    face = colour if knob.found else "white"
    return {"marker": "o", "markersize": 3.6, "linestyle": "none", "color": colour, "markerfacecolor": face}


def _colour(knob: ScreenedKnob) -> str:
    return FOUND if knob.found else NOT_FOUND


def _legend(screens: Sequence[Screening], labels: Labels) -> list[Handle]:
    handles: list[Handle] = []
    for found, word in ((True, "screen_found"), (False, "screen_not_found")):
        knob = next((knob for one in screens for knob in one.knobs if knob.found is found), None)
        if knob is not None:
            handles.append(Line2D([], [], label=labels(word), **_mark(knob)))
    handles.append(Line2D([], [], color=INK, linewidth=1.1, label=labels("bar_interval")))
    handles.append(count_note((one.blocks for one in screens), labels))
    return handles
