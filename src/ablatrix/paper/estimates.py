"""Estimates as numbers: ratios with their intervals, noise floors, and the rows that each follows from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from ablatrix.analysis.effects import Effect
from ablatrix.analysis.evidence import Evidence
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.geometric_means import GeometricMean
from ablatrix.analysis.knob_proof import KnobProof
from ablatrix.analysis.noise_floor import NoiseFloor
from ablatrix.analysis.outcome import IS_OK
from ablatrix.analysis.paired import BLOCK
from ablatrix.paper.fragment import Fragment, say
from ablatrix.paper.ledger import Ledger, key_part
from ablatrix.paper.number import RATIO, Number, Statistic, percent
from ablatrix.paper.rows import OWNER, ROW, Ranges, ranges_of
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.statistics.ratio import Ratio

UNIT = ("workload", "workload_digest", "compiler")
JUDGED = ("main", "around", "total")
Levels = Mapping[str, str]


@dataclass(frozen=True)
class Interval:
    """A ratio as it is printed.

    Attributes:
        low, high: None where there is no interval.
        half_width: Half the interval's width on the logarithm.
    """

    ratio: Ratio
    value: Number
    low: Number | None
    high: Number | None
    half_width: Number | None

    def said(self) -> Fragment:
        """Return the ratio with its interval, if it has one that is one: an exact ratio stands alone."""
        if self.low is None or self.high is None or self.ratio.low == self.ratio.high:
            return self.value
        return say("interval", value=self.value, low=self.low, high=self.high)


@dataclass(frozen=True)
class Unit:
    """One workload, in one size, on one compiler.

    Attributes:
        label: Its workload; with the start of its digest where several sizes share the name.
        baseline: The baseline's level of each knob that the compiler has.
        ok: Its ok measured trials by mode.
    """

    workload: str
    digest: str
    compiler: str
    label: str
    baseline: Levels
    ok: Mapping[str, pl.DataFrame]

    @property
    def key(self) -> str:
        """Its part of a key."""
        return f"{key_part(self.label)}/{key_part(self.compiler)}"


class Estimates:
    """Enters what is estimated in the ledger, each estimate once.

    Attributes:
        findings: Where estimates come from.
        ledger: Where they go.
    """

    def __init__(self, findings: Findings, ledger: Ledger) -> None:
        self.findings = findings
        self.ledger = ledger
        self._ranges: dict[tuple[Any, ...], Ranges] = {}
        self._effects: dict[int, Interval | None] = {}
        self._chosen_kept: dict[tuple[Any, ...], pl.DataFrame] = {}
        self._stages: dict[tuple[str, str], Mapping[tuple[Any, ...], list[Effect]]] = {}

    @cached_property
    def units(self) -> Mapping[tuple[str, str, str], Unit]:
        """The units of measured trials by (workload, digest, compiler), sorted."""
        rows = self.ledger.rows
        measured = rows.trials.filter(pl.col("role") == "measured")
        sizes = dict(measured.group_by("workload").agg(pl.col("workload_digest").n_unique()).iter_rows())
        parts = measured.partition_by(list(UNIT), as_dict=True, maintain_order=True)
        found = {}
        for key in sorted(parts):
            workload, digest, compiler = map(str, key)
            part = parts[key]
            label = workload if sizes[workload] == 1 else f"{workload}@{digest[:6]}"
            base = {knob: part[f"baseline_{knob}"].drop_nulls() for knob in rows.knobs()}
            baseline = {knob: str(levels[0]) for knob, levels in base.items() if levels.len()}
            ok = part.filter(IS_OK).partition_by("mode", as_dict=True, maintain_order=True)
            found[workload, digest, compiler] = Unit(
                workload, digest, compiler, label, baseline, {str(mode): held for (mode,), held in ok.items()}
            )
        return found

    @property
    def compilers(self) -> tuple[str, ...]:
        """Compilers of measured trials."""
        return tuple(sorted({unit.compiler for unit in self.units.values()}))

    @cached_property
    def _blocks(self) -> Mapping[tuple[Any, ...], pl.DataFrame]:
        """All hot trials that a paired time is made of, by workload, digest and compiler of the block."""
        hot = self.ledger.rows.trials.filter(IS_OK & pl.col(HOT_METRIC).is_not_null())
        keys = ["workload", "workload_digest", OWNER]
        return hot.select(*keys, ROW).partition_by(keys, as_dict=True, maintain_order=True)

    @cached_property
    def proofs(self) -> Mapping[tuple[str, str, str, str, tuple[str, str]], KnobProof]:
        """What is proven of each knob, by workload, digest, compiler, knob and (base level, level)."""
        return {
            (one.workload, one.digest, one.compiler, one.knob, (one.base_level, one.level)): one
            for one in self.findings.proofs
        }

    def no_op(self, one: Effect) -> KnobProof | None:
        """Return the proof that an effect's knob does nothing; None when it does something, or nothing is proven."""
        if one.knob is None:
            return None
        proof = self.proofs.get((one.workload, one.digest, one.compiler, one.knob, (one.base_level, one.level)))
        return proof if proof is not None and proof.verdict == "no_op" else None

    def unit_of(self, held: Effect | NoiseFloor) -> Unit:
        """Return the unit that an estimate is of."""
        return self.units[held.workload, held.digest, held.compiler]

    def effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        """Return a main effect, a level around a centre or a total; None when it is not attributable, or a no-op's."""
        if id(one) not in self._effects:  # findings keep their effects, so an id stays one's own
            self._effects[id(one)] = self._effect(one, evidence)
        return self._effects[id(one)]

    def _effect(self, one: Effect, evidence: Evidence) -> Interval | None:
        if one.ratio is None or self.no_op(one) is not None:
            return None
        unit = self.unit_of(one)
        place = self._by_stage(evidence)[_stage(one)]
        if one.kind == "total":
            parts = [other for other in place if other.kind == "shapley" and other.knob]
            start = {str(other.knob): other.base_level for other in parts}
            end = {str(other.knob): other.level for other in parts}
            moved, name = set(start), "all"
            parameters: dict[str, Any] = {"start": start, "end": end}
            statistic: Statistic = "total"
        else:
            moved = (
                {str(other.knob) for other in place if other.kind == "main"} if one.kind == "main" else {str(one.knob)}
            )
            name = f"{key_part(one.knob)}={key_part(one.level)}"
            parameters = {"knob": one.knob, "base_level": one.base_level, "level": one.level}
            statistic = "effect"
        fixed = {knob: level for knob, level in {**unit.baseline, **one.centre}.items() if knob not in moved}
        chosen = self._chosen(unit, one.mode, one.metric, fixed)
        is_split = chosen.select(BLOCK).n_unique() > len(one.logs) + one.blocks_left_out
        key = f"benefit/{unit.key}/{name}/{key_part(one.metric)}"
        if not self._is_first(one, evidence):
            key += f"@{key_part(one.stage)}"
        return self._interval(
            key,
            statistic,
            one.ratio,
            self._rows(unit, one.mode, one.metric, fixed, chosen),
            {**_of_unit(unit, one.mode, one.metric), "fixed": fixed, "split": is_split, **parameters},
        )

    def mean(self, one: GeometricMean, members: Sequence[Interval]) -> Interval | None:
        """Return a geometric mean over workloads of effects that are entered."""
        if one.ratio is None:
            return None
        knob = f"{key_part(one.knob)}={key_part(one.level)}" if one.knob else "all"
        key = f"benefit/geometric_mean/{key_part(one.compiler)}/{knob}/{key_part(one.metric)}@{key_part(one.stage)}"
        keys = [member.value.key for member in members]
        return self._interval(key, "geometric_mean", one.ratio, (), {"of": keys})

    def floor(self, one: NoiseFloor, metric: str, mode: str) -> tuple[Number, Number]:
        """Return the largest distance of the twin from the baseline in a block, and its reach over blocks."""
        unit = self.unit_of(one)
        trials = self.ledger.rows.trials
        chosen = trials.filter(
            (pl.col("workload") == unit.workload)
            & (pl.col("workload_digest") == unit.digest)
            & (pl.col("compiler") == unit.compiler)
            & (pl.col("mode") == mode)
            & IS_OK
            & (pl.col(metric) > 0)
            & pl.col("is_baseline")
            & pl.col("role").is_in(["measured", "twin"])
        )
        rows = self._rows(unit, mode, metric, {"role": "twin"}, chosen)
        key = f"noise_floor/{unit.key}/{key_part(metric)}"
        parameters = _of_unit(unit, mode, metric)
        spread, reach = (
            self.ledger.enter(f"{key}/{part}", "noise_floor", value, percent(value), rows, {**parameters, "part": part})
            for part, value in (("spread", one.spread), ("reach", one.reach))
        )
        return spread, reach

    def against_baseline(self, key: str, unit: Unit, levels: Levels, metric: str, mode: str, ratio: Ratio) -> Interval:
        """Return the ratio of one configuration to the baseline."""
        part = unit.ok[mode].filter(pl.col(metric) > 0)
        chosen = part.filter(_at(levels) | _at(unit.baseline))
        rows = self._rows(unit, mode, metric, levels, chosen)
        parameters = {**_of_unit(unit, mode, metric), "knobs": dict(levels), "baseline": dict(unit.baseline)}
        return self._interval(key, "paired_ratio", ratio, rows, parameters)

    def claimed(
        self,
        key: str,
        unit: Unit,
        mode: str,
        metric: str,
        ratio: Ratio,
        fixed: Levels,
        parameters: Mapping[str, Any],
    ) -> Interval:
        """Return the factor of a claim; ``parameters`` tell by which statistic and of what."""
        if parameters["by"] == "effect":
            chosen = self._chosen(unit, mode, metric, fixed)
            is_split = chosen.select(BLOCK).n_unique() > ratio.count
            parameters = {**parameters, "fixed": fixed, "split": is_split}
        else:
            sides = _at(parameters["knobs"]) | _at(parameters["baseline"])
            chosen = unit.ok[mode].filter((pl.col(metric) > 0) & sides)
        rows = self._rows(unit, mode, metric, {"claim": key}, chosen)
        return self._interval(key, "claim", ratio, rows, {**_of_unit(unit, mode, metric), **parameters})

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

    def _chosen(self, unit: Unit, mode: str, metric: str, fixed: Levels) -> pl.DataFrame:
        key = (unit.key, mode, metric, *sorted(fixed.items()))
        if key not in self._chosen_kept:
            held = unit.ok[mode].filter((pl.col(metric) > 0) & (_at(fixed) | _at(unit.baseline)))
            self._chosen_kept[key] = held.select(ROW, OWNER, *BLOCK)
        return self._chosen_kept[key]

    def _rows(self, unit: Unit, mode: str, metric: str, what: Levels, chosen: pl.DataFrame) -> Ranges:
        key = (unit.key, mode, metric, *sorted(what.items()))
        if key not in self._ranges:
            if metric == HOT_METRIC:
                owners = chosen[OWNER].unique().sort().to_list()
                blocks = [self._blocks[unit.workload, unit.digest, owner][ROW] for owner in owners]
                self._ranges[key] = ranges_of(pl.concat(blocks))
            else:
                self._ranges[key] = ranges_of(chosen[ROW])
        return self._ranges[key]

    def _by_stage(self, evidence: Evidence) -> Mapping[tuple[Any, ...], list[Effect]]:
        key = (evidence.metric.name, evidence.mode)
        if key not in self._stages:
            found: dict[tuple[Any, ...], list[Effect]] = {}
            for one in evidence.effects:
                found.setdefault(_stage(one), []).append(one)
            self._stages[key] = found
        return self._stages[key]

    def _is_first(self, one: Effect, evidence: Evidence) -> bool:
        """Whether no stage before this one has the same effect; the largest stages come first."""
        for stage, effects in self._by_stage(evidence).items():
            if stage[:-1] == _stage(one)[:-1] and any(_subject(other) == _subject(one) for other in effects):
                return stage == _stage(one)
        return True


def _stage(one: Effect) -> tuple[Any, ...]:
    return (one.origin, one.workload, one.digest, one.compiler, one.stage)


def _subject(one: Effect) -> tuple[Any, ...]:
    return ("total" if one.kind == "total" else "moved", one.knob, one.level) if one.kind in JUDGED else (one.kind,)


def _of_unit(unit: Unit, mode: str, metric: str) -> dict[str, Any]:
    return {
        "workload": unit.workload,
        "workload_digest": unit.digest,
        "compiler": unit.compiler,
        "mode": mode,
        "metric": metric,
    }


def _at(levels: Levels) -> pl.Expr:
    return pl.all_horizontal(pl.lit(True), *(pl.col(f"knob_{knob}") == level for knob, level in levels.items()))
