"""What is believed of a line of commits: how probable each is the culprit, and what a further look at each would tell.

Commits are numbered along the line: 0 is the good one, ``commits`` the bad one, and the culprit is the first that has
the trouble. Between them the trouble is there from the culprit on. The belief is a probability for each, so that a
look that goes wrong by chance costs further looks and no wrong turn: a binary search with noisy answers (Horstein 1963,
"Sequential transmission using noiseless feedback"; Burnashev & Zigangirov 1974, "An interval estimation problem for
controlled observations"; Waeber, Frazier & Henderson 2013, "Bisection search with noisy responses"). Where these update
by votes of a known reliability, the likelihood here is that of the measured values, and the next commit is the one of
which a look tells most about the culprit a second (Lindley 1956, "On a measure of the information provided by an
experiment"), which for equal costs and answers of equal noise is the median of the belief.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
NO_CULPRIT = 0.05
"""Probability, before anything is measured, that no commit of the line has the trouble."""
LEAST_GAIN = 0.003
"""Bits. Where no commit promises more, further looks do not tell the commits apart that are left."""


@dataclass(frozen=True)
class Belief:
    """What is believed after all looks so far.

    Attributes:
        culprits: For each commit from 1 on, the probability that it is the culprit; last, that none is.
        gains: For each commit from 1 on, how many bits a further look at it is expected to tell about the culprit.
    """

    culprits: Real
    gains: Real

    @property
    def none(self) -> float:
        """The probability that no commit of the line has the trouble."""
        return float(self.culprits[-1])


@dataclass(frozen=True)
class Suspects:
    """Neighbouring commits of which one is the culprit.

    Attributes:
        first, last: Their numbers on the line. They are one where every commit there can be built.
        probability: That the culprit is among them.
    """

    first: int
    last: int
    probability: float

    @property
    def is_one(self) -> bool:
        """Whether it is a single commit."""
        return self.first == self.last


def prior(commits: int) -> Real:
    """Return the belief before any look: every commit alike, and a little that there is no culprit.

    Raises:
        ValueError: No commit.
    """
    if commits < 1:
        raise ValueError(f"at least one commit must follow the good one, but got {commits}")
    return np.append(np.full(commits, (1.0 - NO_CULPRIT) / commits), NO_CULPRIT)


def posterior(commits: int, log_likelihoods: Real) -> Real:
    """Return the belief after looks, from the log likelihood of what they showed under each culprit, and under none."""
    logs = np.log(prior(commits)) + log_likelihoods
    weights: Real = np.exp(logs - logs.max())
    weights /= weights.sum()
    return weights


def find_suspects(culprits: Real, skipped: Collection[int], confidence: float) -> Suspects:
    """Return the fewest neighbouring commits that hold the culprit with a confidence; if several, the most probable.

    A skipped commit (it cannot be built, or not be run) cannot be told from the next one that can: they are named
    together.

    Args:
        culprits: As in `Belief`.
        skipped: Numbers of commits that cannot be looked at.
        confidence: Strictly between 0 and 1; of there being a culprit at all.
    """
    held = culprits[:-1] / max(float(culprits[:-1].sum()), np.finfo(np.float64).tiny)
    groups = _groups(held.size, skipped)
    shares = [float(held[first - 1 : last].sum()) for first, last in groups]
    whole = np.concatenate([[0.0], np.cumsum(shares)])
    for width in range(1, len(groups) + 1):
        sums = whole[width:] - whole[:-width]
        at = int(np.argmax(sums))
        if sums[at] >= confidence or width == len(groups):
            first, last = groups[at][0], groups[at + width - 1][1]
            return Suspects(first, last, float(culprits[first - 1 : last].sum()))
    raise AssertionError("the widest group holds all commits")


def _groups(commits: int, skipped: Collection[int]) -> list[tuple[int, int]]:
    """Return runs of commits that no look can tell apart: skipped ones with the first behind them that is none."""
    groups: list[tuple[int, int]] = []
    first = 1
    for commit in range(1, commits + 1):
        if commit not in skipped or commit == commits:
            groups.append((first, commit))
            first = commit + 1
    return groups


def best_commit(belief: Belief, skipped: Collection[int], costs: Sequence[float]) -> int | None:
    """Return the commit of which a look tells most for its cost; None where no look tells anything.

    Args:
        belief: What is believed.
        skipped: Numbers of commits that cannot be looked at.
        costs: Of a look at each commit from 1 on, in any one unit; all positive.
    """
    rates = belief.gains / np.asarray(costs, np.float64)
    able = np.array([commit + 1 not in skipped for commit in range(rates.size)]) & (belief.gains >= LEAST_GAIN)
    if not able.any():
        return None
    return int(np.argmax(np.where(able, rates, -1.0))) + 1


def binary_entropy(shares: Real) -> Real:
    """Return the entropy of answers that are yes with these probabilities, in bits."""
    safe = np.clip(shares, 1e-300, 1.0 - 1e-16)
    found: Real = -(safe * np.log2(safe) + (1.0 - safe) * np.log2(1.0 - safe))
    return found
