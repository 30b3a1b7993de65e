"""The table of effects along axes of workloads: a row a curve, a column a value; a part for each axis and metric."""

from collections.abc import Sequence
from functools import partial

from ablatrix.analysis.effects import AxisCurve, AxisPoint, Evidence
from ablatrix.analysis.groups import sort_key
from ablatrix.analysis.reasons import levels_text
from ablatrix.paper.estimates import Interval
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.effect_rows import printed_change
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.word import both
from ablatrix.paper.template.spec import AxesTableSpec
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import Labels
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC, METRICS

AXIS_METRICS = (HOT_METRIC, COLD_METRIC)


def axes_tables(sources: TableSources, spec: AxesTableSpec) -> list[PrintedTable]:
    """Return the table: a part for each axis and metric that has curves, one without rows where there is none.

    Args:
        sources: The input; every number is entered in its ledger.
        spec: The template's entry.
    """
    found = [
        (evidence, axis, [one for one in evidence.curves if one.axis == axis])
        for evidence in map(sources.findings.evidence_on, AXIS_METRICS)
        if evidence is not None
        for axis in dict.fromkeys(one.axis for one in evidence.curves)
    ]
    if not found:
        return [_empty(sources, spec)]
    metrics = {evidence.metric.name for evidence, *_ in found}
    return [_part(sources, spec, evidence, curves, len(metrics) > 1) for evidence, _, curves in found]


def _part(
    sources: TableSources, spec: AxesTableSpec, evidence: Evidence, curves: Sequence[AxisCurve], with_metric: bool
) -> PrintedTable:
    labels, word, axis = sources.labels, sources.word, curves[0].axis
    several = len({one.compiler for one in curves}) > 1
    with_others = any(one.others for one in curves)
    values = sorted({point.value for one in curves for point in one.points}, key=sort_key)
    with_course = any(one.course for one in curves)
    headings = [word("workload"), *([word("axes")] if with_others else []), *([word("compiler")] if several else [])]
    headings.append(word("change"))
    names = len(headings)
    rows, different = [], set()
    for row, one in enumerate(curves):
        points = {point.value: point for point in one.points}
        texts = [_ratio(sources, evidence, points.get(value)) for value in values]
        different |= {(row, names + at) for at, value in enumerate(values) if value in points and points[value].side}
        subject = [both(labels, partial(_workload, one)), *([levels_text(one.others)] if with_others else [])]
        subject += [sources.compiler(one.compiler)] if several else []
        subject.append(both(labels, partial(printed_change, (one.knob, None, one.base_level, one.level))))
        course = [NOTHING if one.course is None else both(labels, partial(_course, one))] if with_course else []
        rows.append((*subject, *texts, *course))
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=(*headings, *values, *([word("effect")] if with_course else [])),
        group_cells=(*[""] * names, *[axis] * len(values), *([""] if with_course else [])),
        is_number=(*[False] * names, *[True] * len(values), *([False] if with_course else [])),
        cells=tuple(rows),
        part_word=both(labels, lambda it: _part_word(it, axis, evidence.metric.name if with_metric else None)),
        best=frozenset(different),
        labels=labels,
    )


def _empty(sources: TableSources, spec: AxesTableSpec) -> PrintedTable:
    labels = sources.labels
    return PrintedTable(
        number=spec.number,
        title=words_in(spec.title, labels.code),
        caption=words_in(spec.caption, labels.code),
        heading_cells=(sources.word("workload"), sources.word("change")),
        is_number=(False, False),
        cells=(),
        notes=(labels("no_row"),),
        labels=labels,
    )


def _part_word(labels: Labels, axis: str, metric: str | None) -> str:
    return axis if metric is None else labels("comma").join((axis, METRICS[metric].title(labels.language)))


def _workload(curve: AxisCurve, labels: Labels) -> str:
    return labels.workload(curve.base)


def _ratio(sources: TableSources, evidence: Evidence, point: AxisPoint | None) -> str:
    found = None if point is None else sources.estimates.measured(point.effect, evidence)
    return NOTHING if found is None else _interval_text(found)


def _interval_text(found: Interval) -> str:
    if found.low is None or found.high is None:
        return found.value.text
    return f"{found.value.text} [{found.low.text}, {found.high.text}]"


def _course(curve: AxisCurve, labels: Labels) -> str:
    if curve.course != "crosses":
        return labels(f"course_{curve.course}")
    ends = labels("semicolon").join(labels("crossing", before=one.before, after=one.after) for one in curve.crossings)
    return labels("course_crosses", ends=ends)
