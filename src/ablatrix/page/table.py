"""A table of the page: cells with their unrounded value, rows with their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ablatrix.page.printed import NOTHING
from ablatrix.provenance.ranges import Ranges, count_rows, ranges_text, union

LISTED = "\n"  # between the facets of a row, as the page's script reads them
SEVERAL = "\t"  # between the values of a facet that has several


@dataclass(frozen=True)
class Shown:
    """One cell.

    Attributes:
        text: The printed text.
        value: The unrounded number, used for sorting; None sorts by the text, and an empty number last.
        statistic: Which of the row's sources it was made from; see `ablatrix.page.statistics`.
        tone: ``good``, ``bad``, ``quiet`` or ``warn``: its colour; the text says the same.
    """

    text: str
    value: float | None = None
    statistic: str = ""
    tone: str = ""


EMPTY = Shown(NOTHING, tone="quiet")


@dataclass(frozen=True)
class Heading:
    """A column.

    Attributes:
        text: Its name.
        number: Whether it has numbers.
        meaning: What it means.
        wide: Whether its cells hold sentences or lists, which need room.
    """

    text: str
    number: bool = False
    meaning: str = ""
    wide: bool = False

    @property
    def kind(self) -> str:
        """The class of its cells in the page."""
        return "number" if self.number else "wide" if self.wide else ""


@dataclass(frozen=True)
class Row:
    """Cells, and for each statistic the rows that it was made from, in the canonical order of the records.

    Attributes:
        facets: What filters and the search find the row by, besides its text: name -> value, or several of them.
    """

    cells: Sequence[Shown]
    sources: Mapping[str, Ranges] = field(default_factory=dict)
    facets: Mapping[str, str | Sequence[str]] = field(default_factory=dict)

    @property
    def spelled(self) -> str:
        """The sources as one text: ``p50+p95:0-4;ratio:0-9``."""
        by_ranges: dict[Ranges, list[str]] = {}
        for name, ranges in self.sources.items():
            if ranges:
                by_ranges.setdefault(ranges, []).append(name)
        return ";".join(f"{'+'.join(names)}:{ranges_text(ranges)}" for ranges, names in by_ranges.items())

    @property
    def listed(self) -> str:
        """The values of the facets as one text, in order."""
        values = (one if isinstance(one, str) else SEVERAL.join(one) for one in self.facets.values())
        return LISTED.join(values)

    @property
    def records(self) -> int:
        """How many records the row was made from."""
        return count_rows(union(self.sources.values()))


@dataclass(frozen=True)
class Table:
    """A table with a unique name.

    Attributes:
        note: What is not in it.
        foot: Rows that stay below the others, however these are sorted.
    """

    name: str
    caption: str
    headings: Sequence[Heading]
    rows: Sequence[Row]
    note: str = ""
    foot: Sequence[Row] = ()

    @property
    def has_sources(self) -> bool:
        """Whether any row names its records."""
        return any(row.sources for row in (*self.rows, *self.foot))

    def folded(self, *names: str) -> "Table":
        """Return the table with columns that say the same in every row moved into its caption.

        Args:
            names: Headings of the columns that this may happen to; the first column stays.
        """
        texts = {
            index: {row.cells[index].text for row in (*self.rows, *self.foot)}
            for index, heading in enumerate(self.headings)
            if index and heading.text in names
        }
        gone = {index: found.pop() for index, found in texts.items() if len(found) == 1}
        if not gone:
            return self
        said = ", ".join(f"{self.headings[index].text} {text}" for index, text in gone.items())
        kept = [index for index in range(len(self.headings)) if index not in gone]
        return replace(self._with_columns(kept), caption=f"{self.caption}. All rows: {said}")

    def without_empty(self, name: str) -> "Table":
        """Return the table without the column of this heading if no row has a text there."""
        index = [heading.text for heading in self.headings].index(name)
        if any(row.cells[index].text for row in (*self.rows, *self.foot)):
            return self
        return self._with_columns([other for other in range(len(self.headings)) if other != index])

    def _with_columns(self, kept: Sequence[int]) -> "Table":
        rows, foot = (
            [replace(row, cells=[row.cells[index] for index in kept]) for row in part]
            for part in (self.rows, self.foot)
        )
        return replace(self, headings=[self.headings[index] for index in kept], rows=rows, foot=foot)
