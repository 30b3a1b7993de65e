r"""Numbers of a column, aligned at their decimal points: narrower ones are filled up with invisible digits."""

import re
from collections import Counter
from collections.abc import Sequence

from ablatrix.paper.markup import escape_latex

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?![\d.]*e)")


def aligned_cells(cells: Sequence[str]) -> list[str]:
    r"""Return the cells of a right-aligned column in LaTeX, with ``\phantom`` digits that align their first numbers.

    Cells of the most frequent form (text between numbers that is the same, such as ``0.93 [0.91, 0.95]``) are aligned
    at the point of their first number, and bare numbers with them. Others stay as they are.
    """
    split = [(tuple(_NUMBER.split(cell)), _NUMBER.findall(cell)) for cell in cells]
    forms = Counter(texts for texts, numbers in split if numbers)
    if not forms:
        return [escape_latex(cell) for cell in cells]
    common = max(forms, key=lambda form: (forms[form], len(form)))
    own = [(texts, numbers) for texts, numbers in split if texts in (common, ("", ""))]
    parts = [numbers[0].replace(",", "").partition(".") for _, numbers in own]
    whole, decimals = max(len(before) for before, _, _ in parts), max(len(after) for _, _, after in parts)
    tails = [_tail(*one) for one in own]
    longest = max(tails, key=lambda tail: (sum(map(tail.count, "0123456789.")), len(tail)))
    found = []
    for cell, (texts, numbers) in zip(cells, split, strict=True):
        if texts not in (common, ("", "")):
            found.append(escape_latex(cell))
            continue
        tail = _tail(texts, numbers)
        found.append(
            escape_latex(texts[0]) + _padded(numbers[0], whole, decimals) + escape_latex(tail) + _blank(tail, longest)
        )
    return found


def _tail(texts: Sequence[str], numbers: Sequence[str]) -> str:
    """Return what stands behind the first number of a cell."""
    return texts[1] + "".join(f"{number}{text}" for number, text in zip(numbers[1:], texts[2:], strict=True))


def _blank(tail: str, longest: str) -> str:
    """Return invisible text as wide as what a tail lacks of the longest one: all digits are equally wide."""
    if not tail and longest:
        return rf"\phantom{{{escape_latex(longest)}}}"
    digits, points = (sum(map(longest.count, one)) - sum(map(tail.count, one)) for one in ("0123456789", "."))
    missing = "0" * digits + "." * max(0, points)
    return rf"\phantom{{{missing}}}" if missing else ""


def _padded(number: str, whole: int, decimals: int) -> str:
    """Return a number with invisible digits before and after it."""
    before, point, after = number.replace(",", "").partition(".")
    missing = "0" * (decimals - len(after))
    if missing and not point:
        missing = "." + missing
    front = "0" * (whole - len(before))
    return (rf"\phantom{{{front}}}" if front else "") + number + (rf"\phantom{{{missing}}}" if missing else "")
