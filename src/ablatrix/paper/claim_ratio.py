"""The ratio behind a claim as a number of the paper, with the rows and parameters that it follows from."""

from ablatrix.analysis.claims import CheckedClaim, Claim
from ablatrix.paper.estimates import Estimates, Interval
from ablatrix.provenance.claims import factor_of


def claim_ratio(estimates: Estimates, checked: CheckedClaim) -> Interval | None:
    """Return the factor that a claim is about; None if the records have none."""
    factor = factor_of(estimates.findings, estimates.finder, checked)
    if factor is None or checked.ratio is None:
        return None
    return estimates.claimed(f"claims/{checked.claim.id}", str(checked.claim.metric), checked.ratio, factor)


def claim_is_no_op(estimates: Estimates, claim: Claim) -> bool:
    """Whether the knob of a claim is proven to do nothing between the claim's levels."""
    return any(
        proof.verdict == "no_op"
        and (proof.workload, proof.compiler, proof.knob) == (claim.workload, claim.compiler, claim.knob)
        and (claim.levels is None or set(claim.levels) == {proof.base_level, proof.level})
        for proof in estimates.findings.proofs
    )
