"""What decides a claim: its factor with the interval, and the verdict on the effect that it is about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablatrix.analysis.claims.checked import CheckedClaim, State
from ablatrix.analysis.claims.model import Claim
from ablatrix.analysis.effect_metrics import METRICS, is_exact
from ablatrix.analysis.effects import NOT_DISTINGUISHABLE, Judged, Judgement, judge, verdict_text
from ablatrix.analysis.reasons import Lack, Reason, Why, because
from ablatrix.statistics.ratio import ROUNDING, Allowance, Ratio, paired_estimate, ratio_of


@dataclass(frozen=True)
class Factor:
    """What decides a claim, and the records that it is made from."""

    judged: Judged
    rows: tuple[str, ...]

    def checked(self, claim: Claim, state: State, *reasons: Reason | Lack) -> CheckedClaim:
        """Return the claim with its outcome."""
        why = Why.of(*reasons) if reasons else None
        one = self.judged
        return CheckedClaim(claim=claim, state=state, ratio=one.ratio, exact=one.exact, rows=self.rows, reason=why)


@dataclass(frozen=True)
class OpenClaim:
    """A claim that its factor decides.

    Attributes:
        lacking: What the records lack.
        verdict: On the effect that it is about; None where no effect is judged.
    """

    claim: Claim
    mode: str
    factor: Factor
    lacking: tuple[Reason | Lack, ...]
    verdict: Judgement | None


def factor_of_logs(logs: Sequence[float], metric: str, allowance: Allowance, rows: tuple[str, ...]) -> Factor:
    """Return before over after from after over before, a log a block."""
    if not logs:
        return Factor(Judged(ratio=None, estimate=None, allowance=allowance, exact=False), rows)
    estimate = paired_estimate([-log for log in logs])
    if is_exact(metric, logs):
        value = 1.0 if abs(logs[0]) <= ROUNDING else math.exp(-logs[0])
        ratio = Ratio(value, value, value, len(logs))
        return Factor(Judged(ratio=ratio, estimate=estimate, allowance=Allowance(), exact=True), rows)
    ratio = ratio_of(estimate, allowance=allowance)
    return Factor(Judged(ratio=ratio, estimate=estimate, allowance=allowance, exact=False), rows)


def decided(found: Sequence[CheckedClaim | OpenClaim]) -> list[CheckedClaim]:
    """Return all claims with their outcome."""
    verdicts = _judged([one for one in found if isinstance(one, OpenClaim)])
    return [_decided(one, verdicts[one.claim.id]) if isinstance(one, OpenClaim) else one for one in found]


def _decided(one: OpenClaim, verdict: Judgement) -> CheckedClaim:
    return replace(_decide(one, verdict), is_different=None if verdict.verdict is None else verdict.is_different)


def _judged(found: Sequence[OpenClaim]) -> dict[str, Judgement]:
    """Return the verdict of each claim by its id: that of its effect, else one in the family of such claims."""
    verdicts = {one.claim.id: one.verdict for one in found if one.verdict is not None}
    families: dict[tuple[str, str], list[OpenClaim]] = {}
    for one in found:
        if one.verdict is None:
            families.setdefault((str(one.claim.metric), one.mode), []).append(one)
    for (metric, _), family in families.items():
        judgements = judge([one.factor.judged for one in family], METRICS[metric])
        verdicts |= {one.claim.id: judgement for one, judgement in zip(family, judgements, strict=True)}
    return verdicts


def _decide(one: OpenClaim, verdict: Judgement) -> CheckedClaim:
    claim, factor, ratio = one.claim, one.factor, one.factor.judged.ratio
    if one.lacking or ratio is None:
        return factor.checked(claim, "undecided", *(one.lacking or [because("no_block_of_both", metric=claim.metric)]))
    if ratio.low is None or ratio.high is None:
        return factor.checked(claim, "undecided", because("one_block"))
    bound, rounding = claim.bound, ROUNDING * claim.bound
    low, high = (ratio.low, ratio.high) if claim.at_most is None else (-ratio.high, -ratio.low)
    bound = bound if claim.at_most is None else -bound
    exact = factor.judged.exact
    shown = f"{ratio.value:.4g}" if exact else f"{ratio.value:.4g} [{ratio.low:.4g}, {ratio.high:.4g}]"
    if high < bound:
        return factor.checked(claim, "fails", because("factor_beyond_bound", shown=shown, wanted=claim.wanted))
    if low < bound - rounding:
        return factor.checked(claim, "undecided", because("interval_holds_bound", shown=shown, bound=claim.bound))
    if claim.claims_difference and not exact and not verdict.is_different:
        said = verdict_text(verdict, "+-") or NOT_DISTINGUISHABLE
        return factor.checked(claim, "undecided", because("verdict_is_none", shown=shown, verdict=said))
    return factor.checked(claim, "holds")
