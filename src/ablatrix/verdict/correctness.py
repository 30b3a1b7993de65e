"""Criterion (c): no check is missing, all differences are within tolerance, nothing is claimed for a no-op knob."""

from dataclasses import replace
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import claimed_fault
from ablatrix.analysis.effects import MAIN, judge, subject_of
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import text_of
from ablatrix.analysis.table import IS_OK, TIMED_OTHER, has_status
from ablatrix.records.status import Status
from ablatrix.verdict.model import Criterion, answered


def correctness_criterion(findings: Findings) -> Criterion:
    """Return whether every ok trial was checked and is correct, and every effect has a knob that did something."""
    found, trials = findings.found, findings.trials
    ok = trials.filter(IS_OK)
    unchecked = ok.filter((pl.col("checked").fill_null(0) == 0) | pl.col("correct").is_null()).height
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
        (other, "hot trials timed another executable than was checked"),
        (not_reported, "hot trials do not report which executable was checked or timed"),
    )
    faults = [f"{count} {what}" for count, what in counted if count] + claimed
    numbers = {
        "checked": int(trials["checked"].sum()),
        "missing": missing,
        "wrong": wrong.height,
        "ok_without_check": unchecked,
        "timed_other_than_checked": other,
        "timed_or_checked_unknown": not_reported,
        "worst_rms_ratio": ok["rms_ratio"].max(),
        "worst_max_abs_diff": ok["max_abs_diff"].max(),
        "worst_max_rel_diff": ok["max_rel_diff"].max(),
        "no_ops_claimed": len(claimed),
    }
    question = "missing = 0, differences within tolerance, nothing claimed for a knob that did nothing"
    return answered("c", question, numbers, faults)


def _claimed_for_no_ops(findings: Findings) -> list[str]:
    """Return what is wrong with effects of no-op knobs that would be called different, were they not proven none."""
    proofs: dict[tuple[str | None, ...], list[Any]] = {}
    for proof in findings.proofs:
        proofs.setdefault((proof.workload, proof.compiler, proof.knob, proof.base_level, proof.level), []).append(proof)
    faults = []
    for one in findings.evidence:
        no_ops = [effect for effect in one.effects if effect.kind in MAIN and effect.is_no_op]
        judgements = judge([replace(subject_of(effect), is_no_op=False) for effect in no_ops], one.metric)
        for effect, judgement in zip(no_ops, judgements, strict=True):
            if effect.ratio is None or not judgement.is_different:
                continue
            key = (effect.workload, effect.compiler, effect.knob, effect.base_level, effect.level)
            found = (claimed_fault(proof, effect.ratio, effect.metric) for proof in proofs.get(key, ()))
            faults += [text_of(fault) for fault in found if fault]
    return faults
