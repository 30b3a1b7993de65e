"""Which knobs have a column in tables with a column a knob: of many those with the largest changes."""

from collections.abc import Callable, Iterator, Sequence

from ablatrix.analysis.effects import Ablation, Largest, Value, largest
from ablatrix.paper.largest import others_line
from ablatrix.plotting.labels import Labels

MOST_COLUMNS, SHOWN_COLUMNS = 12, 8
"""So many knobs have a column each; of more the largest so many."""


def largest_moves(found: Sequence[Ablation], ratio: Callable[[Ablation, int], Value]) -> Largest[int]:
    """Return the numbers of the moves that have a column.

    Args:
        found: Ablations that have the same moves.
        ratio: What a move of an ablation changes.
    """
    moves = range(len(found[0].moves)) if found else range(0)
    return largest({index: [ratio(one, index) for one in found] for index in moves}, MOST_COLUMNS, SHOWN_COLUMNS)


def largest_note(chosen: Largest[int], labels: Labels) -> Iterator[str]:
    """Yield what a table says of the knobs without a column; nothing where all have one."""
    line = others_line(chosen, labels)
    if line is not None:
        yield labels("largest_columns", shown=len(chosen.shown), rest=line)
