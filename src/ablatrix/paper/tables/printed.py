"""A table as it is printed, and its Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.paper.markup import escape_markdown


@dataclass(frozen=True, kw_only=True)
class PrintedTable:
    """A table as it is printed: text only.

    Attributes:
        is_number: For each column, whether it is aligned like numbers.
        notes: Sentences below it: what is in no row, what is not attributable.
    """

    number: int
    title: str
    caption: str
    headings: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def markdown_table(table: PrintedTable) -> str:
    """Return the table in Markdown, with its title above, and its caption and notes below."""
    lines = [_row(list(map(escape_markdown, table.headings)))]
    lines += [_row(["---:" if is_number else "---" for is_number in table.is_number])]
    lines += [_row([escape_markdown(cell) for cell in row]) for row in table.rows]
    title = f"**Table {table.number}.** {escape_markdown(table.title)}"
    below = [line for note in (table.caption, *table.notes) for line in ("", escape_markdown(note))]
    return "\n".join([title, "", *lines, *below, ""])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
