"""Claims about every trial: that all outputs are right, that all compile caches missed as often as planned."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.claims.checked import CheckedClaim, State, rows_of, undecided
from ablatrix.analysis.claims.model import Claim
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import Reason, Why, because
from ablatrix.analysis.table import HAS_ILL_CONDITIONED, IS_OK, IS_UNSUPPORTED, NOT_JUDGED, TIMED_OTHER, has_status
from ablatrix.records.metrics import CACHE_MISSES
from ablatrix.records.status import Status


def check_every_trial(findings: Findings, claim: Claim) -> CheckedClaim:
    """Check a claim about all trials that it names: that every output is right, or every cache miss as planned."""
    chosen = [
        pl.col(name).cast(pl.String) == value
        for name, value in (("workload", claim.workload), ("compiler", claim.compiler))
        if value is not None
    ]
    if claim.subject == "cache_misses":
        chosen += [pl.col("mode") == "cold", pl.col("role") != "reference"]
    trials = findings.trials.filter(~IS_UNSUPPORTED, *chosen)
    if trials.is_empty():
        return undecided(claim, because("no_trial"))
    ok = trials.filter(IS_OK)
    wrong, answered = (_wrong_outputs if claim.subject == "correct" else _wrong_misses)(trials)
    if wrong:
        return _checked(claim, "fails", trials, wrong)
    others = trials.filter(~IS_OK & ~pl.col("status").cast(pl.String).is_in(answered))
    lacking = [because("trials_of_status", count=count, status=status) for status, count in _counted(others)]
    lost = sum(
        count
        for (workload, compiler, mode, role), count in findings.found.unrecorded.items()
        if claim.workload in (None, workload) or not workload
        if claim.compiler in (None, compiler) or not compiler
        if claim.subject == "correct" or (mode in ("cold", "") and role != "reference")
    )
    if lost:
        lacking.append(because("planned_without_record", count=lost))
    if other := findings.found.excluded.get(TIMED_OTHER, 0):
        lacking.append(because("excluded", count=other, what=TIMED_OTHER))
    if claim.subject == "correct" and (ill := ok.filter(NOT_JUDGED & HAS_ILL_CONDITIONED).height):
        lacking.append(because("ok_ill_conditioned", count=ill))
    if ok.is_empty():
        lacking.append(because("none_ok"))
    return _checked(claim, "undecided" if lacking else "holds", trials, lacking)


def _checked(claim: Claim, state: State, trials: pl.DataFrame, reasons: Sequence[Reason]) -> CheckedClaim:
    reason = Why.of(*reasons) if reasons else None
    return CheckedClaim(claim=claim, state=state, ratio=None, exact=True, rows=rows_of(trials), reason=reason)


def _wrong_outputs(trials: pl.DataFrame) -> tuple[list[Reason], list[str]]:
    """Return what is wrong with outputs, and the statuses that answer the claim."""
    wrong = trials.filter(has_status(Status.WRONG_OUTPUT) | ~pl.col("correct").fill_null(value=True)).height
    missing = int(trials["missing"].sum())
    unchecked = trials.filter(IS_OK & NOT_JUDGED & ~HAS_ILL_CONDITIONED).height
    counted = (
        (wrong, because("wrong_outputs", count=wrong, trials=trials.height)),
        (missing, because("comparisons_missing", count=missing)),
        (unchecked, because("ok_without_check", count=unchecked)),
    )
    return [reason for count, reason in counted if count], [
        Status.WRONG_OUTPUT.value,
        Status.MISSING_CHECK.value,
    ]


def _wrong_misses(trials: pl.DataFrame) -> tuple[list[Reason], list[str]]:
    reported, planned = pl.col(CACHE_MISSES), pl.col("expected_cache_misses")
    ok = trials.filter(IS_OK)
    unknown = ok.filter(reported.is_null() | planned.is_null()).height
    wrong = ok.filter(reported != planned).height
    counted = (
        (wrong, because("other_misses", count=wrong, trials=ok.height)),
        (unknown, because("misses_unknown", count=unknown)),
    )
    return [reason for count, reason in counted if count], []


def _counted(trials: pl.DataFrame) -> list[tuple[str, int]]:
    return trials["status"].cast(pl.String).value_counts().sort("status").rows()
