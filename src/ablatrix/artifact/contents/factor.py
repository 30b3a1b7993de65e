"""How documents and reports write the factor of a claim."""


def factor_text(factor: float, low: float | None, high: float | None, digits: int) -> str:
    """Return a factor with its interval, if it has one, to ``digits`` significant digits."""
    shown = f"{factor:.{digits}g}"
    return shown if low is None or high is None else f"{shown} [{low:.{digits}g}, {high:.{digits}g}]"
