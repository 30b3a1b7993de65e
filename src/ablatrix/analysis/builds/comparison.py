"""Two builds of a compiler, side by side: run time, cold start and memory, knob by knob, and whether it is still right.

It is estimated and judged as `ablatrix.analysis.effects` does it for every knob. What is said is for somebody who
changed a compiler: a difference that is shown and lies within the margin is *the same*, and one whose estimate does not
exceed the margin is no change, since the layout of code and data alone moves times by as much.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from ablatrix.analysis.builds.controls import BuildControls
from ablatrix.analysis.builds.needs import BlockTimes, needs_of
from ablatrix.analysis.builds.outcomes import outcomes_of, turned_of
from ablatrix.analysis.builds.pairs import BuildPairs, first_crossings, first_stages
from ablatrix.analysis.builds.values import (
    BUILD,
    BuildReport,
    Change,
    Crossed,
    Difference,
    MeanChange,
    MetricBuilds,
    SameCode,
    Word,
)
from ablatrix.analysis.diagnosis import Setting, Unit
from ablatrix.analysis.effect_metrics import DEFAULT_METRICS
from ablatrix.analysis.effects import (
    DEFAULT_MARGIN,
    NO_EFFECT,
    NO_OP,
    ONE_BLOCK,
    Effect,
    FactorialGrid,
    Judgement,
    effect_metric,
    judge,
    judge_means,
    mean_effects,
    mode_with_values,
    subject_of,
)
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.errors import AnalysisError
from ablatrix.records.metrics import Metric
from ablatrix.statistics.precision import mean_differences
from ablatrix.statistics.ratio import Ratio


def build_pairs(findings: Findings) -> tuple[tuple[str, str], ...]:
    """Return the builds that results compare: each compiler's baseline with each further one, in their order."""
    found: dict[tuple[str, str], None] = {}
    for unit in findings.units:
        base = next((one.level for one in unit.baseline if one.knob == BUILD), None)
        if base is not None:
            found.update({(base, other): None for other in unit.levels[BUILD] if other != base})
    return tuple(found)


def compare_builds(
    findings: Findings,
    base: str | None = None,
    head: str | None = None,
    margin: float = DEFAULT_MARGIN,
    metrics: Sequence[str] = (),
) -> BuildReport:
    """Return two builds of the compilers of some results, side by side.

    Args:
        findings: What is estimated from the results.
        base: The build that the other one is compared with; the baseline's by default.
        head: The other one; where there are two builds it need not be named.
        margin: Largest relative difference that counts as none.
        metrics: Those to compare; when empty, the default ones that the results have.

    Raises:
        AnalysisError: Results without builds, a build that they do not have, or one that must be named.
    """
    base, head = _named(build_pairs(findings), base, head)
    times, controls = BlockTimes(findings.trials), BuildControls(findings, (base, head))
    compared = []
    for name in metrics or DEFAULT_METRICS:
        metric = effect_metric(name)
        mode = mode_with_values(findings.trials, metric)
        grids = [] if mode is None else findings.factorial_grids(name, mode)
        if mode is not None and (metrics or any(len(grid.blocks) for grid in grids)):
            judging = _Judging(metric, margin, times)
            widened = [controls.widened(grid) for grid in grids]
            found = _on_metric(findings, widened, (base, head), judging, mode)
            compared.append(replace(found, controls=controls.texts(name, mode)))
    return BuildReport(
        base=base,
        head=head,
        margin=margin,
        metrics=tuple(one for one in compared if one.changes),
        outcomes=outcomes_of(findings.units, base, head),
        turned=turned_of(findings.units, base, head),
        only_one=tuple(_only_one(findings.units, base, head)),
        differences=tuple(_differences(findings, base, head)),
    )


def word_of(judgement: Judgement | None, ratio: Ratio | None) -> Word:
    """Return what may be said of a change, from its verdict and its ratio; None where it is not attributable.

    A measured difference is a change only beyond the margin: where code lies moves times by up to about that, and one
    build has one layout, however many blocks there are.
    """
    if judgement is None or judgement.verdict is None or ratio is None:
        return "not attributable"
    if judgement.verdict == NO_OP:
        return "same code"
    if judgement.verdict == ONE_BLOCK:
        return "one block, not tested"
    if judgement.within or judgement.verdict == NO_EFFECT:
        return "same"
    is_measured = judgement.p_holm is not None
    if not judgement.is_different or (is_measured and abs(math.log(ratio.value)) <= math.log1p(judgement.margin)):
        return "not distinguishable"
    return "regression" if judgement.verdict in _WORSE_VERDICTS else "improvement"


_WORSE_VERDICTS = ("slower", "larger", "more")
"""What a metric is called above 1: less is better in all that effects can be about."""


def _named(pairs: Sequence[tuple[str, str]], base: str | None, head: str | None) -> tuple[str, str]:
    """Return the two builds that are meant: those that are named, or the only ones there are."""
    if not pairs:
        raise AnalysisError(
            "these results have no two builds to compare; give those of a study whose knob 'build' has two levels"
        )
    every = list(dict.fromkeys(name for pair in pairs for name in pair))
    for name in (base, head):
        if name is not None and name not in every:
            raise AnalysisError(f"there is no build '{name}' in these results; there are: {', '.join(every)}")
    if base is not None and base == head:
        raise AnalysisError(f"build '{base}' cannot be compared with itself; there are: {', '.join(every)}")
    if base is not None and head is not None:
        return base, head
    either = [*pairs, *((other, one) for one, other in pairs)]
    fitting = [
        pair for pair in (either if base or head else pairs) if base in (None, pair[0]) and head in (None, pair[1])
    ]
    if len(fitting) != 1:
        known = ", ".join(f"{one} and {other}" for one, other in fitting)
        raise AnalysisError(f"name both builds to compare; there are: {known}")
    return fitting[0]


def _on_metric(
    findings: Findings,
    grids: Sequence[FactorialGrid],
    builds: tuple[str, str],
    judging: "_Judging",
    mode: str,
) -> MetricBuilds:
    stages = first_stages(grids, *builds)
    effects = [stage.change() for stage in stages]
    means = mean_effects(effects, findings.variants)
    judgements = judge_means(means, judging.metric, judging.margin)
    return MetricBuilds(
        metric=judging.metric,
        mode=mode,
        changes=tuple(judging.changes([(one, KnobLevels()) for one in effects])),
        means=tuple(
            MeanChange(mean=mean, judgement=judgement, word=word_of(judgement, mean.ratio))
            for mean, judgement in zip(means, judgements, strict=True)
        ),
        crossings=tuple(_crossings(judging, grids, builds)),
        same_code=_same_code(stages),
    )


@dataclass(frozen=True)
class _Judging:
    """How effects become changes: each list of them is one family of tests."""

    metric: Metric
    margin: float
    times: BlockTimes

    def changes(self, several: Sequence[tuple[Effect, KnobLevels]]) -> list[Change]:
        judgements = judge([subject_of(one) for one, _ in several], self.metric, self.margin)
        tests = sum(judgement.p_holm is not None for judgement in judgements)
        return [
            self._change(effect, at, judgement, tests)
            for (effect, at), judgement in zip(several, judgements, strict=True)
        ]

    def _change(self, effect: Effect, at: KnobLevels, judgement: Judgement, tests: int) -> Change:
        word = word_of(judgement, effect.ratio)
        needs = needs_of(effect, self.margin, tests, self.times) if word == "not distinguishable" else None
        return Change(effect=effect, at=at, judgement=judgement, word=word, needs=needs)


def _crossings(judging: _Judging, grids: Sequence[FactorialGrid], builds: tuple[str, str]) -> list[Crossed]:
    held = first_crossings(grids, *builds)
    factors = judging.changes([(stage.factor(step), KnobLevels()) for stage, step in held])
    at = judging.changes(
        [
            (effect, KnobLevels({step[0]: level}))
            for stage, step in held
            for effect, level in zip(stage.at(step), step[1:], strict=True)
        ]
    )
    under = judging.changes(
        [
            (effect, KnobLevels({BUILD: build}))
            for stage, step in held
            for effect, build in zip(stage.under(step), builds, strict=True)
        ]
    )
    return [
        Crossed(
            knob=step[0],
            base_level=step[1],
            level=step[2],
            factor=factor,
            build_at=(at[2 * number], at[2 * number + 1]),
            knob_under=(under[2 * number], under[2 * number + 1]),
        )
        for number, ((_, step), factor) in enumerate(zip(held, factors, strict=True))
    ]


def _same_code(stages: Iterable[BuildPairs]) -> SameCode | None:
    logs = []
    for stage in stages:
        acting = stage.grid.acting(stage.every)
        for pair in stage.every:
            values = mean_differences(stage.grid.columns, [pair]).values if pair not in acting else ()
            logs += [math.fsum(values) / len(values)] if values else []
    if not logs:
        return None
    return SameCode(
        comparisons=len(logs),
        typical=math.sqrt(math.fsum(log * log for log in logs) / len(logs)),
        largest=max(map(abs, logs)),
    )


def _only_one(units: Sequence[Unit], base: str, head: str) -> Iterator[str]:
    for unit in units:
        of_base, of_head = (_configurations(unit, build) for build in (base, head))
        for build, lone in ((base, len(of_base - of_head)), (head, len(of_head - of_base))):
            if lone:
                what = "1 configuration" if lone == 1 else f"{lone} configurations"
                yield f"{unit.workload} on {unit.compiler}: {what} under build '{build}' alone"


def _differences(findings: Findings, base: str, head: str) -> Iterator[Difference]:
    """Yield the versions, and the commit of the build, that the measured trials of two builds have not in common."""
    names = [name for name in findings.trials.columns if name.startswith(("version_", "build_commit", "build_dirty"))]
    held = findings.trials.lazy().filter(pl.col("role") == "measured").select(f"knob_{BUILD}", *names)
    sides = [held.filter(pl.col(f"knob_{BUILD}") == build).unique().collect() for build in (base, head)]
    for name in names:
        before, after = (tuple(map(str, sorted(side[name].drop_nulls().unique().to_list()))) for side in sides)
        if before != after:
            yield Difference(what=name.removeprefix("version_").replace("_", " "), before=before, after=after)


def _configurations(unit: Unit, build: str) -> set[frozenset[Setting]]:
    """Return the configurations of a build, without it."""
    moved = Setting(BUILD, build)
    return {frozenset(settings) - {moved} for settings in unit.rows if moved in settings}
