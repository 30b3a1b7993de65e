"""What a bisection asks, with everything found in the study that it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.builds import BuildSpec
from ablatrix.errors import StudyError
from ablatrix.records.status import FAILURES
from ablatrix.study.model import CompilerChoice, Study

T = TypeVar("T")
SLOWER = "slower"
TROUBLES = (SLOWER, *FAILURES)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        trouble: ``slower``, or the status of trials that fail: ``wrong_output``, ``crashed``, ``timeout`` and the like.
        good, bad: Names of the builds of the study between whose commits the culprit is; by default the first two that
            the compiler lists.
        metric: What is slower, or larger.
        workload, compiler: Of the study; may be left out where there is one.
        levels: Levels of other knobs, where they are not the baseline's.
        confidence: With which the culprit is named.
        least: The smallest relative slow-down that counts.
        blocks: Hot blocks, or cold replicates, of a look.
        most_looks: After so many it ends without an answer.
    """

    trouble: str = SLOWER
    good: str | None = None
    bad: str | None = None
    metric: str = "run_ms_paired"
    workload: str | None = None
    compiler: str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.95
    least: float = 0.01
    blocks: int = 2
    most_looks: int = 100

    @property
    def is_slower(self) -> bool:
        """Whether the trouble is a slow-down, and no failure."""
        return self.trouble == SLOWER

    @property
    def least_log(self) -> float:
        """The smallest slow-down that counts, on the logarithm."""
        return math.log1p(self.least)

    @property
    def mode(self) -> str:
        """The mode that measures the metric."""
        return METRICS[self.metric].modes[0]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A question with what it means in its study.

    Attributes:
        study: The study.
        compiler: The chosen compiler.
        workload: Name of the chosen workload in the study.
        good, bad: Names of the two builds.
        good_spec, bad_spec: How they are made: of one repository, alike but for the commit.
    """

    question: Question
    study: Study
    compiler: CompilerChoice
    workload: str
    good: str
    bad: str
    good_spec: BuildSpec
    bad_spec: BuildSpec

    def between(self, good: str, bad: str) -> Settled:
        """Return the same question between two other commits."""
        return replace(self, good_spec=self.good_spec.at_commit(good), bad_spec=self.bad_spec.at_commit(bad))


def settle(study: Study, question: Question) -> Settled:
    """Return a question with what it means in a study.

    Raises:
        StudyError: It does not fit the study, or the question itself breaks a rule.
    """
    _refuse_wrong(question)
    with_builds = [choice for choice in study.compilers if len(choice.builds) > 1]
    compiler = _the_one("compiler with builds", question.compiler, {one.name: one for one in with_builds}, "--compiler")
    names = {choice.name: choice.name for choice in study.workloads}
    workload = _the_one("workload", question.workload, names, "--workload")
    good = question.good or compiler.builds[0]
    bad = question.bad or next(name for name in compiler.builds if name != good)
    for name in (good, bad):
        if name not in compiler.builds:
            raise StudyError(f"compiler '{compiler.name}' has no build '{name}'; it has: {', '.join(compiler.builds)}")
    if good == bad:
        raise StudyError(f"'{good}' is both the good build and the bad one; name two")
    specs = study.builds[good], study.builds[bad]
    for name, spec in zip((good, bad), specs, strict=True):
        if spec.git is None:
            raise StudyError(
                f"build '{name}' is not of a repository, so that there are no commits between; give it a 'git'"
            )
    assert specs[1].git is not None
    if specs[0].at_commit(specs[1].git.commit) != specs[1]:
        raise StudyError(
            f"builds '{good}' and '{bad}' differ in more than the commit, so that a difference need not come from one; "
            "give both the same repository, commands and environment"
        )
    return Settled(
        question=question,
        study=study,
        compiler=compiler,
        workload=workload,
        good=good,
        bad=bad,
        good_spec=specs[0],
        bad_spec=specs[1],
    )


def _refuse_wrong(question: Question) -> None:
    if question.trouble not in TROUBLES:
        raise StudyError(f"there is no trouble '{question.trouble}'; there are: {', '.join(TROUBLES)}")
    if question.metric not in METRICS:
        raise StudyError(f"there is no metric '{question.metric}'; there are: {', '.join(METRICS)}")
    if not 0.5 < question.confidence < 1.0:
        raise StudyError(f"the confidence must lie between 50 and 100 %, but is {question.confidence:.4g}")
    if not 0.0 < question.least < 1.0:
        raise StudyError(f"the least slow-down must lie between 0 and 100 %, but is {question.least:.4g}")
    if question.blocks < 1 or question.most_looks < 1:
        raise StudyError(f"blocks and looks must be at least 1, but are {question.blocks} and {question.most_looks}")


def _the_one(what: str, wanted: str | None, there: Mapping[str, T], option: str) -> T:
    if wanted is not None and wanted in there:
        return there[wanted]
    known = ", ".join(there) or "none"
    if wanted is not None:
        raise StudyError(f"the study has no {what} '{wanted}'; it has: {known}")
    if len(there) != 1:
        raise StudyError(f"a bisection looks at one {what}, and the study has: {known}; choose one with {option}")
    return next(iter(there.values()))
