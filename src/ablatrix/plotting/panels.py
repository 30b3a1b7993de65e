"""What figures of several panels share: pages, the grid of panels, names that fit, legends and axes."""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.textpath import TextToPath
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from ablatrix.analysis.reasons import Why
from ablatrix.foreign_text import without_controls
from ablatrix.plotting.figure import FAILED, FAINT, INK, MAX_HEIGHTS_IN, SMALL_PT, Width, new_figure
from ablatrix.plotting.labels import ENGLISH, Labels

Item = TypeVar("Item")
Handle = Line2D | Patch

FIRST_WIDE = 0x2E80  # letters of Chinese and the like, each as wide as it is high
CHARACTER_IN = 0.055  # a wide letter of the small text
LEGEND_ROW_IN, LEGEND_HANDLE_IN = 0.135, 0.28
LOG_FROM = 8.0  # a span of values wider than this is drawn on a logarithmic axis
CROSS: dict[str, Any] = {
    "marker": "x",
    "linestyle": "none",
    "color": FAILED,
    "markersize": 4.2,
    "markeredgewidth": 1.0,
    "zorder": 5,
}
NO_OP: dict[str, Any] = {
    "marker": "d",
    "linestyle": "none",
    "color": FAINT,
    "markerfacecolor": "white",
    "markersize": 3.8,
    "markeredgewidth": 0.7,
    "zorder": 4,
}
RATIO_TICKS: tuple[tuple[float, ...], ...] = (  # finest first
    tuple(round(0.8 + 0.05 * i, 2) for i in range(10)),
    (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4),
    (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0),
    (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 7.0, 10.0),
    (0.25, 0.5, 1.0, 2.0, 4.0),
    tuple(step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5)),
)


def in_pages(items: Sequence[Item], max_rows: int, columns: int = 1) -> list[Sequence[Item]]:
    """Return the items in as few pages as hold at most so many rows each, filled evenly; one page when there is none.

    Args:
        items: What is put into rows.
        max_rows: Rows that fit on a page.
        columns: Items in a row.
    """
    rows = max(1, math.ceil(len(items) / columns))
    size = math.ceil(rows / math.ceil(rows / max_rows)) * columns
    return [items[start : start + size] for start in range(0, max(len(items), 1), size)]


def rows_that_fit(row_in: float, around_in: float, width: Width) -> int:
    """Return how many rows of a height fit on a page beside what is around them; at least one."""
    return max(1, int((MAX_HEIGHTS_IN[width] - around_in) / row_in))


def panel_grid(
    count: int, columns: int, width_in: float, row_in: float, around_in: float, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels, row by row; cells of the grid without a panel stay empty.

    Args:
        count: Panels.
        columns: At most so many panels beside each other.
        width_in: Width of the figure.
        row_in: Height of a row of panels with its titles.
        around_in: Height of legend and axis labels together.
        options: Of ``Figure.subplots``.
    """
    columns = max(1, min(columns, count))
    rows = max(1, math.ceil(count / columns))
    figure = new_figure(height_in=around_in + rows * row_in, width_in=width_in)
    panels: list[Axes] = figure.subplots(rows, columns, squeeze=False, **options).flatten().tolist()
    for panel in panels[count:]:
        panel.set_axis_off()
    # Where the last row is short, the panels above its empty cells are the lowest ones and carry the tick labels.
    for panel in panels[max(count - columns, 0) : count]:
        panel.tick_params(labelbottom=True)
    return figure, panels[:count]


def short_names(names: Iterable[str], most: int) -> dict[str, str]:
    """Return each name, or its beginning and end where it is longer than ``most`` characters; all stay different."""
    names = list(dict.fromkeys(names))
    for front in range((most - 1) // 2, most - 1):
        short = {name: _cut(name, most, front) for name in names}
        if len(set(short.values())) == len(names):
            return short
    return {name: _cut(name, most - 4, most // 2 - 3) + f" #{i}" for i, name in enumerate(names, 1)}


def short_titles(names: Iterable[str], most: int, title: Callable[[str], str]) -> dict[str, str]:
    """Return what each name is called, shortened as by `short_names`."""
    titles = {name: title(name) for name in names}
    short = short_names(titles.values(), most)
    return {name: short[text] for name, text in titles.items()}


def _cut(name: str, most: int, front: int) -> str:
    if len(name) <= most:
        return name
    back = most - 1 - front
    return f"{name[:front]}…{name[len(name) - back :] if back > 0 else ''}"


@functools.lru_cache(maxsize=4096)
def text_in(text: str, size_pt: float = SMALL_PT) -> float:
    """Return the width of one line of text in inches, before anything is drawn."""
    font = FontProperties(family="DejaVu Sans", size=size_pt)
    plain = "".join(letter for letter in without_controls(text) if ord(letter) < FIRST_WIDE)
    width_pt = float(TextToPath().get_text_width_height_descent(plain, font, ismath=False)[0]) if plain else 0.0
    return (width_pt + size_pt * (len(text) - len(plain))) / 72.0


def legend_columns(handles: Sequence[Handle], width_in: float) -> int:
    """Return how many columns of a legend fit a width; entries fill one column after the other."""
    widths = [text_in(str(handle.get_label())) + LEGEND_HANDLE_IN for handle in handles]
    for columns in range(min(len(widths), 6), 1, -1):
        if sum(max(part) for part in np.array_split(widths, columns)) <= width_in:
            return columns
    return 1


def legend_height_in(handles: Sequence[Handle], width_in: float) -> float:
    """Return the height of a legend above the panels."""
    return math.ceil(len(handles) / legend_columns(handles, width_in)) * LEGEND_ROW_IN + 0.12 if handles else 0.0


def add_legend(figure: Figure, handles: Sequence[Handle]) -> None:
    """Put a legend above all panels; below, it would overlap the label of the common axis."""
    if handles:
        figure.legend(
            handles=list(handles),
            loc="outside upper center",
            ncols=legend_columns(handles, figure.get_figwidth()),
            handletextpad=0.4,
            columnspacing=1.0,
            borderaxespad=0.2,
            handlelength=1.6,
            labelspacing=0.25,
        )


def cross_label(reasons: Iterable[Why | None], labels: Labels = ENGLISH) -> str:
    """Return what the crosses of a figure mean: failures, levels that the compiler does not have, or both.

    Args:
        reasons: Why each has no effect.
        labels: The words of the figure's language.
    """
    kinds = [why.absence_kinds if why is not None else frozenset() for why in reasons]
    if not any("unsupported" in held for held in kinds):
        return labels("failed_no_effect")
    return labels("unsupported" if all(held == {"unsupported"} for held in kinds) else "failed_or_unsupported")


def note(text: str) -> Line2D:
    """Return an entry of a legend that is text only."""
    return Line2D([], [], linestyle="none", label=text)


def count_note(counts: Iterable[int], labels: Labels = ENGLISH) -> Line2D:
    """Return the note of how many blocks are behind the marks: ``n = 5 blocks`` or ``n = 2 to 5 blocks``."""
    found = sorted(set(counts)) or [0]
    many = str(found[0]) if len(found) == 1 else labels("from_to", least=found[0], most=found[-1])
    return note(labels.repeats(many))


def failed_band(axes: Axes, share: float, side: str = "top") -> None:
    """Shade the upper part of the axes (or the right one), which is for what has no value."""
    corner, size = ((0.0, 1.0 - share), (1.0, share)) if side == "top" else ((1.0 - share, 0.0), (share, 1.0))
    box = Rectangle(corner, *size, transform=axes.transAxes, facecolor="#F1F1F1", edgecolor="none", zorder=1.2)
    axes.add_patch(box)
    edge = ([0, 1], [1.0 - share] * 2) if side == "top" else ([1.0 - share] * 2, [0, 1])
    axes.plot(*edge, transform=axes.transAxes, color=FAINT, linewidth=0.4, zorder=1.3)


def scale_axis(
    axes: Axes, which: str, values: Iterable[float], max_ticks: int, headroom: float = 0.0, **how: bool
) -> None:
    """Choose scale, limits and ticks of an axis for values that are not negative.

    The axis is logarithmic where the values span a factor of `LOG_FROM`; zeros are then shown beside
    it.

    Args:
        axes: Whose axis.
        which: ``x`` or ``y``.
        values: What is to be seen; without any the axis has no ticks.
        max_ticks: So many labels fit.
        headroom: Share of the axis to leave free at its upper end.
        how: ``whole``: values are counts. ``from_zero``: a linear axis begins at 0. ``log``: whether the axis is
            logarithmic, for axes that are to be of one kind.
    """
    axis = getattr(axes, f"{which}axis")
    set_scale, set_limits = getattr(axes, f"set_{which}scale"), getattr(axes, f"set_{which}lim")
    held = sorted(values)
    positive = [value for value in held if value > 0]
    axis.set_minor_locator(NullLocator())
    if not held:
        set_limits(0, 1)
        axis.set_major_locator(NullLocator())
        return
    if positive and how.get("log", held[-1] / positive[0] > LOG_FROM):
        low, high = math.log10(positive[0]), math.log10(held[-1])
        pad = max(0.06 * (high - low), 0.06)
        if held[0] > 0:
            set_scale("log")
            start = low - pad
            set_limits(10**start, 10 ** (start + (high + pad - start) / (1 - headroom)))
            axis.set_major_locator(FixedLocator(log_ticks(10**start, 10 ** (high + pad), max_ticks)))
            if high - low < math.log10(2.0):  # too narrow for round steps of a logarithmic axis
                even = MaxNLocator(nbins=max(max_ticks - 1, 1), steps=[1, 2, 5, 10])
                within = [x for x in even.tick_values(10**start, 10 ** (high + pad)) if 10**start <= x]
                axis.set_major_locator(FixedLocator([x for x in within if x <= 10 ** (high + pad)]))
        else:
            start = math.floor(low)
            set_scale("symlog", linthresh=10.0**start, linscale=0.5)
            span = high - start + 1 + pad
            set_limits(-0.6 * 10.0**start, 10 ** (high + pad + span * headroom / (1 - headroom)))
            axis.set_major_locator(FixedLocator([0.0, *log_ticks(10.0**start, 10 ** (high + pad), max_ticks - 1)]))
    else:
        from_zero = how.get("from_zero", True) or held[0] == held[-1]
        low = 0.0 if from_zero else held[0] - 0.12 * (held[-1] - held[0])
        high = held[-1] + 0.1 * (held[-1] - low) if held[-1] > 0 else 1.0
        if how.get("whole"):
            high = max(high, 1.5)
            low = -0.1 * high if held[0] == 0 else low  # marks at 0 are drawn side by side, to both sides
        set_limits(low, low + (high - low) / (1 - headroom))
        locator = MaxNLocator(nbins=max(max_ticks - 1, 1), integer=how.get("whole", False), steps=[1, 2, 5, 10])
        axis.set_major_locator(FixedLocator([x for x in locator.tick_values(low, high) if max(low, 0) <= x <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(short_number))
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return ticks of a logarithmic axis: steps of 1, 2, 5, else decades, else every second one, ..."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps, stride in itertools.chain([((1, 2, 5), 1), ((1, 3), 1)], (((1,), n) for n in range(1, len(powers) + 2))):
        ticks = [step * 10.0**p for p in powers if p % stride == 0 for step in steps]
        shown = [tick for tick in ticks if low <= tick <= high]
        if len(shown) <= max(most, 2) and (len(shown) > 1 or not found):
            return shown or found
        found = shown
    return found


def ratio_axis(panels: Sequence[Axes], values: Iterable[float], width_in: float, min_reach: float) -> None:
    """Give panels a common logarithmic axis of ratios (x), with ticks whose labels fit.

    Args:
        panels: Which.
        values: What is to be seen.
        width_in: Of one panel, about.
        min_reach: The axis shows at least 1 / this to this, so that noise does not fill it.
    """
    held = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = min([*held, 1 / min_reach]), max([*held, min_reach])
    margin = (high / low) ** 0.05
    low, high = low / margin, high * margin
    ticks = _ratio_ticks(low, high, width_in)
    for panel in panels:
        panel.set_xscale("log")
        panel.set_xlim(low, high)
        panel.xaxis.set_major_locator(FixedLocator(ticks))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(FuncFormatter(short_number))


def _ratio_ticks(low: float, high: float, width_in: float) -> list[float]:
    span = math.log(high / low)
    for candidates in RATIO_TICKS:
        shown = [tick for tick in candidates if low <= tick <= high]
        # A set that ends inside of the axis would leave its rest without a tick.
        reaches = math.log(high / candidates[-1]) < 0.3 * span and math.log(candidates[0] / low) < 0.3 * span
        if len(shown) > 1 and reaches and _apart(shown, span, width_in):
            return shown
    for stride in itertools.count(1):
        shown = [10.0**p for p in range(-12, 13) if p % stride == 0 and low <= 10.0**p <= high]
        if _apart(shown, span, width_in):
            break
    return shown


def _apart(ticks: Sequence[float], span: float, width_in: float) -> bool:
    widths = [text_in(short_number(tick)) + 0.06 for tick in ticks]
    gaps = np.diff(np.log(ticks)) / span * width_in
    return all(gap >= (a + b) / 2 for gap, (a, b) in zip(gaps, itertools.pairwise(widths), strict=True))


def short_number(value: float, _: object = None) -> str:
    """Return the text of a tick (0.05, 250, 10k, 2M) in few letters."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if sign == 'k' else size):g}{sign}"
    return f"{value:.6g}"


def unit_line(axes: Axes) -> None:
    """Draw the line of no change at the ratio 1."""
    axes.axvline(1.0, color=INK, linewidth=0.6, zorder=2)
