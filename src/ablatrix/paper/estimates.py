"""Estimates as numbers of the paper: ratios with their intervals, noise floors, and the rows behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablatrix.analysis.diagnosis import KnobProof
from ablatrix.analysis.effects import Effect, Evidence, GeometricMean, NoiseFloor
from ablatrix.analysis.findings import Findings
from ablatrix.paper.fragment import Fragment, say
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.number import RATIO, Number, Statistic, percent
from ablatrix.provenance.claims import Factor
from ablatrix.provenance.finder import RowFinder, plain_choices
from ablatrix.provenance.keys import key_part, step_part
from ablatrix.provenance.ranges import Ranges
from ablatrix.provenance.units import Levels, Unit
from ablatrix.statistics.ratio import Ratio

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

    def said(self) -> Fragment:
        """Return the ratio with its interval; without it if there is none or the ratio is exact."""
        if self.low is None or self.high is None or self.ratio.low == self.ratio.high:
            return self.value
        return say("interval", value=self.value, low=self.low, high=self.high)


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
        self.finder = RowFinder(ledger.rows)
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

    @cached_property
    def proofs(self) -> Mapping[tuple[str, str, str, str, frozenset[str]], KnobProof]:
        """The proof of each knob, by workload, digest, compiler, knob and the two levels."""
        return {(one.workload, one.digest, one.compiler, one.knob, one.between): one for one in self.findings.proofs}

    def no_op(self, one: Effect) -> KnobProof | None:
        """Return the proof that an effect's knob does nothing; None if it does something, or nothing is proven."""
        if one.knob is None:
            return None
        proof = self.proofs.get(
            (one.workload, one.digest, one.compiler, one.knob, frozenset((one.base_level, one.level)))
        )
        return proof if proof is not None and proof.verdict == "no_op" else None

    def unit_of(self, held: Effect | NoiseFloor) -> Unit:
        """Return the unit that an estimate is of."""
        return self.finder.unit_of(held)

    def effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        """Return a main effect, a level around a centre or a total; None if it is not attributable, or of a no-op."""
        return None if self.no_op(one) is not None else self.measured(one, evidence)

    def measured(self, one: Effect, evidence: Evidence) -> Interval | None:
        """Return the same also of a no-op: what was measured although nothing that was built differs."""
        if id(one) not in self._effects:  # findings keep their effects, so ids stay unique
            self._effects[id(one)] = self._effect(one, evidence)
        return self._effects[id(one)]

    def _effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        if one.ratio is None:
            return None
        unit = self.unit_of(one)
        of_stage = self._by_stage(evidence)[_stage(one)]
        behind = self.finder.of_effect(one, of_stage)
        if one.kind == "total":
            parts = [other for other in of_stage if other.kind == "shapley" and other.knob]
            start = {str(other.knob): other.base_level for other in parts}
            end = {str(other.knob): other.level for other in parts}
            name = "all"
            parameters: dict[str, Any] = {"start": start, "end": end}
            statistic: Statistic = "total"
        else:
            name = step_part(one.knob, one.level)
            parameters = {"knob": one.knob, "base_level": one.base_level, "level": one.level}
            statistic = "effect"
        is_split = behind.blocks > len(one.logs) + one.blocks_left_out
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

    def mean(self, one: GeometricMean, members: Sequence[Interval], is_apart: bool = False) -> Interval | None:
        """Return a geometric mean over workloads of effects that have been entered.

        Args:
            one: The mean.
            members: The effects that it is a mean of.
            is_apart: Whether the stage has further means of its knob at its level, from other base levels.
        """
        if one.ratio is None:
            return None
        knob = step_part(one.knob, one.level, one.base_level if is_apart else None) if one.knob else "all"
        key = f"benefit/geometric_mean/{key_part(one.compiler)}/{knob}/{key_part(one.metric)}@{key_part(one.stage)}"
        keys = [member.value.key for member in members]
        return self._interval(key, "geometric_mean", one.ratio, (), {"of": keys})

    def floor(self, one: NoiseFloor, metric: str, mode: str) -> tuple[Number, Number]:
        """Return the largest distance of the A/A control from the baseline in a block, and its reach over blocks."""
        unit = self.unit_of(one)
        rows = self.finder.of_floor(one, mode, metric)
        key = f"noise_floor/{unit.key}/{key_part(metric)}"
        parameters = _of_unit(unit, mode, metric)
        spread, reach = (
            self.ledger.enter(f"{key}/{part}", "noise_floor", value, percent(value), rows, {**parameters, "part": part})
            for part, value in (("spread", one.spread), ("reach", one.reach))
        )
        return spread, reach

    def against_baseline(self, key: str, unit: Unit, levels: Levels, metric: str, mode: str, ratio: Ratio) -> Interval:
        """Return the ratio of one configuration to the baseline."""
        rows = self.finder.of_ratio(unit, mode, metric, levels, unit.baseline)
        parameters = {**_of_unit(unit, mode, metric), "knobs": dict(levels), "baseline": dict(unit.baseline)}
        return self._interval(key, "paired_ratio", ratio, rows, parameters)

    def claimed(self, key: str, metric: str, ratio: Ratio, factor: Factor) -> Interval:
        """Return the factor of a claim."""
        parameters = {**_of_unit(factor.unit, factor.mode, metric), **factor.parameters}
        return self._interval(key, "claim", ratio, factor.rows, parameters)

    def _interval(
        self, key: str, statistic: Statistic, ratio: Ratio, rows: Ranges, parameters: Mapping[str, Any]
    ) -> Interval:
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


def _stage(one: Effect) -> tuple[Any, ...]:
    return (one.origin, one.workload, one.digest, one.compiler, one.stage)


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
