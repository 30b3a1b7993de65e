"""A table of the page: cells with their unrounded value, rows with their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ablatrix.page.printed import NOTHING
from ablatrix.provenance.ranges import Ranges, count_rows, ranges_text, union


@dataclass(frozen=True)
class Shown:
    """One cell.

    Attributes:
        text: The printed text.
        value: The unrounded number, used for sorting; None sorts by the text, and an empty number last.
        statistic: Which of the row's sources it was made from; see `ablatrix.page.statistics`.
        tone: ``good``, ``bad``, ``quiet`` or ``warn``: its colour; the text says the same.
        words: What a filter matches, if that is not the text.
    """

    text: str
    value: float | None = None
    statistic: str = ""
    tone: str = ""
    words: str = ""


EMPTY = Shown(NOTHING, tone="quiet")


@dataclass(frozen=True)
class Heading:
    """A column: its name, whether it has numbers, and what it means."""

    text: str
    number: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Row:
    """Cells, and for each statistic the rows that it was made from, in the canonical order of the records."""

    cells: Sequence[Shown]
    sources: Mapping[str, Ranges] = field(default_factory=dict)

    @property
    def spelled(self) -> str:
        """The sources as one text: ``p50+p95:0-4;ratio:0-9``."""
        by_ranges: dict[Ranges, list[str]] = {}
        for name, ranges in self.sources.items():
            if ranges:
                by_ranges.setdefault(ranges, []).append(name)
        return ";".join(f"{'+'.join(names)}:{ranges_text(ranges)}" for ranges, names in by_ranges.items())

    @property
    def records(self) -> int:
        """How many records the row was made from."""
        return count_rows(union(self.sources.values()))


@dataclass(frozen=True)
class Table:
    """A table with a unique name; ``note`` says what is not in it."""

    name: str
    caption: str
    headings: Sequence[Heading]
    rows: Sequence[Row]
    note: str = ""

    @property
    def has_sources(self) -> bool:
        """Whether any row names its records."""
        return any(row.sources for row in self.rows)
