"""The look of every figure, and saving one so that the same data give the same bytes."""

import base64
import functools
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from ablatrix.foreign_text import without_controls

Width = Literal["column", "page"]
WIDTHS_IN: dict[Width, float] = {"column": 3.3, "page": 7.0}
COLUMN_WIDTH_IN = WIDTHS_IN["column"]
# With a caption below, the text height of a letter page; the caption of a narrow figure has more lines.
MAX_HEIGHTS_IN: dict[Width, float] = {"column": 6.8, "page": 7.9}
PNG_DPI = 300
CSS_PX_PER_IN = 96
# Okabe & Ito's palette for the colour-blind, darkest first. In grey only some of them differ: every series has a
# marker, a filling or a hatch of its own as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK = "#000000"
FAINT = "#767676"  # the lightest grey that is still as dark as text has to be on white
NOISE = "#C4C4C4"
FAILED = "#B02020"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
FONT_PT, SMALL_PT = 7.0, 6.5

STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "font.size": FONT_PT,
    "axes.labelsize": FONT_PT,
    "axes.titlesize": FONT_PT,
    "axes.titlepad": 3.0,
    "figure.labelsize": FONT_PT,
    "xtick.labelsize": SMALL_PT,
    "ytick.labelsize": SMALL_PT,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "legend.fontsize": SMALL_PT,
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
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,  # TrueType outlines embedded; publishers refuse type 3
    "svg.fonttype": "path",  # letters as outlines: no viewer needs the font
    "svg.hashsalt": "ablatrix",  # else the names of parts are random
    "figure.dpi": PNG_DPI,
}
NO_PDF_METADATA = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
NO_SVG_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_DOCTYPE = re.compile(r"<!DOCTYPE[^>]*>\n?")


CHINESE_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei",
)  # fmt: skip


@contextmanager
def house_style(with_chinese: bool = False) -> Iterator[None]:
    """Draw and save inside this: settings of the user or of another library have no effect.

    Args:
        with_chinese: Take letters that the font lacks from an installed font that has those of Chinese.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        if with_chinese and (font := chinese_font()) is not None:
            matplotlib.rcParams["font.family"] = [STYLE["font.family"], font]
        yield


class ShownFigure(Figure):
    """A figure that a notebook shows as it is printed, without pyplot."""

    def _repr_html_(self) -> str:
        with house_style():
            target = io.BytesIO()
            self.savefig(target, format="png", dpi=PNG_DPI)
        # At twice the size of print, a screen's text is as large as a page's.
        width = round(2 * CSS_PX_PER_IN * self.get_figwidth())
        data = base64.b64encode(target.getvalue()).decode()
        return f'<img alt="figure" style="max-width: 100%; width: {width}px" src="data:image/png;base64,{data}">'


@functools.cache
def chinese_font() -> str | None:
    """Return the first installed font of `CHINESE_FONTS`; None where there is none.

    Matplotlib keeps a list of fonts: one that was installed after it was made is looked for on the disk.
    """
    from matplotlib.font_manager import findSystemFonts, fontManager

    if (found := _first_of(fontManager.get_font_names())) is not None:
        return found
    known = {one.fname for one in fontManager.ttflist}
    for file in sorted(set(findSystemFonts()) - known):
        with suppress(OSError, RuntimeError):  # no font that it can read
            fontManager.addfont(file)
    return _first_of(fontManager.get_font_names())


def _first_of(names: Iterable[str]) -> str | None:
    there = set(names)
    return next((font for font in CHINESE_FONTS if font in there), None)


def new_figure(height_in: float, width_in: float = COLUMN_WIDTH_IN) -> Figure:
    """Return an empty figure whose parts are laid out so that nothing overlaps."""
    # Constrained layout, with these distances in inches and in shares of a panel.
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.02)
    return ShownFigure(figsize=(width_in, height_in), layout=engine)


def save_pages(pages: Sequence[Figure], stem: Path) -> list[Path]:
    """Write ``stem.pdf`` with all pages, and each page as PNG and SVG: ``stem``, then ``stem_2`` and so on.

    No file holds a date, a program's version or a random name.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    pdf = stem.with_name(f"{stem.name}.pdf")
    written = [pdf]
    with PdfPages(pdf, metadata=NO_PDF_METADATA) as book:  # one file, in which pages share their fonts
        for number, page in enumerate(pages, 1):
            own = stem if number == 1 else stem.with_name(f"{stem.name}_{number}")
            written += _save_images(page, own)
            FigureCanvasPdf(page).print_pdf(book)
    return written


def _without_controls(figure: Figure) -> None:
    """Leave control characters in names of others out: fonts have none, and matplotlib would warn with them in it."""
    for text in figure.findobj(Text):
        if (plain := without_controls(text.get_text())) != text.get_text():
            text.set_text(plain)


def _save_images(figure: Figure, stem: Path) -> list[Path]:
    _without_controls(figure)
    png, svg = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg"))
    figure.dpi = PNG_DPI
    canvas = FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")  # laid out once: three formats, one picture, a third of the time
    canvas.print_png(png, metadata={"Software": None})
    text = io.StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata=NO_SVG_METADATA)
    # The type declaration names a file on a server, which some readers fetch; nothing else refers to other files.
    svg.write_text(_DOCTYPE.sub("", text.getvalue(), count=1), encoding="utf-8", newline="\n")
    figure.dpi = PNG_DPI  # the writer has set it to points; parts that are pixels keep their density
    return [png, svg]
