"""From where knobs are tried as the last: from all moved, but for those without whose baseline nothing compiles.

Where all moved does not compile, as a pass that everything needs is among them, no knob could be shown to change
nothing there. So knobs go back to the baseline until the rest compiles: those that fail by themselves first; then one
at a time, found by halving: of a row of knobs that are moved one more at a time, the first that breaks it. It follows
from the records alone, so a run that was stopped goes on with the same compiles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablatrix.records.model import Record
from ablatrix.study.activity import BUILT, Moved

MOST_NEEDED = 8
"""So many knobs are put back; a compiler that needs more of them is left as it is."""


@dataclass(frozen=True)
class FarEnd:
    """From where knobs are tried as the last.

    Attributes:
        needed: Knobs that stay at the baseline's level there, in the order of the study.
        wanted: What is to be compiled before it is known, by which knobs are moved; nothing where it is known.
        compiles: Whether it does.
    """

    needed: tuple[str, ...]
    wanted: tuple[Moved, ...] = ()
    compiles: bool = True

    def moved(self, knobs: Sequence[str]) -> Moved:
        """Return the knobs that are moved there."""
        return Moved(knobs) - Moved(self.needed)


def find_far_end(knobs: Sequence[str], records: Mapping[Moved, Record]) -> FarEnd:
    """Return from where the knobs of a screening are tried as the last, as far as compiles show it.

    Args:
        knobs: All that are moved, in the order of the study.
        records: Of the compiles so far, by which knobs are moved: of none, of each, of all, and of all but each.
    """
    nothing = Moved()
    if not _builds(records, nothing):
        return FarEnd((), compiles=False)
    put_back: list[str] = []
    while len(put_back) <= MOST_NEEDED:
        needed = tuple(knob for knob in knobs if knob in put_back)
        end = FarEnd(needed)
        rest = end.moved(knobs)
        if rest not in records:
            return FarEnd(needed, (rest,))
        if _builds(records, rest):
            others = [rest - {knob} for knob in knobs if knob in rest]
            return FarEnd(needed, tuple(one for one in others if one not in records))
        alone = [knob for knob in knobs if not put_back and not _builds(records, Moved({knob}))]
        enough = [knob for knob in knobs if knob in rest and _builds(records, rest - {knob})]
        if enough or alone:
            put_back += enough[:1] or alone
            continue
        found = _first_that_breaks([knob for knob in knobs if knob in rest], records)
        if isinstance(found, frozenset):
            return FarEnd(needed, (found,))
        put_back.append(found)
    return FarEnd((), compiles=False)


def _first_that_breaks(knobs: Sequence[str], records: Mapping[Moved, Record]) -> str | Moved:
    """Return the knob whose move breaks what compiles with those before it moved, or what to compile next.

    That of none compiles and that of all does not.
    """
    works, fails = 0, len(knobs)
    while fails - works > 1:
        middle = (works + fails) // 2
        first = Moved(knobs[:middle])
        if first not in records:
            return first
        works, fails = (middle, fails) if _builds(records, first) else (works, middle)
    return knobs[works]


def _builds(records: Mapping[Moved, Record], moved: Moved) -> bool:
    return moved in records and records[moved].status in BUILT
