"""Tables and paragraphs for people, at the width of the terminal: no word is cut, and columns give way first.

A table that is too wide lets cells wrap between words, then omits the columns that matter least, and last lists each
row as lines of its own. Rows about one subject can be grouped into a block under its name; what is the same in all
rows of each block is stated once beside the name.
"""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ablatrix.foreign_text import printed

PIPED = 120
"""Width of a table where there is no terminal and ``COLUMNS`` is not set; paragraphs are not wrapped there."""
NARROWEST = 40
GAP = 2
COMFORT = 20
SPARE = 3
"""So much wider than its numbers may a column be for its heading to stay on one line."""
_WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60"
_UNITS = "%|ms|min|s|h|KiB|MiB|GiB|bytes"
_WORDS = re.compile(rf"[^\s{_WIDE}]*\d (?:{_UNITS})(?!\w)[^\s{_WIDE}]*|[{_WIDE}]|[^\s{_WIDE}]+")
"""What a line may not cut: a word, a number with its unit, one character of a script that is written without spaces."""

Row = Sequence[str]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its heading.
        rank: 0: never omitted. Where a table is too wide, the column with the highest rank is omitted first.
        whole: Cells stay on one line and are aligned on the right, as numbers are.
        shared: Stated beside the name of each block where all rows of every block have the same cell.
        comfort: Width down to which a cell wraps before columns are omitted.
    """

    name: str
    rank: int = 0
    whole: bool = False
    shared: bool = False
    comfort: int = COMFORT


@dataclass(frozen=True)
class Block:
    """The rows of a table that are about one subject."""

    name: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class _Fitted:
    """What of a table is shown, and how: columns with their widths, or no widths where each row becomes lines."""

    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]
    widths: tuple[int, ...] | None
    omitted: tuple[str, ...] = field(default=())


def print_table(
    title: str,
    columns: Sequence[str | Column],
    rows: Sequence[Row],
    *,
    wide: bool = False,
    to_stderr: bool = False,
) -> None:
    """Print a table without blocks; see `print_blocks`."""
    print_blocks(title, columns, [Block("", rows)], wide=wide, to_stderr=to_stderr)


def print_blocks(
    title: str,
    columns: Sequence[str | Column],
    blocks: Sequence[Block],
    *,
    wide: bool = False,
    to_stderr: bool = False,
) -> None:
    """Print a table in blocks, at the width of the terminal.

    Args:
        title: Stands above it.
        columns: Headings, or columns.
        blocks: The rows, by subject; a block without a name has no line of its own.
        wide: Show every column, each row on one line, whatever the width of the terminal.
        to_stderr: Print to stderr instead of stdout.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    width = None if wide else width_of(stream) or PIPED
    named = tuple(Column(one) if isinstance(one, str) else one for one in columns)
    fitted = _fit(named, tuple(blocks), None if width is None else width - GAP)
    for line in wrapped(title, width):
        _print(stream, line, "bold")
    for line, style in _lines(fitted, width):
        _print(stream, line, style)
    if fitted.omitted:
        names = ", ".join(fitted.omitted)
        for line in wrapped(f"(omitted for want of width: {names}; --wide shows all)", width):
            _print(stream, line, "dim")
    print(file=stream)


def say(text: str, *, indent: int = 0, hanging: int = 0, to_stderr: bool = False) -> None:
    """Print a paragraph, wrapped between words where there is a terminal or ``COLUMNS`` is set.

    Args:
        text: The paragraph; its line ends are kept.
        indent: Spaces before each line.
        hanging: Further spaces before each line but the first.
        to_stderr: Print to stderr instead of stdout.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    width = width_of(stream)
    for number, line in enumerate(wrapped(text, None if width is None else width - indent - hanging)):
        print(" " * (indent + (hanging if number else 0)) + printed(line), file=stream)


def next_steps(*commands: tuple[str, str]) -> None:
    """Name the commands that come next, for a person at a terminal: (what for, the command)."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        show_steps(commands)


def show_steps(commands: Sequence[tuple[str, str]]) -> None:
    """Print the commands that come next to stderr, one a line."""
    size = max(cell_len(what) for what, _ in commands)
    print("next:", file=sys.stderr)
    for what, command in commands:
        print(f"  {_padded(what, size)}  {command}", file=sys.stderr)


def width_of(stream: TextIO) -> int | None:
    """Return the width to print for: ``COLUMNS``, else that of the terminal; None where there is neither."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked):
        return max(int(asked), NARROWEST)
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else None
    except (OSError, ValueError):  # closed, or in memory
        return None
    return None if columns is None else max(columns or 80, NARROWEST)  # some terminals report 0


def wrapped(text: str, width: int | None) -> list[str]:
    """Return the lines of a text, broken between words only; a word that is too long has a line of its own."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if width is None or cell_len(paragraph) <= width:
            lines.append(paragraph)
            continue
        line = " " * (len(paragraph) - len(paragraph.lstrip(" ")))
        begun = False
        for word in _WORDS.finditer(paragraph):
            gap = " " if begun and paragraph[word.start() - 1].isspace() else ""
            if begun and cell_len(line) + len(gap) + cell_len(word[0]) > width:
                lines.append(line)
                line, gap = "", ""
            line, begun = line + gap + word[0], True
        lines.append(line)
    return lines


def _fit(columns: tuple[Column, ...], blocks: tuple[Block, ...], room: int | None) -> _Fitted:
    """Find the columns and widths that fit, the fewest omissions first."""
    if room is None:
        return _Fitted(columns, blocks, _natural(columns, blocks))
    columns, blocks = _share(columns, blocks)
    every = _Fitted(columns, blocks, None)
    omitted: list[str] = []
    while True:
        free = room - GAP * (len(columns) - 1)
        worst = max(range(len(columns)), key=lambda index: columns[index].rank)
        least = _comfortable(columns, blocks)
        if sum(least) > free and not columns[worst].rank:
            least = _tight(columns, blocks)
        if sum(least) <= free:
            widths = _widened(least, _natural(columns, blocks), free)
            return _Fitted(columns, blocks, widths, tuple(omitted))
        if not columns[worst].rank:
            return every
        omitted.append(columns[worst].name)
        columns, blocks = _without(columns, blocks, {worst})


def _share(columns: tuple[Column, ...], blocks: tuple[Block, ...]) -> tuple[tuple[Column, ...], tuple[Block, ...]]:
    """State beside the names of blocks what is the same in all rows of each."""
    if not all(block.name for block in blocks):
        return columns, blocks
    shared = {
        index
        for index, column in enumerate(columns)
        if column.shared and all(len({row[index] for row in block.rows}) == 1 for block in blocks)
    }
    named = []
    for block in blocks:
        facts = [f"{columns[index].name} {block.rows[0][index]}" for index in sorted(shared) if block.rows[0][index]]
        named.append(replace(block, name="; ".join([block.name, *facts])))
    return _without(columns, tuple(named), shared)


def _without(
    columns: tuple[Column, ...], blocks: tuple[Block, ...], gone: set[int]
) -> tuple[tuple[Column, ...], tuple[Block, ...]]:
    kept = [index for index in range(len(columns)) if index not in gone]
    return (
        tuple(columns[index] for index in kept),
        tuple(replace(block, rows=[[row[index] for index in kept] for row in block.rows]) for block in blocks),
    )


def _cells(index: int, blocks: tuple[Block, ...]) -> list[str]:
    return [row[index] for block in blocks for row in block.rows]


def _natural(columns: tuple[Column, ...], blocks: tuple[Block, ...]) -> tuple[int, ...]:
    """Return the width of each column in which no cell wraps; the headings of numbers may."""
    found = []
    for index, column in enumerate(columns):
        lines = [line for cell in _cells(index, blocks) for line in cell.split("\n")]
        widest, head = max(map(cell_len, lines), default=0), cell_len(column.name)
        if column.whole and head > widest + SPARE:
            head = _longest_word(column.name)
        found.append(max(head, widest))
    return tuple(found)


def _tight(columns: tuple[Column, ...], blocks: tuple[Block, ...]) -> tuple[int, ...]:
    """Return the width of each column in which no word is cut."""
    return tuple(
        max(
            [_longest_word(column.name)]
            + [cell_len(cell) if column.whole else _longest_word(cell) for cell in _cells(index, blocks)]
        )
        for index, column in enumerate(columns)
    )


def _comfortable(columns: tuple[Column, ...], blocks: tuple[Block, ...]) -> tuple[int, ...]:
    sizes = zip(columns, _tight(columns, blocks), _natural(columns, blocks), strict=True)
    return tuple(max(tight, min(natural, column.comfort)) for column, tight, natural in sizes)


def _longest_word(text: str) -> int:
    return max((cell_len(word[0]) for word in _WORDS.finditer(text)), default=0)


def _widened(least: tuple[int, ...], natural: tuple[int, ...], room: int) -> tuple[int, ...]:
    """Give the room that is left to the columns whose cells wrap, in proportion to what they lack."""
    lacking = [max(0, whole - one) for whole, one in zip(natural, least, strict=True)]
    left = room - sum(least)
    if sum(lacking) <= left:
        return tuple(one + more for one, more in zip(least, lacking, strict=True))
    return tuple(one + left * more // sum(lacking) for one, more in zip(least, lacking, strict=True))


def _lines(fitted: _Fitted, width: int | None) -> list[tuple[str, str]]:
    """Return the lines of a table below its title, each with its style."""
    lines: list[tuple[str, str]] = []
    if fitted.widths is not None:
        heads = [wrapped(column.name, size) for column, size in zip(fitted.columns, fitted.widths, strict=True)]
        tall = max(map(len, heads), default=0)
        heads = [[""] * (tall - len(head)) + head for head in heads]
        lines += [(line, "bold") for line in _row_lines(heads, fitted.columns, fitted.widths)]
        lines.append((" " * GAP + (" " * GAP).join("-" * size for size in fitted.widths), "dim"))
    for block in fitted.blocks:
        lines += [(line, "bold") for line in wrapped(block.name, width) if block.name]
        for row in block.rows:
            if fitted.widths is None:
                lines += [(line, "") for line in _listed(fitted.columns, row, width)]
            else:
                cells = [
                    cell.split("\n") if column.whole else wrapped(cell, size)
                    for cell, column, size in zip(row, fitted.columns, fitted.widths, strict=True)
                ]
                lines += [(line, "") for line in _row_lines(cells, fitted.columns, fitted.widths)]
    return lines


def _row_lines(cells: Sequence[Sequence[str]], columns: Sequence[Column], widths: Sequence[int]) -> list[str]:
    lines = []
    for number in range(max(map(len, cells), default=0)):
        parts = [
            _padded(cell[number] if number < len(cell) else "", size, right=column.whole)
            for cell, column, size in zip(cells, columns, widths, strict=True)
        ]
        lines.append((" " * GAP + (" " * GAP).join(parts)).rstrip())
    return lines


def _listed(columns: Sequence[Column], row: Row, width: int | None) -> list[str]:
    """Return a row as lines of ``name: value``, its first cell as their heading."""
    lines = [" " * GAP + line for line in wrapped(row[0], None if width is None else width - GAP)]
    for column, cell in zip(columns[1:], row[1:], strict=True):
        if cell:
            room = None if width is None else width - 3 * GAP
            first, *others = wrapped(f"{column.name}: {' '.join(cell.split())}", room)
            lines += [" " * 2 * GAP + first, *(" " * 3 * GAP + line for line in others)]
    return lines


def _padded(text: str, width: int, *, right: bool = False) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space


def _print(stream: TextIO, line: str, style: str) -> None:
    """Print one line, styled where the stream is a terminal that shows styles; names have no effect on it."""
    line = printed(line)
    if not style or not stream.isatty():
        print(line, file=stream)
        return
    console = Console(file=stream, width=max(cell_len(line), 1), highlight=False)
    console.print(Text(line), style=style, soft_wrap=True)
