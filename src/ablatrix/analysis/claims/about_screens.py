"""Claims about a knob that was screened alone: they can fail, but none holds of what is not confirmed."""

import polars as pl

from ablatrix.analysis.claims.checked import CheckedClaim, State, rows_of, undecided
from ablatrix.analysis.claims.model import Claim
from ablatrix.analysis.diagnosis import Unit
from ablatrix.analysis.effects import ScreenedKnob, Screening
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import Reason, Why, because
from ablatrix.statistics.ratio import Ratio


def check_screened(findings: Findings, claim: Claim, unit: Unit, mode: str) -> CheckedClaim | None:
    """Return the outcome of a claim about a knob of a screening; None where no screening has the knob.

    It fails where the whole interval lies on the other side of the bound, or the knob changes nothing that is built.
    Else it is undecided: effects of a screening are chosen because they are large, until a later stage confirms them.
    """
    for screen in findings.screenings(str(claim.metric), mode):
        if (screen.workload, screen.digest, screen.compiler) != unit.identity:
            continue
        if claim.knob in screen.chosen.idle:
            idle = because("screened_idle", knob=claim.knob, stage=screen.stage)
            return _checked(claim, "fails", None, (), idle)
        found = next((one for one in screen.knobs if one.knob == claim.knob), None)
        if found is not None:
            return _judged(findings, claim, screen, found)
    return None


def _judged(findings: Findings, claim: Claim, screen: Screening, knob: ScreenedKnob) -> CheckedClaim:
    levels = (knob.base_level, knob.level)
    wanted = claim.levels or levels
    if {*wanted} != {*levels}:
        return undecided(claim, because("levels_not_run", knob=knob.knob, seen=levels, levels=wanted))
    if knob.ratio is None or knob.ratio.low is None or knob.ratio.high is None:
        return undecided(claim, because("no_pair_in_claim", knob=knob.knob))
    factor = knob.ratio if wanted != levels else _inverse(knob.ratio, knob.ratio.low, knob.ratio.high)
    assert factor.low is not None
    assert factor.high is not None
    shown = f"{factor.value:.4g} [{factor.low:.4g}, {factor.high:.4g}]"
    own = (pl.col("stage") == screen.stage) & (pl.col("role") == "measured") & (pl.col("mode") == screen.mode)
    unit = (pl.col("workload_digest") == screen.digest) & (pl.col("compiler") == screen.compiler)
    rows = rows_of(findings.trials.filter(own & unit))
    if factor.low > claim.bound if claim.at_most is not None else factor.high < claim.bound:
        return _checked(claim, "fails", factor, rows, because("factor_beyond_bound", shown=shown, wanted=claim.wanted))
    screened = because("screened_not_confirmed", shown=shown, stage=screen.stage)
    return _checked(claim, "undecided", factor, rows, screened)


def _inverse(ratio: Ratio, low: float, high: float) -> Ratio:
    return Ratio(1.0 / ratio.value, 1.0 / high, 1.0 / low, ratio.count, ratio.p_value, ratio.widened)


def _checked(claim: Claim, state: State, ratio: Ratio | None, rows: tuple[str, ...], reason: Reason) -> CheckedClaim:
    return CheckedClaim(claim=claim, state=state, ratio=ratio, exact=False, rows=rows, reason=Why.of(reason))
