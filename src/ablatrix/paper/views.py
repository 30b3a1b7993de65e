"""Ratios as people say them: percent less or more, or so many times as fast."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from ablatrix.paper.digits import interval_form
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, Said, say
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import Form, Number

View = Literal["reduction", "increase", "inverse", "factor", "saved", "added", "spread"]

VIEWS: Mapping[View, Callable[[float], float]] = {
    "reduction": lambda ratio: 1.0 - ratio,
    "increase": lambda ratio: ratio - 1.0,
    "inverse": lambda ratio: 1.0 / ratio,
    "factor": lambda ratio: ratio,
    "saved": lambda ratio: 1.0 - 1.0 / ratio,
    "added": lambda ratio: 1.0 / ratio - 1.0,
    "spread": math.exp,
}
"""What is said of a ratio: ``saved`` and ``added`` of one that has before over after; ``spread`` of a half-width on the
logarithm. Three of them turn its interval around."""
TURNED: frozenset[View] = frozenset({"reduction", "inverse", "added"})
TWOFOLD = 2.0
"""From this ratio on an increase is said as a factor, and no percentage."""
WIDE, NARROW, SMALL = 0.05, 0.0005, 0.001
"""Half-widths from which on a percentage has no decimal, and below which it has two."""
FAR = 1.25
"""From this factor on how far an interval reaches is said as a factor: a percentage would not be the same both ways."""


def amount(ledger: Ledger, interval: Interval, as_factor: bool = False) -> Fragment:
    """Return by how much a ratio is below or above 1, with its interval: a percentage, or a factor from 2 on.

    Args:
        ledger: Where its numbers are entered.
        interval: The ratio.
        as_factor: Whether an increase is a factor whatever its size: beside another one that is.
    """
    if interval.ratio.value >= TWOFOLD or (as_factor and interval.ratio.value > 1.0):
        return _viewed(ledger, interval, "factor")
    return _viewed(ledger, interval, "reduction" if interval.ratio.value <= 1.0 else "increase")


def size(ledger: Ledger, interval: Interval) -> Fragment:
    """Return the same without the interval."""
    view: View = "factor" if interval.ratio.value >= TWOFOLD else "increase"
    view = view if interval.ratio.value > 1.0 else "reduction"
    number = _number(ledger, interval.value, view, "", _form(interval, view))
    return say("manifold" if view == "factor" else "percent", value=number)


def by(ledger: Ledger, interval: Interval) -> Fragment:
    """Return a size as it follows a noun: an increase of a percentage, or by a factor."""
    said = size(ledger, interval)
    assert isinstance(said, Said)
    return say(f"by/{said.phrase}", amount=said)


def speed_up(ledger: Ledger, interval: Interval) -> Fragment:
    """Return how many times as fast something with this ratio of times is, with its interval."""
    return _viewed(ledger, interval, "inverse")


def speed_up_alone(ledger: Ledger, interval: Interval) -> Number:
    """Return the number without the interval."""
    return _number(ledger, interval.value, "inverse", "", _factor_form(1.0 / interval.ratio.value))


def ratio(interval: Interval) -> Fragment:
    """Return a ratio as it is, with its interval, as it stands within brackets."""
    if interval.low is None or interval.high is None or interval.ratio.low == interval.ratio.high:
        return interval.value
    ends = say("ends/plain", low=interval.low, high=interval.high)
    return say("plain/ci/inner", value=interval.value, ci=say("ci", ends=ends))


def claimed(ledger: Ledger, interval: Interval, is_share: bool) -> Fragment:
    """Return the ratio of a claim, before over after, as by how much the metric becomes less or more.

    Args:
        ledger: Where its numbers are entered.
        interval: The ratio.
        is_share: Whether it is a percentage of what was before, and else a factor.
    """
    is_less = interval.ratio.value >= 1.0
    if is_share:
        return _viewed(ledger, interval, "saved" if is_less else "added")
    view: View = "factor" if is_less else "inverse"
    ends = [None if end is None else VIEWS[view](end) for end in (interval.ratio.low, interval.ratio.high)]
    low, high = ends if view not in TURNED else reversed(ends)
    return _viewed(ledger, interval, view, interval_form(VIEWS[view](interval.ratio.value), low, high), "plain")


def changed(ledger: Ledger, interval: Interval) -> Said:
    """Return the ratio of a claim, before over after, as a change with its sign: below 0 the metric became less."""
    return _viewed(ledger, interval, "added")


def in_brackets(said: Fragment) -> Fragment:
    """Return an amount, or so many times as fast, as it stands within brackets."""
    if isinstance(said, Said) and "ci" in said.slots:
        return Said(f"{said.phrase}/inner", said.slots)
    return said


def apart(ledger: Ledger, interval: Interval, as_factor: bool = False) -> tuple[Said, Fragment | None]:
    """Return by how much a ratio is below or above 1, and its interval apart from it; None without one."""
    whole = amount(ledger, interval, as_factor)
    assert isinstance(whole, Said)
    return say(whole.phrase.removesuffix("/ci"), value=whole.slots["value"]), whole.slots.get("ci")


def half_width(ledger: Ledger, widest: Number) -> Fragment:
    """Return half the width of an interval, on the logarithm: as a percentage, or as a factor either way."""
    if widest.value < math.log(FAR):
        return say("half_width/percent", width=widest)
    form = _factor_form(math.exp(widest.value))
    parameters = {**widest.parameters, "view": "spread"}
    value = ledger.enter(
        f"{widest.key}/spread", widest.statistic, math.exp(widest.value), form, widest.rows, parameters
    )
    return say("half_width/factor", width=value)


def ends(ledger: Ledger, interval: Interval) -> Fragment | None:
    """Return the interval of a change, in percent with signs, or of the ratio where it is far; None without one."""
    is_far = interval.ratio.value * TWOFOLD <= 1.0 or _end(interval.high, interval).value >= TWOFOLD
    found = _viewed(ledger, interval, "factor" if is_far else "increase").slots.get("ci")
    return say("ends_of_ratio", ci=found) if is_far and found is not None else found


def farthest(ledger: Ledger, key: str, intervals: Sequence[Interval]) -> tuple[Fragment, bool]:
    """Return how far intervals go from no effect, and whether that is far; of a single one, both its ends.

    It is a percentage either way, or, where it is far, the factor of an increase or of a reduction.
    """
    sides = [(_end(one.high, one).value, 1.0 / _end(one.low, one).value) for one in intervals]
    is_far = max(map(max, sides)) >= FAR
    if len(intervals) == 1 and (alone := ends(ledger, intervals[0])) is not None:
        return alone, is_far
    if not is_far:
        return say("reach/percent", reach=ledger.greatest_of(key, [reach(ledger, one) for one in intervals])), False
    factors = [_reach_factor(ledger, one) for one in intervals]
    side = "more" if max(up for up, _ in sides) >= max(down for _, down in sides) else "less"
    return say(f"reach/factor/{side}", reach=ledger.greatest_of(f"{key}_factor", factors)), True


def _end(end: Number | None, interval: Interval) -> Number:
    return end or interval.value


def _reach_factor(ledger: Ledger, interval: Interval) -> Number:
    low, high = _end(interval.low, interval), _end(interval.high, interval)
    view: View = "factor" if high.value >= 1.0 / low.value else "inverse"
    one = high if view == "factor" else low
    return _number(ledger, one, view, "_reach", _factor_form(VIEWS[view](one.value)))


def reach(ledger: Ledger, interval: Interval) -> Number:
    """Return how far the interval of a ratio goes from 1, in percent; without an interval, how far the ratio is."""
    low, high = interval.low or interval.value, interval.high or interval.value
    down, up = 1.0 - low.value, high.value - 1.0
    if up >= down:
        return _number(ledger, high, "increase", "_reach", _decimals(up / 4))
    return _number(ledger, low, "reduction", "_reach", _decimals(down / 4))


def _viewed(
    ledger: Ledger, interval: Interval, view: View, form: Form | None = None, phrase: str | None = None
) -> Said:
    form = form or _form(interval, view)
    value = _number(ledger, interval.value, view, "", form)
    phrase = phrase or {"factor": "manifold", "inverse": "times"}.get(view, "percent")
    if interval.low is None or interval.high is None or interval.ratio.low == interval.ratio.high:
        return say(phrase, value=value)
    first, last = (interval.high, interval.low) if view in TURNED else (interval.low, interval.high)
    low, high = _number(ledger, first, view, "_low", form), _number(ledger, last, view, "_high", form)
    kind = "plain" if phrase == "manifold" else "percent/mixed" if phrase == "percent" and low.value < 0.0 else phrase
    return say(f"{phrase}/ci", value=value, ci=say("ci", ends=say(f"ends/{kind}", low=low, high=high)))


def _form(interval: Interval, view: View) -> Form:
    value = VIEWS[view](interval.ratio.value)
    low, high = interval.ratio.low, interval.ratio.high
    has_width = low is not None and high is not None and low < high
    half_width = abs(VIEWS[view](high) - VIEWS[view](low)) / 2 if has_width and low and high else None
    if view in ("factor", "inverse"):
        return _factor_form(value, half_width)
    if half_width is None:
        return Form(".2f" if value < SMALL else ".1f", 0.01, "%")
    return _decimals(half_width)


def _decimals(half_width: float) -> Form:
    return Form(".0f" if half_width >= WIDE else ".2f" if half_width < NARROW else ".1f", 0.01, "%")


def _factor_form(value: float, half_width: float | None = None) -> Form:
    """Return the form of a factor: three digits, and a fourth where both ends of its interval would be alike."""
    decimals = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    is_narrow = half_width is not None and half_width < 0.5 * 10**-decimals
    return Form(f".{decimals + is_narrow}f")


def _number(ledger: Ledger, one: Number, view: View, suffix: str, form: Form) -> Number:
    """Enter a number as it is seen; its key ends with the view, its parameters name it."""
    base = one.key.rsplit("/", 1)[0]
    parameters = {**one.parameters, "view": view}
    return ledger.enter(f"{base}/{view}{suffix}", one.statistic, VIEWS[view](one.value), form, one.rows, parameters)
