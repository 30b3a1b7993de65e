"""Paragraphs in a language, sentence by sentence, with the position of every number in them."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablatrix.errors import AnalysisError
from ablatrix.paper.chinese import CHINESE
from ablatrix.paper.english import ENGLISH
from ablatrix.paper.files import write_latex, write_text
from ablatrix.paper.fragment import Fragment, Language, Name, Said, phrases_of, pieces, replaced
from ablatrix.paper.markup import code_in_latex, escape_latex, escape_markdown
from ablatrix.paper.number import Number
from ablatrix.paper.sentences import PARAGRAPHS
from ablatrix.paper.sentences.said import confidence_of
from ablatrix.paper.sentences.sentence import Sentence, Sources

LANGUAGES: Mapping[str, Language] = {language.code: language for language in (ENGLISH, CHINESE)}

Span = tuple[int, int]
INTERVAL = "ci"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
"""Digits as they stand in an exponent of plain text."""
TIE = "~"
"""LaTeX's space at which no line ends: it takes the place of the one before a reference."""


@dataclass(frozen=True)
class PrintedSentence:
    """A sentence in a language, before any markup.

    Attributes:
        numbers: Each number with its start and end in the text, in order.
        names: Start and end of each name from the records.
        codes: Start and end of those that are words of a program.
    """

    name: str
    text: str
    numbers: tuple[tuple[Number, Span], ...]
    names: tuple[Span, ...]
    codes: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """One paragraph.

    Attributes:
        sentences: Those that the records support, in order.
        left_out: Name of each omitted sentence, with the reason.
    """

    name: str
    sentences: tuple[PrintedSentence, ...]
    left_out: tuple[tuple[str, str], ...]


def get_language(code: str) -> Language:
    """Return a language of the paper.

    Raises:
        AnalysisError: There is no language with that code.
    """
    if code not in LANGUAGES:
        raise AnalysisError(f"there is no language '{code}' for the paper's text; there are: {', '.join(LANGUAGES)}")
    return LANGUAGES[code]


def write_paragraph(sources: Sources, name: str, language: Language) -> Paragraph:
    """Make one of the paragraphs in `ablatrix.paper.sentences.PARAGRAPHS`."""
    sentences: list[Sentence] = []
    left_out: list[tuple[str, str]] = []
    for writes in PARAGRAPHS[name]:
        for one in writes(sources):
            if isinstance(one, Sentence):
                sentences.append(one)
            else:
                left_out.append((one.name, plain_text(one.reason, language)))
    written = _with_confidence(sources, sentences, language)
    return Paragraph(name, tuple(print_sentence(one, language) for one in written), tuple(left_out))


def _with_confidence(sources: Sources, sentences: Sequence[Sentence], language: Language) -> Iterator[Sentence]:
    """Yield sentences in which the first interval in brackets says how much confidence all have."""
    is_said = False
    for one in sentences:
        first = next((said for said in phrases_of(one.body, language) if said.phrase == INTERVAL), None)
        if first is None or is_said:
            yield one
            continue
        is_said = True
        whole = Said(f"{INTERVAL}/first", {**first.slots, "confidence": confidence_of(sources)})
        body = replaced(one.body, first, whole)
        assert isinstance(body, Said)
        yield Sentence(one.name, body)


def print_sentence(sentence: Sentence, language: Language) -> PrintedSentence:
    """Return a sentence in a language; it begins with a capital, whatever phrase is its first."""
    text, numbers, names, codes = "", [], [], []
    for piece in pieces(sentence.body, language):
        added = piece if isinstance(piece, str) else piece.text
        if not text and isinstance(piece, str):
            added = added.lstrip()
            added = added[:1].upper() + added[1:]
        if language.is_wide:
            text, added = _set_off(text, added)
        if isinstance(piece, str):
            text += added
            continue
        span = len(text), len(text) + len(piece.text)
        text += piece.text
        if isinstance(piece, Number):
            numbers.append((piece, span))
        elif piece.text:
            names.append(span)
            codes += [span] if piece.is_code else []
    return PrintedSentence(sentence.name, text, tuple(numbers), tuple(names), tuple(codes))


def _set_off(before: str, after: str) -> tuple[str, str]:
    """Return two texts that follow each other, with a space between them where one of two scripts ends, and else none.

    A second text that is a number or a name begins with no space, so that it stays as it is.
    """
    left, right = before.rstrip(" "), after.lstrip(" ")
    if not left or not right:
        return before, after
    if _is_wide(left[-1]) == _is_wide(right[0]):
        return (before, after) if not _is_wide(left[-1]) else (left, right)
    narrow = right[0] if _is_wide(left[-1]) else left[-1]
    wide = left[-1] if _is_wide(left[-1]) else right[0]
    is_apart = wide.isalpha() and (narrow.isalnum() or narrow in "%-±")
    return (f"{left} " if is_apart else left), right


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


def plain_text(fragment: Fragment, language: Language) -> str:
    """Return a fragment as text."""
    return "".join(one.text if isinstance(one, Name | Number) else one for one in pieces(fragment, language))


def write_files(paragraph: Paragraph, language: Language, directory: Path) -> list[Path]:
    """Write ``directory/<name>.{md,tex}`` and return the files."""
    text = language.space.join(map(_markdown, paragraph.sentences))
    latex = language.space.join(map(_latex, paragraph.sentences))
    note = f"{language.latex_note}\n" if language.latex_note else ""
    return [
        write_text(directory / f"{paragraph.name}.md", text + "\n"),
        write_latex(directory / f"{paragraph.name}.tex", f"{note}{latex}\n", language.code),
    ]


def _latex(sentence: PrintedSentence) -> str:
    """Return a sentence for LaTeX: it refers to tables and figures by their labels, and powers of ten are raised."""
    return _marked(sentence, escape_latex, _latex_number, code_in_latex)


def _markdown(sentence: PrintedSentence) -> str:
    """Return a sentence for Markdown, with minus signs and raised powers of ten."""
    return _marked(sentence, escape_markdown, _markdown_number, "`{}`".format)


def _marked(
    sentence: PrintedSentence,
    escape: Callable[[str], str],
    written: Callable[[Number], str | None],
    code: Callable[[str], str],
) -> str:
    """Return an escaped sentence whose numbers and words of programs stand as they are written.

    A number of which nothing is written, and a word of a program with a backtick, are text like all else.
    """
    marked = [(span, written(number)) for number, span in sentence.numbers]
    words = [(span, sentence.text[slice(*span)]) for span in sentence.codes]
    marked += [(span, code(word)) for span, word in words if "`" not in word]
    found: list[str] = []
    end = 0
    for (start, stop), text in sorted(marked, key=lambda one: one[0]):
        if text is not None:
            before = sentence.text[end:start]
            found += [escape(before.removesuffix(" ") if text.startswith(TIE) else before), text]
            end = stop
    return "".join([*found, escape(sentence.text[end:])])


def _latex_number(number: Number) -> str | None:
    label, (digits, power) = number.parameters.get("label"), _power_of_ten(number.text)
    if label is not None:
        return rf"{TIE}\ref{{{label}}}"
    if power is not None:
        times = rf"{digits}\times" if digits else ""
        return rf"${times}10^{{{power}}}$"
    if number.text.startswith("-"):
        return f"$-${escape_latex(number.text[1:])}"  # in text it would be a hyphen
    return None


def _markdown_number(number: Number) -> str | None:
    is_negative = number.text.startswith("-")
    sign = "\N{MINUS SIGN}" if is_negative else ""
    digits, power = _power_of_ten(number.text.removeprefix("-"))
    if power is not None:
        times = f"{digits}\N{MULTIPLICATION SIGN}" if digits else ""
        return f"{sign}{times}10{str(power).translate(RAISED)}"
    return f"{sign}{escape_markdown(number.text[1:])}" if is_negative else None


def _power_of_ten(text: str) -> tuple[str, int | None]:
    """Return the digits and the power of a number that is printed with an exponent; no digits where they are 1."""
    digits, _, power = text.partition("e")
    return ("" if digits == "1" else digits), int(power) if power else None


def write_left_out(lines: Iterable[str], language: Language, directory: Path) -> Path:
    """Write ``directory/left_out.md``: a list in Markdown of what the paper omits, and why."""
    listed = [f"- {line}" for line in lines] or [language.phrases["nothing_left_out"]]
    return write_text(directory / "left_out.md", "\n".join(listed) + "\n")
