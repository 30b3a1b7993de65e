"""From what a search has seen to what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablatrix.culprits.asking import Asking
from ablatrix.culprits.finding import Ending, Finding
from ablatrix.culprits.subset import FoundSet
from ablatrix.statistics.bisection import set_probability


def finding(asking: Asking, ending: Ending, **further: Any) -> Finding:
    """Return what a search came to, with all that its journal says."""
    looks = tuple(asking.journal.looks)
    values: dict[str, Any] = {"trouble": asking.trouble, **further}
    return Finding(
        question=asking.question,
        ending=ending,
        candidates=asking.candidates.every,
        note=asking.candidates.note,
        looks=looks,
        trials=sum(one.trials for one in looks),
        seconds=sum(one.seconds for one in looks),
        **values,
    )


def found_finding(asking: Asking, found: FoundSet, group: Sequence[int], **further: Any) -> Finding:
    """Return what a search in a group of candidates came to.

    Args:
        asking: Who was asked.
        found: The set, by places in the group.
        group: Numbers of the candidates that were searched.
        further: Fields of the finding.
    """
    every = asking.candidates.every
    sure = None
    if found.ending == "found" and found.culprits:
        sure = set_probability(asking.set_looks(group), len(group), found.culprits, found.relation)
    return finding(
        asking,
        found.ending,
        culprits=tuple(every[group[one]] for one in found.culprits),
        relation=found.relation,
        alone=found.alone,
        stay=tuple(every[group[one]].title for one in found.stay),
        confidence=sure,
        **further,
    )
