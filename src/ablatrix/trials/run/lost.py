"""Outcomes of trials that have no result of their own: not run, lost with their server, or in a block that was torn."""

from __future__ import annotations

from dataclasses import replace

from ablatrix.errors import TrialError
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.host import utc_now
from ablatrix.trials.messages import TrialResult
from ablatrix.trials.results import Outcome


def lost(trial: Trial, cell: Cell, status: Status, error: Failure) -> Outcome:
    """Return the outcome of a trial that has no result of its own."""
    return Outcome(trial=trial, cell=cell, time_utc=utc_now(), result=TrialResult(status=status, error=error))


def of_machinery(error: TrialError) -> Failure:
    """Return the failure of a trial whose fork server failed."""
    return Failure(type=type(error).__name__, message=str(error), phase=None)


def as_interrupted(outcome: Outcome) -> Outcome:
    """Return an outcome of a block that was interrupted; what it had measured stays in its record."""
    error = outcome.result.error or Failure(
        type=Status.INTERRUPTED, message="its block was interrupted and will run again", phase="run"
    )
    return replace(outcome, result=replace(outcome.result, status=Status.INTERRUPTED, error=error))
