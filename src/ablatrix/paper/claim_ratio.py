"""The ratio behind a claim as a number: what it is made of, told so that it can be found again."""

from typing import Any

from ablatrix.analysis.claims import CheckedClaim, Claim
from ablatrix.analysis.lattice import Lattice
from ablatrix.analysis.metrics import METRICS
from ablatrix.paper.estimates import Estimates, Interval, Unit


def claim_ratio(estimates: Estimates, checked: CheckedClaim) -> Interval | None:
    """Return the factor that a claim is about; None where the records have none."""
    claim = checked.claim
    if checked.ratio is None or claim.metric is None:
        return None
    unit = _unit(estimates, claim)
    mode = next(mode for mode in METRICS[claim.metric].modes if mode in unit.ok)
    if claim.knob is None:
        levels = [{**unit.baseline, **(side or {})} for side in (claim.configuration, claim.against)]
        parameters: dict[str, Any] = {"by": "paired_ratio", "knobs": levels[0], "baseline": levels[1]}
        return estimates.claimed(f"claims/{claim.id}", unit, mode, claim.metric, checked.ratio, {}, parameters)
    lattice = _lattice(estimates, claim, mode)
    base, level = _levels(claim, lattice)
    centre = {**unit.baseline, **lattice.centre}
    fixed = {knob: at for knob, at in centre.items() if knob not in lattice.comparison.knobs}
    parameters = {"by": "effect", "knob": claim.knob, "base_level": base, "level": level}
    return estimates.claimed(f"claims/{claim.id}", unit, mode, claim.metric, checked.ratio, fixed, parameters)


def claim_is_no_op(estimates: Estimates, claim: Claim) -> bool:
    """Whether the knob of a claim is proven to do nothing between the claim's levels."""
    return any(
        proof.verdict == "no_op"
        and (proof.workload, proof.compiler, proof.knob) == (claim.workload, claim.compiler, claim.knob)
        and (claim.levels is None or set(claim.levels) == {proof.base_level, proof.level})
        for proof in estimates.findings.proofs
    )


def _unit(estimates: Estimates, claim: Claim) -> Unit:
    # A claim about a workload that stands in several sizes has no ratio.
    return next(
        unit for unit in estimates.units.values() if (unit.workload, unit.compiler) == (claim.workload, claim.compiler)
    )


def _lattice(estimates: Estimates, claim: Claim, mode: str) -> Lattice:
    return next(
        one
        for one in estimates.findings.lattices(str(claim.metric), mode)
        if (one.workload, one.compiler) == (claim.workload, claim.compiler) and claim.knob in one.comparison.knobs
    )


def _levels(claim: Claim, lattice: Lattice) -> tuple[str, str]:
    if claim.levels is not None:
        return claim.levels
    position = lattice.comparison.knobs.index(str(claim.knob))
    base = str(lattice.comparison.baseline[position])
    (other,) = {str(one[position]) for one in lattice.comparison.configurations} - {base}
    return base, other
