"""Screenings: which of many knobs matter, from a design of all of them; what is found there is not yet confirmed."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.effects.readings import Key, Readings, TrialLayout
from ablatrix.analysis.effects.searches import GroupSearch, group_search
from ablatrix.analysis.groups import ChosenStage, Instrument, StagePlan
from ablatrix.records.status import Status
from ablatrix.statistics.ratio import Allowance, Ratio
from ablatrix.statistics.screening import DesignCheck, neighbours, unmet_pairs
from ablatrix.statistics.screening.observed import (
    Block,
    Observed,
    ObservedEffect,
    observe,
    observe_corners,
    observe_groups,
    observe_orders,
)

CORNERS = "corners"
UNIT_COLUMNS = ("workload", "workload_digest", "compiler")


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
        share: Its Shapley share of the whole, where all corners are known.
        acts: In how many of the pairs of corners it changes the program, and how many there are; then None, too.
    """

    knob: str
    base_level: str
    level: str
    ratio: Ratio | None
    q_value: float | None
    found: bool
    stands_out: bool | None
    aliases: tuple[str, ...]
    share: Ratio | None
    acts: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class ScreenedPair:
    """An interaction of two knobs in a screening, or the curve of one."""

    knobs: tuple[str, str]
    ratio: Ratio
    q_value: float | None
    aliases: tuple[str, ...]
    found: bool


@dataclass(frozen=True, kw_only=True)
class Screening:
    """The screening of one workload and compiler on one metric.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        chosen: Its design, and the knobs that left before.
        configurations: How many were run.
        blocks: Repeats of each.
        knobs: Those that were screened, the largest effect first.
        crossed: Interactions, and curves, as far as the design shows any, the largest first.
        doubts: Assumptions of the design that the values contradict.
        search: Of a search by groups, what is known of leaving knobs out; else None.
        unmet: How many pairs of configurations that differ in one knob share no block, and how many such pairs there
            are; they are compared through others. (0, 0) where every block has every configuration.
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
    crossed: tuple[ScreenedPair, ...]
    doubts: tuple[DesignCheck, ...]
    search: GroupSearch | None = None
    unmet: tuple[int, int] = (0, 0)

    @property
    def found(self) -> tuple[ScreenedKnob, ...]:
        """The knobs that matter, the largest first."""
        return tuple(one for one in self.knobs if one.found)

    @property
    def pairs(self) -> tuple[ScreenedPair, ...]:
        """The interactions that were found, the largest first."""
        return tuple(one for one in self.crossed if one.found)

    @property
    def rest(self) -> tuple[ScreenedKnob, ...]:
        """The knobs of which no effect was found."""
        return tuple(one for one in self.knobs if not one.found)

    @property
    def half_normal(self) -> tuple[tuple[ScreenedKnob, float, float], ...]:
        """Each knob with the quantile that its size would have if all were noise, and the size (log); smallest first.

        Noise of one spread lies on a line through the origin (Daniel 1959, "Use of half-normal plots ...").
        """
        from scipy.special import ndtri  # the quantile of the normal distribution

        known = [(knob, abs(math.log(knob.ratio.value))) for knob in self.knobs if knob.ratio is not None]
        ordered = sorted(known, key=lambda pair: pair[1])
        places = (0.5 + 0.5 * (place + 0.5) / len(ordered) for place in range(len(ordered)))
        return tuple((knob, float(ndtri(at)), size) for (knob, size), at in zip(ordered, places, strict=True))

    @property
    def explained(self) -> tuple[float, ...]:
        """Which share of the sum of the squares of all main effects the largest one is, the largest two, and so on."""
        squares = [0.0 if knob.ratio is None else math.log(knob.ratio.value) ** 2 for knob in self.knobs]
        whole = math.fsum(squares)
        return tuple(itertools.accumulate(square / whole for square in squares)) if whole else ()

    @property
    def resolution(self) -> float | None:
        """The widest half-width of the intervals of the rest, on the logarithm: what was not found is likely less."""
        if self.search is not None:
            return self.search.reach
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
                own = dict(zip((*origin, *UNIT_COLUMNS), unit, strict=True)) | {"stage": stage}
                seen = _observed(trials, own, held, plan, plan.chosen, allowance)
                key = (*unit, mode, metric, stage)
                one = _screening(key, len(held.logs), plan, plan.chosen, seen, len(origin))
                found.append(replace(one, unmet=_unmet(one, held)))
    return found


def _unmet(one: Screening, held: Readings) -> tuple[int, int]:
    """Return how many neighbours share no block in which both have a value, and how many neighbours there are."""
    there = ~np.isnan(held.block_logs)
    if there.all() or one.search is not None:  # a search compares each of its configurations with one alone
        return 0, 0
    measured = list(held.measured)
    order = sorted(range(len(measured)), key=lambda number: measured[number] != held.baseline)
    names = [measured[number] for number in order]
    levels = [list(dict.fromkeys(column)) for column in zip(*names, strict=True)]
    codes = np.array([[own.index(at) for own, at in zip(levels, name, strict=True)] for name in names])
    meet = neighbours(codes)
    return len(unmet_pairs((np.flatnonzero(row).tolist() for row in there[:, order]), meet)), len(meet)


def _observed(
    trials: pl.DataFrame,
    own: Mapping[str, Any],
    held: Readings,
    plan: StagePlan,
    chosen: ChosenStage,
    allowance: Allowance,
) -> Observed:
    positions = [held.knobs.index(knob) for knob in plan.levels]
    short = [tuple(str(one[position]) for position in positions) for one in held.measured]
    blocks = [
        {one: value for one, value in zip(short, block, strict=True) if not math.isnan(value)}
        for block in (held.block_logs if held.hosts is None else held.logs).tolist()
    ]
    if chosen.design == "groups":
        return _left_out(held, plan, chosen, blocks, allowance)
    if chosen.orders:
        return observe_orders(list(plan.levels.values()), chosen.orders, blocks, allowance)
    if chosen.programs is not None:
        return observe_corners(_corners(trials, own, plan), blocks, allowance)
    return observe(list(plan.levels.values()), short, blocks, chosen.design, chosen.resolution, allowance)


def _left_out(
    held: Readings, plan: StagePlan, chosen: ChosenStage, blocks: Sequence[Block], allowance: Allowance
) -> Observed:
    """Return what a search by groups shows; a configuration fails if each of its trials did."""
    positions = [held.knobs.index(knob) for knob in plan.levels]
    names = list(plan.levels)
    broken = {status for status in Status if status.is_failure or status is Status.UNSUPPORTED}
    failed = ((one, count) for one, count in held.failures.items() if count and count.keys() <= broken)
    fails = [one for one, count in failed if count.total() == held.measured[one]]
    issued, lost = ([tuple(one[at] for at in positions) for one in several] for several in (held.measured, fails))
    return observe_groups(
        list(plan.levels.values()),
        issued,
        blocks,
        idle=[names.index(knob) for knob in chosen.idle if knob in plan.levels],
        baseline=tuple(held.baseline[at] for at in positions),
        fails=lost,
        allowance=allowance,
    )


def _corners(trials: pl.DataFrame, own: Mapping[str, Any], plan: StagePlan) -> dict[tuple[Any, ...], list[int]]:
    """Return the corners of each program that was timed, by its levels; ``own`` are the columns of the screening."""
    columns = [f"knob_{knob}" for knob in plan.levels]
    meant = [pl.col(name) == value for name, value in own.items()]
    held = trials.lazy().filter(*meant, pl.col(CORNERS).is_not_null()).select(*columns, CORNERS)
    return {tuple(map(str, levels)): json.loads(text) for *levels, text in held.unique().collect().iter_rows()}


def _screening(key: Key, blocks: int, plan: StagePlan, chosen: ChosenStage, seen: Observed, origins: int) -> Screening:
    names = tuple(plan.levels)
    origin, (workload, digest, compiler, mode, metric, stage) = key[:origins], key[origins:]
    factors = sorted(seen.factors, key=lambda one: -one.size)
    pairs = sorted(seen.pairs, key=lambda one: -one.size)
    return Screening(
        origin=tuple(origin),
        workload=workload,
        digest=digest,
        compiler=compiler,
        mode=mode,
        metric=metric,
        stage=stage,
        chosen=chosen,
        configurations=seen.runs,
        blocks=blocks,
        knobs=tuple(_knob(one, plan.levels, names) for one in factors),
        crossed=tuple(_pair(one, one.ratio, names) for one in pairs if one.ratio is not None),
        doubts=tuple(one for one in seen.checks if one.is_broken),
        search=None if seen.groups is None else group_search(seen.groups, names),
    )


def _knob(one: ObservedEffect, levels: Mapping[str, tuple[str, ...]], names: Sequence[str]) -> ScreenedKnob:
    knob = names[one.word[0]]
    return ScreenedKnob(
        knob=knob,
        base_level=levels[knob][0],
        level=levels[knob][-1],
        ratio=one.ratio,
        q_value=one.q_value,
        found=one.is_found,
        stands_out=one.stands_out,
        aliases=_named(one, names),
        share=one.share,
        acts=one.acts,
    )


def _pair(one: ObservedEffect, ratio: Ratio, names: Sequence[str]) -> ScreenedPair:
    first, second = (names[factor] for factor in one.word)
    aliases = _named(one, names)
    return ScreenedPair(knobs=(first, second), ratio=ratio, q_value=one.q_value, aliases=aliases, found=one.is_found)


def _named(one: ObservedEffect, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(" x ".join(names[factor] for factor in word) for word in one.aliases)


def screening_frame(screens: Sequence[Screening], origin: Sequence[str] = ()) -> pl.DataFrame:
    """Return a row a knob of each screening, unrounded, the largest effect first; those that left come last."""
    rows = [dict(zip(origin, map(str, one.origin), strict=True)) | row for one in screens for row in _rows_of(one)]
    text, real, whole = pl.String(), pl.Float64(), pl.Int64()
    schema: dict[str, pl.DataType] = dict.fromkeys(origin, text)
    schema |= dict.fromkeys(("metric", "mode", "workload", "compiler", "stage", "design"), text)
    schema |= {"resolution": whole, "configurations": whole, "blocks": whole}
    schema |= {"neighbours": whole, "unmet": whole, "state": text}
    schema |= dict.fromkeys(("knob", "base_level", "level"), text)
    schema |= dict.fromkeys(("ratio", "ratio_low", "ratio_high", "p", "q"), real) | {"stands_out": pl.Boolean()}
    schema |= dict.fromkeys(("share", "share_low", "share_high"), real) | dict.fromkeys(("acts", "corner_pairs"), whole)
    return pl.DataFrame(rows, schema=schema | {"aliases": text, "group": text}, infer_schema_length=None)


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
        "neighbours": one.unmet[1],
        "unmet": one.unmet[0],
    }
    rows: list[dict[str, Any]] = [
        shared
        | {
            "state": _state(one, knob),
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
            "share": knob.share and knob.share.value,
            "share_low": knob.share and knob.share.low,
            "share_high": knob.share and knob.share.high,
            "acts": knob.acts and knob.acts[0],
            "corner_pairs": knob.acts and knob.acts[1],
        }
        for knob in one.knobs
    ]
    rows += [shared | row for row in _group_rows(one.search)] if one.search else []
    rows += [shared | {"state": "does nothing here", "knob": knob} for knob in one.chosen.idle]
    rows += [shared | {"state": f"fails by itself: {why}", "knob": knob} for knob, why in one.chosen.failed.items()]
    return rows


def _state(one: Screening, knob: ScreenedKnob) -> str:
    if knob.found:
        return "found"
    return "can go" if one.search is not None and knob.knob in one.search.free else "not found"


def _group_rows(search: GroupSearch) -> list[dict[str, Any]]:
    """Return a row a group of a search that has several knobs, and one of all that can go at once."""
    held = [(one, "left out together") for one in search.tests if len(one.knobs) > 1]
    held += [(search.together, "all that can go")] if search.together else []
    return [
        {
            "state": f"{state}: fails" if one.fails else state,
            "group": " + ".join(one.knobs),
            "ratio": one.ratio and one.ratio.value,
            "ratio_low": one.ratio and one.ratio.low,
            "ratio_high": one.ratio and one.ratio.high,
            "p": one.ratio and one.ratio.p_value,
            "q": one.p_value,
        }
        for one, state in held
    ]
