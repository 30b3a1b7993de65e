"""Verdicts at a glance: a row a metric, workload and compiler, a column a knob."""

from collections.abc import Sequence

from ablatrix.analysis.effects import Value, largest
from ablatrix.page.effects import DISTINGUISHABLE, NOT_ATTRIBUTABLE, Change, Judged, MetricEffects, spelled, tone_of
from ablatrix.page.printed import ratio_value
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.ranges import union
from ablatrix.records.metrics import Metric

MOST, SHOWN = 16, 12
"""So many changes have a column each; of more the largest so many."""


def glance_table(metrics: Sequence[MetricEffects], most: int) -> Table:
    """Return one row per metric, workload and compiler, and one column per knob: the ratio and its verdict."""
    changes, others = _columns(metrics)
    rows = []
    for one in metrics:
        by_unit: dict[tuple[str, str], dict[Change, Judged]] = {}
        for held in one.judged:
            by_unit.setdefault((held.effect.workload, held.effect.compiler), {}).setdefault(held.change, held)
        for (workload, compiler), found in by_unit.items():
            cells = [_glance(found[change], one.metric) if change in found else EMPTY for change in changes]
            sources = {"effect": union(held.sources["effect"] for held in found.values())}
            rows.append(Row([Shown(workload), Shown(compiler), Shown(one.title), *cells], sources))
    notes = [f"The first {most} of {len(rows)} rows; the tables below have all."] if len(rows) > most else []
    if others:
        notes.append(f"The {len(changes)} changes that are largest on the first metric; the tables below have all.")
    return Table(
        "glance",
        "Ratio to the level that each knob leaves, with the verdict; below 1 is faster or smaller",
        [
            Heading("workload"),
            Heading("compiler"),
            Heading("metric"),
            *(Heading(spelled(one), True) for one in changes),
        ],
        rows[:most],
        " ".join(notes),
    ).folded("compiler")


def _columns(metrics: Sequence[MetricEffects]) -> tuple[list[Change], int]:
    """Return the changes that have a column, and how many have none: ranked by the first metric, a time."""
    ratios: dict[Change, list[Value]] = {held.change: [] for one in metrics for held in one.judged}
    for held in (held for one in metrics[:1] for held in one.judged):
        ratios[held.change].append(1.0 if held.is_no_op else held.effect.ratio)
    chosen = largest(ratios, MOST, SHOWN)
    return list(chosen.shown), chosen.others


def _glance(held: Judged, metric: Metric) -> Shown:
    ratio = held.effect.ratio
    if ratio is None:
        return Shown(NOT_ATTRIBUTABLE, tone="warn")
    word = (held.judgement.verdict or "").replace("distinguishable", DISTINGUISHABLE)
    return Shown(f"{ratio_value(ratio.value)} {word}", ratio.value, "effect", tone_of(held, metric))
