"""Speed-up: all knobs on over the baseline and over eager execution, bars by workload, with geometric means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy

from ablatrix.analysis.effects import Ablation, SpeedUp, mean_speed_up
from ablatrix.analysis.reasons import optional_text
from ablatrix.plotting.figure import COLOURS, FAINT, INK, WIDTHS_IN, Width
from ablatrix.plotting.labels import Labels
from ablatrix.plotting.panels import (
    CROSS,
    Handle,
    add_legend,
    count_note,
    in_pages,
    legend_height_in,
    panel_grid,
    ratio_axis,
    rows_that_fit,
    short_titles,
    text_in,
    unit_line,
)
from ablatrix.statistics.ratio import Ratio

HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----")
MIN_REACH, LINE_IN, TITLES_IN, AXIS_LABEL_IN = 1.05, 0.14, 0.25, 0.3
MAX_NAME = {"column": 18, "page": 44}
BASE_MARK: dict[str, Any] = {
    "marker": "D",
    "markersize": 3.0,
    "markerfacecolor": "white",
    "color": INK,
    "markeredgewidth": 0.7,
    "linestyle": "none",
    "zorder": 5,
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar.

    Attributes:
        workload: None for the geometric mean.
        over: ``baseline`` or ``eager``.
        of: ``all`` or ``baseline``: the configuration that is compared.
        ratio: None without one.
        workloads: How many it is a mean of.
    """

    workload: str | None
    compiler: str
    over: str
    of: str
    ratio: Ratio | None
    workloads: int
    reason: str | None


def bars_of(found: Sequence[Ablation]) -> list[Bar]:
    """Return the bars of all workloads, and the means over those of each compiler that has several."""
    kinds: list[tuple[str, str, Callable[[Ablation], SpeedUp | None]]] = [
        ("baseline", "all", lambda one: one.whole),
        ("eager", "baseline", lambda one: one.base_over_eager),
        ("eager", "all", lambda one: one.whole_over_eager),
    ]
    bars = []
    for over, of, get in kinds:
        held: list[tuple[Ablation, SpeedUp]] = [(one, it) for one in found if (it := get(one)) is not None]
        for one, it in held:
            bars.append(
                Bar(
                    workload=one.workload,
                    compiler=one.compiler,
                    over=over,
                    of=of,
                    ratio=it.ratio,
                    workloads=1,
                    reason=optional_text(it.reason),
                )
            )
        for compiler in dict.fromkeys(one.compiler for one, _ in held):
            own = [it for one, it in held if one.compiler == compiler and it.ratio is not None]
            if len(own) > 1:
                ratio = mean_speed_up(own)
                bars.append(
                    Bar(
                        workload=None,
                        compiler=compiler,
                        over=over,
                        of=of,
                        ratio=ratio,
                        workloads=len(own),
                        reason=None,
                    )
                )
    return bars


def speed_up_columns(ratio: Ratio | None) -> dict[str, float | int | None]:
    """Return what a table beside a figure says of a speed-up, unrounded; without one it is of no block."""
    if ratio is None:
        return {"speed_up": None, "low": None, "high": None, "blocks": 0}
    return {"speed_up": ratio.value, "low": ratio.low, "high": ratio.high, "blocks": ratio.count}


def bars_frame(bars: Sequence[Bar]) -> pl.DataFrame:
    """Return what the figure shows as a table, unrounded."""
    rows = [
        {
            "workload": one.workload or "geometric mean",
            "compiler": one.compiler,
            "configuration": one.of,
            "over": one.over,
            **speed_up_columns(one.ratio),
            "workloads": one.workloads,
            "reason": one.reason,
        }
        for one in bars
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def compose_speed_up(bars: Sequence[Bar], labels: Labels, width: Width = "column") -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. A panel for each of what is compared with."""
    width_in = WIDTHS_IN[width]
    compilers = list(dict.fromkeys(one.compiler for one in bars))
    workloads: list[str | None] = list(dict.fromkeys(one.workload for one in bars if one.workload is not None))
    if any(one.workload is None for one in bars):
        workloads.append(None)
    sides = [side for side in ("baseline", "eager") if any(one.over == side for one in bars)]
    names = short_titles([one for one in workloads if one is not None], MAX_NAME[width], labels.workload)
    texts = [labels("geometric_mean") if one is None else names[one] for one in workloads]
    handles = _legend(bars, compilers, labels)
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN + TITLES_IN
    line_in = LINE_IN * max(1.0, 0.55 * len(compilers))
    panel_in = (width_in - max(map(text_in, texts)) - 0.2) / len(sides)
    pages = []
    for page in in_pages(list(zip(workloads, texts, strict=True)), rows_that_fit(line_in, around_in, width)):
        height_in = line_in * len(page) + TITLES_IN
        figure, panels = panel_grid(len(sides), 2, width_in, height_in, around_in - TITLES_IN, sharey=True)
        for panel, side in zip(panels, sides, strict=True):
            own = [one for one in bars if one.over == side]
            panel.set_title(labels("over_baseline" if side == "baseline" else "over_eager_axis"))
            unit_line(panel)
            for y, (workload, _) in enumerate(page):
                _draw(figure, panel, y, [one for one in own if one.workload == workload], compilers)
            ratio_axis([panel], [end for one in own for end in _ends(one)], panel_in, MIN_REACH)
            panel.grid(visible=False, axis="y")
            panel.tick_params(axis="y", length=0)
            if page[-1][0] is None and len(page) > 1:
                panel.axhline(len(page) - 1.5, color=FAINT, linewidth=0.4)
        panels[0].set_yticks(range(len(page)), [text for _, text in page])
        panels[0].set_ylim(len(page) - 0.5, -0.5)
        figure.supxlabel(labels("speed_up_ratio"))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _draw(figure: Figure, panel: Axes, y: int, bars: Sequence[Bar], compilers: Sequence[str]) -> None:
    height = 0.8 / len(compilers)
    for one in bars:
        index = compilers.index(one.compiler)
        middle = y + (index - (len(compilers) - 1) / 2) * height
        if one.ratio is None:
            edge = offset_copy(panel.get_yaxis_transform(), figure, x=5, units="points")
            panel.plot([0.0], [middle], transform=edge, **{**CROSS, "markersize": 3.2})
            continue
        if one.of == "baseline":
            panel.plot([one.ratio.value], [middle], **BASE_MARK)
            continue
        panel.barh(
            [middle],
            [one.ratio.value - 1.0],
            left=[1.0],
            height=0.85 * height,
            facecolor=_colour(index),
            edgecolor=INK,
            hatch=HATCHES[index % len(HATCHES)],
            linewidth=0.4,
            zorder=3,
        )
        if one.ratio.low is not None and one.ratio.high is not None:
            for colour, wide in (("white", 2.0), (INK, 0.8)):
                panel.plot([one.ratio.low, one.ratio.high], [middle] * 2, color=colour, linewidth=wide, zorder=4)


def _colour(index: int) -> str:
    return ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#999999", COLOURS[1])[index % 6]


def _ends(one: Bar) -> list[float]:
    return [] if one.ratio is None else [x for x in (one.ratio.low, one.ratio.value, one.ratio.high) if x is not None]


def _legend(bars: Sequence[Bar], compilers: Sequence[str], labels: Labels) -> list[Handle]:
    names = short_titles(compilers, 18, labels.compiler)
    several = len(compilers) > 1
    handles: list[Handle] = [
        Patch(
            facecolor=_colour(index),
            edgecolor=INK,
            hatch=HATCHES[index % len(HATCHES)],
            linewidth=0.4,
            label=f"{labels('all_on')}, {names[compiler]}" if several else labels("all_on"),
        )
        for index, compiler in enumerate(compilers)
        if any(one.compiler == compiler and one.of == "all" for one in bars)
    ]
    if any(one.of == "baseline" for one in bars):
        handles.append(Line2D([], [], label=labels("baseline"), **BASE_MARK))
    if any(one.ratio is not None and one.ratio.low is not None for one in bars):
        handles.append(Line2D([], [], color=INK, linewidth=0.8, label=labels("interval")))
    if any(one.ratio is None for one in bars):
        handles.append(Line2D([], [], label=labels("no_value"), **CROSS))
    handles.append(count_note((one.ratio.count for one in bars if one.ratio and one.workload), labels))
    return handles
