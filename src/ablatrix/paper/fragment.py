"""The parts of a sentence before it is in any language: phrases, names from the records, and numbers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Literal

from ablatrix.paper.number import Number

Style = Literal["words", "items", "facts", "parallel", "series", "clauses", "sentences"]


@dataclass(frozen=True)
class Name:
    """A name from the records or a document, printed unchanged: a workload, a level, a processor.

    Attributes:
        is_code: Whether it is a word of a program or a study file, which text shows as such.
    """

    text: str
    is_code: bool = False


@dataclass(frozen=True)
class Term:
    """The title of a workload, compiler, knob or level, which may differ between languages.

    Attributes:
        texts: Language -> text.
        is_code: Whether it has no title, so that its name stands for it.
    """

    texts: Mapping[str, str]
    is_code: bool = False


@dataclass(frozen=True)
class Listed:
    """A list: words, ``a, b and c``; items and facts, ``a, b, c``; parallel phrases; sentences; clauses, ``a; b; c``.

    A series has items that are lists themselves, ``a, b, and c``.
    """

    items: tuple["Fragment", ...]
    style: Style = "words"


@dataclass(frozen=True)
class Said:
    """A phrase of the language's table, with the fragments for its slots."""

    phrase: str
    slots: Mapping[str, "Fragment"] = field(default_factory=dict)


Fragment = Name | Term | Number | Listed | Said


@dataclass(frozen=True, kw_only=True)
class Language:
    """Everything that differs between languages.

    Attributes:
        code: Language code, as in ``--lang``.
        phrases: Phrase -> text with ``{slots}``. All languages have the same phrases with the same slots. A
            phrase holds no digit: numbers come through slots.
        comma, last: Separator between words of a list, and before the last one.
        parallel, parallel_last: The same between parallel phrases.
        series, series_last: The same between items that are lists themselves.
        semicolon: Separator between clauses.
        space: Separator between sentences.
        latex_note: First line of a .tex file; empty if plain LaTeX can print the language.
        is_wide: Whether it is written without spaces; words of another script within it are set off by one.
    """

    code: str
    phrases: Mapping[str, str]
    comma: str
    last: str
    parallel: str
    parallel_last: str
    series: str
    series_last: str
    semicolon: str
    space: str
    latex_note: str
    is_wide: bool = False


def say(phrase: str, **slots: Fragment | str) -> Said:
    """Return a phrase with its slots filled; plain text becomes a name."""
    return Said(phrase, {name: Name(one) if isinstance(one, str) else one for name, one in slots.items()})


def listed(items: Iterable[Fragment | str], style: Style = "words") -> Listed:
    """Return a list of fragments."""
    return Listed(tuple(Name(one) if isinstance(one, str) else one for one in items), style)


def pieces(fragment: Fragment, language: Language) -> list[str | Name | Number]:
    """Return a fragment in a language: text, names and numbers in order."""
    if isinstance(fragment, Name | Number):
        return [fragment]
    if isinstance(fragment, Term):
        return [Name(fragment.texts[language.code], fragment.is_code)]
    found: list[str | Name | Number] = []
    if isinstance(fragment, Said):
        for text, slot, _, _ in Formatter().parse(language.phrases[fragment.phrase]):
            found.append(text)
            if slot is not None:
                found += pieces(fragment.slots[slot], language)
        return found
    separators: Mapping[Style, str] = {
        "words": language.comma,
        "items": language.comma,
        "facts": language.parallel,
        "parallel": language.parallel,
        "series": language.series,
        "clauses": language.semicolon,
        "sentences": language.space,
    }
    lasts: Mapping[Style, str] = {
        "words": language.last,
        "parallel": language.parallel_last,
        "series": language.series_last,
    }
    for index, item in enumerate(fragment.items):
        if index:
            is_last = index == len(fragment.items) - 1
            found.append(
                lasts.get(fragment.style, separators[fragment.style]) if is_last else separators[fragment.style]
            )
        found += pieces(item, language)
    return found


def phrases_of(fragment: Fragment, language: Language) -> Iterator[Said]:
    """Yield every phrase within a fragment in the order in which a language prints them."""
    if isinstance(fragment, Said):
        yield fragment
        for _, slot, _, _ in Formatter().parse(language.phrases[fragment.phrase]):
            if slot is not None:
                yield from phrases_of(fragment.slots[slot], language)
    elif isinstance(fragment, Listed):
        for item in fragment.items:
            yield from phrases_of(item, language)


def replaced(fragment: Fragment, old: Said, new: Said) -> Fragment:
    """Return a fragment with one phrase within it, by identity, replaced by another."""
    if fragment is old:
        return new
    if isinstance(fragment, Said):
        return Said(fragment.phrase, {name: replaced(one, old, new) for name, one in fragment.slots.items()})
    if isinstance(fragment, Listed):
        return Listed(tuple(replaced(item, old, new) for item in fragment.items), fragment.style)
    return fragment
