"""Of many rows about one unit the largest changes, and the others as one row."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.analysis.effects import MOST_CHANGES, SHOWN_CHANGES
from ablatrix.cli.tables import Row
from ablatrix.statistics.ratio import Ratio


@dataclass(frozen=True)
class RatedRow:
    """A row of a table of changes.

    Attributes:
        unit: What it is about.
        row: Its cells: the change first, its ratio second, its verdict last.
        ratio: By which it is ranked; None without one, and where both levels are the same program.
        is_different: Whether it is shown to be a change.
        verdict: In a word or two.
    """

    unit: str
    row: Row
    ratio: Ratio | None
    is_different: bool
    verdict: str


def largest_rows(rows: Sequence[RatedRow]) -> list[tuple[str, Row]]:
    """Return the rows of each unit, of many the largest first, and then one row about the others."""
    units: dict[str, list[RatedRow]] = {}
    for one in rows:
        units.setdefault(one.unit, []).append(one)
    found: list[tuple[str, Row]] = []
    for unit, held in units.items():
        if len(held) <= MOST_CHANGES:
            found += [(unit, one.row) for one in held]
            continue
        ordered = sorted(held, key=lambda one: (not one.is_different, -_size(one)))
        shown = max(SHOWN_CHANGES, sum(one.is_different for one in held))
        found += [(unit, one.row) for one in ordered[:shown]]
        if ordered[shown:]:
            found.append((unit, _others(ordered[shown:])))
    return found


def _size(one: RatedRow) -> float:
    return 0.0 if one.ratio is None else abs(math.log(one.ratio.value))


def _others(rest: Sequence[RatedRow]) -> Row:
    values = [one.ratio.value for one in rest if one.ratio is not None]
    between = f"{min(values):.4f} to {max(values):.4f}" if values else "none"
    verdicts = Counter(one.verdict for one in rest)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    blank = [""] * (len(rest[0].row) - 3)
    return [f"{len(rest)} others", between, *blank, counted]
