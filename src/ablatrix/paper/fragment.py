"""What a sentence is made of before it is in any language: phrases, names of the records, and numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

from ablatrix.paper.number import Number


@dataclass(frozen=True)
class Name:
    """A word of the records or of a document, printed as it stands there: a workload, a level, a processor."""

    text: str


@dataclass(frozen=True)
class Statement:
    """A sentence that a document makes in each language, around the one number that the document sets in it.

    Attributes:
        around: Language -> what stands before and after the number.
        bound: The number; None where the sentence, all of which stands before it, has none.
    """

    around: Mapping[str, tuple[str, str]]
    bound: Number | None


@dataclass(frozen=True)
class Listed:
    """Fragments in a row: ``a, b and c``; or as clauses, ``a; b; c``; or one sentence after another."""

    items: tuple["Fragment", ...]
    style: Literal["words", "clauses", "sentences"] = "words"


@dataclass(frozen=True)
class Said:
    """A phrase of the language's table, with what goes into its slots."""

    phrase: str
    slots: Mapping[str, "Fragment"] = field(default_factory=dict)


Fragment = Name | Number | Statement | Listed | Said


@dataclass(frozen=True, kw_only=True)
class Language:
    """Everything that differs from one language to another.

    Attributes:
        code: As in ``--lang``.
        phrases: Phrase -> text with ``{slots}``. All languages have the same phrases with the same slots. A
            phrase holds no digit: numbers come through slots.
        comma, last: Between words of a list, and before the last one.
        semicolon: Between clauses.
        space: Between sentences.
        latex_note: First line of a .tex file; empty when plain LaTeX prints the language.
    """

    code: str
    phrases: Mapping[str, str]
    comma: str
    last: str
    semicolon: str
    space: str
    latex_note: str


def say(phrase: str, **slots: Fragment | str) -> Said:
    """Return a phrase with its slots filled; plain text becomes a name."""
    return Said(phrase, {name: Name(one) if isinstance(one, str) else one for name, one in slots.items()})


def listed(items: Iterable[Fragment | str], style: Literal["words", "clauses", "sentences"] = "words") -> Listed:
    """Return fragments in a row."""
    return Listed(tuple(Name(one) if isinstance(one, str) else one for one in items), style)


def pieces(fragment: Fragment, language: Language) -> list[str | Name | Number]:
    """Return a fragment in a language: text, names and numbers as they follow each other."""
    if isinstance(fragment, Name | Number):
        return [fragment]
    found: list[str | Name | Number] = []
    if isinstance(fragment, Statement):
        before, after = fragment.around[language.code]
        return [Name(before), fragment.bound, Name(after)] if fragment.bound is not None else [Name(before)]
    if isinstance(fragment, Said):
        for text, slot, _, _ in Formatter().parse(language.phrases[fragment.phrase]):
            found.append(text)
            if slot is not None:
                found += pieces(fragment.slots[slot], language)
        return found
    separators = {"words": language.comma, "clauses": language.semicolon, "sentences": language.space}
    for place, item in enumerate(fragment.items):
        if place:
            is_last = fragment.style == "words" and place == len(fragment.items) - 1
            found.append(language.last if is_last else separators[fragment.style])
        found += pieces(item, language)
    return found
