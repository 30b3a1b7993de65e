"""What is said of an effect follows from its interval, the margin, the family and the noise floor."""

import math
from collections.abc import Sequence

import pytest

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.effects.estimates import Effect, effects_of_levels
from ablatrix.analysis.effects.judgement import Judgement, judge_main_effects
from ablatrix.analysis.effects.noise import NoiseFloor
from ablatrix.statistics.ratio import paired_ratio
from tests.analysis.made import grid_of, table
from tests.synthetic import make_records

TIME = METRICS["run_ms_p50"]
NARROW = (-0.001, 0.0, 0.001, 0.0005, -0.0005)


def effect_of(logs: Sequence[float]) -> Effect:
    """The main effect of one knob whose log ratio in each block is given."""
    grid = grid_of({"fusion": ("off", "on")}, [{("off",): 0.0, ("on",): log} for log in logs])
    (effect,) = effects_of_levels(grid)
    return effect


def floor_of(logs: Sequence[float]) -> NoiseFloor:
    return NoiseFloor(
        origin=(),
        workload="encoder",
        digest="d",
        compiler="tvm",
        ratio=paired_ratio(logs),
        spread=max(map(abs, logs)),
    )


def judged(*effects: Effect, floors: Sequence[NoiseFloor] = (), margin: float = 0.01) -> list[Judgement]:
    found = judge_main_effects(effects, floors, TIME, margin)
    return [one for one in found if one is not None]


def shifted(by: float, spread: float = 1.0) -> list[float]:
    return [by + spread * log for log in NARROW]


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-0.3, "faster"), (0.3, "slower"), (0.0, "no effect"), (0.002, "no effect")]
)
def test_verdict_with_narrow_interval_is_faster_slower_or_no_effect(shift: float, verdict: str) -> None:
    (one,) = judged(effect_of(shifted(shift)))
    assert (one.verdict, one.resolution) == (verdict, None)


def test_verdict_with_one_inside_and_margin_exceeded_is_indistinguishable() -> None:
    """`NARROW` x 20 has the mean 0, the sum of squares 0.001 and so the error sqrt(0.001 / 4 / 5) = 0.0070711.

    t(4) at 90 % is 2.131847: the interval ends at exp(0.0150744), 1.5 % from 1.
    """
    (one,) = judged(effect_of(shifted(0.0, 20.0)))
    assert one.verdict == "not distinguishable"
    assert one.resolution == pytest.approx(math.expm1(2.131847 * math.sqrt(0.001 / 4 / 5)), rel=1e-6)


def test_verdict_with_wider_margin_becomes_no_effect() -> None:
    effect = effect_of(shifted(0.0, 20.0))
    assert [judged(effect, margin=margin)[0].verdict for margin in (0.015, 0.016)] == [
        "not distinguishable",
        "no effect",
    ]


def test_verdict_below_noise_floor_is_never_different() -> None:
    """2 % slower, known to +-0.1 %; but two copies of the baseline lie as far apart as 3 %."""
    effect = effect_of(shifted(0.02))
    (alone,) = judged(effect)
    assert alone.verdict == "slower"
    (below,) = judged(effect, floors=[floor_of([0.03])])
    assert below.verdict == "not distinguishable"
    assert below.resolution == below.floor == pytest.approx(math.expm1(0.03))
    (above,) = judged(effect, floors=[floor_of([0.01])])
    assert above.verdict == "slower"


def test_p_values_are_adjusted_over_their_family() -> None:
    """An effect with p just below 5 % is different by itself and not beside nine others of which it is the smallest."""
    logs = shifted(0.0245, 20.0)
    effect = effect_of(logs)
    assert effect.ratio is not None
    assert effect.ratio.p_value is not None
    assert 0.01 < effect.ratio.p_value < 0.05
    (alone,) = judged(effect)
    assert (alone.verdict, alone.p_holm) == ("slower", effect.ratio.p_value)
    family = judged(effect, *(effect_of(shifted(0.0, 20.0)) for _ in range(9)))
    assert family[0].verdict == "not distinguishable"
    assert family[0].p_holm == pytest.approx(10 * effect.ratio.p_value)


def test_verdict_with_one_block_is_undecided() -> None:
    (one,) = judged(effect_of([-0.7]))
    assert (one.verdict, one.resolution, one.p_holm, one.p_equivalence) == ("not distinguishable", None, None, None)


def test_verdict_with_constant_times_shows_no_difference() -> None:
    (one,) = judged(effect_of([-0.7, -0.7, -0.7]))
    assert (one.verdict, one.p_holm) == ("not distinguishable", None)


def test_verdict_on_exact_bytes_ignores_margin() -> None:
    from ablatrix.analysis.effects.grid import factorial_grids

    trials = table(make_records(workloads=["encoder"], blocks=1, modes=["cold"]))
    (grid,) = factorial_grids(trials, "planned_bytes", "cold")
    effects = effects_of_levels(grid)
    verdicts = judge_main_effects(effects, [], METRICS["planned_bytes"], margin=0.99)
    assert {one.knob: verdict and verdict.verdict for one, verdict in zip(effects, verdicts, strict=True)} == {
        "partition": "smaller",
        "reuse": "smaller",
        "memory_plan": "smaller",
        "fusion": "no effect",
    }


def test_verdict_of_non_attributable_is_none_and_outside_family() -> None:
    grid = grid_of({"fusion": ("off", "on")}, [{("off",): 0.0}] * 5)
    (gone,) = effects_of_levels(grid)
    there = effect_of(shifted(0.0245, 20.0))
    first, second = judged(gone, there)
    assert (first.verdict, first.p_holm) == (None, None)
    assert there.ratio is not None
    assert second.p_holm == there.ratio.p_value
