"""A table as it is printed, and its Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ablatrix.paper.markup import escape_markdown
from ablatrix.plotting.labels import ENGLISH, Labels

Cell = tuple[int, int]
"""Row and column, from 0."""


@dataclass(frozen=True, kw_only=True)
class PrintedTable:
    """A table as it is printed: text only.

    Attributes:
        number: Its number; that of all parts of a table.
        part: What distinguishes it from the other parts of the table; empty where it is the only one.
        headings: Of each column, below its group.
        is_number: For each column, whether it is aligned like numbers.
        groups: Of each column, the heading that it shares with its neighbours; empty for none. No groups at all by
            default.
        best: Cells that are set in bold.
        marks: Letters of footnotes by cell.
        breaks: Characters after which a long text of a column continues on another line, where they are others than
            usual.
        footer: So many rows at the end are set off: means over the others.
        notes: Sentences below it: footnotes, what is in no row, what is not attributable.
        labels: The words of its language.
    """

    number: int
    title: str
    caption: str
    headings: tuple[str, ...]
    is_number: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    part: str = ""
    groups: tuple[str, ...] = ()
    best: frozenset[Cell] = frozenset()
    marks: Mapping[Cell, str] = field(default_factory=dict)
    breaks: Mapping[int, int] = field(default_factory=dict)
    footer: int = 0
    labels: Labels = ENGLISH

    @property
    def full_headings(self) -> tuple[str, ...]:
        """Headings that need no group above them."""
        groups = self.groups or ("",) * len(self.headings)
        return tuple(f"{group} {text}" if group else text for group, text in zip(groups, self.headings, strict=True))

    @property
    def marked_rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows, with the letters of footnotes in their cells."""
        return tuple(
            tuple(
                f"{cell} ({self.marks[row, column]})" if (row, column) in self.marks else cell
                for column, cell in enumerate(cells)
            )
            for row, cells in enumerate(self.rows)
        )

    @property
    def full_title(self) -> str:
        """Its title, with what distinguishes the part."""
        return f"{self.title} ({self.part})" if self.part else self.title


def markdown_table(table: PrintedTable) -> str:
    """Return the table in Markdown, with its title above, and its caption and notes below."""
    lines = [_row(list(map(escape_markdown, table.full_headings)))]
    lines += [_row(["---:" if is_number else "---" for is_number in table.is_number])]
    for row, cells in enumerate(table.marked_rows):
        shown = [escape_markdown(cell) for cell in cells]
        lines.append(_row([f"**{cell}**" if (row, at) in table.best else cell for at, cell in enumerate(shown)]))
    title = f"**{table.labels('table')} {table.number}.** {escape_markdown(table.full_title)}"
    below = [line for note in (table.caption, *table.notes) for line in ("", escape_markdown(note))]
    return "\n".join([title, "", *lines, *below, ""])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
