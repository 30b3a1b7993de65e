"""The belief over commits where the trouble is a failure: a wrong output, a crash, no answer in time.

A look at a commit is a vote: its build showed the trouble, or not. A commit with the trouble shows it in a share of
looks that is not known (it may be flaky), and one without shows it hardly ever. Both shares have beta distributions,
which are integrated out exactly; so a trouble that always shows is found with few looks, and a flaky one with as many
as it takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ablatrix.statistics.bisection.belief import Belief, Real, binary_entropy, posterior

WITH, WITHOUT = (2.0, 1.0), (0.1, 9.9)
"""Beta distributions, before any look, of how often a commit with the trouble shows it, and one without.

One that leans further to always is sooner certain of a failure that always shows, and names a wrong commit too often
where it shows in half of the looks.
"""


@dataclass(frozen=True)
class Votes:
    """Looks at one commit: how many showed the trouble, and how many did not."""

    shown: int = 0
    not_shown: int = 0


def failing_belief(votes: Mapping[int, Votes], commits: int) -> Belief:
    """Return the belief over commits from looks at them.

    Args:
        votes: By commit; 0, the good one, may have some too.
        commits: Number of the bad commit.

    Raises:
        ValueError: A commit that is not on the line.
    """
    shown, missed = np.zeros(commits + 1), np.zeros(commits + 1)
    for commit, held in votes.items():
        if not 0 <= commit <= commits:
            raise ValueError(f"commit {commit} is not on the line from 0 to {commits}")
        shown[commit], missed[commit] = held.shown, held.not_shown
    before_shown, before_missed = np.cumsum(shown), np.cumsum(missed)  # of culprit c: what commits 0 to c - 1 showed
    behind_shown, behind_missed = shown.sum() - before_shown, missed.sum() - before_missed
    logs = _log_marginal(before_shown, before_missed, WITHOUT) + _log_marginal(behind_shown, behind_missed, WITH)
    culprits = posterior(commits, logs)
    rate_with = (WITH[0] + behind_shown) / (sum(WITH) + behind_shown + behind_missed)
    rate_without = (WITHOUT[0] + before_shown) / (sum(WITHOUT) + before_shown + before_missed)
    has = np.arange(1, commits + 1)[:, np.newaxis] >= np.arange(1, commits + 2)[np.newaxis, :]  # commit x culprit
    rates = np.where(has, rate_with, rate_without)
    gains = binary_entropy(rates @ culprits) - binary_entropy(rates) @ culprits
    return Belief(culprits, np.maximum(gains, 0.0))


def _log_marginal(shown: Real, missed: Real, before: tuple[float, float]) -> Real:
    from scipy.special import betaln

    found: Real = betaln(before[0] + shown, before[1] + missed) - betaln(*before)
    return found
