"""How often the verdicts of `ablatrix effects` err, over a whole study: part of error_rates.py, which runs it.

A study has 25 workloads with a factorial of four knobs of two levels: 100 effects, one family. Each block has a value
of each configuration, the baseline's twin too; values scatter by 0.5 % (standard deviation on the logarithm) about what
the block shares. Of each kind of scene there are hundreds of studies:

*nulls*: no knob does anything. *planted*: 10 effects are of 1 %, 10 of 2 %, the others null. *off by 1 %*, *off by
3 %*: the same, but all that is measured beside the baseline, its twin too, is off by as much: the instrument fails, and
a knob that does nothing alone seems to do as much. ``controls_failed`` says in how many workloads this is found, and
rates ending in ``_where_failed`` are of those: what the widening of intervals is to keep.

Effects are estimated and judged by the product's functions from grids; in the first studies of each scene the same
values also go through a table of trials and `gather`, whose verdicts must be the same.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.effects import FactorialGrid, Question, SamePrograms, effects_of_levels, gather
from ablatrix.analysis.effects.estimates import Effect
from ablatrix.analysis.effects.judgement import Judgement, judge_effects
from ablatrix.analysis.groups import judge_controls
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.analysis.table import Tidy
from ablatrix.records.metrics import HOT_METRIC, METRICS
from ablatrix.statistics.precision import Comparison

KNOBS = ("partition", "reuse", "memory_plan", "fusion")
CONFIGURATIONS = tuple(itertools.product(("off", "on"), repeat=len(KNOBS)))
WORKLOADS, BLOCKS, NOISE, BLOCK_NOISE = 25, 7, 0.005, 0.01
PLANTED = {0.01: 10, 0.02: 10}
THROUGH_RECORDS = 2


@dataclass(frozen=True)
class Scene:
    """What is planted: effects as logarithms with how many there are, and by how much the instrument is off."""

    name: str
    planted: Mapping[float, int]
    off: float


SCENES = (
    Scene("nulls", {}, 0.0),
    Scene("planted", PLANTED, 0.0),
    Scene("off by 1 %", PLANTED, 0.01),
    Scene("off by 3 %", PLANTED, 0.03),
)


def rule_scenes(studies: int) -> list[dict[str, Any]]:
    """Return the rates of each scene."""
    return [rates(scene, studies, np.random.default_rng(300 + seed)) for seed, scene in enumerate(SCENES)]


def rates(scene: Scene, studies: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return type I error, power, coverage and family-wise error of one scene."""
    sums: Counter[str] = Counter()
    found = dict.fromkeys(scene.planted, 0)
    for number in range(studies):
        flat = np.zeros(WORKLOADS * len(KNOBS))
        places = iter(rng.permutation(flat.size).tolist())
        for size, of_size in scene.planted.items():
            flat[[next(places) for _ in range(of_size)]] = math.log1p(size)
        truth = flat.reshape(WORKLOADS, len(KNOBS))
        logs, twins = measured(scene, truth, rng)
        offsets = offsets_of(logs, twins)
        effects = list(effects_of(logs, offsets))
        judgements = judge_effects(effects, METRICS[HOT_METRIC])
        if number < THROUGH_RECORDS:
            hold_against_records(logs, twins, judgements)
        wrong = 0
        for place, (effect, judgement) in enumerate(zip(effects, judgements, strict=True)):
            size, fails = float(flat[place]), offsets[place // len(KNOBS)] > 0.0
            assert judgement is not None and effect.ratio is not None
            assert effect.ratio.low is not None and effect.ratio.high is not None
            covered = math.log(effect.ratio.low) <= size <= math.log(effect.ratio.high)
            sums.update(effects=1, covered=covered, failed=fails, covered_failed=covered and fails)
            if size:
                found[round(math.expm1(size), 3)] += judgement.verdict == "slower"
                continue
            p_value = effect.ratio.p_value
            different = judgement.is_different
            sums.update(nulls=1, unadjusted=p_value is not None and p_value < 0.05, false=different)
            sums.update(nulls_failed=fails, false_failed=different and fails)
            wrong += different
        sums.update(families=wrong > 0)
    figures = {
        "scene": scene.name,
        "type_i": sums["unadjusted"] / sums["nulls"],
        "false_verdicts": sums["false"] / sums["nulls"],
        "family_wise": sums["families"] / studies,
        "coverage": sums["covered"] / sums["effects"],
        "controls_failed": sums["failed"] / sums["effects"],
        "power": {f"{size:.0%}": hits / studies / scene.planted[size] for size, hits in found.items()},
    }
    if scene.off:
        figures["coverage_where_failed"] = sums["covered_failed"] / sums["failed"]
        figures["false_verdicts_where_failed"] = sums["false_failed"] / sums["nulls_failed"]
    return figures


def measured(scene: Scene, truth: np.ndarray[Any, Any], rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the logs of all configurations (workloads x configurations x blocks), and of the twins."""
    on = np.array([[level == "on" for level in one] for one in CONFIGURATIONS], dtype=float)
    shared = rng.normal(0.0, BLOCK_NOISE, (WORKLOADS, 1, BLOCKS))
    levels = (truth @ on.T)[:, :, None] + shared + rng.normal(0.0, NOISE, (WORKLOADS, len(CONFIGURATIONS), BLOCKS))
    levels[:, 1:] += scene.off
    twins = shared[:, 0] + rng.normal(0.0, NOISE, (WORKLOADS, BLOCKS)) + scene.off
    return levels, twins


def offsets_of(logs: Any, twins: Any) -> list[float]:
    """Return by how much the failed controls widen the intervals of each workload."""
    held = {
        (f"{number:03}", "", "tvm"): (twin - one[0]).tolist()
        for number, (twin, one) in enumerate(zip(twins, logs, strict=True))
    }
    return [one.offset for one in judge_controls(held, {})]


def effects_of(logs: Any, offsets: list[float]) -> Iterator[Effect]:
    """Yield the main effects of each workload."""
    comparison = Comparison(KNOBS, KNOBS, CONFIGURATIONS[0], CONFIGURATIONS)
    for number, (values, offset) in enumerate(zip(logs, offsets, strict=True)):
        yield from effects_of_levels(
            FactorialGrid(
                origin=(),
                workload=f"w{number:02}",
                digest=f"w{number:02}",
                compiler="tvm",
                mode="hot",
                metric=HOT_METRIC,
                stage="primary",
                kind="factorial",
                comparison=comparison,
                centre=KnobLevels(),
                blocks=tuple(dict(zip(CONFIGURATIONS, column, strict=True)) for column in values.T.tolist()),
                blocks_empty=0,
                absent={},
                offset=offset,
            )
        )


def hold_against_records(logs: Any, twins: Any, judgements: list[Judgement | None]) -> None:
    """Check that a table of trials with these values gives the same verdicts.

    Raises:
        AssertionError: It does not.
    """
    rows = [
        row(workload, block, "measured", one, math.exp(logs[workload, place, block]))
        for workload, block in itertools.product(range(WORKLOADS), range(BLOCKS))
        for place, one in enumerate(CONFIGURATIONS)
    ]
    rows += [
        row(workload, block, "twin", CONFIGURATIONS[0], math.exp(twins[workload, block]))
        for workload, block in itertools.product(range(WORKLOADS), range(BLOCKS))
    ]
    trials = pl.DataFrame(rows).with_row_index("position")
    question = Question(metrics=(HOT_METRIC,))
    (evidence,) = gather(Tidy(trials, {}, ()), question, (), None, SamePrograms({}))
    main = {
        (effect.workload, effect.knob): judgement and judgement.verdict
        for effect, judgement in zip(evidence.effects, evidence.judgements, strict=True)
        if effect.kind == "main"
    }
    names = [(f"w{number:02}", knob) for number in range(WORKLOADS) for knob in KNOBS]
    assert [main[name] for name in names] == [one and one.verdict for one in judgements]


def row(workload: int, block: int, role: str, levels: tuple[str, ...], time: float) -> dict[str, Any]:
    """Return the columns of a trial that effects are made from."""
    return {
        "workload": f"w{workload:02}",
        "workload_digest": f"w{workload:02}",
        "compiler": "tvm",
        "mode": "hot",
        "role": role,
        "status": "ok",
        "run": 0,
        "block": block,
        "block_id": f"{workload}-{block}",
        "stage": "primary",
        "is_baseline": levels == CONFIGURATIONS[0],
        HOT_METRIC: time,
        **{f"knob_{knob}": level for knob, level in zip(KNOBS, levels, strict=True)},
        **{f"baseline_{knob}": "off" for knob in KNOBS},
    }
