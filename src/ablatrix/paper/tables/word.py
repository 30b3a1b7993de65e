"""A word of a table: what people read, in the paper's language, and what the data files have for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ablatrix.plotting.labels import ENGLISH, Labels


@dataclass(frozen=True)
class Word:
    """A text that data files have otherwise than readers.

    Attributes:
        name: In the data files: in English, with the names of workloads, compilers, knobs, levels and statuses.
        text: In print: in the paper's language, with their titles.
    """

    name: str
    text: str


Cell = str | Word


def both(labels: Labels, say: Callable[[Labels], str]) -> Cell:
    """Return what is said with names, and with the words and titles of the paper's language."""
    name, text = say(ENGLISH), say(labels)
    return name if name == text else Word(name, text)


def name_of(cell: Cell) -> str:
    """Return a cell as data files have it."""
    return cell.name if isinstance(cell, Word) else cell


def text_of_cell(cell: Cell) -> str:
    """Return a cell as it is printed."""
    return cell.text if isinstance(cell, Word) else cell


def names_of(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Return cells as data files have them."""
    return tuple(map(name_of, cells))


def texts_of(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Return cells as they are printed."""
    return tuple(map(text_of_cell, cells))
