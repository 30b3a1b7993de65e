"""All corners of a screening: compiled untimed where that is cheap, so that equal programs are timed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.records.model import Record
from ablatrix.study.activity import READ_BACK, Moved, program_of

MOST_CORNERS = 1024
"""More are not compiled, whatever time there is."""
SHARE = 0.5
"""Part of a screening's time that compiling corners may take."""


@dataclass(frozen=True)
class Programs:
    """The distinct programs of all corners.

    Attributes:
        timed: For each program the corner that is timed for it: the one with the fewest knobs moved.
        corners: For each program its corners.
    """

    timed: tuple[int, ...]
    corners: tuple[tuple[int, ...], ...]


def moved_in(corner: int, knobs: Sequence[str]) -> Moved:
    """Return the knobs that a corner moves: bit i of it says whether knob i is."""
    return Moved(knob for place, knob in enumerate(knobs) if corner >> place & 1)


def are_cheap(factors: int, compile_s: float, budget_s: float, at_once: int) -> bool:
    """Return whether all corners of so many knobs can be compiled in the time that a screening has for it.

    Args:
        factors: Knobs that do something.
        compile_s: What one compile takes.
        budget_s: The time of the screening.
        at_once: How many compiles run beside each other.
    """
    count = 1 << factors
    return count <= MOST_CORNERS and count * compile_s / at_once <= SHARE * budget_s


def find_programs(
    entry: CompilerEntry, levels: Mapping[str, Sequence[Level]], records: Mapping[Moved, Record]
) -> Programs | None:
    """Return the distinct programs of all corners; None where a corner was not compiled.

    Two corners are one program if all that was built and read back is the same, and so are the levels of knobs that can
    act without. A corner that failed is a program of its own.

    Args:
        entry: The compiler.
        levels: The knobs that do something, the baseline's level first.
        records: Of compiles, by which knobs are moved.
    """
    knobs = tuple(levels)
    acting = {knob.name for knob in entry.knobs if knob.changes_run or knob.name in READ_BACK}
    found: dict[object, list[int]] = {}
    for corner in range(2 ** len(knobs)):
        moved = moved_in(corner, knobs)
        if moved not in records:
            return None
        program = program_of(records[moved])
        key = corner if program is None else (program, moved & acting)
        found.setdefault(key, []).append(corner)
    # Corners are numbered so that those with few knobs moved are not the first: the smallest set counts.
    timed = [min(corners, key=lambda corner: (corner.bit_count(), corner)) for corners in found.values()]
    return Programs(tuple(timed), tuple(map(tuple, found.values())))
