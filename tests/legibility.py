"""What a reader would trip over in a figure: crossing texts, marks cut off, series that grey makes one."""

import itertools

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

MIN_POINTS = 6.0
MIN_GREY_STEP = 0.1  # of a scale from black to white, between series that nothing but colour tells apart
MIN_CONTRAST = 1.7  # to white; 1 is none
MAX_HEIGHT_IN = 9.0


def text_faults(figure: Figure) -> list[str]:
    """Draw the figure and return a sentence for each fault of its texts."""
    renderer = _drawn(figure)
    hidden = _labels_out_of_sight(figure)
    texts = [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text().strip() and text.get_visible() and text not in hidden
    ]
    boxes = {text: text.get_window_extent(renderer) for text in texts}
    faults = [
        f"{a.get_text()!r} crosses {b.get_text()!r}"
        for a, b in itertools.combinations(texts, 2)
        if boxes[a].padded(-1.0).overlaps(boxes[b].padded(-1.0))
    ]
    faults += [f"{text.get_text()!r} is too small" for text in texts if float(text.get_fontsize()) < MIN_POINTS]
    page = figure.bbox.padded(1.0)
    faults += [
        f"{text.get_text()!r} leaves the page"
        for text in texts
        if not (page.contains(*boxes[text].min) and page.contains(*boxes[text].max))
    ]
    panels = [axes.get_window_extent(renderer).padded(-1.0) for axes in figure.axes if axes.axison]
    own = {text for axes in figure.axes for text in axes.texts}
    faults += [
        f"{text.get_text()!r} lies on a panel"
        for text in texts
        if text not in own and any(boxes[text].padded(-1.0).overlaps(panel) for panel in panels)
    ]
    return faults


def faults(figure: Figure) -> list[str]:
    """Draw the figure and return a sentence for each fault of its texts, marks, colours, units and size."""
    found = text_faults(figure) + _mark_faults(figure) + grey_faults(figure)
    if not any("(" in label for label in _axis_labels(figure)):
        found.append("no axis has a unit")
    if figure.get_figheight() > MAX_HEIGHT_IN:
        found.append(f"{figure.get_figheight():.1f} in is higher than a page")
    return found


def grey_faults(figure: Figure) -> list[str]:
    """Return a sentence for each pair of the legend that grey makes one, and each colour that is lost on white."""
    entries: dict[tuple[object, ...], list[tuple[str, float]]] = {}
    found = []
    for handle in figure.legends[0].legend_handles if figure.legends else []:
        label = str(handle.get_label()) if handle is not None else ""
        if isinstance(handle, Line2D):
            drawn = handle.get_marker() not in (None, "None", "", " ") or handle.get_linestyle() not in ("None", "none")
            if not drawn:
                continue  # a note
            is_open = (
                to_rgb(handle.get_markerfacecolor()) == (1, 1, 1) if handle.get_markerfacecolor() != "none" else True
            )
            shape: tuple[object, ...] = (handle.get_marker(), is_open, handle.get_fillstyle(), handle.get_linestyle())
            colour = handle.get_color()
        elif isinstance(handle, Patch):
            shape = ("patch", handle.get_hatch())
            colour = handle.get_facecolor()
        else:
            continue
        red, green, blue = to_rgb(colour)
        light = 0.299 * red + 0.587 * green + 0.114 * blue
        entries.setdefault(shape, []).append((label, light))
        linear = [(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in (red, green, blue)]
        if 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) < MIN_CONTRAST:
            found.append(f"{label!r} is too light for white paper")
    for same in entries.values():
        for (one, light), (other, dark) in itertools.combinations(same, 2):
            if abs(light - dark) < MIN_GREY_STEP:
                found.append(f"{one!r} and {other!r} look the same in grey")
    return found


def _mark_faults(figure: Figure) -> list[str]:
    """Return a sentence for each mark whose middle lies outside of its panel."""
    renderer = _drawn(figure)
    found = []
    for axes in figure.axes:
        box: Bbox = axes.get_window_extent(renderer).padded(1.0)
        for line in axes.lines:
            if line.get_marker() in (None, "None", "", " "):
                continue
            for x, y in line.get_transform().transform(line.get_xydata()):
                if not box.contains(x, y):
                    found.append(f"a mark of {np.asarray(line.get_xydata()).tolist()} leaves its panel")
                    break
    return found


def _axis_labels(figure: Figure) -> list[str]:
    labels = [text.get_text() for text in (figure._supxlabel, figure._supylabel) if text is not None]  # type: ignore[attr-defined]
    return [*labels, *(axes.get_xlabel() for axes in figure.axes)]


def _drawn(figure: Figure) -> RendererAgg:
    """Lay the figure out, once, and return what measures its texts."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return canvas.get_renderer()


def _labels_out_of_sight(figure: Figure) -> set[Text]:
    """Return the labels of ticks beyond the axis's ends, of ticks kept for later use, and of hidden axes."""
    hidden = set()
    for axes, axis in ((each, axis) for each in figure.axes for axis in (each.xaxis, each.yaxis)):
        low, high = sorted(axis.get_view_interval())
        used = (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for tick in (*axis.majorTicks, *axis.minorTicks):
            if not (axes.axison and tick in used and low <= tick.get_loc() <= high):
                hidden |= {tick.label1, tick.label2}
    return hidden
