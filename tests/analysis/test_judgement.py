"""What is said of an effect follows from its interval, the margin, the family and a failed A/A control."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from scipy.stats import t as student

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.analysis.effects.estimates import Effect, attribution, effects_of_levels
from ablatrix.analysis.effects.geometric_means import mean_effects
from ablatrix.analysis.effects.judgement import Judgement, judge_effects, judge_means, verdict_text
from ablatrix.analysis.groups.control import step_of
from ablatrix.statistics.precision import Configuration
from tests.analysis.made import grid_of, table
from tests.synthetic import make_records

TIME = METRICS["run_ms_p50"]
NARROW = (-0.001, 0.0, 0.001, 0.0005, -0.0005)


def effect_of(logs: Sequence[float], offset: float = 0.0, workload: str = "encoder") -> Effect:
    """The main effect of one knob whose log ratio in each block is given, where the instrument is off by this much."""
    grid = grid_of({"fusion": ("off", "on")}, [{("off",): 0.0, ("on",): log} for log in logs])
    (effect,) = effects_of_levels(replace(grid, offset=offset, workload=workload))
    return effect


def judged(*effects: Effect, margin: float = 0.01) -> list[Judgement]:
    found = judge_effects(effects, TIME, margin)
    return [one for one in found if one is not None]


def shifted(by: float, spread: float = 1.0) -> list[float]:
    return [by + spread * log for log in NARROW]


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-0.3, "faster"), (0.3, "slower"), (0.0, "no effect"), (0.0005, "no effect")]
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


def test_verdict_of_interval_without_one_is_different_where_control_holds() -> None:
    """The reuse of the quick study on mlp: 0.987 [0.983, 0.990], while one twin pair is known to +-1.5 %."""
    logs = [-0.0131, -0.0160, -0.0105, -0.0126, -0.0144, -0.0150, -0.0104]
    effect = effect_of(logs)
    assert effect.ratio is not None
    assert (round(effect.ratio.value, 3), round(effect.ratio.low or 0, 3), round(effect.ratio.high or 0, 3)) == (
        0.987,
        0.985,
        0.989,
    )
    (one,) = judged(effect)
    assert (one.verdict, verdict_text(one)) == ("faster", "faster")


def test_verdict_within_margin_and_different_says_both() -> None:
    (one,) = judged(effect_of(shifted(0.004)))
    assert (one.verdict, one.within, one.resolution) == ("slower", True, None)
    assert verdict_text(one) == "slower (less than 1 %)"
    (none,) = judged(effect_of(shifted(0.0)))
    assert verdict_text(none) == "no effect (within 1 %)"
    assert verdict_text(judged(effect_of(shifted(0.0)), margin=0.02)[0]) == "no effect (within 2 %)"


def test_verdict_of_failed_instrument_needs_more_than_its_offset() -> None:
    """2 % slower, known to +-0.1 %; but the control is off by as much as 3 %."""
    (alone,) = judged(effect_of(shifted(0.02)))
    assert alone.verdict == "slower"
    (below,) = judged(effect_of(shifted(0.02), offset=0.03))
    assert (below.verdict, below.p_holm) == ("not distinguishable", 1.0)
    assert below.resolution == pytest.approx(math.expm1(0.02 + 0.03 + 2.131847 * math.sqrt(2.5e-6 / 4 / 5)), rel=1e-6)
    (above,) = judged(effect_of(shifted(0.02), offset=0.01))
    assert above.verdict == "slower"


def test_verdict_of_failed_instrument_tests_what_is_beyond_its_offset() -> None:
    effect = effect_of(shifted(0.02), offset=0.019)
    error = math.sqrt(2.5e-6 / 4 / 5)
    assert effect.ratio is not None
    assert effect.ratio.p_value == pytest.approx(2 * student.sf(0.001 / error, 4))
    assert effect.ratio.widened == 0.019


def test_verdicts_on_totals_are_a_family_of_their_own() -> None:
    grid = grid_of(
        {"fusion": ("off", "on"), "reuse": ("keep", "release")},
        [
            {(a, b): x + y for a, x in (("off", 0.0), ("on", log)) for b, y in (("keep", 0.0), ("release", log))}
            for log in shifted(0.0245, 20.0)
        ],
    )
    effects = [*effects_of_levels(grid), *attribution(grid)]
    found = {one.kind: verdict for one, verdict in zip(effects, judge_effects(effects, TIME), strict=True) if verdict}
    assert set(found) == {"main", "total"}
    p_value = next(one.ratio.p_value for one in effects if one.kind == "total" and one.ratio)
    assert p_value is not None
    assert found["total"].p_holm == p_value
    assert found["main"].p_holm == pytest.approx(2 * p_value)


def test_verdict_on_mean_follows_the_same_rule() -> None:
    """Each workload alone is not distinguishable; their mean is, as errors add up by squares."""
    effects = [effect_of(shifted(0.012, 16.0), workload=name) for name in ("a", "b", "c", "d")]
    assert [one.verdict for one in judged(*effects)] == ["not distinguishable"] * 4
    (mean,) = mean_effects(effects)
    (one,) = judge_means([mean], TIME)
    assert one is not None
    assert one.verdict == "slower"
    assert mean.ratio is not None
    assert one.p_holm == mean.ratio.p_value
    wide = mean_effects([effect_of(shifted(0.012, 16.0), 0.02, name) for name in ("a", "b", "c", "d")])
    assert [held and held.verdict for held in judge_means(wide, TIME)] == ["not distinguishable"]


def test_verdict_on_no_op_is_that_and_outside_family() -> None:
    no_op = replace(effect_of(shifted(0.3)), is_no_op=True)
    there = effect_of(shifted(0.0245, 20.0))
    first, second = judged(no_op, there)
    assert (first.verdict, first.p_holm, verdict_text(first)) == ("no-op", None, "no-op: same program")
    assert not first.is_different
    assert there.ratio is not None
    assert second.p_holm == there.ratio.p_value


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


def test_verdict_with_one_block_is_not_tested() -> None:
    (one,) = judged(effect_of([-0.7]))
    assert (one.verdict, one.resolution, one.p_holm, one.p_equivalence) == ("one block, not tested", None, None, None)
    assert (one.is_different, verdict_text(one)) == (False, "one block, not tested")


def test_verdict_with_constant_times_shows_no_difference() -> None:
    (one,) = judged(effect_of([-0.7, -0.7, -0.7]))
    assert (one.verdict, one.p_holm) == ("not distinguishable", None)


def test_verdict_on_exact_bytes_ignores_margin() -> None:
    from ablatrix.analysis.effects.grid import factorial_grids

    trials = table(make_records(workloads=["encoder"], blocks=1, modes=["cold"]))
    (grid,) = factorial_grids(trials, "planned_bytes", "cold")
    effects = effects_of_levels(grid)
    verdicts = judge_effects(effects, METRICS["planned_bytes"], margin=0.99)
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


def peaks(*mib: tuple[float, float]) -> list[dict[Configuration, float]]:
    return [{("off",): math.log(off * 2**20), ("on",): math.log(on * 2**20)} for off, on in mib]


@pytest.mark.parametrize(
    ("blocks", "verdict"),
    [
        ([(10.0, 10.0)] * 5, "not distinguishable"),  # a step is 1.2 % of it
        ([(100.0, 100.0)] * 5, "no effect"),
        ([(100.0, 100.0 + 4096 / 2**20)] * 5, "no effect"),  # a page, the same in every block
        ([(1.0, 1.0 + 65536 / 2**20)] * 5, "not distinguishable"),
        ([(10.0, 20.0)] * 5, "larger"),
        ([(10.0, 5.0), (10.0, 5.1), (10.0, 5.2), (10.1, 5.0), (10.0, 5.0)], "smaller"),
        ([(10.0, 20.0)], "one block, not tested"),
    ],
)
def test_verdict_on_peak_memory_allows_for_its_step(blocks: list[tuple[float, float]], verdict: str) -> None:
    """Peak memory is measured, in steps of 128 KiB, and never exact."""
    grid = grid_of({"fusion": ("off", "on")}, peaks(*blocks))
    logs = {one: [block[one] for block in grid.blocks] for one in grid.comparison.configurations}
    steps = {one: step_of("peak_rss_delta_bytes", *held) for one, held in logs.items()}
    (effect,) = effects_of_levels(replace(grid, metric="peak_rss_delta_bytes", steps=steps))
    (one,) = judge_effects([effect], METRICS["peak_rss_delta_bytes"])
    assert not effect.exact
    assert one is not None
    assert one.verdict == verdict
