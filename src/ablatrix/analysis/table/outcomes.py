"""Conditions on how trials of the table ended and were checked; `ablatrix.records` defines what the columns mean."""

import polars as pl

from ablatrix.records.status import FAILURES, NOT_RUN, Status

STATUS = "status"


def has_status(*statuses: Status) -> pl.Expr:
    """Return the condition that a trial ended in one of these ways; null where a row has no status."""
    first, *others = (pl.col(STATUS) == status.value for status in statuses)
    return first.or_(*others) if others else first


IS_OK = has_status(Status.OK)
IS_UNSUPPORTED = has_status(Status.UNSUPPORTED)
IS_FAILURE = has_status(*map(Status, FAILURES))
IS_NOT_RUN = has_status(*map(Status, NOT_RUN))

NOT_JUDGED = (pl.col("checked").fill_null(0) == 0) | pl.col("correct").is_null()
"""No output was judged: nothing was compared, or their type determines none of them."""
HAS_ILL_CONDITIONED = pl.col("ill_conditioned").fill_null(0) > 0
