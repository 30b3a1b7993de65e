"""Criterion (c): no check is missing, all differences are within tolerance, nothing is claimed for a no-op knob."""

import polars as pl

from ablatrix.analysis.diagnosis import claimed_fault
from ablatrix.analysis.effects import odd_no_ops
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import text_of
from ablatrix.analysis.table import HAS_ILL_CONDITIONED, IS_OK, NOT_JUDGED, TIMED_OTHER, has_status
from ablatrix.records.status import Status
from ablatrix.verdict.model import Criterion, answered

READ = (
    *("status", "mode", "correct", "checked", "missing", "ill_conditioned", "eager_wrong", "timed_digest"),
    *("checked_digest", "rms_ratio", "worst_ratio", "allowed_over_eager", "max_abs_diff", "max_rel_diff"),
)


def correctness_criterion(findings: Findings) -> Criterion:
    """Return whether every ok trial was checked and is correct, and every effect has a knob that did something."""
    found, trials = findings.found, findings.trials.select(READ)
    ok = trials.filter(IS_OK)
    unchecked = ok.filter(NOT_JUDGED & ~HAS_ILL_CONDITIONED).height
    only_ill = ok.filter(NOT_JUDGED & HAS_ILL_CONDITIONED).height
    missing = int(trials["missing"].sum())
    wrong = trials.filter((~pl.col("correct")) | has_status(Status.WRONG_OUTPUT))
    not_reported = ok.filter(
        (pl.col("mode") == "hot") & (pl.col("timed_digest").is_null() | pl.col("checked_digest").is_null())
    ).height
    other = found.excluded.get(TIMED_OTHER, 0)
    claimed = _claimed_for_no_ops(findings)
    counted = (
        (missing, "comparisons are missing"),
        (wrong.height, "trials have differences beyond the tolerance"),
        (unchecked, "ok trials have no check"),
        (only_ill, "ok trials have no output that their type determines (ill-conditioned)"),
        (other, "hot trials timed another executable than was checked"),
        (not_reported, "hot trials do not report which executable was checked or timed"),
    )
    faults = [f"{count} {what}" for count, what in counted if count] + claimed
    numbers = {
        "checked": int(trials["checked"].sum()),
        "missing": missing,
        "wrong": wrong.height,
        "ok_without_check": unchecked,
        "ill_conditioned": int(trials["ill_conditioned"].sum()),
        "eager_wrong": int(trials["eager_wrong"].sum()),
        "timed_other_than_checked": other,
        "timed_or_checked_unknown": not_reported,
        "worst_rms_ratio": ok["rms_ratio"].max(),
        "worst_element_ratio": ok["worst_ratio"].max(),
        "allowed_over_eager": ok["allowed_over_eager"].max(),
        "worst_max_abs_diff": ok["max_abs_diff"].max(),
        "worst_max_rel_diff": ok["max_rel_diff"].max(),
        "no_ops_claimed": len(claimed),
    }
    question = "missing = 0, differences within tolerance, nothing claimed for a knob that did nothing"
    return answered("c", question, numbers, faults)


def _claimed_for_no_ops(findings: Findings) -> list[str]:
    """Return what is wrong with effects of no-op knobs that would be called different, were they not proven none."""
    faults = []
    for one in findings.evidence:
        for effect in odd_no_ops(one.effects, one.metric):
            proof = findings.proof_of(effect)
            if proof is None or effect.ratio is None:
                continue
            fault = claimed_fault(proof, effect.ratio, effect.metric)
            faults += [text_of(fault)] if fault else []
    return faults
