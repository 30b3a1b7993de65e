"""Which knobs have a column in tables with a column a knob: of many those with the largest changes."""

from collections.abc import Callable, Iterator, Sequence

from ablatrix.analysis.effects import Ablation
from ablatrix.paper.largest import MOST_COLUMNS, SHOWN_COLUMNS, Largest, Value, largest
from ablatrix.plotting.labels import Labels


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
    line = chosen.line(labels)
    if line is not None:
        yield labels("largest_columns", shown=len(chosen.shown), rest=line)
