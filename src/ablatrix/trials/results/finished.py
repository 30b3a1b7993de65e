"""What a run keeps in memory of a trial that is done: of a million trials, their records would be 35 GB."""

from __future__ import annotations

from dataclasses import dataclass

from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.study.activity import says_nothing


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
    def of(cls, record: Record) -> Finished:
        """Return what is kept of a record."""
        return cls(
            trial_id=record.trial_id,
            block_id=record.block_id,
            attempt=record.attempt,
            status=record.status,
            bursts_ms=tuple((record.runtime and record.runtime.burst_ms_min) or ()),
            is_idle=says_nothing(record),
        )


def add_final(held: dict[str, Finished], record: Record) -> None:
    """Have a record take the place of its trial's if it counts, as `ablatrix.records.journal.final_records` does."""
    before = held.get(record.trial_id)
    if record.final and (before is None or record.attempt >= before.attempt):
        held.pop(record.trial_id, None)
        held[record.trial_id] = Finished.of(record)
