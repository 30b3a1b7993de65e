"""Interactions: a square of knobs a workload and compiler, coloured by what two of them do together."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ablatrix.analysis.effects import Crossed, CrossedKnobs
from ablatrix.plotting.figure import INK, SMALL_PT, WIDTHS_IN, Width
from ablatrix.plotting.labels import ENGLISH, Labels
from ablatrix.plotting.panels import (
    CHARACTER_IN,
    Handle,
    add_legend,
    count_note,
    in_pages,
    legend_height_in,
    note,
    panel_grid,
    rows_that_fit,
    short_names,
    short_titles,
    text_in,
)

AXIS_LABEL_IN = 0.3
MOST_NAME, MOST_WRITTEN, CELL_IN = 14, 8, 0.17
"""Characters of a name; knobs of a square whose cells have room for their ratio; the smallest cell."""
MIN_REACH = 1.05  # full colours are for at least 5 %, so that noise does not fill them
LESS, MORE, EVEN = "#56B4E9", "#D55E00", "#FFFFFF"
HATCH = "////"


def compose_interactions(
    found: Sequence[CrossedKnobs], width: Width = "page", labels: Labels = ENGLISH
) -> list[Figure]:
    """Return the pages of the figure; call it inside `house_style`. All squares have one scale of colours."""
    width_in = WIDTHS_IN[width]
    most = max(len(one.knobs) for one in found)
    names = {knob for one in found for knob in one.knobs}
    short = short_titles(sorted(names), MOST_NAME, labels.knob)
    beside_in = max(map(text_in, short.values()))
    columns = 2 if width == "page" and CELL_IN * most + beside_in + 0.3 <= width_in / 2 and len(found) > 1 else 1
    side_in = min(width_in / columns - beside_in - 0.3, max(CELL_IN * most, 2.2))
    handles = _legend(found, labels)
    around_in = legend_height_in(handles, width_in) + AXIS_LABEL_IN
    row_in = side_in + beside_in + 0.45
    logs = (abs(math.log(one.ratio.value)) for held in found for one in held.shown.values())
    reach = max([*logs, math.log(MIN_REACH)])
    pages = []
    for page in in_pages(found, rows_that_fit(row_in, around_in, width), columns):
        figure, panels = panel_grid(len(page), columns, width_in, row_in, around_in)
        for panel, one in zip(panels, page, strict=True):
            workload, compiler = labels.workload(one.workload), labels.compiler(one.compiler)
            title = labels("on_compiler_of", workload=workload, compiler=compiler)
            stage = f"{title}, {one.stage}"
            panel.set_title(short_names([stage], int(width_in / columns / CHARACTER_IN))[stage])
            _draw(panel, one, [short[knob] for knob in one.knobs], reach)
        figure.supxlabel(labels("ratio_of", name=labels("crossed_axis"), of=labels("crossed_of")))
        add_legend(figure, handles)
        pages.append(figure)
    return pages


def _draw(panel: Axes, one: CrossedKnobs, names: Sequence[str], reach: float) -> None:
    colours = LinearSegmentedColormap.from_list("ratio", [LESS, EVEN, MORE])
    count = len(one.knobs)
    for row in range(1, count):
        for column in range(row):
            held = one.pairs.get(frozenset((one.knobs[row], one.knobs[column])))
            if held is None:
                continue
            size = math.log(held.ratio.value)
            style: dict[str, Any] = {
                "facecolor": colours(0.5 + size / reach / 2.0),
                "edgecolor": "#B0B0B0",
                "linewidth": 0.4,
            }
            panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1.0, 1.0, hatch=_hatch(held), **style))
            if count <= MOST_WRITTEN:
                weight = "bold" if held.is_found else "normal"
                text = f"{held.ratio.value:.3g}"
                panel.text(column, row, text, ha="center", va="center", fontsize=SMALL_PT, fontweight=weight)
            elif held.is_found:
                panel.plot([column], [row], marker="o", markersize=2.6, color=INK, linestyle="none")
    panel.set_aspect("equal")
    panel.set_xlim(-0.5, count - 1.5)
    panel.set_ylim(count - 0.5, 0.5)
    panel.set_xticks(range(count - 1), names[:-1], rotation=90)
    panel.set_yticks(range(1, count), names[1:])
    panel.grid(visible=False)
    panel.tick_params(length=0)


def _hatch(held: Crossed) -> str:
    return HATCH if held.aliases else ""


def _legend(found: Sequence[CrossedKnobs], labels: Labels) -> list[Handle]:
    edge: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.5}
    handles: list[Handle] = [
        Patch(facecolor=LESS, label=labels("together_less"), **edge),
        Patch(facecolor=MORE, label=labels("together_more"), **edge),
    ]
    written = [one for one in found if len(one.knobs) <= MOST_WRITTEN]
    bold = any(held.is_found for one in written for held in one.shown.values())
    if any(held.is_found for one in found if one not in written for held in one.shown.values()):
        said = labels("crossed_marked" if bold else "crossed_found")
        handles.append(Line2D([], [], marker="o", markersize=2.6, color=INK, linestyle="none", label=said))
    elif bold:
        handles.append(note(labels("crossed_bold")))
    if any(one.is_summed for one in found):
        handles.append(Patch(facecolor="#BBBBBB", hatch=HATCH, label=labels("crossed_sum"), **edge))
    if others := max(one.others for one in found):
        handles.append(note(labels("crossed_others", count=others)))
    handles.append(count_note((one.blocks for one in found), labels))
    return handles
