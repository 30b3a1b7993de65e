r"""A table in LaTeX: booktabs in floats as wide as the page, in one column or two.

A table that is too wide is scaled down to the page; one that would become too small to read is rotated by 90 degrees.
LaTeX itself decides by the width that it measures, so that one file serves documents of any width. A table with more
rows than fit on a page continues in further floats: longtable supports neither two columns nor scaling.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence

from ablatrix.paper.markup import escape_latex
from ablatrix.paper.tables.printed import PrintedTable

NEEDS = "% needs \\usepackage{booktabs,graphicx}"
# \ablatrixfit{width}{height}{above}{below}: the saved table between two texts, scaled down into this room.
_FIT = r"""\ifdefined\ablatrixtable\else\newsavebox{\ablatrixtable}\fi
\providecommand{\ablatrixfit}[4]{%
  \sbox{\ablatrixtable}{\begin{minipage}{#1}\centering #3\par
    \ifdim\wd\ablatrixtable>\linewidth\resizebox{\linewidth}{!}{\usebox{\ablatrixtable}}%
    \else\usebox{\ablatrixtable}\fi\par #4\end{minipage}}%
  \ifdim\dimexpr\ht\ablatrixtable+\dp\ablatrixtable\relax>#2\resizebox*{!}{#2}{\usebox{\ablatrixtable}}%
  \else\usebox{\ablatrixtable}\fi}"""
_TURNED = 1.5  # times the text width: a wider table is rotated, as 9 pt scaled down by more would be below 6 pt
_BROKEN = 20  # characters after which a text continues on another line of its cell
_PIECES = re.compile(r"(?<=[:;,]) | (?=\()")  # preferred line breaks
_FIGURES = re.compile(r"[\d.,+\-eE\[\] ]*")  # a number with its interval is never broken

# A plain article, in points: the size that LaTeX will measure is estimated, to split a table into pages.
_WIDTH, _HEIGHT, _LINE, _CHARACTER, _GAP = 345.0, 550.0, 11.0, 4.4, 6.0
_CAPTION = 110.0
_FLOATS_AT_ONCE = 12  # LaTeX can hold only few floats at a time

Lines = Sequence[str]


def latex_table(table: PrintedTable) -> str:
    """Return the table in LaTeX."""
    rows = [[_broken(*pair) for pair in zip(row, table.is_number, strict=True)] for row in table.rows]
    headings = [_words(heading) for heading in table.headings]
    pages = _pages(headings, rows)
    parts = [NEEDS, _FIT]
    for number, page in enumerate(pages):
        if number and number % _FLOATS_AT_ONCE == 0:
            parts.append("\\clearpage")
        parts += _float(table, headings, page, is_first=number == 0, is_last=number == len(pages) - 1)
    return "\n".join(parts) + "\n"


def _pages(headings: Sequence[Lines], rows: Sequence[Sequence[Lines]]) -> list[list[Sequence[Lines]]]:
    """Split rows into pages of a plain article that fit once the table is scaled or rotated to the page's width."""
    width = sum(
        max(len(line) for cell in column for line in cell) * _CHARACTER + _GAP
        for column in zip(headings, *rows, strict=True)
    )
    turned = width > _TURNED * _WIDTH
    across, along = (_HEIGHT, _WIDTH) if turned else (_WIDTH, _HEIGHT)
    room = (along - _CAPTION) / (_LINE * min(1.0, across / width)) - max(map(len, headings))
    pages: list[list[Sequence[Lines]]] = [[]]
    used = 0
    for row in rows:
        lines = max(map(len, row))
        if pages[-1] and used + lines > room:
            pages.append([])
            used = 0
        pages[-1].append(row)
        used += lines
    return pages


def _float(
    table: PrintedTable, headings: Sequence[Lines], rows: Sequence[Sequence[Lines]], is_first: bool, is_last: bool
) -> Iterator[str]:
    layout = "".join("r" if is_number else "l" for is_number in table.is_number)
    label = f"tab:{table.number}"
    above = (
        rf"\caption{{\textbf{{{escape_latex(table.title)}.}} {escape_latex(table.caption)}}}\label{{{label}}}"
        if is_first
        else rf"\tablename~\ref{{{label}}}, continued.\par"
    )
    notes = escape_latex(" ".join(table.notes))
    below = rf"\smallskip\parbox{{\linewidth}}{{\footnotesize {notes}}}" if notes and is_last else ""
    yield "\\begin{table*}[tp]\n\\centering\\small\\setlength{\\tabcolsep}{3pt}"
    yield f"\\sbox{{\\ablatrixtable}}{{\\begin{{tabular}}{{{layout}}}"
    yield "\\toprule"
    yield _row(headings, layout, "b")
    yield "\\midrule"
    for number, row in enumerate(rows):
        if number and row[0] != rows[number - 1][0]:
            yield "\\addlinespace"
        yield _row(row, layout, "t")
    yield "\\bottomrule\n\\end{tabular}}%"
    yield f"\\def\\ablatrixabove{{{above}\\smallskip}}\\def\\ablatrixbelow{{{below}}}%"
    yield (
        f"\\ifdim\\wd\\ablatrixtable>{_TURNED}\\textwidth\n"
        "  \\rotatebox{90}{\\ablatrixfit{0.98\\textheight}{\\textwidth}{\\ablatrixabove}{\\ablatrixbelow}}%\n"
        "\\else\n"
        "  \\ablatrixfit{\\textwidth}{0.98\\textheight}{\\ablatrixabove}{\\ablatrixbelow}%\n"
        "\\fi\n\\end{table*}"
    )


def _row(cells: Sequence[Lines], layout: str, align: str) -> str:
    return " & ".join(_cell(cell, side, align) for cell, side in zip(cells, layout, strict=True)) + r" \\"


def _cell(lines: Lines, side: str, align: str) -> str:
    if len(lines) == 1:
        return escape_latex(lines[0])
    text = r"\\".join(map(escape_latex, lines))
    return rf"\begin{{tabular}}[{align}]{{@{{}}{side}@{{}}}}{text}\end{{tabular}}"


def _broken(cell: str, is_number: bool) -> Lines:
    """Return a long text in several lines, broken between its parts; a word in a column of numbers is kept narrow."""
    if is_number and not re.search(r"\d", cell):
        return _words(cell)
    if len(cell) <= _BROKEN or _FIGURES.fullmatch(cell):
        return (cell,)
    lines: list[str] = []
    for piece in _PIECES.split(cell):
        if lines and len(lines[-1]) + len(piece) < _BROKEN:
            lines[-1] += f" {piece}"
        else:
            lines += textwrap.wrap(piece, _BROKEN, break_long_words=False, break_on_hyphens=False)
    return tuple(lines)


def _words(text: str) -> Lines:
    """Return a text with one word per line, broken also at underscores; short words share a line."""
    lines: list[str] = []
    for word in re.split(r" |(?<=_)", text):
        glue = "" if lines and lines[-1].endswith("_") else " "
        if lines and len(lines[-1]) + len(glue) + len(word) <= len("partition"):
            lines[-1] += glue + word
        else:
            lines.append(word)
    return tuple(lines)
