"""Estimates as numbers of the paper: ratios with their intervals, A/A controls, and the rows behind each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ablatrix.analysis.diagnosis import BreakEven, KnobProof
from ablatrix.analysis.effects import Best, Effect, Evidence, GeometricMean
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Control, ReferenceRatio, are_shared, families
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import RATIO, WHOLE, Number, Statistic, percent, runs
from ablatrix.provenance.claims import Factor
from ablatrix.provenance.finder import RowFinder, plain_choices
from ablatrix.provenance.keys import key_part, step_part
from ablatrix.provenance.ranges import Ranges, union
from ablatrix.provenance.units import Levels, Unit
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC
from ablatrix.statistics.ratio import Ratio, nested_allowance, nested_mean_estimate, ratio_of

JUDGED = ("main", "around", "total")


@dataclass(frozen=True)
class Interval:
    """A ratio as it is printed.

    Attributes:
        low, high: None if there is no interval.
        half_width: Half the interval's width on the logarithmic scale.
    """

    ratio: Ratio
    value: Number
    low: Number | None
    high: Number | None
    half_width: Number | None


class Estimates:
    """Enters estimates in the ledger, each once.

    Attributes:
        findings: Source of the estimates.
        ledger: Ledger that they are entered in.
        finder: Finds the rows that they follow from.
    """

    def __init__(self, findings: Findings, ledger: Ledger) -> None:
        self.findings = findings
        self.ledger = ledger
        self.finder = RowFinder(ledger.rows, sizes=findings.sizes)
        self._effects: dict[int, Interval | None] = {}
        self._stages: dict[tuple[str, str], Mapping[tuple[Any, ...], list[Effect]]] = {}

    @property
    def units(self) -> Mapping[tuple[Any, ...], Unit]:
        """The units of measured trials by (workload, digest, compiler), sorted."""
        return self.finder.units

    @property
    def compilers(self) -> tuple[str, ...]:
        """Compilers of measured trials."""
        return tuple(sorted({unit.compiler for unit in self.units.values()}))

    def no_op(self, one: Effect) -> KnobProof | None:
        """Return the proof that an effect's knob does nothing; None if it does something, or nothing is proven."""
        proof = self.findings.proof_of(one)
        return proof if proof is not None and proof.verdict == "no_op" else None

    def is_same_program(self, unit: Unit, levels: Levels) -> bool:
        """Return whether a configuration is the baseline's program, as every knob that it moves does nothing."""
        known = {knob: (unit.baseline[knob], at) for knob, at in levels.items() if knob in unit.baseline}
        own = (unit.workload, unit.digest, unit.compiler)
        steps = [(*own, knob, frozenset(step)) for knob, step in known.items() if step[0] != step[1]]
        proofs = [self.findings.proofs_by_step.get(step) for step in steps]
        return all(proof is not None and proof.verdict == "no_op" for proof in proofs)

    def unit_of(self, held: Effect | Control) -> Unit:
        """Return the unit that an estimate is of."""
        return self.finder.unit_of(held)

    def effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        """Return a main effect, a level around a centre or a total; None if it is not attributable, or of a no-op."""
        return None if one.is_no_op or self.no_op(one) is not None else self.measured(one, evidence)

    def stage_of(self, one: Effect, evidence: Evidence) -> Sequence[Effect]:
        """Return all effects of the same unit and stage."""
        return self._by_stage(evidence)[_stage(one)]

    def measured(self, one: Effect, evidence: Evidence) -> Interval | None:
        """Return the same also of a no-op, of which it is what was measured; and shares and interactions."""
        if id(one) not in self._effects:  # findings keep their effects, so ids stay unique
            self._effects[id(one)] = self._effect(one, evidence)
        return self._effects[id(one)]

    def _effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        if one.ratio is None:
            return None
        unit = self.unit_of(one)
        of_stage = self._by_stage(evidence)[_stage(one)]
        behind = self.finder.of_effect(one, of_stage)
        statistic, name, parameters = _described(one, of_stage)
        is_split = not self.findings.hosts and behind.blocks > len(one.logs) + one.blocks_left_out
        key = f"benefit/{unit.key}/{name}/{key_part(one.metric)}"
        if not self._is_first(one, evidence):
            key += f"@{key_part(one.stage)}"
        return self._interval(
            key,
            statistic,
            one.ratio,
            behind.rows,
            {
                **_of_unit(unit, one.mode, one.metric),
                "fixed": behind.fixed,
                "levels": plain_choices(behind.moved),
                "split": is_split,
                **parameters,
            },
        )

    def mean(
        self, one: GeometricMean, members: Sequence[tuple[str, Interval]], is_apart: bool = False
    ) -> Interval | None:
        """Return a geometric mean over workloads of effects that have been entered.

        Args:
            one: The mean.
            members: The effects that it is a mean of, each with its workload.
            is_apart: Whether the stage has further means of its knob at its level, from other base levels.
        """
        if one.ratio is None:
            return None
        knob = step_part(one.knob, one.level, one.base_level if is_apart else None) if one.knob else "all"
        if one.kind in ("shapley", "interaction"):
            knob = f"{one.kind}/{knob}" + (f"/{key_part(one.other)}" if one.other else "")
        key = f"benefit/geometric_mean/{key_part(one.compiler)}/{knob}/{key_part(one.metric)}@{key_part(one.stage)}"
        return self._interval(key, "geometric_mean", one.ratio, (), self._averaged(members))

    def control(self, one: Control, metric: str, mode: str) -> Interval:
        """Return the A/A control of a unit: control over baseline; ``half_width`` is how far it may be off."""
        unit = self.unit_of(one)
        rows = self.finder.of_control(unit, mode, metric)
        key = f"control/{unit.key}/{key_part(metric)}"
        interval = self._interval(key, "control", one.ratio, rows, _of_unit(unit, mode, metric))
        parameters = {**_of_unit(unit, mode, metric), "part": "reach"}
        reach = self.ledger.enter(f"{key}/reach", "control", one.reach, percent(one.reach), rows, parameters)
        return replace(interval, half_width=reach)

    def acting_pairs(self, one: Effect, evidence: Evidence) -> tuple[Number, Number]:
        """Return in how many pairs of configurations the knob of an effect acts, and how many pairs there are."""
        unit = self.unit_of(one)
        behind = self.finder.of_effect(one, self._by_stage(evidence)[_stage(one)])
        key = (
            f"pairs/{unit.key}/{key_part(one.knob)}={key_part(one.level)}/{key_part(one.metric)}@{key_part(one.stage)}"
        )
        moved = {"knob": one.knob, "base_level": one.base_level, "level": one.level, **_same_program(one)}
        parameters = {**_of_unit(unit, one.mode, one.metric), "fixed": behind.fixed, **moved}
        acting, whole = (
            self.ledger.enter(f"{key}/{part}", "acting_pairs", value, WHOLE, behind.rows, {**parameters, "part": part})
            for part, value in zip(("acting", "all"), one.pairs_acting, strict=True)
        )
        return acting, whole

    def ties(self, unit: Unit, metric: str, mode: str, best: Best, part: str) -> Number:
        """Return how many configurations are not distinguishable from the best, or how many were compared."""
        value = best.compared if part == "compared" else len(best.ties or ())
        series = self.finder.series_of(best.stage)
        rows = self.finder.blocks_of(unit, series)
        is_split = not self.findings.hosts and self.finder.blocks_in(unit, mode, metric, series) > best.blocks
        parameters = {**_of_unit(unit, mode, metric), "part": part, "split": is_split}
        return self.ledger.enter(f"benefit/{unit.key}/best/{part}", "ties", value, WHOLE, rows, parameters)

    def against_baseline(self, key: str, unit: Unit, levels: Levels, metric: str, mode: str, ratio: Ratio) -> Interval:
        """Return the ratio of one configuration to the baseline."""
        rows = self.finder.of_ratio(unit, mode, metric, levels, unit.baseline)
        rows = self.finder.widened_by(unit, mode, metric, rows, ratio.widened)
        parameters = {**_of_unit(unit, mode, metric), "knobs": dict(levels), "baseline": dict(unit.baseline)}
        return self._interval(key, "paired_ratio", ratio, rows, parameters)

    def against_reference(self, unit: Unit, levels: Levels, part: str, held: ReferenceRatio) -> Interval:
        """Return the ratio of one configuration to eager; ``part`` tells its key from others of the unit."""
        rows = self.finder.blocks_of(unit)
        parameters = {**_of_unit(unit, "hot", HOT_METRIC), "knobs": dict(levels)}
        rows = self.finder.widened_by(unit, "hot", HOT_METRIC, rows, held.ratio.widened)
        return self._interval(f"benefit/{unit.key}/{part}/eager", "reference_ratio", held.ratio, rows, parameters)

    def mean_against_reference(self, key: str, held: Sequence[tuple[Unit, ReferenceRatio, Interval]]) -> Interval:
        """Return the geometric mean over workloads of ratios to eager; of one workload, its own."""
        if len(held) == 1:
            return held[0][2]
        by_workload = families([unit.workload for unit, *_ in held], self.findings.variants).values()
        nested = [[held[place][1] for place in places] for places in by_workload]
        allowance = nested_allowance([[one.allowance for one in family] for family in nested])
        shared = are_shared([one.hosts for family in nested for one in family])
        estimate = nested_mean_estimate([[one.logs for one in family] for family in nested], shared)
        ratio = ratio_of(estimate, allowance=allowance)
        members = [(unit.workload, interval) for unit, _, interval in held]
        return self._interval(key, "geometric_mean", ratio, (), self._averaged(members))

    def _averaged(self, members: Sequence[tuple[str, Interval]]) -> dict[str, Any]:
        """Return what a mean is of; where variants of a workload share its weight, also by workload."""
        keys = [member.value.key for _, member in members]
        found = families([workload for workload, _ in members], self.findings.variants).values()
        by_workload = [[keys[place] for place in places] for places in found]
        return {"of": keys, **({"by_workload": by_workload} if len(by_workload) < len(keys) else {})}

    def may_be_best(self, unit: Unit, metric: str, mode: str, best: Best, levels: Levels) -> Number:
        """Return 1 if a configuration is the best of its unit, or is not distinguishable from it; else 0."""
        held = (best.levels, *(best.ties or ()))
        value = int(any(has_levels(one, levels) for one in held))
        series = self.finder.series_of(best.stage)
        rows = self.finder.blocks_of(unit, series)
        is_split = not self.findings.hosts and self.finder.blocks_in(unit, mode, metric, series) > best.blocks
        parameters = {**_of_unit(unit, mode, metric), "knobs": dict(levels), "split": is_split}
        return self.ledger.enter(f"benefit/{unit.key}/all/may_be_best", "may_be_best", value, WHOLE, rows, parameters)

    def break_even(self, unit: Unit, levels: Levels, one: BreakEven) -> Interval | None:
        """Return the runs that repay a configuration's compile; None where there is no such number."""
        if one.runs is None or one.low is None or one.high is None:
            return None
        cold = self.finder.of_ratio(unit, "cold", COLD_METRIC, levels, unit.baseline)
        rows = union([cold, self.finder.blocks_of(unit)])
        own = {**_of_unit(unit, "hot", HOT_METRIC), "cold_metric": COLD_METRIC}
        parameters = {**own, "knobs": dict(levels), "baseline": dict(unit.baseline)}
        key = f"benefit/{unit.key}/all/break_even"

        form = runs(one.runs)  # that of the ends as well, so that they are in thousands where it is

        def part(name: str, value: float) -> Number:
            return self.ledger.enter(f"{key}/{name}", "break_even", value, form, rows, {**parameters, "part": name})

        ratio = Ratio(one.runs, one.low, one.high, 0)
        return Interval(ratio, part("value", one.runs), part("low", one.low), part("high", one.high), None)

    def claimed(self, key: str, metric: str, ratio: Ratio, factor: Factor) -> Interval:
        """Return the factor of a claim."""
        parameters = {**_of_unit(factor.unit, factor.mode, metric), **factor.parameters}
        return self._interval(key, "claim", ratio, factor.rows, parameters)

    def _interval(
        self, key: str, statistic: Statistic, ratio: Ratio, rows: Ranges, parameters: Mapping[str, Any]
    ) -> Interval:
        if ratio.widened:
            parameters = {**parameters, "widened": ratio.widened}
        if self.findings.hosts:
            parameters = {**parameters, "over": "hosts"}

        def part(name: str, value: float | None, suffix: str) -> Number | None:
            if value is None:
                return None
            form = percent(value) if name == "half_width" else RATIO
            return self.ledger.enter(f"{key}/{suffix}", statistic, value, form, rows, {**parameters, "part": name})

        value = part("value", ratio.value, "ratio")
        assert value is not None
        ends = part("low", ratio.low, "low"), part("high", ratio.high, "high")
        return Interval(ratio, value, *ends, part("half_width", ratio.half_width, "half_width"))

    def _by_stage(self, evidence: Evidence) -> Mapping[tuple[Any, ...], list[Effect]]:
        key = (evidence.metric.name, evidence.mode)
        if key not in self._stages:
            found: dict[tuple[Any, ...], list[Effect]] = {}
            for one in evidence.effects:
                found.setdefault(_stage(one), []).append(one)
            self._stages[key] = found
        return self._stages[key]

    def _is_first(self, one: Effect, evidence: Evidence) -> bool:
        """Whether no stage before this one has a number of the same name; the largest stages come first.

        A stage has one total, and one effect of a knob at a level, as it has one centre. So the name, with the stage
        where it is not the first, belongs to one number.
        """
        for stage, effects in self._by_stage(evidence).items():
            if stage[:-1] == _stage(one)[:-1] and any(_subject(other) == _subject(one) for other in effects):
                return stage == _stage(one)
        return True


def _described(one: Effect, of_stage: Sequence[Effect]) -> tuple[Statistic, str, dict[str, Any]]:
    """Return the statistic of an effect, its name in keys, and what the statistic needs beside unit and rows."""
    step = step_part(one.knob, one.level)
    if one.kind in ("main", "around"):
        moved = {"knob": one.knob, "base_level": one.base_level, "level": one.level}
        return "effect", step, {**moved, **_same_program(one)}
    start, end = ends_of(of_stage)
    if one.kind == "total":
        return "total", "all", {"start": start, "end": end}
    parameters = {"start": start, "end": end, "knob": one.knob}
    if one.kind == "shapley":
        return "shapley", f"shapley/{step}", parameters
    assert one.kind == "interaction"
    return "interaction", f"interaction/{step}/{key_part(one.other)}", {**parameters, "other": one.other}


def ends_of(of_stage: Iterable[Effect]) -> tuple[Levels, Levels]:
    """Return the levels of the knobs at both ends of an attribution, by its parts."""
    parts = [other for other in of_stage if other.kind == "shapley" and other.knob]
    return {str(one.knob): one.base_level for one in parts}, {str(one.knob): one.level for one in parts}


def _stage(one: Effect) -> tuple[Any, ...]:
    return (one.origin, one.workload, one.digest, one.compiler, one.stage)


def _same_program(one: Effect) -> dict[str, Any]:
    """Return the pairs that the effect leaves out as they are one program, as a parameter; a no-op leaves out none."""
    if not one.same_program or one.is_no_op:
        return {}
    return {"same_program": [list(map(dict, pair)) for pair in one.same_program]}


def _subject(one: Effect) -> tuple[Any, ...]:
    """Return what names a number within its unit, metric and stage."""
    return ("moved", one.knob, one.level) if one.kind in ("main", "around") else (one.kind,)


def _of_unit(unit: Unit, mode: str, metric: str) -> dict[str, Any]:
    return {
        "workload": unit.workload,
        "workload_digest": unit.digest,
        "compiler": unit.compiler,
        "mode": mode,
        "metric": metric,
    }


def has_levels(configuration: Levels, levels: Levels) -> bool:
    """Return whether a configuration has these levels of the knobs that they name."""
    return all(configuration.get(knob) == at for knob, at in levels.items())
