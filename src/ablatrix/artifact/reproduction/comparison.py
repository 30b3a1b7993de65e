"""Make the report of a reproduction from two runs of one study and its claims."""

from collections import Counter
from datetime import datetime

import polars as pl

from ablatrix.analysis.claims import CheckedClaim, Claims, check_claims
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import optional_text
from ablatrix.analysis.runs import SideBySide, compare
from ablatrix.analysis.table import Tidy
from ablatrix.artifact.reproduction.reproduction import (
    REPORT_VERSION,
    Claim,
    Difference,
    Figures,
    ReproductionReport,
    Run,
    detail_of,
    outcome_of,
)
from ablatrix.errors import AnalysisError

COUNTED = 12  # effects that the notes name


def report_reproduction(
    here: Tidy, claims: Claims, recorded: Tidy | None, root_digest: str | None = None
) -> ReproductionReport:
    """Check the new records against every claim, and compare them with the recorded ones.

    Args:
        here: The new run.
        claims: The claims of the study.
        recorded: The recorded run; None when only the study is available.
        root_digest: Root digest of the artifact with the recorded run.

    Raises:
        AnalysisError: The new records come from several studies or hosts, or are of another study than the recorded.
    """
    study, digest, host = (_only(here, name) for name in ("study", "study_digest", "host"))
    notes = [f"here: {note}" for note in here.notes]
    notes += [f"here, left out: {count} x {reason}" for reason, count in here.excluded.items()]
    if recorded is not None and (other := _only(recorded, "study_digest")) != digest:
        raise AnalysisError(
            f"the new records are of study {digest[:12]}, the recorded ones of {other[:12]}; run the recorded "
            "study.yaml, with the recorded version of ablatrix (see MANIFEST.json)"
        )
    checked = check_claims(Findings(here), claims)
    before = [None] * len(checked) if recorded is None else check_claims(Findings(recorded), claims)
    side: SideBySide | None = None
    if recorded is not None:
        try:
            side = compare(recorded, here)
        except AnalysisError as error:
            notes.append(f"the two runs cannot be compared effect by effect: {error}")
    keys = [] if side is None else [one for one in side.effects if one.key]
    return ReproductionReport(
        schema_version=REPORT_VERSION,
        study_digest=digest,
        host=host,
        claims=tuple(_claim(one, old) for one, old in zip(checked, before, strict=True)),
        study=study,
        root_digest=root_digest,
        recorded=None if recorded is None else _run(recorded),
        here=_run(here),
        differences=()
        if side is None
        else tuple(Difference(what=one.what, recorded=one.a, here=one.b) for one in side.changes),
        key_effects=None if side is None else len(keys),
        key_effects_reproduced=None if side is None else sum(one.reproduced is True for one in keys),
        notes=(*notes, *_not_reproduced(side)),
    )


def _claim(here: CheckedClaim, recorded: CheckedClaim | None) -> Claim:
    figures, before = _figures(here), None if recorded is None else _figures(recorded)
    return Claim(
        name=here.claim.statement(),
        outcome=outcome_of(here.state),
        detail=detail_of(before, figures, here.reason_tells_factor),
        id=here.claim.id,
        wanted=here.claim.wanted,
        recorded=before,
        here=figures,
    )


def _figures(checked: CheckedClaim) -> Figures:
    ratio = checked.ratio
    return Figures(
        state=checked.state,
        factor=ratio and ratio.value,
        low=ratio and ratio.low,
        high=ratio and ratio.high,
        blocks=ratio.count if ratio else 0,
        exact=checked.exact,
        reason=optional_text(checked.reason),
    )


def _run(found: Tidy) -> Run:
    trials = found.trials
    last = trials.sort("time_utc", "trial_id").row(-1, named=True)
    versions = {name.removeprefix("version_"): trials[name].drop_nulls() for name in found.columns("version_")}
    return Run(
        host=str(last["host"]),
        cpu=str(last["cpu"]),
        cores=last["cores"],
        memory_bytes=last["memory_bytes"],
        kernel=str(last["kernel"]),
        versions={name: str(held[-1]) for name, held in versions.items() if len(held)},
        statuses=dict(sorted(Counter(map(str, trials["status"].to_list())).items())),
        seconds=_seconds(trials),
    )


def _seconds(trials: pl.DataFrame) -> float | None:
    """Return the time from the start of the first trial to the end of the last one."""
    rows = trials.select("time_utc", "wall_s").drop_nulls().rows()
    try:
        starts = [(datetime.fromisoformat(text).timestamp(), wall) for text, wall in rows]
    except ValueError:
        return None
    return max(start + wall for start, wall in starts) - min(start for start, _ in starts) if starts else None


def _not_reproduced(side: SideBySide | None) -> list[str]:
    if side is None:
        return []
    missed = [
        f"key effect not borne out: {one.workload} on {one.compiler}, {one.metric}, {one.knob}: "
        f"{one.base_level} -> {one.level}: {one.verdict_a} in the recorded run, {one.verdict_b or 'not told'} here"
        for one in side.effects
        if one.reproduced is False
    ]
    rest = len(missed) - COUNTED
    return missed[:COUNTED] + ([f"and {rest} more key effects"] if rest > 0 else [])


def _only(found: Tidy, column: str) -> str:
    values = sorted(map(str, found.trials[column].drop_nulls().unique().to_list()))
    if len(values) != 1:
        raise AnalysisError(f"the records have {len(values)} values of {column} ({', '.join(values)}); give one run")
    return values[0]
