"""A two-sided bar chart of an explanation: what each group, overhead and the residual add to a difference of times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ablatrix.plotting.figure import COLOURS, FAINT, INK, SMALL_PT, WIDTHS_IN, house_style, new_figure, save_pages

ROW_IN, AROUND_IN = 0.19, 0.85
LONGEST = 46
LEFT, RIGHT, REST = COLOURS[0], COLOURS[1], "#B0B0B0"

BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}

Bar = tuple[str, float]
"""A label and milliseconds: below zero the second configuration is faster there."""


def explained_figure(title: str, bars: Sequence[Bar], total: float, unit: str) -> Figure:
    """Return the chart; bars are added up from top to bottom, and a thin line shows the sum so far.

    Args:
        title: Stands above it.
        bars: In order; those whose label begins with a bracket are neither faster nor slower operations.
        total: What they add up to, drawn last.
        unit: Of all numbers.
    """
    with house_style():
        figure = new_figure(AROUND_IN + ROW_IN * (len(bars) + 1), WIDTHS_IN["page"])
        axes = figure.subplots()
        sums = [0.0]
        for place, (label, value) in enumerate(bars):
            colour = REST if label.startswith("(") else LEFT if value < 0 else RIGHT
            axes.barh(place, value, height=0.68, color=colour, hatch="////" if value > 0 else None, edgecolor="white")
            sums.append(sums[-1] + value)
        last = len(bars)
        axes.barh(last, total, height=0.68, color="none", edgecolor=INK, linewidth=0.9)
        axes.vlines(sums[1:], range(last), range(1, last + 1), color=FAINT, linewidth=0.8, linestyle=":")
        reach = max(abs(one) for one in (*sums, total, *(value for _, value in bars))) or 1.0
        for place, value in enumerate([*(value for _, value in bars), total]):
            ends = "left" if value >= 0 else "right"
            shift = 0.01 * reach if value >= 0 else -0.01 * reach
            axes.text(value + shift, place, f"{value:+.3g}", va="center", ha=ends, fontsize=SMALL_PT, bbox=BEHIND)
        names = [label if len(label) <= LONGEST else label[: LONGEST - 1] + "\u2026" for label, _ in bars]
        axes.set_yticks(range(last + 1), [*names, "total difference"])
        axes.set_ylim(last + 0.6, -0.6)
        axes.set_xlim(-1.22 * reach, 1.22 * reach)
        axes.axvline(0, color=INK, linewidth=0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"B less A, {unit}: left of zero B is faster; dotted: the sum so far")
        axes.set_title(title, loc="left")
    return figure


def save_explained(figure: Figure, file: Path) -> list[Path]:
    """Write the chart as PDF, PNG and SVG under the name of a file, whatever its ending."""
    with house_style():
        return save_pages([figure], file.with_suffix(""))
