"""The top of the page: outcomes, checks, claims and precision, in words before numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.claims import CheckedClaim
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import percent_text
from ablatrix.analysis.reasons import optional_text
from ablatrix.page.effects import MetricEffects, spelled
from ablatrix.page.precision import Precision
from ablatrix.page.printed import count, interval, percent, ratio_value
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.claims import claim_rows, factor_of
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, ranges_text, union
from ablatrix.provenance.rows import Rows
from ablatrix.records.metrics import METRIC_OF_MODE
from ablatrix.records.status import Status

NAMED = 8
"""No-ops that a tile names."""
TONES = {"holds": "good", "fails": "bad", "undecided": "warn"}


@dataclass(frozen=True)
class Tile:
    """One tile of the summary: a name, a large figure, the detail below it, and its records."""

    name: str
    figure: str
    detail: str
    tone: str = ""
    sources: str = ""


def tiles(
    rows: Rows, claims: Sequence[CheckedClaim], precision: Sequence[Precision], metrics: Sequence[MetricEffects]
) -> list[Tile]:
    """Return the tiles of the summary."""
    found = [_outcomes(rows), _checks(rows)]
    if claims:
        found.append(_claims(claims))
    found.append(_precision(precision))
    if any(one.controls for one in metrics):
        found.append(_noise(metrics))
    no_ops = dict.fromkeys(
        (held.effect.workload, held.effect.compiler, held.change)
        for one in metrics
        for held in one.judged
        if held.is_no_op
    )
    names = list(dict.fromkeys(spelled(change) for _, _, change in no_ops))
    named = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    if metrics:
        figure = count(len(no_ops), "no-op") if no_ops else "All take effect"
        detail = f"{named}: both levels give the same program" if no_ops else "No varied knob is a no-op."
        found.append(Tile("Knobs", figure, detail, "warn" if no_ops else ""))
    return found


def claims_table(findings: Findings, claims: Sequence[CheckedClaim], rows: Rows) -> Table:
    """Return the result of each claim."""
    finder = RowFinder(rows, sizes=findings.sizes)  # claims are checked over all trials, of whichever machine
    shown = [
        Row(
            [
                Shown(one.state, tone=TONES.get(one.state, "")),
                Shown(one.claim.statement()),
                Shown(one.claim.wanted),
                EMPTY if one.ratio is None else Shown(ratio_value(one.ratio.value), one.ratio.value, "claim"),
                Shown(interval(one.ratio, one.exact)),
                Shown(optional_text(one.reason) or ""),
                Shown(one.claim.id),
            ],
            _claim_sources(findings, finder, one),
        )
        for one in claims
    ]
    return Table(
        "claims",
        "Claims checked against the records; a factor of 2 means twice as good",
        [
            *(Heading("state"), Heading("claim", wide=True), Heading("wanted"), Heading("factor", True)),
            *(Heading("95 % interval", True), Heading("reason", wide=True), Heading("id")),
        ],
        shown,
    )


def _outcomes(rows: Rows) -> Tile:
    counts = dict(rows.trials["status"].value_counts().iter_rows())
    total, good = rows.trials.height, counts.get(Status.OK, 0)
    failed = sum(number for name, number in counts.items() if Status(name).is_failure)
    others = [
        f"{counts[name]:,} {name.replace('_', ' ')}" for name in Status if name is not Status.OK and name in counts
    ]
    detail = ", ".join(others) if others else "No trial failed."
    tone = "bad" if failed else ("" if good < total else "good")
    return Tile(
        "Trials", f"{good:,} of {total:,} ok", detail, tone, f"trials:{ranges_text(rows.where(pl.lit(value=True)))}"
    )


def _checks(rows: Rows) -> Tile:
    compared, missing = (int(rows.trials[name].sum() or 0) for name in ("checked", "missing"))
    wrong = int((rows.trials["status"] == Status.WRONG_OUTPUT.value).sum())
    ranges = ranges_text(rows.where(pl.col("checked").is_not_null()))
    if not compared + missing:
        return Tile("Correctness", "Not checked", "No outputs were compared.", "warn")
    detail = f"{wrong:,} with wrong outputs" if wrong else "none outside the tolerance"
    unchecked = int((rows.trials["checked"].is_null() & (rows.trials["status"] == "ok")).sum())
    detail += f"; {count(unchecked, 'ok trial')} without a check" if unchecked else ""
    ill, eager = (int(rows.trials[name].sum() or 0) for name in ("ill_conditioned", "eager_wrong"))
    detail += f"; {count(ill, 'output')} not judged, as their type does not determine them" if ill else ""
    detail += f"; {count(eager, 'output')} in which eager itself differs from the oracle" if eager else ""
    tone = "bad" if wrong or missing else ("warn" if unchecked or ill else "good")
    return Tile(
        "Correctness",
        f"{missing:,} missing",
        f"{count(compared, 'output')} compared, {detail}",
        tone,
        f"checks:{ranges}",
    )


def _claims(claims: Sequence[CheckedClaim]) -> Tile:
    states = {state: sum(one.state == state for one in claims) for state in TONES}
    tone = next((TONES[state] for state in ("fails", "undecided", "holds") if states[state]), "")
    words = {"fails": "fail" if states["fails"] > 1 else "fails", "undecided": "undecided"}
    detail = ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state])
    return Tile("Claims", f"{states['holds']} of {len(claims)} hold", detail or "None fails or is undecided.", tone)


def _precision(found: Sequence[Precision]) -> Tile:
    widths = {
        mode: max((one.effect for one in found if one.mode == mode and one.effect is not None), default=None)
        for mode in ("hot", "cold")
    }
    shown = [f"{mode} ±{percent(width)}" for mode, width in widths.items() if width is not None]
    if not shown:
        return Tile("Precision", "Not known", "A single block has no interval; repeat the trials.", "warn")
    short = sum(one.short_of is not None for one in found)
    detail = "Half-width of the widest interval of any effect."
    if short:
        detail += f" {count(short, 'matrix', 'matrices')} did not reach the precision that the study asked for."
    return Tile("Precision", ", ".join(shown), detail, "warn" if short else "")


def _noise(metrics: Sequence[MetricEffects]) -> Tile:
    """Return how far the instrument may be off by the A/A controls of times, which is what verdicts allow for."""
    reach, failed, tested = {}, [], 0
    for one in metrics:
        controls = [control for control, _ in one.controls if control.is_tested]
        if one.metric.name in METRIC_OF_MODE.values() and controls:
            reach[one.mode] = max(control.reach for control in controls)
        tested += len(controls)
        failed += [control for control in controls if control.failed]
    ranges = ranges_text(union(rows for one in metrics for _, rows in one.controls))
    if not tested:
        return Tile(
            "A/A control",
            "Not tested",
            "A single block cannot be tested; repeat the trials.",
            "warn",
            f"control:{ranges}",
        )
    figure = ", ".join(f"{mode} ±{percent_text(value)}" for mode, value in reach.items())
    if failed:
        detail = f"Fails in {len(failed)} of {count(tested, 'control')}, where the intervals are widened accordingly."
    else:
        detail = f"Holds in {'its only test' if tested == 1 else f'all {tested} tests'}, so no interval is widened."
    return Tile("A/A control", figure or "Holds", detail, "warn" if failed else "good", f"control:{ranges}")


def _claim_sources(findings: Findings, finder: RowFinder, checked: CheckedClaim) -> dict[str, Ranges]:
    factor = factor_of(findings, finder, checked)
    rests = {"rests": claim_rows(finder.rows, checked)}
    return rests if factor is None else {"claim": factor.rows} | rests
