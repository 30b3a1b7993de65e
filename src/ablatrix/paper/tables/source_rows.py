"""The rows of a table's source, as names, and how readers are told what stands in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from ablatrix.paper.tables.word import Cell, Word, name_of

Words = dict[str, dict[str, str]]


@dataclass(frozen=True)
class SourceRows:
    """The rows of a source.

    Attributes:
        frame: The rows, with names and English words.
        words: Column -> text in it -> the same in print: for texts that are put together of several things.
    """

    frame: pl.DataFrame
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def enter(words: Words, column: str, cells: Iterable[Cell | None]) -> list[str | None]:
    """Return the names of a column's cells, and keep how they are printed in ``words``."""
    found: list[str | None] = []
    for cell in cells:
        if isinstance(cell, Word):
            words.setdefault(column, {})[cell.name] = cell.text
        found.append(None if cell is None else name_of(cell))
    return found
