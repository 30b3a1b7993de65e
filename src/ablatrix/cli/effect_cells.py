"""What tables of effects share: the rows of a unit together, ratios as text."""

from collections.abc import Iterable, Sequence

from ablatrix.cli.tables import Block, Column, Row
from ablatrix.statistics.ratio import Ratio

NONE = "none"
KNOB = 28
"""Wide enough for the changes of most knobs, such as ``partition: whole -> regions``."""
Table = tuple[str, Sequence[Column], Sequence[Block]]
"""Its title, columns and rows."""


def by_unit(rows: Iterable[tuple[str, Row]]) -> list[Block]:
    """Return rows by the unit that they are about."""
    units: dict[str, list[Row]] = {}
    for unit, row in rows:
        units.setdefault(unit, []).append(row)
    return [Block(unit, held) for unit, held in units.items()]


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio alone."""
    return NONE if ratio is None else f"{ratio.value:.4f}"
