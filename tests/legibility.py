"""What a reader would trip over in a figure: texts that cross each other or the edge of the page."""

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

MIN_POINTS = 6.0


def text_faults(figure: Figure) -> list[str]:
    """Draw the figure and return a sentence for each fault of its texts."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
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
    return faults + [
        f"{text.get_text()!r} leaves the page"
        for text in texts
        if not (page.contains(*boxes[text].min) and page.contains(*boxes[text].max))
    ]


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
