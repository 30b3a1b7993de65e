"""A claim and what became of it."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from ablatrix.analysis.claim import Claim
from ablatrix.statistics.ratio import Ratio

NO_TRIAL = "no trial"
State = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class CheckedClaim:
    """A claim, and what became of it.

    Attributes:
        ratio: The factor by which the metric became smaller (before over after), with its interval over blocks; None
            without one, and for claims about every trial.
        exact: The factor is no estimate: the metric is computed or counted, and is equal in all blocks.
        rows: Ids of the records that it rests on, in run order.
        reason: Why it fails or is undecided; None where it holds.
    """

    claim: Claim
    state: State
    ratio: Ratio | None
    exact: bool
    rows: tuple[str, ...]
    reason: str | None


def undecided(claim: Claim, reason: str) -> CheckedClaim:
    """Return the claim as undecided, for a reason that no record belongs to."""
    return CheckedClaim(claim, "undecided", None, False, (), reason)


def rows_of(trials: pl.DataFrame) -> tuple[str, ...]:
    """Return the ids of records, in run order."""
    return tuple(trials.sort("run", "position", "trial_id")["record_id"].to_list())
