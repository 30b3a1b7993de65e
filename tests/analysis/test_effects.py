"""Effects on factorial_grids whose answers were derived by hand, stated in each test's docstring."""

import itertools
import math
from collections.abc import Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.analysis.effects.estimates import Effect, attribution, effects_of_levels, main_effects
from ablatrix.analysis.effects.grid import factorial_grids
from ablatrix.analysis.reasons.wording import optional_text, text_of
from ablatrix.errors import AnalysisError
from ablatrix.statistics.attribution import main_effects as main_effects_of_a_cube
from ablatrix.statistics.precision import Configuration
from tests.analysis.made import grid_of, table, two_knobs, with_times
from tests.analysis.test_grid import hot_records, split, with_stage
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records

ON = ("regions", "on")


def on(levels: Mapping[str, str], *knobs: str) -> bool:
    return all(levels[knob] == PRIMARY[knob][1] for knob in knobs)


def values_of(effects: Sequence[Effect]) -> dict[str, float | None]:
    """The ratio of each effect by its kind and knobs."""
    return {
        " ".join(filter(None, (one.kind, one.knob, one.other))): one.ratio.value if one.ratio else None
        for one in effects
    }


def hot_effects(trials: pl.DataFrame) -> dict[str | None, Effect]:
    return {effect.knob: effect for effect in main_effects(trials, "run_ms_p50", "hot", [*PRIMARY, "no_such_knob"])}


def whole(trials: pl.DataFrame) -> list[Effect]:
    (grid,) = factorial_grids(trials, "run_ms_p50", "hot")
    return [*effects_of_levels(grid), *attribution(grid)]


def test_effects_when_additive_agree_between_all_estimators() -> None:
    """Partition makes it 2 times as long, fusion half as long and a quarter off: 8 -> 16, 8 -> 6, both -> 12.

    On logarithms the effects add, so for each knob main effect, alone, last and share are the same: 2 and 0.75.
    Total 12 / 8 = 1.5 = 2 x 0.75; interaction 1.
    """
    found = values_of(
        whole(
            two_knobs(
                lambda levels, _: 8.0 * (2 if on(levels, "partition") else 1) * (0.75 if on(levels, "fusion") else 1)
            )
        )
    )
    for kind in ("main", "add_one_in", "shapley", "leave_one_out"):
        assert found[f"{kind} partition"] == pytest.approx(2.0), kind
        assert found[f"{kind} fusion"] == pytest.approx(0.75), kind
    assert found["total"] == pytest.approx(1.5)
    assert found["interaction partition fusion"] == pytest.approx(1.0)


def test_effects_of_pure_interaction_are_shared_by_halves() -> None:
    """8 ms whatever one knob does alone, 2 ms with both on: total 1/4.

    Alone: 8/8 = 1. Last: 2/8 = 1/4. Main effect of each: the mean of log 1 and log 1/4, hence 1/2; so are the shares.
    Interaction: (2/8) / (8/8) = 1/4.
    """
    found = values_of(whole(two_knobs(lambda levels, _: 2.0 if on(levels, "partition", "fusion") else 8.0)))
    assert found["total"] == pytest.approx(0.25)
    assert found["interaction partition fusion"] == pytest.approx(0.25)
    for knob in ("partition", "fusion"):
        assert found[f"add_one_in {knob}"] == pytest.approx(1.0)
        assert found[f"leave_one_out {knob}"] == pytest.approx(0.25)
        assert found[f"main {knob}"] == pytest.approx(0.5)
        assert found[f"shapley {knob}"] == pytest.approx(0.5)


def test_effects_of_inert_knob_are_zero_everywhere() -> None:
    """Fusion halves the time, partition changes no value: each of its effects is exactly 1; fusion's share is all."""
    found = values_of(whole(two_knobs(lambda levels, _: 4.0 if on(levels, "fusion") else 8.0)))
    for kind in ("main", "add_one_in", "shapley", "leave_one_out"):
        assert found[f"{kind} partition"] == 1.0
        assert found[f"{kind} fusion"] == pytest.approx(0.5)
    assert found["interaction partition fusion"] == 1.0
    assert found["total"] == pytest.approx(0.5)


def test_effects_with_failed_corner_lose_only_what_needs_it() -> None:
    """8 ms; fusion alone 4 ms; partition alone crashes; both 1 ms.

    Total: 1/8. Alone: fusion 4/8; partition is not attributable. Last: partition 1/4 (from fusion alone); fusion would
    start from the crash. Main effects have one whole pair of two: partition 1/4 (fusion on), fusion 4/8 (partition
    whole). No share and no interaction.
    """

    def times(levels: Mapping[str, str], _: int) -> float:
        return {(False, False): 8.0, (False, True): 4.0, (True, True): 1.0, (True, False): 9.0}[
            on(levels, "partition"), on(levels, "fusion")
        ]

    plants = [Plant("crashed", "encoder", "hot", {"partition": "regions", "fusion": "off"})]
    effects = whole(two_knobs(times, plants=plants))
    found = values_of(effects)
    assert found == {
        "main partition": pytest.approx(0.25),
        "main fusion": pytest.approx(0.5),
        "total": pytest.approx(0.125),
        "add_one_in partition": None,
        "shapley partition": None,
        "leave_one_out partition": pytest.approx(0.25),
        "add_one_in fusion": pytest.approx(0.5),
        "shapley fusion": None,
        "leave_one_out fusion": None,
        "interaction partition fusion": None,
    }
    for effect in effects:
        assert (effect.reason is None) == (effect.ratio is not None)
        if effect.reason is not None:
            assert text_of(effect.reason) == "crashed in 2 of 2 blocks: partition=regions"
            assert (effect.logs, effect.blocks_left_out) == ((), 2)
        if effect.kind == "main":
            assert (effect.pairs, effect.pairs_partial, effect.pairs_missing) == (1, 0, 1)


def test_effects_with_block_lacking_corner_omit_it_where_all_are_needed() -> None:
    """Three blocks; all times of block b are (b + 1) times as long, which falls out of every ratio.

    All on lasts 2, 2, 4 ms of the 8 of the baseline, fusion alone 4, partition alone 8. In the third block fusion alone
    timed out. Share, interaction and total then know two blocks, in which the total is 1/4: of partition (8/8 and
    2/4: the mean of log 1 and log 1/2), of fusion (4/8 and 2/8). Last of fusion has all three blocks: 1/4, 1/4, 1/2.
    """

    def times(levels: Mapping[str, str], block: int) -> float:
        both = 4.0 if block == 2 else 2.0
        alone = 4.0 if on(levels, "fusion") else 8.0
        return (block + 1) * (both if on(levels, "partition", "fusion") else alone)

    plants = [Plant("timeout", "encoder", "hot", {"partition": "whole", "fusion": "on"}, block=2)]
    effects = {f"{one.kind} {one.knob}": one for one in whole(two_knobs(times, blocks=3, plants=plants))}
    found: dict[str, object] = {
        name: (one.ratio.value, one.ratio.count, one.blocks_left_out) for name, one in effects.items() if one.ratio
    }
    assert found["total None"] == (pytest.approx(0.25), 2, 1)
    assert found["shapley partition"] == (pytest.approx(math.sqrt(1 / 2)), 2, 1)
    assert found["shapley fusion"] == (pytest.approx(math.sqrt(1 / 2 * 1 / 4)), 2, 1)
    assert found["interaction partition"] == (pytest.approx(0.5), 2, 1)
    assert found["leave_one_out fusion"] == (pytest.approx((1 / 4 * 1 / 4 * 1 / 2) ** (1 / 3)), 3, 0)
    assert found["main fusion"] == (pytest.approx((1 / 4 * 1 / 4 * 1 / 2) ** (1 / 3)), 3, 0)
    assert (effects["main fusion"].pairs, effects["main fusion"].pairs_partial) == (1, 1)


def test_effects_with_whole_block_missing_lose_only_one_block() -> None:
    """Four blocks of which the third has no record: every effect stands on the other three."""
    trials = two_knobs(lambda levels, _: 4.0 if on(levels, "fusion") else 8.0, blocks=4)
    for effect in whole(trials.filter(pl.col("block") != 2)):
        assert effect.ratio is not None
        assert (effect.ratio.count, effect.blocks_left_out) == (3, 0)


def test_effects_with_corners_failing_in_different_blocks_have_no_block() -> None:
    """Partition alone fails in the first block, fusion alone in the second: no block has all four, each is named."""
    plants = [
        Plant("crashed", "encoder", "hot", {"partition": "regions", "fusion": "off"}, block=0),
        Plant("timeout", "encoder", "hot", {"partition": "whole", "fusion": "on"}, block=1),
    ]
    shares = [one for one in whole(two_knobs(lambda *_: 8.0, plants=plants)) if one.kind == "shapley"]
    assert {optional_text(one.reason) for one in shares} == {
        "crashed in 1 of 2 blocks: partition=regions; timeout in 1 of 2 blocks: fusion=on"
    }


def test_effects_on_planned_bytes_are_exact_in_one_block() -> None:
    trials = table(make_records(workloads=["encoder"], blocks=1))
    (grid,) = factorial_grids(trials, "planned_bytes", "cold")
    effects = [*effects_of_levels(grid), *attribution(grid)]
    assert all(one.exact and one.ratio and one.ratio.low == one.ratio.value == one.ratio.high for one in effects)
    assert values_of(effects)["main fusion"] == 1.0
    (grid,) = factorial_grids(trials, "run_ms_p50", "hot")
    assert not any(one.exact or (one.ratio and one.ratio.low) for one in effects_of_levels(grid))


def test_effects_when_planted_are_recovered_with_intervals() -> None:
    effects = hot_effects(table(make_records(workloads=["encoder"], blocks=5)))
    assert list(effects) == list(PRIMARY)
    for knob, effect in effects.items():
        assert knob is not None
        assert (effect.base_level, effect.level) == PRIMARY[knob]
        assert effect.ratio is not None
        assert effect.ratio.value == pytest.approx(HOT_EFFECT[knob], rel=0.01)
        assert (effect.ratio.count, effect.pairs, effect.pairs_partial, effect.pairs_missing) == (5, 8, 0, 0)
        assert effect.ratio.low is not None
        assert effect.ratio.high is not None
        assert effect.ratio.low < effect.ratio.value < effect.ratio.high


def test_main_effect_omits_pair_failed_in_one_block_and_counts_it() -> None:
    plants = [Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep", "partition": "whole"}, block=0)]
    effects = hot_effects(hot_records(plants=plants))
    fusion = effects["fusion"]
    assert (fusion.pairs, fusion.pairs_partial, fusion.pairs_missing) == (6, 2, 0)
    assert fusion.ratio is not None
    assert fusion.ratio.value == pytest.approx(HOT_EFFECT["fusion"])
    assert (effects["memory_plan"].pairs, effects["memory_plan"].pairs_partial) == (7, 1)


def test_main_effect_without_any_pair_is_not_attributable() -> None:
    fusion = hot_effects(hot_records(plants=[Plant("crashed", "encoder", "hot", {"fusion": "on"})]))["fusion"]
    assert (fusion.ratio, fusion.pairs, fusion.pairs_missing) == (None, 0, 8)
    assert optional_text(fusion.reason) == (
        "crashed in 2 of 2 blocks: fusion=on | memory_plan=on, fusion=on | reuse=release, fusion=on | 5 more"
    )


def test_effects_in_split_block_compare_parts_through_baselines() -> None:
    """Two parts hold half of the cells each, the second is three times as slow, both have the baseline."""
    for knob, effect in hot_effects(split(hot_records(), slowdown=3.0)).items():
        assert knob is not None
        assert effect.ratio is not None
        assert effect.ratio.value == pytest.approx(HOT_EFFECT[knob]), knob
        assert (effect.pairs, effect.pairs_missing) == (8, 0)


def test_effects_around_centre_are_compared_and_not_attributed() -> None:
    """Around all-on, library=on takes 0.8 of the time and schedule=default 1.25."""
    trials = hot_records()
    code = [with_stage(trials, "code", 0.8, library="on"), with_stage(trials, "code", 1.25, schedule="default")]
    _, around = factorial_grids(pl.concat([trials, *code]), "run_ms_p50", "hot")
    assert values_of(effects_of_levels(around)) == {
        "around library": pytest.approx(0.8),
        "around schedule": pytest.approx(1.25),
    }
    assert attribution(around) == []


def test_attribution_of_multilevel_knobs_is_between_two_named_ends() -> None:
    """Threads 1, 2, 10 take 8, 4, 1 ms, fusion halves. The last level is 10, by number; 2 can be named."""
    knobs = {"threads": ("1", "2", "10"), "fusion": ("off", "on")}
    base = {"1": 8.0, "2": 4.0, "10": 1.0}
    block: dict[Configuration, float] = {
        (threads, fusion): math.log(base[threads] / (2 if fusion == "on" else 1))
        for threads, fusion in itertools.product(*knobs.values())
    }
    grid = grid_of(knobs, [block, block])
    assert values_of([one for one in effects_of_levels(grid) if one.level == "2"]) == {
        "main threads": pytest.approx(0.5)
    }
    assert values_of(attribution(grid))["total"] == pytest.approx(1 / 16)
    named = attribution(grid, start={"fusion": "on"}, end={"threads": "2"})
    assert values_of(named) == {
        kind: pytest.approx(0.5) for kind in ("total", "add_one_in threads", "shapley threads", "leave_one_out threads")
    }
    assert (named[0].base_level, named[0].level) == ("fusion=on", "threads=2, fusion=on")
    with pytest.raises(AnalysisError, match="knob 'threads' was not run at level '3'; it was at: 1, 2, 10"):
        attribution(grid, end={"threads": "3"})
    with pytest.raises(AnalysisError, match="name levels that differ"):
        attribution(grid, end={"threads": "1", "fusion": "off"})


LOGS = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 6))


@given(
    st.integers(1, 4).flatmap(
        lambda size: st.lists(st.lists(LOGS, min_size=2**size, max_size=2**size), min_size=1, max_size=4)
    )
)
def test_shares_add_up_to_total_and_full_grid_gives_main_effects(rows: list[list[float]]) -> None:
    names = [f"k{place}" for place in range(len(rows[0]).bit_length() - 1)]
    corners: list[Configuration] = list(itertools.product(("off", "on"), repeat=len(names)))
    blocks = [dict(zip(corners, row, strict=True)) for row in rows]
    grid = grid_of(dict.fromkeys(names, ("off", "on")), blocks)
    parts = attribution(grid)
    shares = [one for one in parts if one.kind == "shapley"]
    for place, block_total in enumerate(parts[0].logs):
        assert math.fsum(share.logs[place] for share in shares) == pytest.approx(block_total, abs=1e-9)
    cubes = [
        {frozenset(n for n, level in zip(names, one, strict=True) if level == "on"): log for one, log in block.items()}
        for block in blocks
    ]
    for effect in effects_of_levels(grid):
        expected = [main_effects_of_a_cube(cube, names)[str(effect.knob)] for cube in cubes]
        assert effect.logs == pytest.approx(expected, abs=1e-9)


def test_effects_never_use_time_of_failed_trial() -> None:
    """Wrong output keeps its times in the record; the table of effects is the same as if they were anything."""
    plants = [Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "keep"}, block=0)]
    trials = table(make_records(workloads=["encoder"], modes=["cold"], plants=plants))
    assert (
        trials.filter((pl.col("status") == "wrong_output") & pl.col("compile_first_run_ms").is_not_null()).height == 4
    )
    absurd = pl.when(pl.col("status") == "ok").then("compile_first_run_ms").otherwise(1e9).alias("compile_first_run_ms")
    one, other = (
        main_effects(frame, "compile_first_run_ms", "cold", list(PRIMARY))
        for frame in (trials, trials.with_columns(absurd))
    )
    assert one == other


def test_effects_do_not_depend_on_block_disturbance() -> None:
    def disturbed(levels: Mapping[str, str], block: int) -> float:
        return 2.0**block * steady(levels, block)

    def steady(levels: Mapping[str, str], _: int) -> float:
        return 3.0 if on(levels, "fusion") else 7.0

    pairs = zip(*(whole(with_times(hot_records(), times)) for times in (steady, disturbed)), strict=True)
    for one, other in pairs:
        assert one.logs == pytest.approx(other.logs, abs=1e-9)
