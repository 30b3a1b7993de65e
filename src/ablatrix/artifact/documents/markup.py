"""A small document of sections, written as Markdown and as LaTeX.

Inline text is plain, except that text between a pair of backticks is code. Foreign text goes through `plain` first.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ablatrix.foreign_text import without_odd
from ablatrix.paper.markup import escape_latex, escape_markdown

HEADINGS = ("section", "subsection", "subsubsection", "paragraph")

LATEX_ROWS = 8
"""Rows after which a new table begins: a table that cannot break must not be longer than a page."""
_LIST = r"\begin{itemize}\setlength{\itemsep}{0pt}\setlength{\parskip}{0pt}\setlength{\parsep}{0pt}\small"
_BREAKS = re.compile(r"(?<=\w)[._=-](?=\w)|/+")


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list; an item may have a label in front."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Commands:
    """Shell commands, one per line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        shares: For each column its share of the line width in LaTeX; 0: as wide as its content, for numbers.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...]


Block = Paragraph | Items | Commands | Table


@dataclass(frozen=True)
class Section:
    """A heading with its content."""

    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = field(default=())


def plain(text: str) -> str:
    """Return foreign text made fit for a paragraph: on one line, without backticks."""
    return " ".join(without_odd(text).replace("`", "'").split())


def markdown(section: Section, level: int = 1) -> str:
    """Return the section and all below it in Markdown, with a newline at its end."""
    return "\n\n".join(_markdown_parts(section, level)) + "\n"


def latex(section: Section, level: int = 0) -> str:
    """Return the section and all below it in LaTeX that needs no package, to be included with ``input``."""
    return "\n\n".join(_latex_parts(section, level)) + "\n"


def _markdown_parts(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {_inline_markdown(section.title)}"
    for block in section.blocks:
        yield _markdown_block(block)
    for inner in section.sections:
        yield from _markdown_parts(inner, level + 1)


def _markdown_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _inline_markdown(text)
        case Items(items):
            return "\n".join(
                f"- **{_inline_markdown(_lead(label))}** {_inline_markdown(text)}"
                if label
                else f"- {_inline_markdown(text)}"
                for label, text in items
            )
        case Commands(lines):
            return "\n".join(f"    {line}".rstrip() for line in lines)
        case Table(headings, rows, shares):
            rules = ["---" if share else "---:" for share in shares]
            cells = [map(_cell_markdown, headings), rules, *(map(_cell_markdown, row) for row in rows)]
            return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _latex_parts(section: Section, level: int) -> Iterator[str]:
    yield f"\\{HEADINGS[level]}{{{_inline_latex(section.title)}}}"
    for block in section.blocks:
        yield _latex_block(block)
    for inner in section.sections:
        yield from _latex_parts(inner, level + 1)


def _latex_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return _inline_latex(text)
        case Items(items):
            lines = [
                rf"\item {{\bfseries {_inline_latex(_lead(label))}}} {_inline_latex(text)}"
                if label
                else rf"\item {_inline_latex(text)}"
                for label, text in items
            ]
            return "\n".join([_LIST, *lines, r"\end{itemize}"])
        case Commands(lines):
            # Not verbatim: these lines are wider than a column and must break.
            texts = [_breakable(line).replace("'", r"\textquotesingle{}") for line in lines]
            shown = [rf"\hangindent=2em\texttt{{{text}}}\par" for text in texts]
            return "\n".join([r"{\footnotesize\raggedright\frenchspacing\parindent=0pt", *shown, "}"])
        case Table(headings, rows, shares):
            count = max(1, math.ceil(len(rows) / LATEX_ROWS))
            size = math.ceil(len(rows) / count) or 1
            return "\n".join(_latex_table(headings, rows[at : at + size], shares) for at in range(0, len(rows), size))


def _latex_table(headings: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float]) -> str:
    layout = "".join(rf"p{{{share:g}\linewidth}}" if share else "r" for share in shares)

    def line(cells: Sequence[str]) -> str:
        texts = [
            rf"\raggedright {_inline_latex(cell)}" if share else _inline_latex(cell)
            for cell, share in zip(cells, shares, strict=True)
        ]
        return " & ".join(texts) + r" \tabularnewline"

    return "\n".join([
        r"\begin{center}\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{{layout}}}",
        r"\hline",
        line(headings),
        r"\hline",
        *map(line, rows),
        r"\hline",
        r"\end{tabular}",
        r"\end{center}",
    ])  # fmt: skip


def _inline_markdown(text: str) -> str:
    return "".join(f"`{part}`" if is_code else escape_markdown(part) for part, is_code in _parts(text))


def _cell_markdown(text: str) -> str:
    """Return the text of a table's cell, which a bar in code would end."""
    return _inline_markdown(text).replace("\\|", "|").replace("|", "\\|")


def _inline_latex(text: str) -> str:
    return "".join(
        rf"\texttt{{{_breakable(part)}}}" if is_code else _with_breaks(part) for part, is_code in _parts(text)
    )


def _with_breaks(text: str) -> str:
    """Return text in which LaTeX may break long names."""
    words = re.split(r"(\S{25,})", text)
    return "".join(_breakable(word) if at % 2 else escape_latex(word) for at, word in enumerate(words))


def _lead(label: str) -> str:
    return label if label.endswith("?") else f"{label}:"


def _breakable(code: str) -> str:
    """Return code that LaTeX may break after a slash and the like within a word, where it has no spaces to break at."""
    found, at = "", 0
    for match in _BREAKS.finditer(code):
        found += escape_latex(code[at : match.end()]) + r"\allowbreak{}"
        at = match.end()
    return found + escape_latex(code[at:])


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    for number, part in enumerate(without_odd(text).split("`")):
        if part:
            yield part, number % 2 == 1
