"""How documents and reports write the factor of a claim."""


def factor_text(factor: float, low: float | None, high: float | None, digits: int) -> str:
    """Return a factor with its interval, if it has one, to ``digits`` significant digits."""
    shown = f"{factor:.{digits}g}"
    return shown if low is None or high is None else f"{shown} [{low:.{digits}g}, {high:.{digits}g}]"


def change_text(factor: float, low: float | None, high: float | None) -> str:
    """Return a factor, before over after, as the change in percent with its sign and interval: below 0 is less."""

    def change(one: float) -> str:
        return f"{100.0 * (1.0 / one - 1.0):+z.1f}".replace("-", "\N{MINUS SIGN}")

    shown = f"{change(factor)}%"
    return shown if low is None or high is None else f"{shown} [{change(high)}%, {change(low)}%]"
