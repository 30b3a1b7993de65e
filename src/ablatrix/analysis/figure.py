"""The look of every figure, and saving one so that the same data give the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

COLUMN_WIDTH_IN = 3.3
PNG_DPI = 300
# Okabe & Ito's palette in an order that also falls from dark to light in grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK = "#000000"
FAILED = "#B02020"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "font.size": 7,
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 0.9,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "#D8D8D8",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType outlines embedded; publishers refuse type 3
    "figure.dpi": PNG_DPI,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save inside this: settings of the user or of another library have no say."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(height_in: float, width_in: float = COLUMN_WIDTH_IN) -> Figure:
    """Return an empty figure whose parts are laid out so that nothing overlaps."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.pdf`` and ``stem.png`` without dates or program versions, and return the two paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    pdf, png = stem.with_name(stem.name + ".pdf"), stem.with_name(stem.name + ".png")
    FigureCanvasPdf(figure).print_pdf(
        pdf, metadata={"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
    )
    figure.dpi = PNG_DPI  # the PDF writer has set it to points
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    return [pdf, png]
