"""Where the difference of two configurations is from, as a table: findings of ``explain`` that were kept."""

from collections.abc import Sequence
from pathlib import Path

from ablatrix.page.printed import significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.plotting.families import families, family_text
from ablatrix.records.explanation import EXPLANATION_NAME, Explanation, read_explanation
from ablatrix.records.kept_findings import KeptFinding


def explained_tables(kept: Sequence[KeptFinding], records: Sequence[Path] = ()) -> list[Table]:
    """Return a table for each explanation that was kept, and for each that is in a file beside records.

    Raises:
        RecordError: One cannot be read.
    """
    files = dict.fromkeys(one.parent / EXPLANATION_NAME for one in records)
    found = [one.explanation for one in kept if one.explanation is not None]
    found += [read_explanation(file) for file in files if file.exists()]
    return [_table(one, f"explained-{number}") for number, one in enumerate(found)]


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
    share = Shown(f"{difference / whole:.0%}", difference / whole) if whole else EMPTY
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
