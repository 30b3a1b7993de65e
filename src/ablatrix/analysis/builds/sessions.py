"""Two sessions of one comparison: a change is called one only if it recurs.

A session has its own processes, addresses and time of day; what one of them shows and the other does not was the
session's, not the build's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablatrix.analysis.builds.values import CHANGED, BuildReport, Change, Crossed, MeanChange, MetricBuilds, Turned
from ablatrix.errors import AnalysisError


def confirmed(first: BuildReport, second: BuildReport) -> BuildReport:
    """Return the report of a session with each change that a second one does not have as *not confirmed*.

    What the second session finds and the first does not is no change either. Outcomes are those of both: a wrong output
    in one of them is a wrong output.

    Raises:
        AnalysisError: The two are not about the same builds.
    """
    if (first.base, first.head) != (second.base, second.head):
        raise AnalysisError(
            f"the sessions compare other builds: {first.base} and {first.head}, {second.base} and {second.head}"
        )
    others = {one.metric.name: one for one in second.metrics}
    return replace(
        first,
        metrics=tuple(_metric(one, others.get(one.metric.name)) for one in first.metrics),
        turned=_both(first.turned, second.turned),
        sessions=2,
    )


def _metric(first: MetricBuilds, second: MetricBuilds | None) -> MetricBuilds:
    known = {one.key: one for one in _all(second)} if second is not None else {}
    means = {(one.mean.compiler, one.mean.stage): one for one in second.means} if second is not None else {}
    return replace(
        first,
        changes=tuple(_recurring(one, known) for one in first.changes),
        means=tuple(_recurring_mean(one, means.get((one.mean.compiler, one.mean.stage))) for one in first.means),
        crossings=tuple(_crossed(one, known) for one in first.crossings),
    )


def _all(one: MetricBuilds) -> list[Change]:
    return [*one.changes, *(part for crossed in one.crossings for part in _parts(crossed))]


def _parts(one: Crossed) -> tuple[Change, ...]:
    return (one.factor, *one.build_at, *one.knob_under)


def _crossed(one: Crossed, known: Mapping[tuple[Any, ...], Change]) -> Crossed:
    factor, *others = (_recurring(part, known) for part in _parts(one))
    return replace(one, factor=factor, build_at=(others[0], others[1]), knob_under=(others[2], others[3]))


def _recurring(one: Change, known: Mapping[tuple[Any, ...], Change]) -> Change:
    other = known.get(one.key)
    word = "not attributable" if other is None else other.word
    return replace(one, word="not confirmed" if one.word in CHANGED and word != one.word else one.word, elsewhere=word)


def _recurring_mean(one: MeanChange, other: MeanChange | None) -> MeanChange:
    recurs = other is not None and other.word == one.word
    return one if one.word not in CHANGED or recurs else replace(one, word="not confirmed")


def _both(first: Sequence[Turned], second: Sequence[Turned]) -> tuple[Turned, ...]:
    known = {(one.workload, one.compiler, one.mode, one.settings, one.turn) for one in first}
    return (
        *first,
        *(one for one in second if (one.workload, one.compiler, one.mode, one.settings, one.turn) not in known),
    )
