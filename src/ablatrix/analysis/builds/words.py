"""What is said of two builds, in English: the same words in the terminal, on the page and in a pull request."""

import math

from ablatrix.analysis.builds.values import CHANGED, UNCHANGED, Change, Crossed, MeanChange, Needs, SameCode
from ablatrix.analysis.groups import percent_text
from ablatrix.statistics.ratio import Ratio


def change_text(one: Change | MeanChange, margin: float, sign: str = "+-") -> str:
    """Return what may be said of a change: ``regression``, ``same within 1 %``, ``not distinguishable (+-1.8 %)``."""
    if one.word == "same":
        return f"same within {percent_text(margin)}"
    resolution = one.judgement.resolution if one.judgement is not None else None
    if one.word == "not distinguishable" and resolution is not None:
        return f"not distinguishable ({sign}{percent_text(resolution)})"
    if one.word == "not distinguishable":
        return f"not distinguishable from {percent_text(margin)}"
    if isinstance(one, Change) and one.word == "not confirmed":
        return f"not confirmed (second session: {one.elsewhere})"
    return one.word


def interval_text(ratio: Ratio | None, exact: bool = False) -> str:
    """Return a ratio as a change in percent with its interval: ``+2.1 % [+1.2, +3.0]``; a dash without one."""
    if ratio is None:
        return "-"
    value = f"{signed(ratio.value)} %"
    if exact or ratio.low is None or ratio.high is None:
        return value
    return f"{value} [{signed(ratio.low)}, {signed(ratio.high)}]"


def signed(ratio: float) -> str:
    """Return a ratio as a signed change in percent without the sign for it, to a tenth, or to a hundredth near 1."""
    percent = (ratio - 1.0) * 100.0
    text = f"{percent:+.2f}" if abs(percent) < 0.995 else f"{percent:+.1f}"
    return "0.00" if float(text) == 0.0 else text


def needs_text(needs: Needs, margin: float) -> str:
    """Return what it would take to settle what is open."""
    if needs.blocks is None or needs.further is None:
        return f"no number of blocks settles it at {percent_text(margin)}: the figure cannot show less"
    blocks = "1 further block" if needs.further == 1 else f"{needs.further} further blocks"
    return f"about {blocks}" + ("" if needs.seconds is None else f" ({_duration(needs.seconds)})")


def dependence_text(one: Crossed, margin: float) -> str | None:
    """Return how the build's change depends on a knob, in a sentence; None where that is not shown."""
    if not one.depends:
        return None
    before, after = one.build_at
    sides = [
        f"{change_text(side, margin)} with {one.knob}={level} ({interval_text(side.effect.ratio)})"
        for side, level in ((before, one.base_level), (after, one.level))
    ]
    changed = [side.word in CHANGED for side in one.build_at]
    if changed == [False, True] and before.word in UNCHANGED:
        return f"only with {one.knob}={one.level}: {sides[1]}; {sides[0]}"
    if changed == [True, False] and after.word in UNCHANGED:
        return f"only with {one.knob}={one.base_level}: {sides[0]}; {sides[1]}"
    return f"depends on {one.knob}: {sides[0]}; {sides[1]}"


def same_code_text(one: SameCode) -> str:
    """Return what pairs whose code is the same in both builds say of the noise of layout."""
    pairs = "1 comparison" if one.comparisons == 1 else f"{one.comparisons} comparisons"
    return (
        f"same code in both builds in {pairs}: they differ by {percent_text(math.expm1(one.typical))} (root mean "
        f"square), at most {percent_text(math.expm1(one.largest))}; this is noise of layout, and no change"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
