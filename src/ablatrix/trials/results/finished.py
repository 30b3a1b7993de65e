"""What a run keeps in memory of a trial that is done: of a million trials, their records would be 35 GB."""

from __future__ import annotations

from dataclasses import dataclass

from ablatrix.records.brief import Brief
from ablatrix.records.status import Status
from ablatrix.study.activity import ended_for_no_reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What decides on what runs next, of a trial's final record.

    Attributes:
        trial_id, block_id, attempt, status: The record's.
        bursts_ms: Least time of each burst of a hot trial; empty for others.
        is_idle: Whether the record says nothing of the trial itself: it was not run, or nobody knows why it failed.
    """

    trial_id: str
    block_id: str
    attempt: int
    status: Status
    bursts_ms: tuple[float, ...]
    is_idle: bool

    @classmethod
    def of(cls, brief: Brief) -> Finished:
        """Return what is kept of a record."""
        return cls(
            trial_id=brief.trial_id,
            block_id=brief.block_id,
            attempt=brief.attempt,
            status=brief.status,
            bursts_ms=brief.bursts_ms,
            is_idle=ended_for_no_reason(brief.status, brief.error),
        )


def add_final(held: dict[str, Finished], brief: Brief) -> None:
    """Have a record take the place of its trial's if it counts, as `ablatrix.records.journal.final_records` does."""
    before = held.get(brief.trial_id)
    if brief.final and (before is None or brief.attempt >= before.attempt):
        held.pop(brief.trial_id, None)
        held[brief.trial_id] = Finished.of(brief)
