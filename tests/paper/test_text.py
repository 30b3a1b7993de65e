"""Sentences as they stand in Markdown and LaTeX."""

from pathlib import Path

from ablatrix.paper.english import ENGLISH
from ablatrix.paper.number import Form, Number
from ablatrix.paper.text import Paragraph, PrintedSentence, write_files


def make_number(value: float, spec: str) -> Number:
    return Number(key=f"number/{value}", value=value, form=Form(spec), statistic="constant", parameters={}, rows=())


def test_negative_numbers_have_minus_signs_and_words_hyphens(tmp_path: Path) -> None:
    low, size = make_number(-2.0, ".0f"), make_number(-3e-5, ".0e")
    sentence = PrintedSentence("s", "A well-known -2% to 10%, and -3e-05.", ((low, (13, 15)), (size, (29, 35))), ())
    markdown, latex = write_files(Paragraph("benefit", (sentence,), ()), ENGLISH, tmp_path)
    assert (
        markdown.read_text(encoding="utf-8")
        == "A well-known \N{MINUS SIGN}2% to 10%, and \N{MINUS SIGN}3\N{MULTIPLICATION SIGN}10⁻⁵.\n"
    )
    assert latex.read_text(encoding="utf-8") == "A well-known $-$2\\% to 10\\%, and $-3\\times10^{-5}$.\n"
