"""Paragraphs from the records, and the list of sentences that had no data."""

from dataclasses import dataclass

from ablatrix.analysis.tidy import Tidy
from ablatrix.paper.sentences import PARAGRAPHS, Absent


@dataclass(frozen=True)
class Text:
    """One paragraph.

    Attributes:
        sentences: Those that the records have data for, in order.
        left_out: Name of each other sentence, with the reason.
    """

    name: str
    sentences: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def write_paragraph(found: Tidy, name: str) -> Text:
    """Make one of the paragraphs in `ablatrix.paper.sentences.PARAGRAPHS`."""
    sentences: list[str] = []
    left_out: list[tuple[str, str]] = []
    for sentence in PARAGRAPHS[name]:
        try:
            sentences.append(sentence(found))
        except Absent as reason:
            left_out.append((getattr(sentence, "__name__", "sentence"), str(reason)))
    return Text(name, tuple(sentences), tuple(left_out))
