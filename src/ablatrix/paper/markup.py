"""Text for Markdown and LaTeX: escaping, and the float of a figure."""

import re
from dataclasses import dataclass

from ablatrix.foreign_text import without_controls

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "\N{MINUS SIGN}": "$-$",
    "µ": r"$\mu$",
    "…": r"\ldots{}",
    "\N{EN DASH}": r"\textendash{}",
}
_MARKDOWN = str.maketrans({character: "\\" + character for character in "\\`*_{}[]<>|#"})
# What pdflatex prints without a package, beside ASCII: letters of Western Europe, and a few signs.
_KNOWN = (
    "\u00a0\u00a1\u00a7\u00a9\u00ae\u00b0-\u00b3\u00b5-\u00b7\u00b9\u00bf-\u00cf\u00d1-\u00dd\u00df-\u00ef\u00f1-\u00fd\u00ff"
    "\u2013\u2014\u0152\u0153\u2018\u2019\u201c\u201d\u2026"
)
_RARE = re.compile(rf"[^\x00-\x7f{_KNOWN}]+")
_WITHIN_WORD = re.compile(r"(?<=[^\W_])(?:\\_)+(?=[^\W_])")  # there an underscore marks nothing in Markdown


def escape_latex(text: str) -> str:
    """Return text that LaTeX prints unchanged; control characters, on which it would stop, are left out."""
    escaped = "".join(_LATEX.get(character, character) for character in without_controls(text))
    return escaped.replace("--", "-{}-")  # else LaTeX draws one dash


def for_any_engine(latex: str) -> str:
    """Return LaTeX that pdflatex compiles, too: in place of characters that it stops on, it prints their numbers.

    A name of a study or of somebody else's records may have any character. XeLaTeX and LuaLaTeX print them all.
    """
    return _RARE.sub(lambda run: _either(run[0]), latex)


def _either(run: str) -> str:
    numbers = "".join(f"[U+{ord(one):04X}]" for one in run)
    return rf"{{\ifdefined\XeTeXversion {run}\else\ifdefined\luatexversion {run}\else {numbers}\fi\fi}}"


def code_in_latex(text: str) -> str:
    """Return a word of a program as LaTeX sets it, with places at which a long one can break."""
    escaped = "".join(
        _LATEX.get(character, character) + (r"\allowbreak{}" if character in "._:" else "")
        for character in without_controls(text)
    )
    return rf"\texttt{{{escaped}}}"


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows unchanged."""
    escaped = without_controls(text).translate(_MARKDOWN)
    return _WITHIN_WORD.sub(lambda run: run[0].replace("\\", ""), escaped)


# \ablatrixhere: the directory of the file that is being read, so that a figure is found from wherever it is taken in.
# LaTeX knows it since 2020-10; before, and where it is wrong, \graphicspath says it.
_HERE = r"""\def\ablatrixhere{}
\ifdefined\CurrentFilePath\ifx\CurrentFilePath\empty\else\edef\ablatrixhere{\CurrentFilePath/}\fi\fi
\IfFileExists{\ablatrixhere %s}{}{\def\ablatrixhere{}}
"""


def latex_figure(figure: "LatexFigure", file: str, pages: int, is_wide: bool, continued: str) -> str:
    """Return a LaTeX figure, one or two columns wide; each further page is a separate float with the same number.

    Args:
        figure: Its number and words.
        file: Name of its PDF, which is in the same directory.
        pages: Of the PDF.
        is_wide: Whether it is as wide as the page.
        continued: What further pages say, with slots for ``page`` and ``pages``.
    """
    kind, width = ("figure*", r"\textwidth") if is_wide else ("figure", r"\columnwidth")
    floats = []
    for page in range(1, pages + 1):
        title, caption = escape_latex(figure.title), escape_latex(figure.caption)
        if page == 1:
            words = rf"\textbf{{{escape_latex(figure.titled)}}} {caption}"
        else:
            words = rf"\textbf{{{title}}}{continued.format(page=page, pages=pages)}"
        choice = "" if pages == 1 else f",page={page}"
        again = "" if page == 1 else "\\addtocounter{figure}{-1}\n"
        size = rf"width={width},height=0.8\textheight,keepaspectratio"  # a tall one leaves room for its caption
        floats.append(
            f"\\begin{{{kind}}}[tp]\n\\centering\n\\includegraphics[{size}{choice}]{{\\ablatrixhere {file}}}\n"
            f"{again}\\caption{{{words}}}\n"
            + (f"\\label{{fig:{figure.number}}}\n" if page == 1 else "")
            + f"\\end{{{kind}}}\n"
        )
    return "% needs \\usepackage{graphicx}\n" + _HERE % file + "".join(floats)


@dataclass(frozen=True)
class LatexFigure:
    """Number and words of a figure.

    Attributes:
        titled: Its title with the mark that ends it.
    """

    number: int
    title: str
    titled: str
    caption: str
