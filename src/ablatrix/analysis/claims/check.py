"""Files of claims, and whether records support them: holds, fails or undecided, with the interval and its rows.

A claim about a knob is checked against its main effect over the factorial grid; one about a configuration against its
ratio to the baseline (or to another configuration), paired over blocks. The rules, the first that applies:

1. A knob that is proved a no-op makes the claim fail: whatever its interval says is noise.
2. What the claim rests on and the records lack (trials, blocks, right outputs) leaves it undecided, and is named.
3. It fails when the whole 95 % interval lies on the other side of the bound, and is undecided when the interval holds
   the bound. An exact figure needs no interval; one block has none.
4. It is undecided when it claims a difference that has no verdict of its own: that of the effect which `gather` judges;
   where there is none (other levels, two named configurations), one among all such claims about the metric. Else it
   holds.

A claim about a knob that was screened and not confirmed fails by the third rule, or is undecided.

So no claim holds of what tables call indistinguishable. Beyond that nothing is adjusted for the number of claims, since
all of them have to hold.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ablatrix.analysis.claims.about_screens import check_screened
from ablatrix.analysis.claims.about_trials import check_every_trial
from ablatrix.analysis.claims.checked import CheckedClaim, rows_of, undecided
from ablatrix.analysis.claims.deciding import OpenClaim, decided, factor_of_logs
from ablatrix.analysis.claims.model import Claim, Claims
from ablatrix.analysis.diagnosis import Settings, Unit, by_block, described, proof_grounds
from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.effects import (
    MAIN,
    FactorialGrid,
    Judgement,
)
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import over_hosts_of, step_of
from ablatrix.analysis.reasons import MAX_NAMED, Absence, Cause, Lack, Reason, because, optional_text, text_of
from ablatrix.analysis.table import IS_OK
from ablatrix.documents.load import load_document
from ablatrix.errors import AnalysisError
from ablatrix.statistics.precision import Configuration, Pair, mean_differences
from ablatrix.statistics.ratio import Allowance

CLAIMS_VERSION = 1


def load_claims(path: str | Path) -> Claims:
    """Read and check a file of claims.

    Raises:
        AnalysisError: It cannot be read, is not YAML, or breaks a rule; one line of the message for each fault.
    """
    try:
        document = load_document(Path(path), Claims, AnalysisError)
    except AnalysisError as error:
        raise AnalysisError("\n".join(map(str, error.args))) from None
    ids = [claim.id for claim in document.value.claims]
    faults = [
        document.fault(("claims", index, "id"), f"id '{name}' is given to two claims; give each its own")
        for index, name in enumerate(ids)
        if name in ids[:index]
    ]
    if faults:
        raise AnalysisError("\n".join(faults))
    return document.value


def claims_schema_text() -> str:
    """Return the JSON Schema of a file of claims: the same text on every machine."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"ablatrix/claims-{CLAIMS_VERSION}",
        **Claims.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def check_claims(findings: Findings, claims: Claims) -> list[CheckedClaim]:
    """Return the outcome of each claim, in the order of the file."""
    return decided([_check(findings, claim) for claim in claims.claims])


def _check(findings: Findings, claim: Claim) -> CheckedClaim | OpenClaim:
    if claim.subject in ("correct", "cache_misses"):
        return check_every_trial(findings, claim)
    unit = _unit(findings, claim)
    if isinstance(unit, Reason):
        return undecided(claim, unit)
    metric = METRICS[str(claim.metric)]
    run = unit.trials("mode")["mode"]
    mode = next((mode for mode in metric.modes if mode in run), None)
    if mode is None:
        return undecided(claim, because("no_trial_in_mode", modes=metric.modes, metric=metric.name))
    case = _Case(findings, claim, unit, mode)
    return _check_knob(case) if claim.knob is not None else _check_configuration(case)


@dataclass(frozen=True)
class _Case:
    findings: Findings
    claim: Claim
    unit: Unit
    mode: str

    @property
    def metric(self) -> str:
        return str(self.claim.metric)

    def short_of(self) -> list[Reason | Lack]:
        """Return which planned trials or blocks of this unit and mode are not there."""
        owners = self.findings.found.unrecorded.items()
        lost = sum(
            count
            for (workload, compiler, mode, role), count in owners
            if role in ("measured", "") and mode in (self.mode, "")
            if workload in (self.unit.workload, "") and compiler in (self.unit.compiler, "")
        )
        found: list[Reason | Lack] = []
        if lost:
            found.append(because("mode_without_record", count=lost, mode=self.mode))
        trials = self.unit.trials("mode", "run", "block", "stopping_least_blocks").filter(pl.col("mode") == self.mode)
        least = trials["stopping_least_blocks"].drop_nulls().max()
        blocks = trials.select("run", "block").n_unique()
        if isinstance(least, int) and blocks < least:
            found.append(because("few_blocks", blocks=blocks, least=least))
        return found

    def no_ops(self, moved: Mapping[str, tuple[str, str]]) -> list[Reason]:
        """Return the proof of each of these knobs (with both levels) that changes nothing."""
        return [
            because(
                "knob_is_no_op",
                knob=proof.knob,
                base_level=proof.base_level,
                level=proof.level,
                why=proof_grounds(proof),
            )
            for proof in self.findings.proofs
            if (proof.workload, proof.compiler) == (self.unit.workload, self.unit.compiler)
            if proof.verdict == "no_op" and set(moved.get(proof.knob, ())) == {proof.base_level, proof.level}
        ]


def _check_knob(case: _Case) -> CheckedClaim | OpenClaim:
    claim, knob = case.claim, str(case.claim.knob)
    grid = next((one for one in _grids(case) if knob in one.comparison.knobs), None)
    if grid is None:
        screened = check_screened(case.findings, claim, case.unit, case.mode)
        if screened is not None:
            return screened
        there = tuple(dict.fromkeys(name for one in _grids(case) for name in one.comparison.knobs))
        return undecided(claim, because("does_not_vary", knob=knob, mode=case.mode, others=there or ("none",)))
    position = grid.comparison.knobs.index(knob)
    seen = tuple(dict.fromkeys(str(one[position]) for one in grid.comparison.configurations))
    base = str(grid.comparison.baseline[position])
    others = [level for level in seen if level != base]
    levels = claim.levels or ((base, others[0]) if len(others) == 1 else None)
    if levels is None:
        return undecided(claim, because("levels_not_named", knob=knob, seen=seen))
    if any(level not in seen for level in levels):
        return undecided(claim, because("levels_not_run", knob=knob, seen=seen, levels=levels))
    start, end = levels
    every = _pairs(grid, position, start, end)
    pairs = grid.acting(every) or every
    no_op = case.no_ops({knob: (start, end)})
    held = mean_differences(grid.columns, pairs)
    factor = factor_of_logs(held.values, case.metric, grid.allowance(*grid.whole(pairs)), rows_of(_of_grid(case, grid)))
    if no_op:
        return factor.checked(claim, "fails", *no_op)
    lacking = case.short_of()
    gone = dict.fromkeys(one for pair in pairs for one in pair if one in grid.absent)
    lacking += [Lack(absence, tuple(names[:MAX_NAMED])) for absence, names in grid.by_absence(gone).items()]
    if not pairs:
        lacking.append(because("no_pair_in_claim", knob=knob))
    return OpenClaim(claim, case.mode, factor, tuple(lacking), _verdict(case, grid, (start, end)))


def _verdict(case: _Case, grid: FactorialGrid, levels: tuple[str, str]) -> Judgement | None:
    """Return the verdict on the effect that a claim is about, whichever way it goes; None where there is none."""
    evidence = case.findings.evidence_on(case.metric)
    if evidence is None or evidence.mode != case.mode:
        return None
    for effect, judgement in zip(evidence.effects, evidence.judgements, strict=True):
        unit = (effect.workload, effect.digest, effect.compiler, effect.stage)
        moved = (effect.knob, {effect.base_level, effect.level}) == (case.claim.knob, set(levels))
        if moved and effect.kind in MAIN and unit == (grid.workload, grid.digest, grid.compiler, grid.stage):
            return judgement
    return None


def _grids(case: _Case) -> list[FactorialGrid]:
    return [
        one
        for one in case.findings.factorial_grids(case.metric, case.mode)
        if (one.workload, one.compiler) == (case.unit.workload, case.unit.compiler)
    ]


def _pairs(grid: FactorialGrid, position: int, start: str, end: str) -> list[Pair]:
    """Return (after, before) for each combination of the other knobs that the compiler supports."""
    configurations = {tuple(map(str, one)): one for one in grid.comparison.configurations}

    def supported(one: Configuration) -> bool:
        absence = grid.absent.get(one)
        return absence is None or not absence.only_unsupported

    pairs = []
    for levels, after in configurations.items():
        before = configurations.get((*levels[:position], start, *levels[position + 1 :]))
        if levels[position] == end and before is not None and supported(after) and supported(before):
            pairs.append((after, before))
    return pairs


def _of_grid(case: _Case, grid: FactorialGrid) -> pl.DataFrame:
    """Return the trials of a grid's configurations."""
    wanted = {tuple(map(str, one)) for one in grid.comparison.configurations}
    base = {held.knob: held.level for held in case.unit.baseline} | dict(grid.centre)
    parts = []
    for settings in case.unit.rows:
        levels = {held.knob: held.level for held in settings}
        own = tuple(levels.get(knob, "") for knob in grid.comparison.knobs)
        others = levels.keys() - set(grid.comparison.knobs)
        if own in wanted and all(levels[knob] == base.get(knob) for knob in others):
            parts.append(case.unit.part(settings))
    return pl.concat(parts).filter(pl.col("mode") == case.mode)


def _check_configuration(case: _Case) -> CheckedClaim | OpenClaim:
    claim, unit = case.claim, case.unit
    sides, faults = [], []
    for levels in (claim.configuration or {}, claim.against or {}):
        settings = _settings(unit, levels)
        if settings is None or settings not in unit.rows:
            faults.append(because("no_configuration", levels=tuple(f"{knob}={at}" for knob, at in levels.items())))
        else:
            sides.append(settings)
    if faults or sides[0] == sides[1]:
        return undecided(claim, *(faults or [because("same_configuration")]))
    after, before = sides
    moved = {one.knob: (two.level, one.level) for one, two in zip(after, before, strict=True) if one != two}
    parts = [unit.part(side).filter(pl.col("mode") == case.mode) for side in (after, before)]
    values = [by_block(part, case.metric, case.mode) for part in parts]
    shared = sorted(values[0].keys() & values[1].keys())
    by_block_logs = {block: math.log(values[0][block]) - math.log(values[1][block]) for block in shared}
    logs = over_hosts_of(by_block_logs, pl.concat(parts))
    step = max(step_of(case.metric, *map(math.log, side.values())) for side in values)
    offset = case.findings.instrument.offset(case.metric, case.mode, unit.identity)
    factor = factor_of_logs(logs, case.metric, Allowance(offset, step), rows_of(pl.concat(parts)))
    no_op = case.no_ops(moved)
    if len(no_op) == len(moved):
        return factor.checked(claim, "fails", *no_op)
    lacking = case.short_of()
    blocks = [set(part.select("run", "block_id").rows()) for part in parts]
    for side, part, other in zip(sides, parts, reversed(blocks), strict=True):
        named = (_named(side, unit),)
        lacking += _not_ok(part, named)
        if absent := len(other - set(part.select("run", "block_id").rows())):
            lacking.append(Lack(Absence.of({Cause.NO_RECORD: absent}, len(blocks[0] | blocks[1])), named))
    return OpenClaim(claim, case.mode, factor, tuple(lacking), None)


def _settings(unit: Unit, levels: Mapping[str, str]) -> Settings | None:
    """Return the configuration with these levels, else the baseline's; None when a knob has no such level."""
    trials = unit.part(next(iter(unit.rows)))
    for knob, level in levels.items():
        column = f"knob_{knob}"
        if knob not in unit.levels and (column not in trials.columns or level not in trials[column].cast(pl.String)):
            return None
    base = {held.knob: held.level for held in unit.baseline}
    return unit.configuration([levels.get(knob, base.get(knob)) for knob in unit.levels])


def _named(settings: Settings, unit: Unit) -> str:
    return (
        described(held for held in settings if held not in unit.baseline) if settings != unit.baseline else "baseline"
    )


def _not_ok(part: pl.DataFrame, named: tuple[str]) -> list[Lack]:
    counts = part.filter(~IS_OK)["status"].cast(pl.String).value_counts().sort("status")
    return [Lack(Absence.of({status: count}, part.height), named) for status, count in counts.iter_rows()]


def _unit(findings: Findings, claim: Claim) -> Unit | Reason:
    found = [one for one in findings.units if (one.workload, one.compiler) == (claim.workload, claim.compiler)]
    if len(found) == 1:
        return found[0]
    if found:
        return because("several_sizes", workload=claim.workload, compiler=claim.compiler, count=len(found))
    there = sorted({f"{one.workload} on {one.compiler}" for one in findings.units})
    return because("no_trial_of_unit", workload=claim.workload, compiler=claim.compiler, there=tuple(there))


def unmet(checked: Sequence[CheckedClaim]) -> list[str]:
    """Return in words the claims that do not hold, and why."""
    return [
        f"{one.claim.id} {one.state}: {one.claim.statement()}: {text_of(one.reason)}" for one in checked if one.reason
    ]


def plain(checked: CheckedClaim) -> dict[str, Any]:
    """Return a checked claim as plain data, for JSON."""
    ratio = checked.ratio
    return {
        "id": checked.claim.id,
        "statement": checked.claim.statement(),
        "state": checked.state,
        "wanted": checked.claim.wanted,
        "portable": checked.claim.is_portable,
        "factor": ratio and ratio.value,
        "low": ratio and ratio.low,
        "high": ratio and ratio.high,
        "blocks": ratio.count if ratio else 0,
        "exact": checked.exact,
        "reason": optional_text(checked.reason),
        "rows": list(checked.rows),
    }
