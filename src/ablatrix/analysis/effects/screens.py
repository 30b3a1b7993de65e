"""Screenings: which of many knobs matter, from a design of all of them; what is found there is not yet confirmed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.effects.readings import Key, Readings, TrialLayout
from ablatrix.analysis.groups import ChosenStage, Instrument, StagePlan
from ablatrix.statistics.ratio import ROUNDING, Allowance, Ratio
from ablatrix.statistics.screening import DesignCheck, ScreenedEffect, design_checks, screened_effects
from ablatrix.statistics.screening.observed import FALSE_DISCOVERIES, ObservedDesign


@dataclass(frozen=True, kw_only=True)
class ScreenedKnob:
    """What moving a knob does in a screening, in the mean over the levels of all others.

    Attributes:
        base_level, level: From and to: from the baseline's level, or of three levels from the lowest to the highest.
        ratio: What it multiplies the metric by. None where failures leave nothing to tell it by.
        q_value: Adjusted over the knobs of the screening (Benjamini & Hochberg 1995).
        found: Whether it is among those that matter, at a false discovery rate of 5 %.
        stands_out: Whether it is larger than what the sizes of all effects say noise is (Lenth 1989); None of too few.
        aliases: Effects that cannot be told from it, as knobs joined by `` x ``.
    """

    knob: str
    base_level: str
    level: str
    ratio: Ratio | None
    q_value: float | None
    found: bool
    stands_out: bool | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ScreenedPair:
    """An interaction of two knobs in a screening, or the curve of one: what is found of them."""

    knobs: tuple[str, str]
    ratio: Ratio
    q_value: float | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Screening:
    """The screening of one workload and compiler on one metric.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        chosen: Its design, and the knobs that left before.
        configurations: How many were run.
        blocks: Repeats of each.
        knobs: Those that were screened, the largest effect first.
        pairs: Interactions that were found, where the design shows any, the largest first.
        doubts: Assumptions of the design that the values contradict.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    mode: str
    metric: str
    stage: str
    chosen: ChosenStage
    configurations: int
    blocks: int
    knobs: tuple[ScreenedKnob, ...]
    pairs: tuple[ScreenedPair, ...]
    doubts: tuple[DesignCheck, ...]

    @property
    def found(self) -> tuple[ScreenedKnob, ...]:
        """The knobs that matter, the largest first."""
        return tuple(one for one in self.knobs if one.found)

    @property
    def rest(self) -> tuple[ScreenedKnob, ...]:
        """The knobs of which no effect was found."""
        return tuple(one for one in self.knobs if not one.found)

    @property
    def resolution(self) -> float | None:
        """The widest half-width of the intervals of the rest, on the logarithm: what was not found is likely less."""
        widths = [one.ratio.half_width for one in self.rest if one.ratio is not None]
        return max((width for width in widths if width is not None), default=None)


def screenings(
    trials: pl.DataFrame,
    metric: str,
    mode: str,
    origin: Sequence[str] = (),
    instrument: Instrument | None = None,
    layout: TrialLayout | None = None,
) -> list[Screening]:
    """Return the screenings of a metric in one mode, by origin, workload, compiler and stage.

    Args:
        trials: The table of trials. Only measured ones enter, and of those only ok ones give values.
        metric: Column of a positive number.
        mode: ``cold`` or ``hot``.
        origin: Columns that distinguish mixed records.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
        layout: Of ``trials``, where it is known already.
    """
    instrument = instrument or Instrument(trials, origin)
    found = []
    for unit, held in (layout or TrialLayout(trials, origin)).readings(metric, mode):
        for stage, plan in held.plans.items():
            if plan.kind == "screen" and plan.chosen is not None and plan.levels:
                allowance = Allowance(instrument.offset(metric, mode, unit), max(held.steps.values(), default=0.0))
                found.append(_screening((*unit, mode, metric, stage), held, plan, plan.chosen, allowance, len(origin)))
    return found


def _screening(
    key: Key, held: Readings, plan: StagePlan, chosen: ChosenStage, allowance: Allowance, origins: int
) -> Screening:
    names = tuple(plan.levels)
    positions = [held.knobs.index(knob) for knob in names]
    short = [tuple(str(one[position]) for position in positions) for one in held.measured]
    observed = ObservedDesign.of(list(plan.levels.values()), short, chosen.design, chosen.resolution)
    times = _by_run(observed, short, held)
    effects: tuple[ScreenedEffect, ...] = ()
    checks: tuple[DesignCheck, ...] = ()
    if np.isfinite(times).any():
        effects = screened_effects(observed.design, times, allowance=allowance)
        checks = design_checks(observed.design, times, effects)
    knobs = [_knob(one, plan.levels, names) for one in effects if len(one.word) == 1]
    pairs = [_pair(one, names) for one in effects if len(one.word) == 2 and _is_found(one)]
    origin, (workload, digest, compiler, mode, metric, stage) = key[:origins], key[origins:]
    return Screening(
        origin=tuple(origin),
        workload=workload,
        digest=digest,
        compiler=compiler,
        mode=mode,
        metric=metric,
        stage=stage,
        chosen=chosen,
        configurations=len(observed.configurations),
        blocks=len(held.logs),
        knobs=tuple(sorted(knobs, key=lambda one: _size(one.ratio))),
        pairs=tuple(sorted((one for one in pairs if one is not None), key=lambda one: _size(one.ratio))),
        doubts=tuple(one for one in checks if one.is_broken),
    )


def _by_run(observed: ObservedDesign, short: Sequence[tuple[str, ...]], held: Readings) -> "np.ndarray[Any, Any]":
    rows = []
    for block in held.block_logs.tolist():
        pairs = zip(short, block, strict=True)
        rows.append({one: value for one, value in pairs if not math.isnan(value)})
    return observed.table(rows)


def _knob(one: ScreenedEffect, levels: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> ScreenedKnob:
    knob = names[one.word[0]]
    return ScreenedKnob(
        knob=knob,
        base_level=levels[knob][0],
        level=levels[knob][-1],
        ratio=one.ratio,
        q_value=one.q_value,
        found=_is_found(one),
        stands_out=one.stands_out,
        aliases=_named(one, names),
    )


def _pair(one: ScreenedEffect, names: Sequence[str]) -> ScreenedPair | None:
    if one.ratio is None:
        return None
    first, second = (names[factor] for factor in one.word)
    return ScreenedPair(knobs=(first, second), ratio=one.ratio, q_value=one.q_value, aliases=_named(one, names))


def _is_found(one: ScreenedEffect) -> bool:
    """Return whether an effect is found; a figure that never varies needs no test."""
    if one.ratio is None:
        return False
    if one.q_value is None:
        return one.ratio.count > 1 and abs(math.log(one.ratio.value)) > ROUNDING
    return one.q_value <= FALSE_DISCOVERIES


def _named(one: ScreenedEffect, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(" x ".join(names[factor] for factor in word) for word in one.aliases)


def _size(ratio: Ratio | None) -> float:
    return 0.0 if ratio is None else -abs(math.log(ratio.value))


def screening_frame(screens: Sequence[Screening], origin: Sequence[str] = ()) -> pl.DataFrame:
    """Return a row a knob of each screening, unrounded, the largest effect first; those that left come last."""
    rows = [dict(zip(origin, map(str, one.origin), strict=True)) | row for one in screens for row in _rows_of(one)]
    text, real, whole = pl.String(), pl.Float64(), pl.Int64()
    schema: dict[str, pl.DataType] = dict.fromkeys(origin, text)
    schema |= dict.fromkeys(("metric", "mode", "workload", "compiler", "stage", "design"), text)
    schema |= {"resolution": whole, "configurations": whole, "blocks": whole, "state": text}
    schema |= dict.fromkeys(("knob", "base_level", "level"), text)
    schema |= dict.fromkeys(("ratio", "ratio_low", "ratio_high", "p", "q"), real) | {"stands_out": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema | {"aliases": text}, infer_schema_length=None)


def _rows_of(one: Screening) -> list[dict[str, Any]]:
    shared = {
        "metric": one.metric,
        "mode": one.mode,
        "workload": one.workload,
        "compiler": one.compiler,
        "stage": one.stage,
        "design": one.chosen.design,
        "resolution": one.chosen.resolution,
        "configurations": one.configurations,
        "blocks": one.blocks,
    }
    rows = [
        shared
        | {
            "state": "found" if knob.found else "not found",
            "knob": knob.knob,
            "base_level": knob.base_level,
            "level": knob.level,
            "ratio": knob.ratio and knob.ratio.value,
            "ratio_low": knob.ratio and knob.ratio.low,
            "ratio_high": knob.ratio and knob.ratio.high,
            "p": knob.ratio and knob.ratio.p_value,
            "q": knob.q_value,
            "stands_out": knob.stands_out,
            "aliases": "; ".join(knob.aliases) or None,
        }
        for knob in one.knobs
    ]
    rows += [shared | {"state": "does nothing here", "knob": knob} for knob in one.chosen.idle]
    rows += [shared | {"state": f"fails by itself: {why}", "knob": knob} for knob, why in one.chosen.failed.items()]
    return rows
