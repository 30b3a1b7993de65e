"""What a search by groups found, in lines: what can go, what was tried, and what is not proven."""

import math
from collections.abc import Iterator, Sequence

from ablatrix.analysis.effects.searches import GroupSearch
from ablatrix.analysis.groups import percent_text
from ablatrix.statistics.ratio import Ratio

MOST_NAMED = 60
"""Names in a line: more are counted."""
NO_WIDTH = 1e-9
"""An interval that is narrower is rounding alone."""


def search_texts(one: GroupSearch, idle: int) -> Iterator[str]:
    """Yield the lines of a search.

    Args:
        one: The search.
        idle: How many knobs change nothing.
    """
    sizes = [len(test.knobs) for test in one.tests]
    alone = sum(size == 1 for size in sizes)
    groups = f"{len(sizes) - alone} groups of up to {max(sizes, default=0)} and " if alone < len(sizes) else ""
    yield f"tried: {groups}{alone} knobs by themselves, each left out of all on"
    if one.free:
        reach = "" if one.reach is None else f", what each group does is known to +-{percent_text(one.reach)} at most"
        yield f"no effect found of {len(one.free)} that can go{reach}: {names_text(one.free)}"
    if one.together is not None:
        beside = f", with the {idle} that do nothing here," if idle else ""
        verdict = "fails" if one.together.fails else measured_text(one.together.ratio)
        judged = "it is not the same, so not all of them can go at once" if one.together.matters else "no effect found"
        yield f"all {len(one.together.knobs)} at once{beside} left out: {verdict}; {judged}"
    elif one.free:
        yield "not proven: that all of them can go at once, as that was not tried"
    if one.broken:
        yield f"cannot go, as what is left fails: {names_text(one.broken)}"
    for group in one.joint:
        yield f"matter together while no part of them does, so not all of them can go: {names_text(group)}"
    if one.undivided:
        groups = "; ".join(map(names_text, one.undivided))
        which = "not proven which of their knobs do, as they were not divided"
        yield f"matter as groups ({len(one.undivided)}), and {which}: {groups}"
    if len(sizes) > alone:
        yield "taken for granted: what two knobs of one group do does not cancel out"


def names_text(several: Sequence[str], most: int = MOST_NAMED) -> str:
    """Return names in a line, of which those beyond ``most`` are counted."""
    listed = ", ".join(several[:most])
    return listed if len(several) <= most else f"{listed} and {len(several) - most} more"


def measured_text(ratio: Ratio | None, exact: bool = False) -> str:
    """Return a ratio with its interval; one without width, or that is said to be exact, has none."""
    if ratio is None:
        return "none"
    if not exact and (ratio.low is None or ratio.high is None):
        return f"{ratio.value:.4f} (one block)"
    if exact or math.isclose(ratio.low or 0.0, ratio.high or 0.0, rel_tol=NO_WIDTH):
        return f"{ratio.value:.4f} exactly"
    return f"{ratio.value:.4f} [{ratio.low:.4f}, {ratio.high:.4f}]"
