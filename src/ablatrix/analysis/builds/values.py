"""What is known of two builds of a compiler, side by side: frozen values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ablatrix.analysis.effects import Effect, GeometricMean, Judgement
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.records.metrics import Metric

BUILD = "build"
"""The knob whose levels are the names of builds."""
Word = Literal[
    "regression",
    "improvement",
    "same",
    "not distinguishable",
    "same code",
    "one block, not tested",
    "not confirmed",
    "not attributable",
]
CHANGED: tuple[Word, ...] = ("regression", "improvement")
"""Words that say that something changed."""
UNCHANGED: tuple[Word, ...] = ("same", "same code")
"""Words that say that nothing did."""
OPEN: tuple[Word, ...] = ("not distinguishable", "one block, not tested", "not confirmed", "not attributable")
"""Words that leave open whether something did."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What it would take to settle a question.

    Attributes:
        blocks: In all, if blocks scatter as they did; None where no number of blocks settles it.
        further: Of them, those that are not there yet.
        seconds: What the further ones take, if each takes what blocks of this unit took; None where records do not
            tell.
    """

    blocks: int | None
    further: int | None
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """What moving a knob does to one workload on one compiler: the build itself, or another knob under one build.

    Attributes:
        effect: The estimate; its knob is what is moved.
        at: The level of one other knob, or of the build, to which the estimate is confined; none for the mean over all.
        judgement: By the rule of all effects, adjusted over the changes of the same kind on the same metric.
        word: What may be said.
        needs: What would settle what is open; None where nothing is.
        elsewhere: What a second session says of the same change; None without one.
    """

    effect: Effect
    at: KnobLevels
    judgement: Judgement | None
    word: Word
    needs: Needs | None
    elsewhere: Word | None = None

    @property
    def subject(self) -> tuple[str, str]:
        """Workload and compiler."""
        return self.effect.workload, self.effect.compiler

    @property
    def key(self) -> tuple[Any, ...]:
        """What the same change has in another session."""
        one = self.effect
        return (
            one.workload,
            one.compiler,
            one.mode,
            one.metric,
            one.kind,
            one.knob,
            one.base_level,
            one.level,
            self.at,
        )


@dataclass(frozen=True, kw_only=True)
class MeanChange:
    """What a build does in the geometric mean over the workloads of a compiler."""

    mean: GeometricMean
    judgement: Judgement | None
    word: Word


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """How the change from one build to the other depends on the level of a knob.

    Attributes:
        knob, base_level, level: The knob, and the two levels.
        factor: What the build's ratio is multiplied by when the knob is moved; judged as a change.
        build_at: What the build does at the base level, and at the other one.
        knob_under: What the knob does under the base build, and under the other one.
    """

    knob: str
    base_level: str
    level: str
    factor: Change
    build_at: tuple[Change, Change]
    knob_under: tuple[Change, Change]

    @property
    def depends(self) -> bool:
        """Whether the build's change is shown to depend on the knob; same code at both levels is no change at all."""
        return self.factor.word in CHANGED and any(side.word != "same code" for side in self.build_at)


@dataclass(frozen=True, kw_only=True)
class SameCode:
    """Pairs of configurations whose code is the same in both builds: what they differ by is noise of layout.

    Attributes:
        comparisons: How many pairs, over all workloads and compilers.
        typical: Root mean square of their logarithms.
        largest: The largest of them, as a logarithm without its sign.
    """

    comparisons: int
    typical: float
    largest: float


@dataclass(frozen=True, kw_only=True)
class MetricBuilds:
    """Two builds on one metric.

    Attributes:
        changes: What the build does to each workload and compiler.
        means: In the mean over workloads, for each compiler with several.
        crossings: How that depends on each other knob, where a stage spans both.
        same_code: None where no pair is.
        controls: What the A/A controls say, a line each.
    """

    metric: Metric
    mode: str
    changes: tuple[Change, ...]
    means: tuple[MeanChange, ...]
    crossings: tuple[Crossed, ...]
    same_code: SameCode | None
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something that the records of two builds say differently: a version, or the code of the compiler.

    Attributes:
        before, after: Every value under each build.
    """

    what: str
    before: tuple[str, ...]
    after: tuple[str, ...]


Turn = Literal["newly wrong", "newly failed", "newly unsupported", "no longer fails", "now supported"]
WORSE: tuple[Turn, ...] = ("newly wrong", "newly failed", "newly unsupported")


@dataclass(frozen=True, kw_only=True)
class Turned:
    """A configuration whose trials ended in another way under the other build.

    Attributes:
        settings: Its levels, without the build; only knobs that vary.
        before, after: Trials by status, under each build.
    """

    workload: str
    compiler: str
    mode: str
    settings: KnobLevels
    turn: Turn
    before: Mapping[str, int]
    after: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """How the trials of one workload and compiler ended, by build.

    Attributes:
        before, after: Trials by status, of configurations that both builds have.
        worst_before, worst_after: The worst error of an ok trial as a share of what is allowed; None where no trial
            says it.
    """

    workload: str
    compiler: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    worst_before: float | None
    worst_after: float | None


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """Two builds, side by side, in everything that was measured.

    Attributes:
        base, head: Their names.
        margin: Largest relative difference that counts as none.
        sessions: Runs that it rests on: with two, a change is called one only if both have it.
        metrics: Those that the results have: run time first.
        outcomes: By workload and compiler.
        turned: Configurations that ended in another way, worse ones first.
        only_one: Configurations that only one of the builds has, in words.
        differences: What the records of the two say differently of software.
    """

    base: str
    head: str
    margin: float
    metrics: tuple[MetricBuilds, ...]
    outcomes: tuple[Outcomes, ...]
    turned: tuple[Turned, ...]
    only_one: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    sessions: int = 1

    @property
    def worse(self) -> tuple[Turned, ...]:
        """The configurations that are newly wrong, failed or unsupported."""
        return tuple(one for one in self.turned if one.turn in WORSE)

    def about(self, is_wanted: Callable[[str], bool]) -> "BuildReport":
        """Return what it says of some workloads, without means over all; words do not depend on it."""
        return replace(
            self,
            metrics=tuple(
                replace(
                    one,
                    changes=tuple(change for change in one.changes if is_wanted(change.effect.workload)),
                    means=(),
                    crossings=tuple(each for each in one.crossings if is_wanted(each.factor.effect.workload)),
                )
                for one in self.metrics
            ),
            outcomes=tuple(one for one in self.outcomes if is_wanted(one.workload)),
            turned=tuple(one for one in self.turned if is_wanted(one.workload)),
        )
