"""How many digits a printed number deserves: as many as its interval supports."""

import math

from ablatrix.paper.number import Form

SIGNIFICANT = 3
"""Digits of a number without an interval."""
MOST_SIGNIFICANT = 4
"""More digits than this are not printed, however narrow the interval."""
_TWO_DIGITS = 3.55  # leading digits of an uncertainty up to which two are given (Review of Particle Physics, 5.3)


def interval_form(
    value: float, low: float | None, high: float | None, divide_by: float = 1.0, unit: str | None = None
) -> Form:
    """Return the form of a number, without an exponent, with the digits that its interval supports.

    The last digit printed is the first significant digit of half the interval's width; where the leading digits of that
    are below 3.55, one more is printed. A number without an interval, or with one of no width, has three significant
    digits.

    Args:
        value: The number, before the change of unit.
        low: Lower end of its interval; None without one.
        high: Upper end.
        divide_by: Change of unit, applied before the format.
        unit: What the printed number counts.
    """
    shown = abs(value) / divide_by
    size = math.floor(math.log10(shown)) if shown > 0 and math.isfinite(shown) else 0
    decimals = SIGNIFICANT - 1 - size
    if low is not None and high is not None and high > low and math.isfinite(high - low):
        half = (high - low) / divide_by / 2.0
        place = math.floor(math.log10(half))
        decimals = min(-place + (half / 10.0**place < _TWO_DIGITS), MOST_SIGNIFICANT - 1 - size)
    return Form(f"z.{max(0, decimals)}f", divide_by, unit)  # z: nothing is printed as "-0"
