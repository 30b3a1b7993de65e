"""Two builds side by side as tables in the terminal."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import typer

from ablatrix.analysis.builds import (
    CHANGED,
    UNCHANGED,
    BuildReport,
    Change,
    Crossed,
    MetricBuilds,
    build_pairs,
    change_text,
    compare_builds,
    dependence_text,
    interval_text,
    needs_text,
    report_data,
    same_code_text,
)
from ablatrix.analysis.effects import Question
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import grouped, percent_text, variants_of
from ablatrix.analysis.reasons import levels_text, text_of
from ablatrix.analysis.table import Tidy
from ablatrix.cli.tables import Block, Column, Row, print_blocks, print_table, say

CHANGE_COLUMNS = (
    Column("workload", comfort=28),
    Column("change [95 % interval]", whole=True),
    Column("blocks", rank=3, whole=True),
    Column("p (Holm)", rank=2, whole=True),
    Column("what may be said", comfort=24),
    Column("to know it takes", rank=1, comfort=24),
)
CROSSED_COLUMNS = (
    Column("knob", comfort=28),
    Column("build at its old level", comfort=24),
    Column("build at its new level", comfort=24),
    Column("knob under base", rank=2, whole=True),
    Column("knob under head", rank=1, whole=True),
    Column("depends", whole=True),
)
MOST_TURNED = 12
Reports = Sequence[tuple[str, BuildReport]]
"""Two builds each, with the origin of the records where these are mixed."""


def builds_beside(found: Tidy, question: Question, origin: Sequence[str]) -> Reports:
    """Return each build beside the baseline's, by where the records come from; nothing where builds do not vary.

    Args:
        found: The table of trials.
        question: What is asked of it.
        origin: Columns that distinguish mixed records.
    """
    variants = variants_of(found.trials)
    reports = []
    for key, trials in grouped(found.trials, origin) if origin else [((), found.trials)]:
        findings = Findings(replace(found, trials=trials))
        for base, head in build_pairs(findings):
            report = compare_builds(findings, base, head, question.margin, question.metrics)
            if question.workloads or question.axes:
                report = report.about(lambda workload: question.is_about(workload, variants))
            reports.append((", ".join(map(str, key)), report))
    return reports


def show_builds_alone(reports: Reports, wide: bool) -> None:
    """Print builds alone; exit with 1 where none vary."""
    if not reports:
        print("no builds vary in these results: no knob 'build' has two levels", file=sys.stderr)
        raise typer.Exit(1)
    show_all_builds(reports, wide)


def show_all_builds(reports: Reports, wide: bool) -> None:
    """Print each build beside the baseline's, and below them what the words mean; nothing without any."""
    for origin, report in reports:
        if origin:
            print(f"{origin}:")
        show_builds(report, wide)
        print()
    if reports:
        say(_legend(reports[0][1].margin))
        print()


def plain_builds(reports: Reports) -> dict[str, object]:
    """Return builds as JSON has them; nothing without any."""
    held = [({"origin": origin} if origin else {}) | report_data(report) for origin, report in reports]
    return {"builds": held} if held else {}


def show_builds(report: BuildReport, wide: bool) -> None:
    """Print two builds side by side: what changed, how it depends on other knobs, and how trials ended.

    Args:
        report: What is known of them.
        wide: Show every column on one line.
    """
    for number, one in enumerate(report.metrics):
        _show_changes(one, report, wide)
        if not number or any(crossed.depends for crossed in one.crossings):
            _show_crossings(one, report, wide)
        if one.same_code is not None and one.same_code.largest > 0.0:
            say(same_code_text(one.same_code), hanging=2)
            print()
    _show_outcomes(report, wide)
    for text in report.only_one:
        say(text, hanging=2)


def _show_changes(one: MetricBuilds, report: BuildReport, wide: bool) -> None:
    blocks: dict[str, list[Row]] = {}
    for change in one.changes:
        blocks.setdefault(change.effect.compiler, []).append(_change_row(change, report.margin))
    for mean in one.means:
        row = ["geometric mean", interval_text(mean.mean.ratio, mean.mean.exact), ""]
        p_value = mean.judgement.p_holm if mean.judgement is not None else None
        blocks[mean.mean.compiler].append([*row, _p_value(p_value), change_text(mean, report.margin), ""])
    title = f"{_title(one)}: build {report.base} -> {report.head}; below 0 is {one.metric.less}"
    print_blocks(title, CHANGE_COLUMNS, [Block(name, rows) for name, rows in blocks.items()], wide=wide)
    for change in one.changes:
        if change.effect.reason is not None:
            say(f"{change.effect.workload} on {change.effect.compiler}: {text_of(change.effect.reason)}", hanging=2)


def _change_row(change: Change, margin: float) -> Row:
    effect = change.effect
    return [
        effect.workload,
        interval_text(effect.ratio, effect.exact),
        str(effect.ratio.count if effect.ratio else 0),
        _p_value(change.judgement.p_holm if change.judgement is not None else None),
        change_text(change, margin),
        "" if change.needs is None else needs_text(change.needs, margin),
    ]


def _show_crossings(one: MetricBuilds, report: BuildReport, wide: bool) -> None:
    if not one.crossings:
        return
    blocks: dict[str, list[Row]] = {}
    for crossed in one.crossings:
        workload, compiler = crossed.factor.subject
        blocks.setdefault(f"{workload} on {compiler}", []).append(_crossed_row(crossed, report.margin))
    title = f"{_title(one)}: build x knob; what the build does at both levels of a knob, and the knob under both builds"
    print_blocks(title, CROSSED_COLUMNS, [Block(name, rows) for name, rows in blocks.items()], wide=wide)
    for crossed in one.crossings:
        sentence = dependence_text(crossed, report.margin)
        if sentence is not None:
            workload, compiler = crossed.factor.subject
            say(f"{workload} on {compiler}: {sentence}", hanging=2)
    print()


def _crossed_row(one: Crossed, margin: float) -> Row:
    before, after = one.build_at
    base, head = one.knob_under
    return [
        f"{one.knob}: {one.base_level} -> {one.level}",
        _said(before, margin),
        _said(after, margin),
        interval_text(base.effect.ratio, base.effect.exact),
        interval_text(head.effect.ratio, head.effect.exact),
        _answer(one),
    ]


def _answer(one: Crossed) -> str:
    if one.depends:
        return "yes"
    is_no = one.factor.word in UNCHANGED or all(side.word == "same code" for side in one.build_at)
    return "no" if is_no else "not shown"


def _said(one: Change, margin: float) -> str:
    ratio = interval_text(one.effect.ratio, one.effect.exact)
    return f"{ratio}: {change_text(one, margin)}" if one.word in CHANGED else change_text(one, margin)


def _show_outcomes(report: BuildReport, wide: bool) -> None:
    rows = [
        [f"{one.workload} on {one.compiler}", statuses_text(one.before), statuses_text(one.after)]
        for one in report.outcomes
    ]
    columns: list[str | Column] = [
        Column("workload", comfort=28),
        f"trials under {report.base}",
        f"trials under {report.head}",
    ]
    if rows:
        print_table("How trials ended", columns, rows, wide=wide)
    if not report.turned:
        say("No configuration ended in another way under the other build.")
        return
    shown = report.turned[:MOST_TURNED]
    turned = [
        [
            f"{one.workload} on {one.compiler}, {one.mode}",
            levels_text(one.settings),
            one.turn,
            statuses_text(one.before),
            statuses_text(one.after),
        ]
        for one in shown
    ]
    heads: list[str | Column] = ["workload", Column("configuration", comfort=28), "what", report.base, report.head]
    print_table("Configurations that ended in another way", heads, turned, wide=wide)
    if len(report.turned) > len(shown):
        print(f"  ... and {len(report.turned) - len(shown)} more (--json has all)")


def statuses_text(counts: Mapping[str, int]) -> str:
    """Return trials by status in words."""
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items()) or "none"


def _legend(share: float) -> str:
    """Return what the words of these tables mean."""
    margin = percent_text(share)
    return (
        f"same: within +-{margin} (two one-sided tests at 5 %), whether or not a difference is shown. regression, "
        "improvement: the ratio is beyond that, and the p-value, adjusted over the rows of a table (Holm), is at most "
        "5 %. same code: every pair of configurations is one program. to know it takes: blocks with which two equal "
        f"builds are shown to be the same, and a difference of {margin} is found, with a chance of 80 %."
    )


def _title(one: MetricBuilds) -> str:
    return f"{one.metric.name} ({one.mode})"


def _p_value(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
