"""Labels of the figures' axes: the same numbers at every width, and names that break into lines where room is short."""

import itertools
import math
from collections.abc import Iterator

import altair as alt

MOST_TICKS = 7
LINEAR_TO = 4.0  # a span of ratios up to this is labelled in equal steps, on a logarithmic axis too
_PER_DECADE = ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0,))
CHARACTERS = "characters"
"""The parameter of a figure that says how many characters of a name fit into a line; the page sets it by its width."""


def ticks(low: float, high: float) -> list[float]:
    """Return round numbers to label on a logarithmic axis: at least three, and about `MOST_TICKS` at most.

    Left to itself, a logarithmic axis that spans less than a decade has one label or none.

    Args:
        low: Where the axis begins, above 0.
        high: Where it ends.
    """
    if high / low > LINEAR_TO:
        decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
        for mantissas in _PER_DECADE:
            found = [float(f"{mantissa * 10.0**decade:.12g}") for decade in decades for mantissa in mantissas]
            found = [value for value in found if low <= value <= high]
            if len(found) <= MOST_TICKS:
                break
        if len(found) > 2:
            return found
    return next(found for step in _round_steps((high - low) / 2.0) if len(found := _multiples(step, low, high)) > 3)


def number_axis(low: float, high: float) -> alt.Axis:
    """Return the axis of a logarithmic scale: labels that overlap are left out, its title ends where it ends."""
    return alt.Axis(
        values=ticks(low, high),
        labelExpr="format(datum.value, ',~g')",
        labelOverlap="greedy",
        titleAnchor="end",
    )


def name_axis() -> alt.Axis:
    """Return the axis of names: whole, in as many lines as they take, broken behind separators where there are any."""
    one_line = f"(.{{1,' + {CHARACTERS} + '}}(?:[ _./\N{MIDDLE DOT}-]|$)|.{{1,' + {CHARACTERS} + '}})"
    broken = f"replace(datum.label, regexp('{one_line}', 'g'), '$1\\n')"
    return alt.Axis(labelExpr=f"split(trim({broken}), '\\n')", labelLimit=0, labelLineHeight=13, title=None)


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _round_steps(most: float) -> Iterator[float]:
    """Yield 5, 2 and 1 times powers of ten from this on, falling."""
    for power in itertools.count(math.floor(math.log10(most)), -1):
        yield from (step * 10.0**power for step in (5.0, 2.0, 1.0) if step * 10.0**power <= most)
