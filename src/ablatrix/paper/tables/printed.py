"""A table as it is printed, as data files have it, and its Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ablatrix.paper.markup import escape_markdown
from ablatrix.paper.tables.word import Cell, name_of, names_of, text_of_cell, texts_of
from ablatrix.plotting.labels import ENGLISH, Labels

BREAK = "\u200b"
"""A heading of LaTeX may continue on another line here; nobody sees it."""
Position = tuple[int, int]
"""Row and column of a cell, from 0."""


@dataclass(frozen=True, kw_only=True)
class PrintedTable:
    """A table: text only, in the words of print and in those of data files.

    Attributes:
        number: Its number; that of all parts of a table.
        part_word: What distinguishes it from the other parts of the table; empty where it is the only one.
        heading_cells: Heading of each column, below its group.
        is_number: For each column, whether it is aligned like numbers.
        cells: Its rows.
        group_cells: Of each column, the heading that it shares with its neighbours; empty for none. No groups at all by
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
    heading_cells: tuple[Cell, ...]
    is_number: tuple[bool, ...]
    cells: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    part_word: Cell = ""
    group_cells: tuple[Cell, ...] = ()
    best: frozenset[Position] = frozenset()
    marks: Mapping[Position, str] = field(default_factory=dict)
    breaks: Mapping[int, int] = field(default_factory=dict)
    footer: int = 0
    labels: Labels = ENGLISH

    @cached_property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows as they are printed."""
        return tuple(map(texts_of, self.cells))

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The headings as they are printed."""
        return texts_of(self.heading_cells)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The headings of groups as they are printed."""
        return texts_of(self.group_cells)

    @property
    def part(self) -> str:
        """What distinguishes the part, as it is printed."""
        return text_of_cell(self.part_word)

    @property
    def full_headings(self) -> tuple[str, ...]:
        """Headings that need no group above them, as they are printed."""
        return _joined(self.groups, self.headings)

    @property
    def data_headings(self) -> tuple[str, ...]:
        """Headings that need no group above them, as data files have them."""
        return _joined(names_of(self.group_cells), names_of(self.heading_cells))

    @property
    def data_part(self) -> str:
        """What distinguishes the part, as data files have it."""
        return name_of(self.part_word)

    @property
    def marked_rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows as they are printed, with the letters of footnotes in their cells."""
        return self._marked(self.rows)

    @property
    def data_rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows as data files have them, with the letters of footnotes in their cells."""
        return self._marked(tuple(map(names_of, self.cells)))

    @property
    def full_title(self) -> str:
        """Its title, with what distinguishes the part."""
        return f"{self.title} ({self.part})" if self.part else self.title

    def _marked(self, rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            tuple(
                f"{cell} ({self.marks[row, column]})" if (row, column) in self.marks else cell
                for column, cell in enumerate(cells)
            )
            for row, cells in enumerate(rows)
        )


def _joined(groups: Sequence[str], headings: Sequence[str]) -> tuple[str, ...]:
    shared = groups or ("",) * len(headings)
    texts = (f"{group} {text}" if group else text for group, text in zip(shared, headings, strict=True))
    return tuple(text.replace(BREAK, "") for text in texts)


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
