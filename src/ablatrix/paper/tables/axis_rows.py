"""The source ``axes``: one row per value of an axis and effect, for tables of effects along the axes of workloads."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from ablatrix.analysis.effects import AxisCurve, curve_frame
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import levels_text
from ablatrix.paper.tables.effect_rows import evidence_of, printed_change, printed_verdict, reasons_in_words
from ablatrix.paper.tables.source_rows import SourceRows, Words, enter
from ablatrix.paper.tables.word import Cell, both
from ablatrix.plotting.labels import ENGLISH, Labels


def axis_rows(findings: Findings, origin: Sequence[str], labels: Labels = ENGLISH) -> SourceRows:
    """Return the effects along axes, with the columns that a table shows.

    Args:
        findings: What is estimated from the trials.
        origin: Columns that distinguish mixed records or sizes of a workload; they become columns in front.
        labels: The words of the paper's language.
    """
    curves = [curve for one in evidence_of(findings, origin) for curve in one.curves]
    frame = curve_frame(curves, origin)
    points = [(curve, point) for curve in curves for point in curve.points]
    added: dict[str, list[Cell | None]] = {
        "change": [both(labels, partial(printed_change, _step(curve))) for curve, _ in points],
        "verdict_text": [
            None if point.judgement is None else both(labels, partial(printed_verdict, point.judgement))
            for _, point in points
        ],
        "along": [both(labels, partial(_along, curve)) for curve, _ in points],
        "course_text": [None if curve.course is None else both(labels, partial(_course, curve)) for curve, _ in points],
    }
    words: Words = reasons_in_words([point.effect for _, point in points], labels)
    columns = [pl.Series(name, enter(words, name, cells), pl.String()) for name, cells in added.items()]
    return SourceRows(frame.with_columns(columns), words)


def _step(curve: AxisCurve) -> tuple[str | None, str | None, str | None, str | None]:
    return (curve.knob, None, curve.base_level, curve.level)


def _along(curve: AxisCurve, labels: Labels) -> str:
    others = levels_text(curve.others)
    return labels("axis_at", axis=curve.axis, others=others) if others else curve.axis


def _course(curve: AxisCurve, labels: Labels) -> str:
    if curve.course != "crosses":
        return labels(f"course_{curve.course}")
    ends = labels("semicolon").join(labels("crossing", before=one.before, after=one.after) for one in curve.crossings)
    return labels("course_crosses", ends=ends)
