"""All effects of a set of results, judged: what ``ablatrix effects`` shows."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress, repeat
from typing import Any

import polars as pl

from ablatrix.analysis.effect_metrics import DEFAULT_METRICS, METRICS
from ablatrix.analysis.effects.along_axes import AxisCurve, axis_curves
from ablatrix.analysis.effects.estimates import Effect, attribution, effects_of_levels
from ablatrix.analysis.effects.geometric_means import GeometricMean, mean_effects
from ablatrix.analysis.effects.grid import FactorialGrid, factorial_grids
from ablatrix.analysis.effects.judgement import DEFAULT_MARGIN, MAIN, Judgement, judge_effects, judge_means
from ablatrix.analysis.effects.over_hosts import EffectOnHosts, HostJudgement, judge_hosts
from ablatrix.analysis.effects.readings import TrialLayout
from ablatrix.analysis.effects.same_program import SamePrograms
from ablatrix.analysis.effects.screens import Screening, screenings
from ablatrix.analysis.effects.trends import Trend, trends_of
from ablatrix.analysis.groups import Control, Instrument, Variants, base_of, sort_key, variants_of
from ablatrix.analysis.reasons import levels_text, optional_text, text_of
from ablatrix.analysis.table import IS_OK, Tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.metrics import Metric
from ablatrix.records.variants import axis_text


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The effects on one metric.

    Attributes:
        origin: Columns that distinguish mixed records; effects have their values.
        judgements: One for each effect; None for parts of an attribution but its total: they are not tested.
        mean_judgements: The same for each geometric mean.
        controls: The A/A control of each unit; where one failed, the intervals of its unit are widened.
        trends: Of the knobs whose levels are numbers.
        curves: The effects along the axes of workloads.
        screens: The screenings of many knobs; what they found is an effect only where a later stage confirms it.
        host_judgements: One for each effect: whether it differs between hosts; None where it is not of several. Empty
            where no effect is.
    """

    metric: Metric
    mode: str
    origin: tuple[str, ...]
    effects: tuple[Effect, ...]
    judgements: tuple[Judgement | None, ...]
    means: tuple[GeometricMean, ...]
    mean_judgements: tuple[Judgement | None, ...]
    controls: tuple[Control, ...]
    trends: tuple[Trend, ...] = ()
    curves: tuple[AxisCurve, ...] = ()
    screens: tuple[Screening, ...] = ()
    host_judgements: tuple[HostJudgement | None, ...] = ()

    @property
    def on_hosts(self) -> tuple[tuple[Effect, EffectOnHosts, HostJudgement], ...]:
        """The effects of several hosts, with what is said of host x knob."""
        held = zip(self.effects, self.host_judgements, strict=True) if self.host_judgements else ()
        return tuple((one, one.hosts, of) for one, of in held if one.hosts is not None and of is not None)

    def control_of(self, held: Effect) -> Control | None:
        """Return the A/A control of an effect's unit; None where none was run."""
        unit = (held.origin, held.workload, held.digest, held.compiler)
        found = (one for one in self.controls if (one.origin, one.workload, one.digest, one.compiler) == unit)
        return next(found, None)


Grids = Callable[[str, str], Sequence[FactorialGrid]]
Screens = Callable[[str, str], Sequence[Screening]]


class NothingVariesError(AnalysisError):
    """No knob varies in the results, so that there is no effect: they are read well, and the answer is empty."""


@dataclass(frozen=True)
class Question:
    """What is asked of the results.

    Attributes:
        metrics: Names from `METRICS`; when empty, the default ones that the results have.
        workloads: Only these, all variants of each, and no means over workloads; when empty, all. Verdicts do not
            depend on it.
        margin: Largest relative difference that counts as none.
        start, end: Levels of the two ends of the attribution; see `ablatrix.analysis.effects.estimates.attribution`.
        axes: Only variants with one of these values of each axis, as with ``workloads``.
    """

    metrics: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    margin: float = DEFAULT_MARGIN
    start: Mapping[str, str] | None = None
    end: Mapping[str, str] | None = None
    axes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def is_about(self, workload: str, variants: Variants) -> bool:
        """Return whether a workload is among those that are wanted."""
        axes = variants[workload].axes if workload in variants else {}
        named = not self.workloads or bool({workload, base_of(workload, variants)} & set(self.workloads))
        return named and all(axis in axes and axis_text(axes[axis]) in values for axis, values in self.axes.items())


def gather(
    found: Tidy,
    question: Question,
    origin: Sequence[str] = (),
    instrument: Instrument | None = None,
    programs: SamePrograms | None = None,
    grids: Grids | None = None,
    screens: Screens | None = None,
) -> list[Evidence]:
    """Return the evidence on each metric that was asked for.

    Args:
        found: The table of trials.
        question: What is asked.
        origin: Columns that distinguish mixed records.
        instrument: The A/A controls of the whole results; of ``found`` by default.
        programs: Which configurations are one program; what ``found`` proves by default.
        grids: Gives the grids of a metric in a mode, where they are known already; made of ``found`` by default.
        screens: Gives its screenings, likewise.

    Raises:
        AnalysisError: A metric, workload, knob or level that is not in the results.
        NothingVariesError: No knob varies in them.
    """
    if not question.margin > 0.0:
        raise AnalysisError(f"the margin must be larger than 0, but got {question.margin}; 0.01 is 1 %")
    trials = found.trials
    variants = variants_of(trials)
    _refuse_unknown_workloads(trials, question, variants)
    instrument = instrument or Instrument(trials, origin)
    layout = TrialLayout(trials, origin)
    if grids is None:
        programs = programs or SamePrograms.of(trials, origin)
        grids = partial(factorial_grids, trials, origin=origin, instrument=instrument, programs=programs, layout=layout)
    if screens is None:
        screens = partial(screenings, trials, origin=origin, instrument=instrument, layout=layout)
    evidence = []
    for name in question.metrics or DEFAULT_METRICS:
        metric = effect_metric(name)
        mode = mode_with_values(trials, metric)
        if mode is not None:
            made = _evidence(grids(name, mode), metric, mode, question, tuple(origin), instrument, variants)
            wanted = (one for one in screens(name, mode) if question.is_about(one.workload, variants))
            evidence.append(replace(made, screens=tuple(wanted)))
        elif question.metrics:
            raise AnalysisError(f"no trial reports '{name}'; it is measured in {' or '.join(metric.modes)} trials")
    varying = list(dict.fromkeys(effect.knob for one in evidence for effect in one.effects if effect.knob))
    if not varying and not any(one.screens for one in evidence):
        raise NothingVariesError(_why_nothing(trials))
    for knob in {**(question.start or {}), **(question.end or {})}:
        if knob not in varying:
            raise AnalysisError(f"knob '{knob}' does not vary in these results; these do: {', '.join(varying)}")
    return evidence


def evidence_frame(evidence: Sequence[Evidence]) -> pl.DataFrame:
    """Return a row an effect, and then a row a geometric mean (``scope`` distinguishes them), unrounded.

    ``log_ratio`` is what adds up: the Shapley values of an attribution to its total. Where workloads have axes, a
    further column says over which of their values a mean is; of several hosts, further ones say whether they agree.
    """
    has_hosts = any(one.host_judgements for one in evidence)
    has_axes = any(mean.over for one in evidence for mean in one.means)
    rows = [
        _row("workload", one.origin, effect)
        | {"workload": effect.workload}
        | _of_effect(effect, one.control_of(effect))
        | _judged(judgement)
        | (_of_hosts(effect, of_hosts) if has_hosts else {})
        for one in evidence
        for effect, judgement, of_hosts in zip(
            one.effects, one.judgements, one.host_judgements or repeat(None, len(one.effects)), strict=True
        )
    ]
    rows += [
        _row("geometric mean", one.origin, mean)
        | {
            "workloads": len(mean.workloads),
            "workloads_missing": "; ".join(f"{name} ({text_of(why)})" for name, why in mean.missing.items()) or None,
            **({"over": mean.over or None} if has_axes else {}),
        }
        | _judged(judgement)
        for one in evidence
        for mean, judgement in zip(one.means, one.mean_judgements, strict=True)
    ]
    origin = evidence[0].origin if evidence else ()
    over: dict[str, pl.DataType] = {"over": pl.String()} if has_axes else {}
    over |= _HOSTS_SCHEMA if has_hosts else {}
    return pl.DataFrame(rows, schema=evidence_schema(origin) | over, infer_schema_length=None)


def evidence_schema(origin: Sequence[str] = ()) -> dict[str, pl.DataType]:
    """Return the columns of `evidence_frame` with their types, in their order."""
    text, whole, real = pl.String(), pl.Int64(), pl.Float64()
    names = ("metric", "mode", "workload", "compiler", "stage", "centre", "effect", "knob", "other_knob")
    schema: dict[str, pl.DataType] = dict.fromkeys(("scope", *origin, *names, "base_level", "level"), text)
    schema |= dict.fromkeys(("ratio", "ratio_low", "ratio_high", "log_ratio"), real)
    schema |= {"exact": pl.Boolean()} | dict.fromkeys(("blocks", "blocks_left_out"), whole)
    schema |= dict.fromkeys(("pairs", "pairs_partial", "pairs_missing", "pairs_same"), whole)
    schema |= dict.fromkeys(("p", "p_holm", "p_equivalence"), real) | {"within_margin": pl.Boolean()}
    schema |= {"verdict": text, "resolution": real, "widened": real}
    schema |= dict.fromkeys(("control", "control_low", "control_high", "control_p_holm", "control_p_together"), real)
    schema |= {"not_attributable": text}
    return schema | {"workloads": whole, "workloads_missing": text}


def _why_nothing(trials: pl.DataFrame) -> str:
    """Return why there is no effect: nothing varies, or all that was screened changes nothing."""
    probes = trials.lazy().filter(pl.col("role") == "probe").select("stage", "artifact_digest", "status").collect()
    stages = probes["stage"].drop_nulls().unique().sort().to_list()
    built = probes["artifact_digest"].drop_nulls()
    if not stages or built.n_unique() > 1:
        return "no knob varies in these results, so there is no effect; give those of a study that varies one"
    failed = probes.height - built.len()
    rest = f" ({failed} of them failed)" if failed else ""
    named = ", ".join(stages)
    return (
        f"no knob of stage '{named}' changes what is built: its {probes.height} untimed compiles{rest} left one "
        "program, so nothing was timed and there is no effect; 'ablatrix diagnose' has the proofs"
    )


def _refuse_unknown_workloads(trials: pl.DataFrame, question: Question, variants: Variants) -> None:
    there = trials["workload"].unique().sort().to_list()
    bases = [one.base for one in variants.values()]
    if unknown := [name for name in question.workloads if name not in (*there, *bases)]:
        raise AnalysisError(f"there is no workload '{unknown[0]}' in these results; there are: {', '.join(there)}")
    values: dict[str, set[str]] = {}
    for one in variants.values():
        for axis, value in one.axes.items():
            values.setdefault(axis, set()).add(axis_text(value))
    for axis, wanted in question.axes.items():
        if axis not in values:
            known = f"there are: {', '.join(sorted(values))}" if values else "their workloads have no axes"
            raise AnalysisError(f"there is no axis '{axis}' in these results; {known}")
        if missing := sorted(wanted - values[axis]):
            known = ", ".join(sorted(values[axis], key=sort_key))
            raise AnalysisError(f"axis '{axis}' has no value {missing[0]} in these results; it has: {known}")
    if question.axes and not any(question.is_about(name, variants) for name in there):
        raise AnalysisError("no workload of these results has all the axis values that are wanted; want fewer")


def effect_metric(name: str) -> Metric:
    """Return a metric that effects can be about.

    Raises:
        AnalysisError: There is none of this name.
    """
    if name not in METRICS:
        raise AnalysisError(f"there is no metric '{name}' for effects; there are: {', '.join(METRICS)}")
    return METRICS[name]


def mode_with_values(trials: pl.DataFrame, metric: Metric) -> str | None:
    """Return the first mode of the metric that has a value; without one, the first in which something was run."""
    measured = trials.lazy().filter(pl.col("role") == "measured").group_by("mode")
    has_value = (IS_OK & pl.col(metric.name).is_not_null()).any().alias("value")
    known = dict(measured.agg(has_value).select("mode", "value").collect().iter_rows())
    run = [mode for mode in metric.modes if mode in known]
    return next((mode for mode in run if known[mode]), next(iter(run), None))


def _evidence(
    grids: Sequence[FactorialGrid],
    metric: Metric,
    mode: str,
    question: Question,
    origin: tuple[str, ...],
    instrument: Instrument,
    variants: Variants,
) -> Evidence:
    effects: list[Effect] = []
    trends: list[Trend] = []
    for grid in grids:
        trends += trends_of(grid)
        effects += [*effects_of_levels(grid), *attribution(grid, question.start, question.end)]
    controls = instrument.controls(metric.name, mode)
    # Judged before workloads are chosen: the family of tests must not shrink with what is looked at.
    judgements = judge_effects(effects, metric, question.margin)
    on_hosts = judge_hosts([None if one.is_no_op or one.exact else one.hosts for one in effects])
    means = mean_effects(effects, variants)
    curves = axis_curves(effects, judgements, variants)
    if question.workloads or question.axes:
        wanted = [question.is_about(one.workload, variants) for one in effects]
        effects, judgements = list(compress(effects, wanted)), list(compress(judgements, wanted))
        on_hosts = list(compress(on_hosts, wanted))
        controls = tuple(one for one in controls if question.is_about(one.workload, variants))
        trends = [one for one in trends if question.is_about(one.workload, variants)]
        curves = [one for one in curves if all(question.is_about(at.effect.workload, variants) for at in one.points)]
        means = []
    return Evidence(
        metric=metric,
        mode=mode,
        origin=origin,
        effects=tuple(effects),
        judgements=tuple(judgements),
        means=tuple(means),
        mean_judgements=tuple(judge_means(means, metric, question.margin)),
        controls=controls,
        trends=tuple(trends),
        curves=tuple(curves),
        host_judgements=tuple(on_hosts) if any(one.hosts for one in effects) else (),
    )


def _row(scope: str, origin: Sequence[str], held: Effect | GeometricMean) -> dict[str, Any]:
    ratio = held.ratio
    return {
        "scope": scope,
        **dict(zip(origin, map(str, held.origin), strict=True)),
        "metric": held.metric,
        "mode": held.mode,
        "compiler": held.compiler,
        "stage": held.stage,
        "effect": held.kind,
        "knob": held.knob,
        "other_knob": held.other,
        "base_level": held.base_level,
        "level": held.level,
        "ratio": ratio.value if ratio else None,
        "ratio_low": ratio.low if ratio else None,
        "ratio_high": ratio.high if ratio else None,
        "p": ratio.p_value if ratio else None,
        "widened": ratio.widened if ratio else None,
        "exact": held.exact,
        "blocks": (held.blocks if isinstance(held, Effect) else ratio.count) if ratio else 0,
    }


def _of_effect(effect: Effect, control: Control | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "centre": levels_text(effect.centre) or None,
        "log_ratio": math.fsum(effect.logs) / len(effect.logs) if effect.logs else None,
        "blocks_left_out": effect.blocks_left_out,
        "not_attributable": optional_text(effect.reason),
    }
    if control is not None:
        row |= {
            "control": control.ratio.value,
            "control_low": control.ratio.low,
            "control_high": control.ratio.high,
            "control_p_holm": control.p_holm,
            "control_p_together": control.p_together,
        }
    if effect.kind in MAIN:
        names = ("pairs", "pairs_partial", "pairs_missing", "pairs_same")
        row |= {name: getattr(effect, name) for name in names}
    return row


_HOSTS_SCHEMA: Mapping[str, pl.DataType] = {
    "hosts": pl.Int64(),
    "tau": pl.Float64(),
    "p_hosts": pl.Float64(),
    "p_hosts_holm": pl.Float64(),
    "hosts_differ": pl.Boolean(),
    "odd_hosts": pl.String(),
}
"""``tau``: the standard deviation of the true effect between hosts, on the logarithm."""


def _of_hosts(effect: Effect, judgement: HostJudgement | None) -> dict[str, Any]:
    held = effect.hosts
    if held is None:
        return {}
    row: dict[str, Any] = {"hosts": len(held.names), "tau": held.spread.tau, "p_hosts": held.spread.p_value}
    if judgement is not None:
        row |= {"p_hosts_holm": judgement.p_holm, "hosts_differ": judgement.differs}
        row |= {"odd_hosts": ", ".join(judgement.odd) or None}
    return row


def _judged(judgement: Judgement | None) -> dict[str, Any]:
    if judgement is None:
        return {}
    return {
        "p_holm": judgement.p_holm,
        "p_equivalence": judgement.p_equivalence,
        "within_margin": judgement.within,
        "verdict": judgement.verdict,
        "resolution": judgement.resolution,
    }
