"""A claim and its outcome."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from ablatrix.analysis.claims.model import Claim
from ablatrix.analysis.reasons import Reason, Why
from ablatrix.statistics.ratio import Ratio

State = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True, kw_only=True)
class CheckedClaim:
    """A claim, and its outcome.

    Attributes:
        ratio: The factor by which the metric became smaller (before over after), with its interval over blocks; None
            without one, and for claims about every trial.
        exact: The factor is no estimate: the metric is computed or counted, and is equal in all blocks.
        rows: Ids of the records that it rests on, in run order.
        reason: Why it fails or is undecided; None where it holds.
        is_different: Whether its effect is called different from none; None for what no verdict was reached on.
    """

    claim: Claim
    state: State
    ratio: Ratio | None
    exact: bool
    rows: tuple[str, ...]
    reason: Why | None
    is_different: bool | None = None

    @property
    def reason_tells_factor(self) -> bool:
        """Whether the reason itself gives the factor with its interval."""
        return self.reason is not None and self.reason.has(
            "factor_beyond_bound", "interval_holds_bound", "verdict_is_none", "screened_not_confirmed"
        )


def undecided(claim: Claim, *reasons: Reason) -> CheckedClaim:
    """Return the claim as undecided, for reasons without records."""
    return CheckedClaim(claim=claim, state="undecided", ratio=None, exact=False, rows=(), reason=Why.of(*reasons))


def rows_of(trials: pl.DataFrame) -> tuple[str, ...]:
    """Return the ids of records, in run order."""
    return tuple(trials.sort("run", "position", "trial_id")["record_id"].to_list())
