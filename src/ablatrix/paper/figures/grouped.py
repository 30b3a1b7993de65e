"""Lines of a figure under headings: a heading a workload, and its configurations below it, over several pages."""

from collections.abc import Sequence
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from ablatrix.plotting.figure import SMALL_PT
from ablatrix.plotting.panels import in_pages

LINE_IN = 0.13
BAND_GREY = "#F1F1F1"

Item = TypeVar("Item")
Line = tuple[str, Item | None]
"""A label, and what its line shows; a heading shows nothing."""


def in_groups(lines: Sequence[tuple[str, Item | None]], most: int) -> list[list[tuple[str, Item | None]]]:
    """Return lines in pages of at most so many lines that begin with a heading; a split group repeats its heading."""
    groups: list[list[tuple[str, Item | None]]] = []
    for line in lines:
        if line[1] is None:
            groups.append([])
        groups[-1].append(line)
    pages: list[list[tuple[str, Item | None]]] = [[]]
    for group in groups:
        parts = [group] if len(group) <= most else [[group[0], *part] for part in in_pages(group[1:], most - 1)]
        for part in parts:
            if pages[-1] and len(pages[-1]) + len(part) > most:
                pages.append([])
            pages[-1] += part
    return pages


def write_heading(figure: Figure, panels: Sequence[Axes], y: int, text: str, labels_in: float) -> None:
    """Write a heading where the labels begin, on a band through all panels.

    It may extend over the edge into the band of the panel next to the labels.
    """
    for panel in panels:
        panel.axhspan(y - 0.5, y + 0.5, color=BAND_GREY, linewidth=0, zorder=0.3)
    beside = offset_copy(panels[0].get_yaxis_transform(), figure, x=-labels_in * 72 - 3, units="points")
    band = {"facecolor": BAND_GREY, "edgecolor": "none", "pad": 0.6}
    heading = panels[0].text(
        0.0, y, text, transform=beside, fontweight="bold", va="center", fontsize=SMALL_PT, bbox=band
    )
    heading.set_in_layout(False)
