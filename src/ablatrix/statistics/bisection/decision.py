"""What comes next in a bisection: a look at a commit, or its end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from ablatrix.statistics.bisection.belief import Belief, Suspects, best_commit, find_suspects

State = Literal["look", "found", "no_trouble", "stalled"]


@dataclass(frozen=True)
class Decision:
    """What comes next.

    Attributes:
        state: ``look`` at a commit; ``found``: the culprit is known with the confidence that was asked for (or one of
            neighbours that no look can tell apart); ``no_trouble``: with that confidence the bad commit does not have
            it; ``stalled``: further looks tell nothing, as builds scatter as much as the trouble does.
        commit: The one to look at; None at an end.
        suspects: The fewest neighbouring commits that hold the culprit with the confidence, if there is one.
    """

    state: State
    commit: int | None
    suspects: Suspects


def decide(
    belief: Belief, seen: Collection[int], skipped: Collection[int], costs: Sequence[float], confidence: float
) -> Decision:
    """Return what comes next. The bad commit is looked at first: how large the trouble is, is known from it alone.

    Args:
        belief: What is believed.
        seen: Numbers of the commits that were looked at.
        skipped: Numbers of those that cannot be.
        costs: Of a look at each commit from 1 on, in any one unit; all positive.
        confidence: Strictly between 0.5 and 1.

    Raises:
        ValueError: A confidence outside its range.
    """
    if not 0.5 < confidence < 1.0:
        raise ValueError(f"0.5 < confidence < 1 must hold, but got confidence={confidence}")
    suspects = find_suspects(belief.culprits, skipped, confidence)
    bad = belief.gains.size
    if bad not in seen:
        return Decision("look", bad, suspects)
    if belief.none >= confidence:
        return Decision("no_trouble", None, suspects)
    if suspects.probability >= confidence and not any(
        commit not in skipped for commit in range(suspects.first, suspects.last)
    ):
        return Decision("found", None, suspects)
    best = best_commit(belief, skipped, costs)
    return Decision("stalled", None, suspects) if best is None else Decision("look", best, suspects)
