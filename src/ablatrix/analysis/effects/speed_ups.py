"""Ablations as tables of papers show them: how many times as fast each configuration is as the baseline.

Each knob by itself, knobs added one after the other, all of them, all but one, and eager execution beside them. Every
speed-up is paired over repeats, of the two configurations that it compares, whatever else failed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import polars as pl

from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.effects.grid import FactorialGrid
from ablatrix.analysis.groups import ReferenceRatios, are_shared, base_of, variants_of
from ablatrix.analysis.reasons import KnobLevels, Why, because
from ablatrix.analysis.table import IS_OK
from ablatrix.statistics.precision import Configuration
from ablatrix.statistics.ratio import Allowance, Ratio, nested_allowance, nested_mean_estimate, paired_ratio, ratio_of

UNIT = ("workload", "workload_digest", "compiler")


@dataclass(frozen=True)
class Move:
    """A knob that leaves its level."""

    knob: str
    base_level: str
    level: str


@dataclass(frozen=True, kw_only=True)
class SpeedUp:
    """How many times as fast a configuration is as another one.

    Attributes:
        moved: Levels in which the configuration differs from the one that its ablation starts from.
        ratio: The other's time over its own; None where no repeat has both.
        logs: The ratio in each repeat, as a logarithm.
        allowance: What the interval allows for beyond the scatter of repeats.
        repeats: How many there are, with those that lack one of the two.
        base: The workload that it is of; of a variant the one whose it is.
        stage: In whose repeats both are; None over eager execution, which any block can show.
        is_same_program: Whether both are proven to be one program, so that whatever was measured is no effect.
        reason: Why there is no ratio.
        hosts: Of each of ``logs``, where the unit ran on several; else none.
    """

    moved: KnobLevels
    ratio: Ratio | None
    logs: tuple[float, ...]
    allowance: Allowance
    repeats: int
    base: str
    stage: str | None = None
    is_same_program: bool = False
    reason: Why | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ablation:
    """The speed-ups of one workload on one compiler.

    Attributes:
        base: The level of every knob in the configuration that all are compared with: the baseline's, or the centre's
            where the knobs were varied around one alone.
        moves: The knobs that were moved by themselves, in the order of the study.
        alone: A speed-up over the base for each of them.
        path: The knobs that are all moved in the fullest configuration; empty where there is none such.
        added: Over the base, for each knob of the path: with it and all before it. The last one is of the whole.
        without: Over the base, for each knob of the path: with all the others. Empty for a path of one knob.
        base_over_eager, whole_over_eager: How many times as fast as eager execution; None without a path, or where no
            block has an eager trial.
    """

    workload: str
    digest: str
    compiler: str
    mode: str
    metric: str
    base: KnobLevels
    moves: tuple[Move, ...]
    alone: tuple[SpeedUp, ...]
    path: tuple[Move, ...]
    added: tuple[SpeedUp, ...]
    without: tuple[SpeedUp, ...]
    base_over_eager: SpeedUp | None
    whole_over_eager: SpeedUp | None

    @property
    def whole(self) -> SpeedUp | None:
        """The speed-up of the fullest configuration over the base."""
        return self.added[-1] if self.added else None

    @property
    def steps(self) -> tuple[tuple[Move, ...], tuple[Move, ...]]:
        """What decides which columns of a table it fills."""
        return self.moves, self.path


def mean_speed_up(members: Sequence[SpeedUp]) -> Ratio | None:
    """Return the geometric mean of the speed-ups that have a ratio, each workload weighing the same; None without any.

    The variants of a workload share its weight, as in `ablatrix.analysis.effects.geometric_means`.
    """
    held: dict[str, list[SpeedUp]] = {}
    for one in members:
        if one.ratio is not None:
            held.setdefault(one.base, []).append(one)
    if not held:
        return None
    shared = are_shared([one.hosts for family in held.values() for one in family])
    estimate = nested_mean_estimate([[one.logs for one in family] for family in held.values()], shared)
    return ratio_of(estimate, allowance=nested_allowance([[one.allowance for one in own] for own in held.values()]))


def find_ablations(
    grids: Sequence[FactorialGrid],
    parts: Sequence[Effect],
    trials: pl.DataFrame,
    measure: tuple[str, str],
    eager: ReferenceRatios,
) -> list[Ablation]:
    """Return the ablation of each workload and compiler, sorted by workload and compiler.

    The path is that of the first attribution of a unit: from the baseline to the last level of each knob. Where no knob
    varies there is the baseline alone.

    Args:
        grids: The measured configurations of each stage, on the metric in the mode.
        parts: The parts of the attributions on the same metric.
        trials: The table of trials.
        measure: Metric, a column of a positive number, and mode.
        eager: The ratios to eager execution on the same metric in the same mode.
    """
    found = []
    variants = variants_of(trials)
    for unit, baseline in _baselines(trials, *measure).items():
        own = [grid for grid in grids if (grid.workload, grid.digest, grid.compiler) == unit]
        shares = [one for one in parts if one.kind == "shapley" and (one.workload, one.digest, one.compiler) == unit]
        path = tuple(Move(str(one.knob), one.base_level, one.level) for one in shares if one.stage == shares[0].stage)
        ordered = sorted(own, key=lambda grid: not (shares and grid.stage == shares[0].stage))
        found.append(_ablation(unit, base_of(unit[0], variants), measure, ordered, path, baseline, eager))
    return found


def _ablation(
    unit: tuple[str, str, str],
    family: str,
    measure: tuple[str, str],
    grids: Sequence[FactorialGrid],
    path: tuple[Move, ...],
    baseline: Mapping[str, str],
    eager: ReferenceRatios,
) -> Ablation:
    centre = grids[0].centre if grids else {}
    alone: dict[Move, SpeedUp] = {move: _speed_up(grids[0], [move], family) for move in path}
    for grid in grids:
        for move in _moves(grid) if grid.centre == centre else ():
            if not any(move.knob == held.knob for held in path) and move not in alone:
                alone[move] = _speed_up(grid, [move], family)
    compared = [grid.comparison for grid in grids if grid.centre == centre]
    told = {knob: str(level) for one in compared for knob, level in zip(one.knobs, one.baseline, strict=True)}
    base = {**told, **baseline, **centre}
    whole = {move.knob: move.level for move in path}
    others = [[one for one in path if one != move] for move in path] if len(path) > 1 else []
    workload, digest, compiler = unit
    metric, mode = measure
    return Ablation(
        workload=workload,
        digest=digest,
        compiler=compiler,
        mode=mode,
        metric=metric,
        base=KnobLevels(base),
        moves=tuple(alone),
        alone=tuple(alone.values()),
        path=path,
        added=tuple(_speed_up(grids[0], path[: index + 1], family) for index in range(len(path))),
        without=tuple(_speed_up(grids[0], rest, family) for rest in others),
        base_over_eager=_over_eager(eager, unit, family, base, {}),
        whole_over_eager=_over_eager(eager, unit, family, base, whole) if path else None,
    )


def _moves(grid: FactorialGrid) -> list[Move]:
    base = dict(zip(grid.comparison.knobs, map(str, grid.comparison.baseline), strict=True))
    return [Move(knob, base[knob], str(level)) for knob, level in grid.comparison.steps()]


def _speed_up(grid: FactorialGrid, moves: Sequence[Move], family: str) -> SpeedUp:
    moved = {move.knob: move.level for move in moves}
    base: Configuration = grid.comparison.baseline
    there: Configuration = tuple(
        moved.get(knob, level) for knob, level in zip(grid.comparison.knobs, base, strict=True)
    )
    never = np.full(len(grid.blocks), math.nan)  # a configuration that was not run at all
    logs = grid.columns.get(base, never) - grid.columns.get(there, never)
    held = tuple(logs[~np.isnan(logs)].tolist())
    allowance = grid.allowance((base, there))
    hosts = () if grid.hosts is None else tuple(compress(grid.hosts.names, (~np.isnan(logs)).tolist()))
    return SpeedUp(
        moved=KnobLevels(moved),
        ratio=paired_ratio(held, allowance=allowance) if held else None,
        logs=held,
        allowance=allowance,
        repeats=len(grid.blocks),
        base=family,
        stage=grid.stage,
        is_same_program=len(moves) == 1 and frozenset((base, there)) in grid.same_program,
        reason=None if held else grid.why_missing([base, there]) or Why.of(because("no_whole_pair")),
        hosts=hosts,
    )


def _over_eager(
    eager: ReferenceRatios,
    unit: tuple[str, str, str],
    family: str,
    base: Mapping[str, str],
    moved: Mapping[str, str],
) -> SpeedUp | None:
    """Return how many times as fast as eager a configuration is; None where no block has both."""
    held = eager.of(unit, {**base, **moved})
    if held is None:
        return None
    logs = tuple(-log for log in held.logs)
    ratio = paired_ratio(logs, allowance=held.allowance)
    return SpeedUp(
        moved=KnobLevels(moved),
        ratio=ratio,
        logs=logs,
        allowance=held.allowance,
        repeats=len(logs),
        base=family,
        hosts=held.hosts,
    )


def _baselines(trials: pl.DataFrame, metric: str, mode: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the level of each knob in the baseline of each unit with an ok trial that has a value."""
    names = [name for name in trials.columns if name.startswith("baseline_")]
    names = [name for name in names if f"knob_{name.removeprefix('baseline_')}" in trials.columns]
    ok = IS_OK & (pl.col("mode") == mode) & (pl.col(metric) > 0) & (pl.col("role") == "measured")
    firsts = [pl.col(name).cast(pl.String).drop_nulls().first() for name in names]
    found = trials.lazy().filter(ok).group_by(UNIT).agg(firsts).collect()
    held: dict[tuple[str, str, str], dict[str, str]] = {}
    for workload, digest, compiler, *levels in found.select(*UNIT, *names).iter_rows():
        told = zip(names, levels, strict=True)
        base = {name.removeprefix("baseline_"): level for name, level in told if level is not None}
        held[str(workload), str(digest), str(compiler)] = base
    return dict(sorted(held.items()))
