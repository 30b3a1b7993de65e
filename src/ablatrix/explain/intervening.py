"""Trying a named cause: what it is put down to is switched alone, and both forms are measured once more.

Of what can be switched (`candidates`) the one is taken that acts most on the operations of the cause alone. What it
changes is measured in blocks of its own, against what the profile says it should change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from ablatrix.errors import TrialError
from ablatrix.explain.candidates import Candidate, Explained, differing, find_candidates
from ablatrix.explain.configuration import Pair, Side
from ablatrix.explain.measuring import Bench
from ablatrix.explain.stopping import is_end
from ablatrix.explain.sums import change, trial_times
from ablatrix.records.explanation import ExplainedGroup, Intervention, SpreadMs

ALONE, ENOUGH = 0.5, 0.9
"""Parts of what a candidate should change that are in the named operations: the least, and what needs no better one."""
NEAR = (0.5, 2.0)
"""What is measured, as a part of what the profile predicts, for a cause to be confirmed."""


def intervene(
    pair: Pair,
    sides: tuple[Side, Side],
    bench: Bench,
    found: Explained,
    *,
    causes: int,
    most_blocks: int,
    notice: Callable[[str], None],
) -> list[Intervention]:
    """Try the largest causes, one for each kind of operations.

    Args:
        pair: The configurations.
        sides: As they are run.
        bench: Where they were measured.
        found: What was found of them.
        causes: How many are tried.
        most_blocks: Blocks of each at most.
        notice: Called with what is being done.
    """
    named = largest_causes(found.groups)[:causes]
    a, b = sides
    if a.cell.compiler != b.cell.compiler:
        why = f"no setting makes {b.cell.compiler} compute it as {a.cell.compiler} does"
        return [Intervention(group=one[0], outcome="cannot be switched", why=why) for one in named]
    seen: list[Candidate] = []
    coming = find_candidates(pair, sides, bench, found)
    tried = []
    for family in named:
        notice(f"trying the cause: {found.groups[family[0]].label}")
        chosen = best_candidate(seen, coming, found.groups, family)
        if chosen is None:
            why = (
                f"of {', '.join(differing(a, b))} and the settings behind it, none acts on these operations without "
                "acting more on others"
            )
            tried.append(Intervention(group=family[0], outcome="cannot be switched", why=why))
        else:
            tried.append(_measured(bench, b, chosen, family, most_blocks))
    return tried


def largest_causes(groups: Sequence[ExplainedGroup]) -> list[list[int]]:
    """Return groups of the same operations together, by the size of their difference; those without nodes are none."""
    held: dict[str, list[int]] = {}
    for index, one in enumerate(groups):
        if one.nodes:
            held.setdefault(one.label, []).append(index)
    return sorted(held.values(), key=lambda family: -abs(math.fsum(groups[one].difference.ms for one in family)))


def best_candidate(
    seen: list[Candidate], coming: Iterator[Candidate], groups: Sequence[ExplainedGroup], family: Sequence[int]
) -> Candidate | None:
    """Return the candidate that acts most on some groups alone; None where all act more on others.

    Args:
        seen: Candidates that were asked for; further ones are added.
        coming: Further ones, asked for until one acts on hardly anything else.
        groups: All groups.
        family: The groups of the cause.
    """

    def best() -> tuple[float, Candidate | None]:
        parts = [(part_alone(one, groups, family), one) for one in seen]
        return max(parts, key=lambda one: one[0], default=(0.0, None))

    while best()[0] < ENOUGH and (further := next(coming, None)) is not None:
        seen.append(further)
    part, chosen = best()
    return chosen if part >= ALONE else None


def part_alone(candidate: Candidate, groups: Sequence[ExplainedGroup], family: Sequence[int]) -> float:
    """Return which part of what a candidate should change is in some groups."""
    moved = {index: abs(groups[index].difference.ms) for index in candidate.acts_on}
    inside = math.fsum(value for index, value in moved.items() if index in family)
    return inside / (math.fsum(moved.values()) or 1.0)


def _measured(bench: Bench, b: Side, chosen: Candidate, family: Sequence[int], most_blocks: int) -> Intervention:
    blocks: list[tuple[tuple[float, float], tuple[float, float]]] = []
    try:
        while True:
            blocks.append(trial_times(bench.trials(b, chosen.side)))
            if is_end(len(blocks), most_blocks, lambda: change(blocks).is_decided):
                break
        measured = change(blocks)
    except TrialError as error:
        why = f"with {chosen.text} it does not run: {error}"
        return Intervention(group=family[0], switched=chosen.text, outcome="cannot be switched", why=why)
    confirmed = is_confirmed(measured, chosen.predicted_ms)
    besides = len(set(chosen.acts_on) - set(family))
    others = f" and on {besides} other group{'s' * (besides > 1)}" if besides else " alone"
    noise = "" if measured.is_decided else ", which may be none at all"
    return Intervention(
        group=family[0],
        switched=chosen.text,
        acts_on=list(chosen.acts_on),
        predicted_ms=chosen.predicted_ms,
        measured=measured,
        outcome="confirmed" if confirmed else "not confirmed",
        why=f"B with {chosen.text}, which acts on it{others}, takes {change_text(measured.ms)}{noise}, and the profile "
        f"says {change_text(chosen.predicted_ms)}",
    )


def change_text(milliseconds: float) -> str:
    """Return a change in words, without a sign."""
    return f"{abs(milliseconds):.4g} ms {'less' if milliseconds < 0 else 'more'}"


def is_confirmed(change: SpreadMs, predicted_ms: float) -> bool:
    """Whether what a switch changes is there, and about what the profile says."""
    ratio = change.ms / predicted_ms if predicted_ms else math.nan
    return change.is_decided and NEAR[0] <= ratio <= NEAR[1]
