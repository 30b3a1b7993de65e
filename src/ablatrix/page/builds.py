"""Two builds of a compiler, side by side, as tables: what changed, what that depends on, and how trials ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.analysis.builds import (
    BuildReport,
    Change,
    Crossed,
    MetricBuilds,
    Word,
    build_pairs,
    change_text,
    compare_builds,
    dependence_text,
    needs_text,
    same_code_text,
)
from ablatrix.analysis.effects import Effect
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import levels_text, text_of
from ablatrix.page.effects import MetricEffects
from ablatrix.page.printed import interval, ratio_value
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.ranges import Ranges
from ablatrix.statistics.ratio import Ratio

TONES: Mapping[Word, str] = {
    "regression": "bad",
    "improvement": "good",
    "same": "quiet",
    "same code": "quiet",
    "not distinguishable": "warn",
}
RATIO = (Heading("ratio", True), Heading("95 % interval", True))
MOST_TURNED = 100


@dataclass(frozen=True, kw_only=True)
class BuildSection:
    """What the page shows of two builds.

    Attributes:
        turned: Configurations that ended in another way; None where there is none.
        notes: What pairs of the same code say, and which configurations only one build has.
    """

    base: str
    head: str
    changes: Table
    crossings: Table | None
    outcomes: Table
    turned: Table | None
    notes: Sequence[str]


def build_sections(findings: Findings, metrics: Sequence[MetricEffects]) -> list[BuildSection]:
    """Return each further build beside the baseline's; nothing where builds do not vary.

    Args:
        findings: What is estimated from the records.
        metrics: Their effects, which know the rows behind each.
    """
    behind = {_identity(one.effect): one.sources["effect"] for metric in metrics for one in metric.judged}
    reports = [compare_builds(findings, base, head) for base, head in build_pairs(findings)]
    return [_section(number, report, behind) for number, report in enumerate(reports, 1)]


def _section(number: int, report: BuildReport, behind: Mapping[tuple[str, ...], Ranges]) -> BuildSection:
    notes = [f"{_title(one)}: {same_code_text(one.same_code)}." for one in report.metrics if one.same_code]
    crossed = [_crossed_row(one, each, report, behind) for one in report.metrics for each in one.crossings]
    return BuildSection(
        base=report.base,
        head=report.head,
        changes=_changes(number, report, behind),
        crossings=_crossings(number, report, crossed) if crossed else None,
        outcomes=_outcomes(number, report),
        turned=_turned(number, report) if report.turned else None,
        notes=[*notes, *(f"{one}." for one in report.only_one)],
    )


def _changes(number: int, report: BuildReport, behind: Mapping[tuple[str, ...], Ranges]) -> Table:
    rows = [_change_row(one, each, report, behind) for one in report.metrics for each in one.changes]
    foot = [
        Row(
            (
                Shown("all workloads"),
                Shown(each.mean.compiler),
                Shown(_title(one)),
                *_ratio(each.mean.ratio),
                Shown(change_text(each, report.margin, sign="±"), tone=TONES.get(each.word, "")),
                EMPTY,
            )
        )
        for one in report.metrics
        for each in one.means
    ]
    headings = (
        Heading("workload"),
        Heading("compiler"),
        Heading("metric", wide=True),
        *RATIO,
        Heading("what may be said", wide=True),
        Heading("to know it takes", wide=True, meaning="Blocks with which it is settled with a chance of 80 %"),
    )
    return Table(
        f"builds-{number}",
        f"Build {report.head} as a ratio to build {report.base}; below 1 is better",
        headings,
        rows,
        note=" ".join(_missing(report)),
        foot=foot,
    ).folded("compiler")


def _missing(report: BuildReport) -> Iterator[str]:
    for one in report.metrics:
        for each in one.changes:
            if each.effect.reason is not None:
                workload, compiler = each.subject
                yield f"{workload} on {compiler}, {_title(one)}: {text_of(each.effect.reason)}."


def _change_row(one: MetricBuilds, each: Change, report: BuildReport, behind: Mapping[tuple[str, ...], Ranges]) -> Row:
    workload, compiler = each.subject
    cells = (
        Shown(workload),
        Shown(compiler),
        Shown(_title(one)),
        *_ratio(each.effect.ratio, "effect"),
        Shown(change_text(each, report.margin, sign="±"), tone=TONES.get(each.word, "")),
        EMPTY if each.needs is None else Shown(needs_text(each.needs, report.margin)),
    )
    return Row(cells, _sources(each.effect, behind))


def _crossings(number: int, report: BuildReport, rows: Sequence[Row]) -> Table:
    headings = (
        Heading("workload"),
        Heading("compiler"),
        Heading("metric", wide=True),
        Heading("knob", wide=True),
        Heading("build at its old level", True),
        Heading("build at its new level", True),
        Heading(f"knob under {report.base}", True),
        Heading(f"knob under {report.head}", True),
        Heading("depends", wide=True, meaning="Whether the build's ratio is shown to be another one when it is moved"),
    )
    caption = f"Build x knob: {report.head} over {report.base} at both levels of each knob, and each knob under both"
    return Table(f"build-knobs-{number}", caption, headings, rows).folded("compiler")


def _crossed_row(
    one: MetricBuilds, each: Crossed, report: BuildReport, behind: Mapping[tuple[str, ...], Ranges]
) -> Row:
    workload, compiler = each.factor.subject
    sides = [side.effect.ratio for side in (*each.build_at, *each.knob_under)]
    depends = dependence_text(each, report.margin)
    cells = (
        Shown(workload),
        Shown(compiler),
        Shown(_title(one)),
        Shown(f"{each.knob}: {each.base_level} → {each.level}"),
        *(EMPTY if ratio is None else Shown(ratio_value(ratio.value), ratio.value, "effect") for ratio in sides),
        Shown(depends, tone="warn") if depends else Shown("not shown", tone="quiet"),
    )
    return Row(cells, _sources(each.factor.effect, behind))


def _outcomes(number: int, report: BuildReport) -> Table:
    rows = [
        Row((Shown(one.workload), Shown(one.compiler), Shown(_statuses(one.before)), Shown(_statuses(one.after))))
        for one in report.outcomes
    ]
    headings = (
        Heading("workload"),
        Heading("compiler"),
        Heading(f"under {report.base}", wide=True),
        Heading(f"under {report.head}", wide=True),
    )
    caption = "How the trials of configurations that both builds have ended"
    return Table(f"build-outcomes-{number}", caption, headings, rows).folded("compiler")


def _turned(number: int, report: BuildReport) -> Table:
    rows = [
        Row(
            (
                Shown(one.workload),
                Shown(one.compiler),
                Shown(one.mode),
                Shown(levels_text(one.settings)),
                Shown(one.turn, tone="bad" if one in report.worse else "good"),
                Shown(_statuses(one.before)),
                Shown(_statuses(one.after)),
            )
        )
        for one in report.turned[:MOST_TURNED]
    ]
    headings = (
        Heading("workload"),
        Heading("compiler"),
        Heading("mode"),
        Heading("configuration", wide=True),
        Heading("what"),
        Heading(f"under {report.base}", wide=True),
        Heading(f"under {report.head}", wide=True),
    )
    rest = len(report.turned) - len(rows)
    note = f"{rest} more are not shown." if rest else ""
    caption = "Configurations that ended in another way"
    return Table(f"build-turned-{number}", caption, headings, rows, note=note).folded("compiler")


def _ratio(ratio: Ratio | None, statistic: str = "") -> tuple[Shown, Shown]:
    if ratio is None:
        return EMPTY, EMPTY
    return Shown(ratio_value(ratio.value), ratio.value, statistic), Shown(interval(ratio), ratio.half_width, statistic)


def _sources(effect: Effect, behind: Mapping[tuple[str, ...], Ranges]) -> dict[str, Ranges]:
    rows = behind.get(_identity(effect))
    return {} if rows is None else {"effect": rows}


def _identity(effect: Effect) -> tuple[str, ...]:
    """Return what identifies the effect of a knob's levels, and what crosses it, among those of a page."""
    unit = (effect.workload, effect.digest, effect.compiler, effect.metric, effect.stage)
    return (*unit, str(effect.knob), effect.base_level, effect.level)


def _statuses(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items()) or "none"


def _title(one: MetricBuilds) -> str:
    return f"{one.metric.heading} ({one.mode})"
