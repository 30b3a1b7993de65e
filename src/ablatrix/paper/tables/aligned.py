r"""Numbers of a column, aligned at their decimal points: narrower ones are filled up with invisible digits."""

import re
from collections import Counter
from collections.abc import Sequence

from ablatrix.paper.markup import escape_latex

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?![\d.]*e)")


def aligned_cells(cells: Sequence[str]) -> list[str]:
    r"""Return the cells of a right-aligned column in LaTeX, with ``\phantom`` digits around their numbers.

    Cells of the most frequent form (text between numbers that is the same, such as ``0.93 [0.91, 0.95]``) have each of
    their numbers aligned with that of the other cells. Of the others the first number alone is, where it is all there
    is.
    """
    split = [_split(cell) for cell in cells]
    forms = Counter(texts for texts, numbers in split if numbers)
    if not forms:
        return [escape_latex(cell) for cell in cells]
    common = max(forms, key=lambda form: (forms[form], len(form)))
    own = [numbers for texts, numbers in split if texts == common]
    widths = [_widths([numbers[at] for numbers in own]) for at in range(len(common) - 1)]
    if len(widths) > 1:  # a bare number among numbers with intervals is aligned with their values
        bare = [numbers[0] for texts, numbers in split if texts == ("", "")]
        widths[0] = _widths([*bare, *(numbers[0] for numbers in own)])
    return [_aligned(cell, texts, numbers, common, widths) for cell, (texts, numbers) in zip(cells, split, strict=True)]


def _split(cell: str) -> tuple[tuple[str, ...], list[str]]:
    numbers = _NUMBER.findall(cell)
    return tuple(_NUMBER.split(cell)), numbers


def _widths(numbers: Sequence[str]) -> tuple[int, int]:
    """Return the most digits before and after the point."""
    parts = [number.replace(",", "").partition(".") for number in numbers]
    return max(len(whole) for whole, _, _ in parts), max(len(decimals) for _, _, decimals in parts)


def _aligned(
    cell: str,
    texts: tuple[str, ...],
    numbers: Sequence[str],
    common: tuple[str, ...],
    widths: Sequence[tuple[int, int]],
) -> str:
    if texts == common:
        padded = [_padded(number, *width) for number, width in zip(numbers, widths, strict=True)]
        return "".join(part for pair in zip(map(escape_latex, texts), [*padded, ""], strict=True) for part in pair)
    if texts == ("", "") and len(widths) > 1:
        blank = "".join(
            escape_latex(text) + "0" * whole + ("." + "0" * decimals if decimals else "")
            for text, (whole, decimals) in zip(common[1:-1], widths[1:], strict=True)
        )
        return _padded(numbers[0], *widths[0]) + rf"\phantom{{{blank}{escape_latex(common[-1])}}}"
    return escape_latex(cell)


def _padded(number: str, whole: int, decimals: int) -> str:
    """Return a number with invisible digits before and after it."""
    before, point, after = number.replace(",", "").partition(".")
    missing = "0" * (decimals - len(after))
    if missing and not point:
        missing = "." + missing
    front = "0" * (whole - len(before))
    return (rf"\phantom{{{front}}}" if front else "") + number + (rf"\phantom{{{missing}}}" if missing else "")
