"""What a bisection came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablatrix.bisection.line import Commit
from ablatrix.bisection.question import Question
from ablatrix.statistics.bisection import Suspects
from ablatrix.statistics.ratio import Ratio

Ending = Literal["found", "no_trouble", "stalled", "most_looks"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a bisection came to.

    Attributes:
        ending: ``found``: the culprit, or neighbours of which one is it, with the confidence; ``no_trouble``: the bad
            commit does not have the trouble; ``stalled``: further looks tell nothing; ``most_looks``: as many as
            allowed.
        commits: The line, the good commit first.
        suspects: The fewest neighbouring commits that hold the culprit with the confidence, by their numbers.
        skipped: Commits that cannot be looked at, and why.
        ratio: Of the culprit to its parent, measured beside each other; None without one culprit, and of a failure.
        whole: Of the bad commit to the good one; None where it was not measured.
        builds, looks, trials: How many there were, the comparison with the parent included.
        seconds: Of all builds and runs.
        compared: Directory of the comparison with the parent; None without one.
    """

    question: Question
    ending: Ending
    commits: tuple[Commit, ...]
    suspects: Suspects
    skipped: tuple[tuple[int, str], ...]
    ratio: Ratio | None
    whole: Ratio | None
    builds: int
    looks: int
    trials: int
    seconds: float
    compared: str | None

    @property
    def named(self) -> Sequence[Commit]:
        """The commits of which one is the culprit."""
        return self.commits[self.suspects.first : self.suspects.last + 1]

    @property
    def parent(self) -> Commit:
        """The commit before them."""
        return self.commits[self.suspects.first - 1]

    @property
    def is_confirmed(self) -> bool:
        """Whether the culprit is slower than its parent where they were measured beside each other."""
        return self.ratio is not None and self.ratio.side > 0

    @property
    def holds(self) -> bool:
        """Whether the question is answered: a culprit, or neighbours that no look can tell apart."""
        return self.ending == "found" and (self.ratio is None or self.is_confirmed)


def finding_data(found: Finding) -> dict[str, Any]:
    """Return a finding as plain data, for JSON."""
    return {
        "ending": found.ending,
        "trouble": found.question.trouble,
        "confidence": found.suspects.probability,
        "culprits": [{"commit": one.sha, "subject": one.subject} for one in found.named],
        "parent": found.parent.sha,
        "ratio": _ratio_data(found.ratio),
        "whole": _ratio_data(found.whole),
        "commits": len(found.commits) - 1,
        "skipped": [{"commit": found.commits[number].sha, "why": why} for number, why in found.skipped],
        "builds": found.builds,
        "looks": found.looks,
        "trials": found.trials,
        "seconds": found.seconds,
        "compared": found.compared,
    }


def sure_text(probability: float) -> str:
    """Return a probability in words; it is never certain."""
    return f"{100.0 * probability:.1f} %" if probability < 0.999 else "more than 99.9 %"


def _ratio_data(ratio: Ratio | None) -> dict[str, Any] | None:
    if ratio is None:
        return None
    return {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "blocks": ratio.count}
