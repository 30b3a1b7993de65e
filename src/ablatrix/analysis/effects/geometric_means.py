"""Effects in the mean over workloads, and which workloads are not in it.

Where a workload was run in variants, it is their mean that enters: every workload weighs the same, with one variant or
with six.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablatrix.analysis.effects.estimates import Effect, Kind
from ablatrix.analysis.groups import NO_VARIANTS, Variants, are_shared, families, over_text
from ablatrix.analysis.reasons import NOT_RUN, Why, because
from ablatrix.statistics.ratio import Allowance, Estimate, Ratio, nested_allowance, nested_mean_estimate, ratio_of


@dataclass(frozen=True, kw_only=True)
class GeometricMean:
    """One effect in the geometric mean over workloads; the fields are those of ``Effect``.

    Attributes:
        ratio: None when no workload has the effect.
        estimate: What the ratio is made of; None without one.
        allowance: What the interval allows for beyond the scatter of blocks: the mean of the workloads'.
        workloads: Those that are in it: where the knob acts.
        is_no_op: Whether the knob acts on no workload; then all are in it.
        missing: Why each other workload of the compiler is not.
        over: Of variants, over which values of which axes they are, in English; empty where none has axes.
    """

    origin: tuple[Any, ...]
    compiler: str
    mode: str
    metric: str
    stage: str
    kind: Kind
    knob: str | None
    base_level: str
    level: str
    other: str | None
    ratio: Ratio | None
    estimate: Estimate | None
    allowance: Allowance
    exact: bool
    is_no_op: bool
    workloads: tuple[str, ...]
    missing: Mapping[str, Why]
    over: str = ""


def mean_effects(effects: Sequence[Effect], variants: Variants = NO_VARIANTS) -> list[GeometricMean]:
    """Return the mean of each effect that more than one workload should have, in the order of the effects.

    Workloads are those that the study names, not a sample of others: the interval says how well this mean is
    known, not what a further workload would give. See `ablatrix.statistics.ratio.mean_ratio`.

    Args:
        effects: Of one metric.
        variants: Which workloads are variants of one.
    """
    everyone: dict[tuple[Any, ...], dict[str, None]] = {}
    groups: dict[tuple[Any, ...], list[Effect]] = {}
    for one in effects:
        everyone.setdefault((one.origin, one.compiler), {})[one.workload] = None
        unit = (one.origin, one.compiler, one.mode, one.metric, one.stage)
        groups.setdefault((*unit, one.kind, one.knob, one.base_level, one.level, one.other), []).append(one)
    return [
        _mean(members, list(everyone[key[:2]]), variants)
        for key, members in groups.items()
        if len({(one.workload, one.digest) for one in members}) > 1  # a workload in another size is another one
    ]


def _mean(members: Sequence[Effect], everyone: Sequence[str], variants: Variants) -> GeometricMean:
    known = [one for one in members if one.ratio is not None]
    there = [one for one in known if not one.is_no_op] or known
    named = {one.workload for one in members}
    missing = {one.workload: one.reason for one in members if one.reason is not None}
    missing |= {one.workload: Why.of(because("same_program", pairs=one.pairs)) for one in known if one not in there}
    missing |= {name: Why.of(NOT_RUN) for name in everyone if name not in named}
    workloads = tuple(one.workload for one in there)
    nested = [[there[place] for place in places] for places in families(workloads, variants).values()]
    allowance = nested_allowance([[one.allowance for one in family] for family in nested])
    shared = are_shared([one.of_hosts for one in there])
    estimate = nested_mean_estimate([[one.logs for one in family] for family in nested], shared) if there else None
    first = members[0]
    return GeometricMean(
        origin=first.origin,
        compiler=first.compiler,
        mode=first.mode,
        metric=first.metric,
        stage=first.stage,
        kind=first.kind,
        knob=first.knob,
        base_level=first.base_level,
        level=first.level,
        other=first.other,
        ratio=None if estimate is None else ratio_of(estimate, allowance=allowance),
        estimate=estimate,
        allowance=allowance,
        exact=bool(there) and all(one.exact for one in there),
        is_no_op=bool(there) and all(one.is_no_op for one in there),
        workloads=workloads,
        missing=missing,
        over=over_text(workloads, variants),
    )
