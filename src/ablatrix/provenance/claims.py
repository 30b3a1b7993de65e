"""Which rows a claim rests on, and which its factor follows from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablatrix.analysis.claims import CheckedClaim, Claim
from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.effects import FactorialGrid
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import sort_key
from ablatrix.provenance.finder import RowFinder, plain_choices
from ablatrix.provenance.ranges import Ranges
from ablatrix.provenance.rows import Rows
from ablatrix.provenance.units import Unit


@dataclass(frozen=True)
class Factor:
    """What the factor of a claim follows from.

    Attributes:
        rows: Its rows.
        parameters: By which statistic it follows from them, and of what.
    """

    unit: Unit
    mode: str
    rows: Ranges
    parameters: Mapping[str, Any]


def claim_rows(rows: Rows, checked: CheckedClaim) -> Ranges:
    """Return the rows that a claim rests on, whatever their outcome."""
    return rows.of_records(checked.rows)


def factor_of(findings: Findings, finder: RowFinder, checked: CheckedClaim) -> Factor | None:
    """Return what the factor that a claim is about follows from; None where the records have none."""
    claim = checked.claim
    if checked.ratio is None or claim.metric is None:
        return None
    unit = _unit(finder, claim)
    mode = next(mode for mode in METRICS[claim.metric].modes if mode in unit.ok)
    if claim.knob is None:
        after, before = ({**unit.baseline, **(side or {})} for side in (claim.configuration, claim.against))
        rows = finder.of_ratio(unit, mode, claim.metric, after, before)
        rows = finder.widened_by(unit, mode, claim.metric, rows, checked.ratio.widened)
        return Factor(unit, mode, rows, {"by": "paired_ratio", "knobs": after, "baseline": before})
    grid = _grid(findings, claim, mode)
    base, level = _levels(claim, grid)
    centre = {**unit.baseline, **grid.centre}
    fixed = {knob: at for knob, at in centre.items() if knob not in grid.comparison.knobs}
    between = {
        knob: sorted({str(one[position]) for one in grid.comparison.configurations}, key=sort_key)
        for position, knob in enumerate(grid.comparison.knobs)
    }
    behind = finder.of_stage(unit, mode, claim.metric, fixed, between, finder.series_of(grid.stage))
    moved = {"knob": claim.knob, "base_level": base, "level": level, **_same_program(grid, claim, (level, base))}
    is_split = behind.blocks > checked.ratio.count
    rows = finder.widened_by(unit, mode, claim.metric, behind.rows, checked.ratio.widened)
    return Factor(
        unit,
        mode,
        rows,
        {"by": "effect", **moved, "fixed": fixed, "split": is_split, "levels": plain_choices(behind.moved)},
    )


def _same_program(grid: FactorialGrid, claim: Claim, levels: tuple[str, str]) -> dict[str, Any]:
    """Return the pairs that the factor leaves out as they are one program, as a parameter; nothing without any."""
    position = grid.comparison.knobs.index(str(claim.knob))
    found = []
    for pair in grid.same_program:
        by_level = {str(one[position]): dict(zip(grid.comparison.knobs, map(str, one), strict=True)) for one in pair}
        if by_level.keys() == set(levels):
            found.append([by_level[level] for level in levels])
    return {"same_program": sorted(found, key=str)} if found else {}


def _unit(finder: RowFinder, claim: Claim) -> Unit:
    # A claim about a workload that has several sizes has no ratio.
    return next(
        unit for unit in finder.units.values() if (unit.workload, unit.compiler) == (claim.workload, claim.compiler)
    )


def _grid(findings: Findings, claim: Claim, mode: str) -> FactorialGrid:
    return next(
        one
        for one in findings.factorial_grids(str(claim.metric), mode)
        if (one.workload, one.compiler) == (claim.workload, claim.compiler) and claim.knob in one.comparison.knobs
    )


def _levels(claim: Claim, grid: FactorialGrid) -> tuple[str, str]:
    if claim.levels is not None:
        return claim.levels
    position = grid.comparison.knobs.index(str(claim.knob))
    base = str(grid.comparison.baseline[position])
    (other,) = {str(one[position]) for one in grid.comparison.configurations} - {base}
    return base, other
