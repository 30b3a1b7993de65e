"""The effects of knobs as tables: verdicts at a glance, main effects, attribution of the total, interactions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablatrix.analysis.diagnosis import KnobProof, proof_text
from ablatrix.analysis.effects import (
    MAIN,
    NO_OP,
    AxisCurve,
    Effect,
    EffectOnHosts,
    Evidence,
    GeometricMean,
    HostJudgement,
    Judgement,
    Screening,
)
from ablatrix.analysis.effects import verdict_text as judgement_text
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Control, control_cell, controls_text
from ablatrix.analysis.reasons import stage_text, text_of
from ablatrix.page.printed import interval, ratio_value, significant
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges, union
from ablatrix.records.metrics import Metric
from ablatrix.statistics.ratio import Ratio

NOT_ATTRIBUTABLE = "not attributable"
MEAN = "all workloads"
DISTINGUISHABLE = "distin\N{SOFT HYPHEN}guish\N{SOFT HYPHEN}able"  # may break into lines where columns are many
Change = tuple[str, str, str]
_PARTS = ("add_one_in", "shapley", "leave_one_out")


@dataclass(frozen=True)
class Judged:
    """A main effect, or a level around a centre, with its judgement, proof, A/A control and rows.

    Attributes:
        proof: Whether the knob changed anything; None if no two configurations show it.
        control: The A/A control of its unit; None if none was run.
        sources: The rows behind it, and behind its control.
    """

    effect: Effect
    judgement: Judgement
    proof: KnobProof | None
    control: Control | None
    sources: Mapping[str, Ranges]

    @property
    def change(self) -> Change:
        """The knob, and the levels that it is changed from and to."""
        return (str(self.effect.knob), self.effect.base_level, self.effect.level)

    @property
    def is_no_op(self) -> bool:
        """Whether both levels give the same program wherever the effect is made of."""
        return self.effect.is_no_op


@dataclass(frozen=True)
class Share:
    """One knob's part of an attribution: alone, as a share, and as the last."""

    alone: Effect
    share: Effect
    last: Effect


@dataclass(frozen=True)
class Attribution:
    """The total from one configuration to another of one workload, compiler and stage, and its parts."""

    total: Effect
    shares: tuple[Share, ...]
    rows: Ranges


@dataclass(frozen=True, kw_only=True)
class MetricEffects:
    """All that the page shows about one metric."""

    metric: Metric
    mode: str
    judged: tuple[Judged, ...]
    attributions: tuple[Attribution, ...]
    interactions: tuple[tuple[Effect, Ranges], ...]
    means: tuple[tuple[GeometricMean, Judgement, Ranges], ...]
    controls: tuple[tuple[Control, Ranges], ...]
    control_notes: tuple[str, ...]
    curves: tuple[AxisCurve, ...] = ()
    screens: tuple[tuple[Screening, Ranges], ...] = ()
    on_hosts: tuple[tuple[Effect, EffectOnHosts, HostJudgement], ...] = ()

    @property
    def title(self) -> str:
        """The name of the metric for readers."""
        return f"{self.metric.heading} ({self.mode})"


def metric_effects(one: Evidence, findings: Findings, finder: RowFinder) -> MetricEffects:
    """Return the effects on a metric with their records, and with what findings prove of their knobs."""
    controls = {finder.unit_of(control).identity: control for control in one.controls}
    judged, attributions, interactions = [], [], []
    behind: dict[tuple[Any, ...], list[Ranges]] = {}
    for stage in _stages(zip(one.effects, one.judgements, strict=True)):
        effects = [effect for effect, _ in stage]
        unit = finder.unit_of(effects[0])
        control = controls.get(unit.identity)
        for effect, judgement in stage:
            if judgement is not None and effect.kind in MAIN:
                rows = finder.of_effect(effect, effects).rows
                if effect.ratio is not None:  # what is not attributable is in no mean
                    behind.setdefault((_mean_key(effect), effect.is_no_op), []).append(rows)
                held = {"effect": rows}
                if control is not None:
                    held["control"] = finder.of_control(unit, one.mode, one.metric.name)
                judged.append(Judged(effect, judgement, findings.proof_of(effect), control, held))
            elif effect.kind == "interaction":
                interactions.append((effect, finder.of_effect(effect, effects).rows))
        attributions += _attributions(effects, finder)
    means = [
        (mean, judgement, union(behind.get((_mean_key(mean), mean.is_no_op), ())))
        for mean, judgement in zip(one.means, one.mean_judgements, strict=True)
        if mean.kind in MAIN and judgement is not None
    ]
    return MetricEffects(
        metric=one.metric,
        mode=one.mode,
        judged=tuple(judged),
        attributions=tuple(attributions),
        interactions=tuple(interactions),
        means=tuple(means),
        controls=tuple(
            (control, finder.of_control(finder.unit_of(control), one.mode, one.metric.name)) for control in one.controls
        ),
        control_notes=tuple(controls_text(one.controls, one.mode)),
        curves=one.curves,
        screens=tuple((screen, _behind(screen, one, finder)) for screen in one.screens),
        on_hosts=one.on_hosts,
    )


def _behind(screen: Screening, one: Evidence, finder: RowFinder) -> Ranges:
    unit = finder.units[(*screen.origin, screen.workload, screen.digest, screen.compiler)]
    return finder.of_screening(unit, one.mode, one.metric.name, screen.stage)


def effects_table(one: MetricEffects) -> Table:
    """Return the main effects on a metric, and below them their means over workloads."""
    rows = [_effect_row(held, one.metric) for held in one.judged]
    rows += [_mean_row(mean, judgement, sources) for mean, judgement, sources in one.means]
    return Table(
        f"effects-{one.metric.name}",
        f"{one.title}: what each knob does, as a ratio to the level it leaves; below 1 is {one.metric.less}",
        [
            Heading("workload"),
            Heading("compiler"),
            Heading("stage"),
            Heading("knob", wide=True),
            Heading("ratio", True),
            Heading("95 % interval", True),
            Heading("verdict", wide=True),
            Heading("A/A control", True, "How far two trials of one configuration may lie apart"),
            Heading("p (Holm)", True, "That the ratio is 1, adjusted over the rows of this table"),
            Heading("blocks", True, "Repeats that the estimate is made of"),
            Heading("pairs", True, "Pairs of configurations that are whole in every block"),
            Heading("knob proof", meaning="Whether the two levels give different programs at all", wide=True),
        ],
        rows,
        ". ".join(one.control_notes) + ".",
    ).folded("compiler", "stage")


def attribution_table(one: MetricEffects) -> Table:
    """Return the attribution of the total from the baseline to the last levels."""
    rows = []
    for held in one.attributions:
        total = held.total
        where = [Shown(total.workload), Shown(total.compiler), Shown(total.stage)]
        for part in held.shares:
            share = part.share
            rows.append(
                Row(
                    [
                        *where,
                        Shown(spelled((str(share.knob), share.base_level, share.level))),
                        _ratio(part.alone.ratio, "share"),
                        _ratio(share.ratio, "share"),
                        Shown(interval(share.ratio, share.exact)),
                        _part(share, total),
                        _ratio(part.last.ratio, "share"),
                        _blocks(share),
                    ],
                    {"share": held.rows},
                )
            )
        ends = f"total: {total.base_level} → {total.level}"
        cells = [_ratio(total.ratio, "share"), Shown(interval(total.ratio, total.exact))]
        blocks = _blocks(total)
        rows.append(Row([*where, Shown(ends), EMPTY, *cells, EMPTY, EMPTY, blocks], {"share": held.rows}))
    return Table(
        f"attribution-{one.metric.name}",
        f"{one.title}: shares of the total, which multiply to it",
        [
            Heading("workload"),
            Heading("compiler"),
            Heading("stage"),
            Heading("knob", wide=True),
            Heading("alone", True, "The knob moved by itself, from the baseline"),
            Heading("share", True, "Shapley value: the mean over all orders of moving the knobs"),
            Heading("95 % interval", True),
            Heading("of total", True),
            Heading("as the last", True, "The knob moved when all others are"),
            Heading("blocks", True),
        ],
        rows,
    ).folded("compiler", "stage")


def interactions_table(one: MetricEffects) -> Table:
    """Return the interactions: the factor on one knob's ratio when the other knob is changed too."""
    rows = [
        Row(
            [
                Shown(effect.workload),
                Shown(effect.compiler),
                Shown(effect.stage),
                Shown(f"{effect.knob} x {effect.other}"),
                _ratio(effect.ratio, "interaction"),
                Shown(interval(effect.ratio, effect.exact)),
                _blocks(effect),
            ],
            {"interaction": sources},
        )
        for effect, sources in one.interactions
    ]
    return Table(
        f"interactions-{one.metric.name}",
        f"{one.title}: factor on one knob's ratio when the other knob is moved as well",
        [
            *(Heading("workload"), Heading("compiler"), Heading("stage"), Heading("knobs")),
            *(Heading("ratio", True), Heading("95 % interval", True), Heading("blocks", True)),
        ],
        rows,
    ).folded("compiler", "stage")


def reasons(one: MetricEffects) -> list[str]:
    """Return the reasons why something is not attributable, each once."""
    effects = [
        *(held.effect for held in one.judged),
        *(part for held in one.attributions for part in (held.total, *(share.share for share in held.shares))),
        *(effect for effect, _ in one.interactions),
    ]
    texts = (f"{effect.workload} on {effect.compiler}: {text_of(effect.reason)}" for effect in effects if effect.reason)
    return list(dict.fromkeys(texts))


def spelled(change: Change) -> str:
    """Return a change of a knob as text."""
    knob, base_level, level = change
    return f"{knob}: {base_level}\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}{level}"


def verdict_text(held: Judged) -> str:
    """Return the verdict on an effect as text."""
    text = judgement_text(held.judgement) or NOT_ATTRIBUTABLE
    if held.effect.pairs_same and not held.is_no_op:
        every = held.effect.pairs + held.effect.pairs_partial + held.effect.pairs_missing + held.effect.pairs_same
        text += (
            f", in {every - held.effect.pairs_same} of {every} pairs; in the others both levels are the same program"
        )
    return text


def _stages(
    pairs: Iterable[tuple[Effect, Judgement | None]],
) -> list[list[tuple[Effect, Judgement | None]]]:
    found: dict[tuple[Any, ...], list[tuple[Effect, Judgement | None]]] = {}
    for effect, judgement in pairs:
        key = (effect.origin, effect.workload, effect.digest, effect.compiler, effect.stage)
        found.setdefault(key, []).append((effect, judgement))
    return list(found.values())


def _attributions(effects: Sequence[Effect], finder: RowFinder) -> list[Attribution]:
    totals = [effect for effect in effects if effect.kind == "total"]
    if not totals:
        return []
    by_kind = {kind: [effect for effect in effects if effect.kind == kind] for kind in _PARTS}
    shares = tuple(Share(*parts) for parts in zip(*by_kind.values(), strict=True))
    return [Attribution(totals[0], shares, finder.of_effect(totals[0], effects).rows)]


def _mean_key(held: Effect | GeometricMean) -> tuple[Any, ...]:
    return (held.origin, held.compiler, held.stage, held.kind, held.knob, held.base_level, held.level)


def tone_of(held: Judged, metric: Metric) -> str:
    """Return the tone of a verdict: whether it is good, bad or nothing to look at."""
    verdict = held.judgement.verdict
    if verdict is None:
        return "warn"
    if not held.judgement.is_different:
        return "quiet"
    return "good" if verdict == metric.less else "bad"


def _effect_row(held: Judged, metric: Metric) -> Row:
    effect, judgement = held.effect, held.judgement
    stage = stage_text(effect.stage, effect.centre)
    _, all_pairs = effect.pairs_acting
    return Row(
        [
            Shown(effect.workload),
            Shown(effect.compiler),
            Shown(stage),
            Shown(spelled(held.change)),
            _ratio(effect.ratio, "effect"),
            Shown(interval(effect.ratio, effect.exact)),
            Shown(verdict_text(held), tone=tone_of(held, metric)),
            EMPTY if held.control is None else Shown(control_cell(held.control), held.control.reach, "control"),
            p_value_cell(judgement.p_holm),
            _blocks(effect),
            Shown(f"{effect.pairs} of {all_pairs}", effect.pairs),
            _proof(held.proof),
        ],
        held.sources,
    )


def _mean_row(mean: GeometricMean, judgement: Judgement, rows: Ranges) -> Row:
    known, all_of = len(mean.workloads), len(mean.workloads) + len(mean.missing)
    verdict = judgement_text(judgement) or NOT_ATTRIBUTABLE
    what = f"{verdict}; geometric mean of {known} of {all_of} workloads" + (f" ({mean.over})" if mean.over else "")
    cells = [_ratio(mean.ratio, "effect"), Shown(interval(mean.ratio, mean.exact)), Shown(what)]
    where = [Shown(MEAN, tone="quiet"), Shown(mean.compiler), Shown(mean.stage)]
    change = Shown(spelled((str(mean.knob), mean.base_level, mean.level)))
    return Row([*where, change, *cells, EMPTY, p_value_cell(judgement.p_holm), EMPTY, EMPTY, EMPTY], {"effect": rows})


def _proof(proof: KnobProof | None) -> Shown:
    if proof is None:
        return EMPTY
    verdict = NO_OP if proof.verdict == "no_op" else proof.verdict
    tone = "" if proof.verdict == "effective" else "warn"
    return Shown(f"{verdict}: {proof_text(proof)}" if tone else verdict, tone=tone)


def _ratio(ratio: Ratio | None, statistic: str) -> Shown:
    if ratio is None:
        return Shown(NOT_ATTRIBUTABLE, tone="warn")
    return Shown(ratio_value(ratio.value), ratio.value, statistic)


def _blocks(effect: Effect) -> Shown:
    used = effect.ratio.count if effect.ratio else 0
    if effect.hosts is not None:
        return Shown(f"{effect.blocks} on {len(effect.hosts.names)} hosts", effect.blocks)
    return Shown(f"{used} of {used + effect.blocks_left_out}", used)


def _part(share: Effect, total: Effect) -> Shown:
    """Return a share of the total, empty if the total is too small to be divided."""
    if share.ratio is None or total.ratio is None or not total.ratio.side:
        return EMPTY
    part = math.log(share.ratio.value) / math.log(total.ratio.value) + 0.0  # no -0 %
    return Shown(f"{part:.0%}", part, "share")


def p_value_cell(value: float | None) -> Shown:
    """Return the cell of a p-value, empty without one."""
    if value is None:
        return EMPTY
    return Shown("< 0.001" if value < 0.001 else significant(value, 2), value, "effect")
