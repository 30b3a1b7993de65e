"""Whether a change passes: each thing that a policy looks at, with its answer and the reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ablatrix.analysis.builds import OPEN, BuildReport, Change, MetricBuilds, Turn, change_text, interval_text
from ablatrix.analysis.groups import percent_text
from ablatrix.analysis.reasons import levels_text, text_of
from ablatrix.errors import AnalysisError
from ablatrix.pull_request.policy import Answer, Policy, fits

State = Literal["passes", "fails", "open", "not counted"]
OUTCOMES = "outputs and failures"
WITH = " with "
"""Between the name of a metric and the level of a knob, in what a check looks at."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        what: The name of a metric, also ``NAME with KNOB=LEVEL``, or `OUTCOMES`.
        state: ``open`` is undecided and passes by the policy; ``not counted`` is not the policy's concern.
        reason: In words.
    """

    workload: str
    compiler: str
    what: str
    state: State
    reason: str


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A comparison of two builds, held against a policy."""

    report: BuildReport
    policy: Policy
    checks: tuple[Check, ...]

    @property
    def passes(self) -> bool:
        """Whether nothing fails."""
        return not self.failing

    @property
    def failing(self) -> tuple[Check, ...]:
        """What fails."""
        return tuple(one for one in self.checks if one.state == "fails")


def hold_against(report: BuildReport, policy: Policy) -> Gate:
    """Return a comparison held against a policy.

    Raises:
        AnalysisError: Nothing was measured under both builds, or a pattern of the policy fits no workload that was.
    """
    units = [(one.workload, one.compiler) for one in report.outcomes]
    names = sorted({workload for workload, _ in units})
    if not names:
        raise AnalysisError(
            f"no configuration of these results was run under both builds, '{report.base}' and '{report.head}'"
        )
    for pattern in policy.workloads:
        if not any(fits(name, pattern) for name in names):
            raise AnalysisError(
                f"policy: 'workloads' has {pattern}, which fits no workload of these results; there are: "
                f"{', '.join(names)}"
            )
    checks = [_check(one, change, policy) for one in report.metrics for change in one.changes]
    checks += [check for one in report.metrics for check in _at_levels(one, policy)]
    checks += _missing(report, policy, units)
    checks += [_outcome(report, policy, *unit) for unit in units]
    return Gate(report=report, policy=policy, checks=tuple(checks))


def _check(one: MetricBuilds, change: Change, policy: Policy) -> Check:
    workload, compiler = change.subject
    limit = policy.limit(workload, compiler, one.metric.name) if policy.counts(workload, compiler) else None
    said = _said(change, policy.margin)
    state: State = "passes"
    if limit is None:
        state = "not counted"
    elif change.word in OPEN:
        state, said = _undecided(policy.undecided), f"{said}; the limit is {percent_text(limit)}"
    elif change.word == "regression":
        beyond = _is_beyond(change, limit)
        state = "fails" if beyond else "passes"
        said = f"{said}, {'more' if beyond else 'no more'} than {percent_text(limit)}"
    return Check(workload=workload, compiler=compiler, what=one.metric.name, state=state, reason=said)


def _at_levels(one: MetricBuilds, policy: Policy) -> Iterator[Check]:
    """Yield what becomes worse than its limit at a level of a knob, where the change is shown to depend on it."""
    for crossed in one.crossings if policy.levels == "fail" else ():
        workload, compiler = crossed.factor.subject
        limit = policy.limit(workload, compiler, one.metric.name) if policy.counts(workload, compiler) else None
        if limit is None or not crossed.depends:
            continue
        for side in crossed.build_at:
            if side.word == "regression" and _is_beyond(side, limit):
                yield Check(
                    workload=workload,
                    compiler=compiler,
                    what=f"{one.metric.name}{WITH}{levels_text(side.at)}",
                    state="fails",
                    reason=f"{_said(side, policy.margin)}, more than {percent_text(limit)}",
                )


def _is_beyond(change: Change, limit: float) -> bool:
    return change.effect.ratio is not None and change.effect.ratio.value > 1.0 + limit


def _missing(report: BuildReport, policy: Policy, units: list[tuple[str, str]]) -> Iterator[Check]:
    """Yield the limits on what was not measured: nothing that has a limit passes in silence."""
    known = {(*change.subject, one.metric.name) for one in report.metrics for change in one.changes}
    metrics = dict.fromkeys(
        name for limits in (policy.limits, *(one.limits for one in policy.exceptions)) for name in limits
    )
    for workload, compiler in units:
        for name in metrics:
            limit = policy.limit(workload, compiler, name) if policy.counts(workload, compiler) else None
            if limit is not None and (workload, compiler, name) not in known:
                yield Check(
                    workload=workload,
                    compiler=compiler,
                    what=name,
                    state=_undecided(policy.undecided),
                    reason=f"not measured; the limit is {percent_text(limit)}",
                )


def _outcome(report: BuildReport, policy: Policy, workload: str, compiler: str) -> Check:
    answers: dict[Turn, Answer] = {
        "newly wrong": policy.wrong_outputs,
        "newly failed": policy.failures,
        "newly unsupported": policy.unsupported,
    }
    worse = [one for one in report.worse if (one.workload, one.compiler) == (workload, compiler)]
    counts = {turn: sum(one.turn == turn for one in worse) for turn in answers}
    said = ", ".join(f"{count} {turn}" for turn, count in counts.items() if count)
    state: State = "passes"
    if not policy.counts(workload, compiler):
        state = "not counted"
    elif any(answers[turn] == "fail" for turn, count in counts.items() if count):
        state = "fails"
    reason = said if said else "as before, or better"
    return Check(workload=workload, compiler=compiler, what=OUTCOMES, state=state, reason=reason)


def _undecided(answer: Answer) -> State:
    return "fails" if answer == "fail" else "open"


def _said(change: Change, margin: float) -> str:
    if change.effect.ratio is None:
        return "not attributable" + ("" if change.effect.reason is None else f": {text_of(change.effect.reason)}")
    return f"{change_text(change, margin)}: {interval_text(change.effect.ratio, change.effect.exact)}"
