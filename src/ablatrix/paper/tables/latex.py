r"""A table in LaTeX: booktabs in floats as wide as the page, in one column or two.

What is too wide is scaled down to the page; what would become too small to read is turned by a quarter. LaTeX itself
decides by the width that it measures, so that one file serves documents of any width. A table of more rows than a page
takes goes on in further floats: longtable knows neither two columns nor scaling.
"""

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
_TURNED = 1.5  # times the width of the text: wider than this is turned, as 9 pt scaled down by more are below 6 pt

# A plain article in points: what LaTeX will measure is estimated to cut a table into pages.
_WIDTH, _HEIGHT, _ROW, _CHARACTER, _GAP = 345.0, 550.0, 11.0, 4.4, 12.0
_CAPTION = 110.0
_FLOATS_AT_ONCE = 12  # LaTeX keeps few floats waiting


def latex_table(table: PrintedTable) -> str:
    """Return the table in LaTeX."""
    size = rows_of_page(table)
    pages = [table.rows[start : start + size] for start in range(0, max(len(table.rows), 1), size)]
    parts = [NEEDS, _FIT]
    for number, rows in enumerate(pages):
        if number and number % _FLOATS_AT_ONCE == 0:
            parts.append("\\clearpage")
        parts += _float(table, rows, is_first=number == 0, is_last=number == len(pages) - 1)
    return "\n".join(parts) + "\n"


def rows_of_page(table: PrintedTable) -> int:
    """Return how many rows fit a page of a plain article, once the table is scaled or turned to its width."""
    cells = zip(table.headings, *table.rows, strict=True)
    width = sum(max(map(len, column)) * _CHARACTER + _GAP for column in cells)
    turned = width > _TURNED * _WIDTH
    across, along = (_HEIGHT, _WIDTH) if turned else (_WIDTH, _HEIGHT)
    scale = min(1.0, across / width)
    return max(int((along - _CAPTION) / (_ROW * scale)), 5)


def _float(table: PrintedTable, rows: Sequence[Sequence[str]], is_first: bool, is_last: bool) -> Iterator[str]:
    layout = "".join("r" if is_number else "l" for is_number in table.is_number)
    label = f"tab:{table.number}"
    above = (
        rf"\caption{{\textbf{{{escape_latex(table.title)}.}} {escape_latex(table.caption)}}}\label{{{label}}}"
        if is_first
        else rf"\tablename~\ref{{{label}}}, continued.\par\smallskip"
    )
    notes = escape_latex(" ".join(table.notes))
    below = rf"\smallskip\parbox{{\linewidth}}{{\footnotesize {notes}}}" if notes and is_last else ""
    yield "\\begin{table*}[tp]\n\\centering\\small"
    yield f"\\sbox{{\\ablatrixtable}}{{\\begin{{tabular}}{{{layout}}}"
    yield "\\toprule"
    yield latex_row(table.headings)
    yield "\\midrule"
    for number, row in enumerate(rows):
        if number and row[0] != rows[number - 1][0]:
            yield "\\addlinespace"
        yield latex_row(row)
    yield "\\bottomrule\n\\end{tabular}}%"
    yield f"\\def\\ablatrixabove{{{above}}}\\def\\ablatrixbelow{{{below}}}%"
    yield (
        f"\\ifdim\\wd\\ablatrixtable>{_TURNED}\\textwidth\n"
        "  \\rotatebox{90}{\\ablatrixfit{0.98\\textheight}{\\textwidth}{\\ablatrixabove}{\\ablatrixbelow}}%\n"
        "\\else\n"
        "  \\ablatrixfit{\\textwidth}{0.98\\textheight}{\\ablatrixabove}{\\ablatrixbelow}%\n"
        "\\fi\n\\end{table*}"
    )


def latex_row(cells: Sequence[str]) -> str:
    """Return one row of a tabular."""
    return " & ".join(escape_latex(cell) for cell in cells) + r" \\"
