"""How effects follow the axes of workloads: where they grow, where they fall, and where they change their side."""

import math
from collections.abc import Sequence

from ablatrix.analysis.effects import AxisCurve, AxisPoint, Evidence
from ablatrix.analysis.reasons import levels_text
from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.paper.sentences.whole import primary
from ablatrix.paper.views import size

NAMED = 3
"""Curves that the sentence names: those that change their side first, then those that change the most."""


def along_axes(sources: Sources) -> Written:
    """What changes along the axes of workloads; nothing of a study without axes."""
    evidence = primary(sources)
    curves = [one for one in evidence.curves if one.known] if evidence else []
    if not evidence or not curves:
        return
    changing = sorted((one for one in curves if one.course), key=lambda one: (one.course != "crosses", -_reach(one)))
    see = sources.see("axes")
    if not changing:
        axes = listed(dict.fromkeys(one.axis for one in curves))
        yield Sentence("along_axes", say("axes/none", axes=axes, see=see))
        return
    several = len({one.compiler for one in evidence.curves}) > 1
    said = [_clause(sources, evidence, one, several) for one in changing[:NAMED]]
    yield Sentence("along_axes", say("axes", changes=listed(said, "clauses"), see=see))


def _reach(curve: AxisCurve) -> float:
    """Return how far apart the effects at both ends are, on the logarithm."""
    first, *_, last = (point.effect.ratio for point in curve.known)
    return abs(math.log(last.value / first.value)) if first and last else 0.0


def _clause(sources: Sources, evidence: Evidence, curve: AxisCurve, several: bool) -> Fragment:
    knob = sources.knob(curve.knob)
    named = say("knob_with", knob=knob, compiler=sources.compiler(curve.compiler)) if several else knob
    slots: dict[str, Fragment] = {"knob": named, "workload": _workload(sources, curve), "axis": Name(curve.axis)}
    if curve.course == "crosses":
        one = curve.crossings[0]
        after = next(point.side for point in curve.points if point.value == one.after)
        slots |= {"before": Name(one.before), "after": Name(one.after)}
        return say(f"axis/crosses/{'more' if after > 0 else 'less'}", **slots)
    sides = sum(point.side for point in curve.points)
    slots["ends"] = _ends(sources, evidence, (curve.known[0], curve.known[-1]))
    return say(f"axis/{curve.course}/{'more' if sides > 0 else 'less'}", **slots)


def _workload(sources: Sources, curve: AxisCurve) -> Fragment:
    workload = sources.workload_named(curve.base)
    return say("axis/at", workload=workload, others=levels_text(curve.others)) if curve.others else workload


def _ends(sources: Sources, evidence: Evidence, points: Sequence[AxisPoint]) -> Fragment:
    """Return how large the effect is at both ends, where it is different at both to the same side."""
    if {point.side for point in points} not in ({-1}, {1}):
        return Name("")
    held = [sources.estimates.measured(point.effect, evidence) for point in points]
    first, last = (size(sources.ledger, one) for one in held if one is not None)
    values = {"first": Name(points[0].value), "last": Name(points[-1].value)}
    return say("axis/ends", least=first, most=last, **values)
