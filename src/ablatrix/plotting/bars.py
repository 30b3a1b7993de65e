"""What a chart of an explanation shows: families of groups, the rest, overhead, the residual; they add up."""

from __future__ import annotations

from ablatrix.plotting.families import Family, families, family_text
from ablatrix.records.explanation import Explanation

MICROSECONDS = 1.0
"""Below so many milliseconds numbers are shown in microseconds."""


def shown_families(found: Explanation, most: int) -> tuple[list[Family], list[Family]]:
    """Return the families with the largest differences, and the rest."""
    every = families(found.groups)
    return every[:most], every[most:]


def bars_of(found: Explanation, most: int = 15) -> tuple[list[tuple[str, float]], float, str]:
    """Return the bars of a chart, the total, and the unit of both."""
    shown, rest = shown_families(found, most)
    scale, unit = (1e3, "\u00b5s") if max(found.a.total.ms, found.b.total.ms) < MICROSECONDS else (1.0, "ms")
    bars = [(family_text(one), one.difference_ms * scale) for one in shown]
    if rest:
        bars.append((f"({len(rest)} further)", sum(one.difference_ms for one in rest) * scale))
    bars.append(("(overhead: what is no kernel)", found.overhead_difference.ms * scale))
    bars.append(("(residual)", found.residual.ms * scale))
    return bars, found.difference.ms * scale, unit
