"""Numbers as the page shows them. The unrounded value is kept with each one, for sorting and for readers."""

import math

from ablatrix.statistics.ratio import Ratio

NOTHING = "\N{EN DASH}"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def significant(value: float, digits: int = 4) -> str:
    """Return a number with this many significant digits, without an exponent unless it is tiny or huge."""
    if value == 0.0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -5 <= size <= 9:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def number(value: float) -> str:
    """Return a count or a mean of counts: without decimals if it is whole."""
    return f"{value:,.0f}" if value == round(value) else significant(value)


def memory(value: float) -> str:
    """Return bytes in the largest unit that leaves a number of at least 1."""
    unit = 0
    while abs(value) >= 1024.0 and unit < len(UNITS) - 1:
        value, unit = value / 1024.0, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{significant(value, 3)} {UNITS[unit]}"


def ratio_value(value: float) -> str:
    """Return a ratio with three decimals, or three significant digits if it is far from 1."""
    return f"{value:.3f}" if 0.1 <= value < 100.0 else significant(value, 3)


def interval(ratio: Ratio | None, exact: bool = False) -> str:
    """Return the 95 % interval of a ratio, or why there is none."""
    if ratio is None:
        return NOTHING
    if exact:
        return "exact"
    if ratio.low is None or ratio.high is None:
        return "one block" if ratio.count == 1 else NOTHING
    return f"[{ratio_value(ratio.low)},\N{NO-BREAK SPACE}{ratio_value(ratio.high)}]"


def percent(value: float) -> str:
    """Return a share as a percentage with two significant digits; 0.0123 is 1.2 %."""
    return f"{significant(value * 100.0, 2)} %"


def seconds(value: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if value < 120.0:
        return f"{significant(value, 3)} s"
    return f"{significant(value / 60.0, 3)} min" if value < 7200.0 else f"{significant(value / 3600.0, 3)} h"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: 1 trial, 2 trials."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
