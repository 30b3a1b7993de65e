r"""A table in LaTeX: booktabs at 9 pt, in floats that fit the text width of a two-column class.

A table of too many columns is split into floats, each with the columns that name its rows. One of too many rows
continues in further floats: longtable supports neither two columns nor footnotes. Numbers of a column are aligned at
their decimal points; a column of names that are all the same becomes a note. Widths are estimated, on the safe side;
LaTeX measures each table again, and scales down what is still too wide, such as in a document of one narrow column.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.paper.markup import escape_latex
from ablatrix.paper.tables.aligned import aligned_cells
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.printed import BREAK, PrintedTable
from ablatrix.paper.tables.text_width import text_width
from ablatrix.plotting.labels import Labels

NEEDS = "% needs \\usepackage{booktabs,graphicx}"
# \ablatrixfit{table}: the table, scaled down where it is wider than the line.
_FIT = r"""\ifdefined\ablatrixtable\else\newsavebox{\ablatrixtable}\fi
\providecommand{\ablatrixfit}[1]{\sbox{\ablatrixtable}{#1}%
  \ifdim\wd\ablatrixtable>\linewidth\resizebox{\linewidth}{!}{\usebox{\ablatrixtable}}\else\usebox{\ablatrixtable}\fi}"""
PAGE_PT, COLUMN_PT = 468.0, 229.0
"""Widths of text and column of the narrowest two-column class: article on letter paper."""
FONT_PT, _LINE_PT = 9.0, 11.0
_GAPS_PT = (4.0, 3.0, 2.0)  # on each side of a column: the first with which all columns fit, else the second
_HEIGHT_PT = 540.0  # of a page of article
_AROUND_PT = 60.0  # rules, headings' gaps and the space to a caption
_BROKEN, _CONFIGURATION = (44, 34, 24), 34  # characters after which a text, and a configuration, are broken
_LONG_NAME, _ROWS_TRIED = 24, 300
_PROSE = 60  # a column as wide as this is filled word by word
_CLAUSE_MARKS = "\u3001\uff0c\uff1a\uff1b"  # between parts of a Chinese text, which has no spaces
_PIECES = re.compile(rf"(?<=[:;,]) | (?=[(→])|(?<=[{_CLAUSE_MARKS}])")  # preferred line breaks
_NAME_PIECES = re.compile(r"(?<=[_\-./=@+])")  # where a long name may be broken
_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_TEXT_PIECES = re.compile(rf"{_NAME_PIECES.pattern}|(?<=[{_WIDE}])(?<!\uff08)(?![\u3001\u3002\uff01-\uff1f])")
_WIDE_FROM, _WIDE_WORD = "\u2e80", 5
_FIGURES = re.compile(r"[\d.,+\-eE\[\] ≤]*")  # a number with its interval is never broken
_SIGN = re.compile(r"\\(?:rightarrow|le|ge|pm|times|textendash)\b")
_COMMAND = re.compile(r"\\[a-z]+|[{}\\$]")  # what LaTeX does not print
_FLOATS_AT_ONCE = 12  # LaTeX can hold only few floats at a time

Lines = Sequence[str]


def latex_tables(tables: Sequence[PrintedTable]) -> str:
    """Return all parts of a table in LaTeX; the first has the caption and the label."""
    floats = [one for table in tables for one in _floats(table)]
    parts = [NEEDS, _FIT]
    for number, one in enumerate(floats):
        if number and number % _FLOATS_AT_ONCE == 0:
            parts.append("\\clearpage")
        parts += _written(one, number, len(floats))
    return "\n".join(parts) + "\n"


@dataclass(frozen=True, kw_only=True)
class _Float:
    """One float: some columns and some rows of a table.

    Attributes:
        columns: Indices of its columns.
        rows: Indices of its rows.
        cells: Every cell of the table in lines of LaTeX.
        headings: Every heading in lines of plain text.
        width_pt: How wide it is, about.
        gap_pt: Room on each side of a column.
        notes: Sentences below it.
    """

    table: PrintedTable
    columns: Sequence[int]
    rows: Sequence[int]
    cells: Sequence[Sequence[Lines]]
    headings: Sequence[Lines]
    width_pt: float
    gap_pt: float
    notes: Sequence[str]


def _floats(table: PrintedTable) -> list[_Float]:
    """Return a table's floats: with texts broken into lines so that there are few floats, and lines are long."""
    limits = _BROKEN if len(table.rows) <= _ROWS_TRIED else _BROKEN[-1:]
    return min((_laid_out(table, most) for most in limits), key=len)


def _laid_out(table: PrintedTable, most: int) -> list[_Float]:
    """Return a table's floats with texts that are broken after so many characters."""
    plain = [
        [_broken(cell, table.is_number[at], table.breaks.get(at), most) for at, cell in enumerate(row)]
        for row in table.rows
    ]
    headings = [_words(heading) for heading in table.headings]
    cells = _latex_cells(table, plain)
    same = _constant_columns(table)
    shown = [column for column in range(len(headings)) if column not in same]
    bare = [_column_width(table, column, headings, cells) for column in range(len(headings))]
    fitting = [gap for gap in _GAPS_PT if sum(bare[one] + 2 * gap for one in shown) <= PAGE_PT]
    gap = fitting[0] if fitting else _GAPS_PT[1]
    widths = [width + 2 * gap for width in bare]
    notes = (*table.notes, *_told(table, {column: value for column, value in same.items() if re.search(r"\w", value)}))
    split = _column_parts(table, shown, widths)
    pages = [(columns, page) for columns in split for page in _pages(table, plain, headings, columns, notes)]
    return [
        _Float(
            table=table,
            columns=columns,
            rows=page,
            cells=cells,
            headings=headings,
            width_pt=sum(widths[column] for column in columns),
            gap_pt=gap,
            notes=notes if number == len(pages) else (),
        )
        for number, (columns, page) in enumerate(pages, 1)
    ]


def _told(table: PrintedTable, same: Mapping[int, str]) -> tuple[str, ...]:
    """Return the note on the columns that would say the same in each row; nothing without any."""
    facts = [
        table.labels("described", what=table.headings[column].replace(BREAK, ""), words=value)
        for column, value in same.items()
    ]
    return (table.labels("same_in_rows", facts=table.labels("semicolon").join(facts)),) if facts else ()


def _column_width(
    table: PrintedTable, column: int, headings: Sequence[Lines], cells: Sequence[Sequence[Lines]]
) -> float:
    """Return how wide a column is without gaps, invisible digits included."""
    widths = [text_width(line, FONT_PT) for line in headings[column]]
    for row, of_row in enumerate(cells):
        is_bold, mark = (row, column) in table.best, 4.0 * ((row, column) in table.marks)
        widths += [
            text_width(_COMMAND.sub("", _SIGN.sub("W", line)), FONT_PT, is_bold) + mark for line in of_row[column]
        ]
    return max(widths)


def _constant_columns(table: PrintedTable) -> dict[int, str]:
    """Return the columns, but for the first, that have one value in all of several rows, or nothing in one.

    Of columns of numbers only counts, and not where columns belong to groups: a reader compares those with their
    neighbours. Some numbers stay.
    """
    found = {}
    for column in range(1, len(table.is_number)):
        values = {row[column] for row in table.rows}
        if len(values) == 1 and (len(table.rows) > 1 or NOTHING in values):
            found[column] = values.pop()
    counts = [column for column, value in found.items() if table.is_number[column] and value.isdigit()]
    is_kept = bool(table.groups) or len(counts) == sum(table.is_number)
    return {
        column: value
        for column, value in found.items()
        if not table.is_number[column] or (column in counts and not is_kept)
    }


def _column_parts(table: PrintedTable, columns: Sequence[int], widths: Sequence[float]) -> list[list[int]]:
    """Split columns into parts that are narrow enough, each with the columns that name the rows.

    These are the columns of text in front; where all columns are text, the first one.
    """
    names = list(itertools.takewhile(lambda column: not table.is_number[column], columns))
    if len(names) == len(columns):
        names = names[:1]
    parts: list[list[int]] = [[*names]]
    for column in columns[len(names) :]:
        used = sum(widths[one] for one in parts[-1])
        if used + widths[column] > PAGE_PT and len(parts[-1]) > len(names):
            parts.append([*names])
        parts[-1].append(column)
    return parts


def _pages(
    table: PrintedTable,
    plain: Sequence[Sequence[Lines]],
    headings: Sequence[Lines],
    columns: Sequence[int],
    notes: Sequence[str],
) -> list[list[int]]:
    """Split rows into pages that fit beside caption and notes."""
    caption, below = (
        sum(text_width(text, FONT_PT) for text in words) / PAGE_PT
        for words in ((table.full_title, table.caption), notes)
    )
    heads = max((len(headings[column]) for column in columns), default=1) + bool(table.groups)
    most = (_HEIGHT_PT - _AROUND_PT) / _LINE_PT - heads - 2 - below
    lines = [
        max(len(row[column]) for column in columns) + (0.5 if _is_new_group(table, number, columns) else 0.0)
        for number, row in enumerate(plain)
    ]
    full = _filled(lines, most, caption)
    # As many pages, but filled alike: a last one of a few rows would be an almost empty page.
    for room in range(math.ceil((sum(lines) + caption) / len(full)), math.ceil(most)):
        if len(even := _filled(lines, float(room), caption)) == len(full):
            return even
    return full


def _filled(lines: Sequence[float], most: float, caption: float) -> list[list[int]]:
    """Split rows into pages of at most so many lines; on the first one the caption takes some."""
    pages: list[list[int]] = [[]]
    used = 0.0
    for number, count in enumerate(lines):
        room = max(8.0, most - (caption if len(pages) == 1 else 0.0))
        if pages[-1] and used + count > room:
            pages.append([])
            used = 0.0
        pages[-1].append(number)
        used += count
    return pages


def _is_new_group(table: PrintedTable, row: int, columns: Sequence[int]) -> bool:
    """Whether some room is left above a row: where several rows share the first column, and its value changes.

    An empty cell stands for the value above it.
    """
    column = [cells[columns[0]] for cells in table.rows[: len(table.rows) - table.footer]]
    if not 0 < row < len(column) or not column[row] or len(set(column)) == len(column):
        return False
    return column[row] != column[row - 1]


def _written(one: _Float, number: int, floats: int) -> Iterator[str]:
    table, labels = one.table, one.table.labels
    layout = "".join("r" if table.is_number[column] else "l" for column in one.columns)
    kind = "table" if one.width_pt <= COLUMN_PT and floats == 1 else "table*"
    label = f"tab:{table.number}"
    if number == 0:
        title, caption = breakable(table.full_title), breakable(table.caption)
        yield f"\\begin{{{kind}}}[tp]\n\\centering\\small\\setlength{{\\tabcolsep}}{{{one.gap_pt}pt}}"
        yield rf"\caption{{\textbf{{{labels('titled', title=title)}}} {caption}}}\label{{{label}}}\smallskip"
    else:
        part = f" ({breakable(table.part)})" if table.part else ""
        yield f"\\begin{{{kind}}}[tp]\n\\centering\\small\\setlength{{\\tabcolsep}}{{{one.gap_pt}pt}}"
        yield rf"{labels('continued', table=_reference(labels, label), part=part)}\par\smallskip"
    yield f"\\ablatrixfit{{\\begin{{tabular}}{{@{{}}{layout}@{{}}}}"
    yield "\\toprule"
    yield from _group_row(one, layout)
    yield _row([tuple(map(escape_latex, one.headings[column])) for column in one.columns], layout, "b")
    yield "\\midrule"
    for row in one.rows:
        if row == len(table.rows) - table.footer and row != one.rows[0]:
            yield "\\midrule"
        elif _is_new_group(table, row, one.columns) and row != one.rows[0]:
            yield "\\addlinespace"
        yield _row([one.cells[row][column] for column in one.columns], layout, "t")
    yield "\\bottomrule\n\\end{tabular}}"
    if one.notes:
        notes = " ".join(map(breakable, one.notes))
        yield rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize\sloppy {notes}}}"
    yield f"\\end{{{kind}}}"


def _reference(labels: Labels, label: str) -> str:
    return rf"{labels('table')}~\ref{{{label}}}" if labels.code == "en" else rf"{labels('table')}\ref{{{label}}}"


def _group_row(one: _Float, layout: str) -> Iterator[str]:
    """Yield the headings that neighbouring columns share, with a rule below each."""
    groups = [one.table.groups[column] if one.table.groups else "" for column in one.columns]
    if not any(groups):
        return
    spans: list[tuple[str, int]] = []
    for group in groups:
        if spans and spans[-1][0] == group and group:
            spans[-1] = (group, spans[-1][1] + 1)
        else:
            spans.append((group, 1))
    cells, rules, at = [], [], 1
    for group, count in spans:
        cells.append(rf"\multicolumn{{{count}}}{{c}}{{{escape_latex(group)}}}" if group else "")
        if group:
            rules.append(rf"\cmidrule(lr){{{at}-{at + count - 1}}}")
        at += count
    assert at == len(layout) + 1
    yield " & ".join(cells) + r" \\"
    yield "".join(rules)


def _latex_cells(table: PrintedTable, plain: Sequence[Sequence[Lines]]) -> list[list[Lines]]:
    """Return every cell in lines of LaTeX: escaped, aligned, in bold, with the letters of footnotes."""
    aligned = {
        column: aligned_cells([cells[column] for cells in table.rows])
        for column, is_number in enumerate(table.is_number)
        if is_number
    }
    found = []
    for row, cells in enumerate(plain):
        shown: list[Lines] = []
        for column, lines in enumerate(cells):
            latex = tuple(map(escape_latex, lines))
            if len(lines) == 1 and column in aligned:
                latex = (aligned[column][row],)
            if (row, column) in table.best:
                latex = tuple(rf"\textbf{{{line}}}" for line in latex)
            if (row, column) in table.marks:
                latex = (*latex[:-1], rf"{latex[-1]}\rlap{{\textsuperscript{{{table.marks[row, column]}}}}}")
            shown.append(latex)
        found.append(shown)
    return found


def _row(cells: Sequence[Lines], layout: str, align: str) -> str:
    return " & ".join(_cell(cell, side, align) for cell, side in zip(cells, layout, strict=True)) + r" \\"


def _cell(lines: Lines, side: str, align: str) -> str:
    if len(lines) == 1:
        return lines[0]
    text = r"\\".join(lines)
    return rf"\begin{{tabular}}[{align}]{{@{{}}{side}@{{}}}}{text}\end{{tabular}}"


def breakable(text: str) -> str:
    """Return text for LaTeX in which long names may be broken after their separators."""
    pieces = [escape_latex(piece) for piece in _NAME_PIECES.split(text)]
    return r"\allowbreak{}".join(pieces) if any(len(word) > _LONG_NAME for word in text.split()) else escape_latex(text)


def _broken(cell: str, is_number: bool, own: int | None = None, most: int = _BROKEN[-1]) -> Lines:
    """Return a long text in several lines, broken between its parts; a word in a column of numbers is kept narrow."""
    if is_number and not re.search(r"\d", cell):
        return _words(cell)
    most = own or (max(_CONFIGURATION, most) if "=" in cell else most)
    if _letters(cell) <= most or _FIGURES.fullmatch(cell):
        return (cell,)
    if most >= _PROSE:
        return tuple(_wrapped(cell, most))
    lines: list[str] = []
    for piece in _PIECES.split(cell):
        if lines and _letters(lines[-1]) + _letters(piece) < most:
            lines[-1] += piece if lines[-1].endswith(tuple(_CLAUSE_MARKS)) else f" {piece}"
        else:
            lines += _wrapped(piece, most)
    return tuple(lines)


def _wrapped(text: str, most: int) -> list[str]:
    """Return a text in lines of at most so many characters, broken at spaces, else after separators of a name.

    Chinese may be broken between any two letters, but not before a mark that ends a clause.
    """
    lines: list[str] = [""]
    for word in text.split(" "):
        pieces = [word] if _letters(word) <= most else [piece for piece in _TEXT_PIECES.split(word) if piece]
        for number, piece in enumerate(pieces):
            glue = " " if lines[-1] and number == 0 else ""
            if lines[-1] and _letters(lines[-1]) + len(glue) + _letters(piece) > most:
                lines.append(piece)
            else:
                lines[-1] += glue + piece
    return lines


def _letters(text: str) -> int:
    """Return how wide a text is in letters; one of Chinese is as wide as two others."""
    return len(text) + sum(letter >= _WIDE_FROM for letter in text)


def _words(text: str) -> Lines:
    """Return a text with one word per line, broken also at underscores; short words share a line.

    A long word of Chinese is broken where its text has `BREAK`, and else after every four letters.
    """
    lines: list[str] = []
    for word in re.split(rf" |(?<=_)|{BREAK}", text):
        for piece in _short_pieces(word):
            glue = "" if lines and _is_joined(lines[-1], piece) else " "
            if lines and _letters(lines[-1]) + len(glue) + _letters(piece) <= len("partition"):
                lines[-1] += glue + piece
            else:
                lines.append(piece)
    return tuple(lines)


def _short_pieces(word: str) -> list[str]:
    is_wide = word != "" and min(word) >= _WIDE_FROM
    if not is_wide or len(word) <= _WIDE_WORD:
        return [word]
    return [word[at : at + 4] for at in range(0, len(word), 4)]


def _is_joined(line: str, piece: str) -> bool:
    """Return whether no space stands between two pieces: of a name, or of Chinese."""
    return line.endswith("_") or (line[-1:] >= _WIDE_FROM and piece[:1] >= _WIDE_FROM)
