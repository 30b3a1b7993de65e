"""How wide a text is in LaTeX's own font, before LaTeX has seen it: what tables are split into parts by."""

# Widths of Computer Modern Roman in thousandths of the font's size (cmr10's metrics, rounded). Times, which the classes
# of conferences have, is narrower.
_WIDTHS = {
    **dict.fromkeys("0123456789", 500), **dict.fromkeys("aegovx$*", 528), **dict.fromkeys("cstrz", 444),
    **dict.fromkeys("bdhnpuyqk", 556), **dict.fromkeys("ijl.,:;[]'!|", 285), "f": 306, "m": 833, "w": 722,
    **dict.fromkeys("ABCDEHKNOQRTUVXYG", 785), **dict.fromkeys("FJLPSZ", 681), "I": 361, "M": 917, "W": 1028,
    "(": 389, ")": 389, "-": 333, " ": 333, "/": 500, "_": 400, "%": 833, "#": 833, "&": 778, "@": 778,
    "\N{EN DASH}": 500,
}  # fmt: skip
_OTHER, _WIDE, _FIRST_WIDE = 778, 1000, 0x2E80
_BOLD = 1.16


def text_width(text: str, size_pt: float, is_bold: bool = False) -> float:
    """Return the width of one line of text in points, or a little more."""
    known = (_WIDTHS.get(one, _WIDE if ord(one) >= _FIRST_WIDE else _OTHER) for one in text)
    return sum(known) * size_pt / 1000.0 * (_BOLD if is_bold else 1.0)
