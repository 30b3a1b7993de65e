"""The belief over sets of candidates: which of them it takes for a trouble, from looks with some of them switched off.

A trouble is that of one candidate, of two together (either one switched off removes it), or of each of two (both have
to be off), or of none of them. What a look shows has the likelihood of votes: candidates that have the trouble show it
in a share of looks that is not known, those that do not hardly ever; both shares are integrated out, as for commits.
Where times were compared, a look is wrong with the chance that its own test gave.
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ablatrix.statistics.bisection.failing import WITHOUT

Relation = Literal["one", "together", "each"]
SHARES = {"one": 0.85, "together": 0.08, "each": 0.05}
"""What is believed before any look; what is left is for none of them, and a larger set takes from it."""
NONE = 0.02
WITH = (2.0, 0.1)
"""How often those that have the trouble show it: before a search it has shown in every look, so hardly ever less."""


@dataclass(frozen=True)
class SetLook:
    """A look with some candidates switched off.

    Attributes:
        off: Their numbers.
        shown: Whether the trouble showed.
        doubt: The chance that this is wrong, where times were compared; None of a failure.
    """

    off: frozenset[int]
    shown: bool
    doubt: float | None = None


def set_probability(looks: Sequence[SetLook], count: int, found: Collection[int], relation: Relation) -> float:
    """Return the probability that a set of candidates is what has the trouble.

    Args:
        looks: All looks that said yes or no.
        count: How many candidates there are.
        found: The set.
        relation: Whether its members have the trouble together, or each of them by itself.

    Raises:
        ValueError: No candidate, or a set that is empty or has others.
    """
    if not found or not all(0 <= one < count for one in found):
        raise ValueError(f"a set of candidates from 0 to {count - 1} is needed, but got {sorted(found)}")
    pairs = list(itertools.combinations(range(count), 2))
    priors, values = [NONE], [_log_likelihood(np.zeros(len(looks), dtype=bool), looks)]
    own: float | None = None
    wanted = (relation if len(found) > 1 else "one", tuple(sorted(found)))
    hypotheses: list[tuple[Relation, tuple[int, ...]]] = [("one", (one,)) for one in range(count)]
    hypotheses += [("together", pair) for pair in pairs] + [("each", pair) for pair in pairs]
    if wanted not in hypotheses:
        hypotheses.append(("together" if relation == "together" else "each", wanted[1]))
    for kind, members in hypotheses:
        like = count if kind == "one" else max(1, len(pairs))
        priors.append(SHARES[kind] / like if len(members) <= 2 else NONE / count**2)
        values.append(_log_likelihood(_predicted(kind, members, looks), looks))
        if (kind, members) == wanted:
            own = len(values) - 1
    logs = np.log(priors) + np.asarray(values)
    weights = np.exp(logs - logs.max())
    assert own is not None
    return float(weights[own] / weights.sum())


def _predicted(kind: Relation, members: tuple[int, ...], looks: Sequence[SetLook]) -> np.ndarray:
    """Return in which looks a hypothesis says that the trouble shows."""
    decide = any if kind == "each" else all
    return np.array([decide(one not in look.off for one in members) for look in looks], dtype=bool)


def _log_likelihood(predicted: np.ndarray, looks: Sequence[SetLook]) -> float:
    from scipy.special import betaln

    votes = {True: [0, 0], False: [0, 0]}
    total = 0.0
    for says, look in zip(predicted.tolist(), looks, strict=True):
        if look.doubt is None:
            votes[says][0 if look.shown else 1] += 1
        else:
            wrong = min(max(look.doubt, 1e-9), 0.5)
            total += float(np.log(1.0 - wrong if look.shown == says else wrong))
    for says, (shape, other) in ((True, WITH), (False, WITHOUT)):
        shown, missed = votes[says]
        total += float(betaln(shape + shown, other + missed) - betaln(shape, other))
    return total
