"""Where the difference of two configurations is from: findings of ``explain`` that were kept, each with its parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.page.chart import Chart
from ablatrix.page.explained_chart import explained_chart
from ablatrix.page.printed import significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.plotting.families import families, family_text
from ablatrix.records.explanation import Explanation
from ablatrix.records.kept_findings import KeptFinding


@dataclass(frozen=True, kw_only=True)
class ExplainedPart:
    """One explanation on the page.

    Attributes:
        title: Its heading.
        lines: The answer in sentences.
        command: What was run.
        chart, table: The parts of the difference; None where it is not shown that there is one.
    """

    title: str
    lines: Sequence[str]
    command: str
    chart: Chart | None
    table: Table | None


def explained_parts(kept: Sequence[KeptFinding]) -> list[ExplainedPart]:
    """Return a part of the page for each explanation that was kept."""
    found = [(one, one.explanation) for one in kept if one.explanation is not None]
    return [
        ExplainedPart(
            title=one.title,
            lines=one.lines,
            command=one.command,
            chart=explained_chart(whole, number) if whole.is_established else None,
            table=_table(whole, f"explained-{number}") if whole.is_established else None,
        )
        for number, (one, whole) in enumerate(found)
    ]


def _table(found: Explanation, name: str) -> Table:
    whole = found.difference.ms
    rows = [
        _row(family_text(one), one.a_ms, one.b_ms, one.difference_ms, whole, calls=(one.a_calls, one.b_calls))
        for one in families(found.groups)
    ]
    rows.append(
        _row("overhead", found.a.overhead.ms, found.b.overhead.ms, found.overhead_difference.ms, whole, calls=None)
    )
    rows.append(_row("residual", None, None, found.residual.ms, whole, calls=None))
    rows.append(_row("total", found.a.total.ms, found.b.total.ms, whole, whole, calls=None))
    return Table(
        name,
        f"{found.workload}: A is {found.a.compiler} ({_levels(found, 'a')}), B is {found.b.compiler} "
        f"({_levels(found, 'b')}); times of operations by the compilers' own profiles, which add up to the difference",
        [
            Heading("operations", wide=True),
            Heading("calls A", True, "Calls of kernels in a run"),
            Heading("calls B", True, "Calls of kernels in a run"),
            Heading("A (ms)", True),
            Heading("B (ms)", True),
            Heading("B - A (ms)", True, "Below zero B is faster"),
            Heading("share", True, "Of the total difference"),
        ],
        rows,
    )


def _row(
    label: str, a: float | None, b: float | None, difference: float, whole: float, *, calls: tuple[int, int] | None
) -> Row:
    counts = [EMPTY, EMPTY] if calls is None else [Shown(f"{one:,}", one) for one in calls]
    share = Shown(f"{difference / whole + 0.0:.0%}", difference / whole) if whole else EMPTY
    tone = "good" if difference < 0 else ""
    changed = Shown(significant(difference), difference, tone=tone)
    return Row([Shown(label), *counts, _ms(a), _ms(b), changed, share])


def _ms(value: float | None) -> Shown:
    return EMPTY if value is None else Shown(significant(value), value)


def _levels(found: Explanation, side: str) -> str:
    own, other = (found.a, found.b) if side == "a" else (found.b, found.a)
    if own.compiler != other.compiler:
        return "its configuration as explained"
    return ", ".join(f"{knob}={level}" for knob, level in own.knobs.items() if other.knobs.get(knob) != level)
