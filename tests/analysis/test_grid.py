"""The table becomes factorial_grids: which configurations stand where, in which blocks, and why others do not."""

import math

import polars as pl
import pytest

from ablatrix.analysis.effects.estimates import attribution, effects_of_levels
from ablatrix.analysis.effects.grid import FactorialGrid, factorial_grids
from ablatrix.analysis.reasons.absence import NOT_RUN
from ablatrix.analysis.reasons.wording import optional_text, text_of
from tests.analysis.made import ALL_ON, table
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records

BASE = tuple(levels[0] for levels in PRIMARY.values())
FUSED = (*BASE[:3], "on")


def hot_records(**arguments: object) -> pl.DataFrame:
    settings: dict[str, object] = {"workloads": ["encoder"], "modes": ["hot"], "noise": 0.0, **arguments}
    return table(make_records(**settings))  # type: ignore[arg-type]


def only(trials: pl.DataFrame, metric: str = "run_ms_p50") -> FactorialGrid:
    (found,) = factorial_grids(trials, metric, "hot")
    return found


def with_stage(trials: pl.DataFrame, stage: str, factor: float = 1.0, **levels: str) -> pl.DataFrame:
    """Trials of a further stage: all-on with other levels, in the same blocks."""
    all_on = (pl.col(f"knob_{knob}") == level for knob, level in ALL_ON.items())
    centre = trials.filter(pl.col("role") == "measured", *all_on)
    return centre.with_columns(
        pl.lit(stage).alias("stage"),
        pl.col("run_ms_p50") * factor,
        *(pl.lit(level).alias(f"knob_{knob}") for knob, level in levels.items()),
    ).cast(trials.schema)


def test_grid_of_factorial_stage_spans_all_combinations() -> None:
    grid = only(hot_records(blocks=3))
    assert (grid.workload, grid.compiler, grid.stage, grid.kind) == (
        "encoder",
        "tvm",
        "primary",
        "factorial",
    )
    assert grid.comparison.knobs == tuple(PRIMARY)
    assert grid.comparison.baseline == BASE
    assert len(grid.comparison.configurations) == 16
    assert [len(block) for block in grid.blocks] == [16, 16, 16]
    assert grid.blocks[0][BASE] == pytest.approx(math.log(31.0))
    assert (dict(grid.absent), dict(grid.centre), grid.blocks_empty) == ({}, {}, 0)


def test_grid_gap_has_reason_and_block_count() -> None:
    levels = dict(zip(PRIMARY, FUSED, strict=True))
    plants = [
        Plant("unsupported", "encoder", "hot", {**levels, "memory_plan": "on"}),
        Plant("crashed", "encoder", "hot", levels, block=0),
        Plant("timeout", "encoder", "hot", levels, block=2),
    ]
    trials = hot_records(blocks=4, plants=plants)
    unrecorded = (pl.col("knob_partition") == "regions") & (pl.col("block") == 1)
    grid = only(trials.filter(~(unrecorded & (pl.col("knob_fusion") == "on") & (pl.col("knob_reuse") == "keep"))))
    assert text_of(grid.absent[FUSED]) == "crashed in 1 of 4 blocks, timeout in 1 of 4 blocks"
    assert text_of(grid.absent["whole", "keep", "on", "on"]) == "unsupported in 4 of 4 blocks"
    assert text_of(grid.absent["regions", "keep", "off", "on"]) == "no record in 1 of 4 blocks"
    assert len(grid.absent) == 4
    assert grid.why_missing([FUSED, BASE]) is None
    assert optional_text(grid.why_missing([("whole", "keep", "on", "on"), FUSED])) == (
        "unsupported in 4 of 4 blocks: memory_plan=on, fusion=on"
    )


def test_grid_distinguishes_corner_not_run_from_failed_one() -> None:
    grid = only(hot_records().filter((pl.col("role") != "measured") | ~_is(ALL_ON)))
    assert dict(grid.absent) == {tuple(ALL_ON.values()): NOT_RUN}
    assert len(grid.comparison.configurations) == 16


def test_grid_with_few_corners_has_main_effects_but_no_attribution() -> None:
    """Of 16 corners three remain, the baseline, fusion alone and all on: no whole grid, and no common centre."""
    kept = _is(ALL_ON) | _is(dict(zip(PRIMARY, FUSED, strict=True))) | pl.col("is_baseline")
    grid = only(hot_records().filter((pl.col("role") == "measured") & kept))
    assert (grid.kind, len(grid.comparison.configurations)) == ("factorial", 3)
    assert {one.knob: one.pairs for one in effects_of_levels(grid)}["fusion"] == 1
    assert attribution(grid) == []


def test_grid_counts_and_omits_block_without_values() -> None:
    grid = only(hot_records(blocks=3, plants=[Plant("not_run_budget", "encoder", "hot", {}, block=2)]))
    assert (len(grid.blocks), grid.blocks_empty) == (2, 1)
    assert text_of(grid.absent[BASE]) == "not_run_budget in 1 of 3 blocks"


def test_grid_treats_value_without_logarithm_as_missing() -> None:
    trials = hot_records().with_columns(pl.when(_is(ALL_ON)).then(0).otherwise(7).alias("peak_rss_delta_bytes"))
    assert [text_of(one) for one in only(trials, "peak_rss_delta_bytes").absent.values()] == [
        "ok, but without a positive value in 2 of 2 blocks"
    ]


def test_grid_of_split_block_is_relative_to_baseline_of_each_part() -> None:
    """The second part runs three times as slow; in the second repeat its baseline failed, and takes the part along."""
    trials = split(hot_records(blocks=2), slowdown=3.0)
    grid = only(trials)
    assert len(grid.blocks) == 2
    assert grid.blocks[0][BASE] == 0.0
    assert grid.blocks[0][FUSED] == pytest.approx(math.log(HOT_EFFECT["fusion"]))
    second = pl.col("block_id").cast(pl.String).str.ends_with("-2") & (pl.col("block") == 1) & pl.col("is_baseline")
    grid = only(trials.with_columns(pl.when(second).then(pl.lit("crashed")).otherwise("status").alias("status")))
    assert text_of(grid.absent[FUSED]) == "the baseline of its part of the block is not ok in 1 of 2 blocks"
    assert FUSED not in grid.blocks[1]
    assert grid.blocks[1][BASE] == 0.0


def test_grid_around_configuration_takes_centre_from_earlier_stage() -> None:
    trials = hot_records()
    code = [with_stage(trials, "code", 0.8, library="on"), with_stage(trials, "code", 1.25, schedule="default")]
    primary, around = factorial_grids(pl.concat([trials, *code]), "run_ms_p50", "hot")
    assert (primary.stage, len(primary.comparison.configurations)) == ("primary", 16)
    assert (around.stage, around.kind, dict(around.centre)) == ("code", "around", ALL_ON)
    assert around.comparison.knobs == ("library", "schedule")
    assert around.comparison.baseline == ("off", "vectorised")
    assert set(around.comparison.configurations) == {("off", "vectorised"), ("on", "vectorised"), ("off", "default")}
    block = around.blocks[0]
    assert block["on", "vectorised"] - block["off", "vectorised"] == pytest.approx(math.log(0.8))


def test_grid_of_one_configuration_is_around_its_only_neighbour() -> None:
    trials = hot_records()
    _, around = factorial_grids(pl.concat([trials, with_stage(trials, "bound", library="on")]), "run_ms_p50", "hot")
    assert (around.kind, around.comparison.knobs, dict(around.centre)) == ("around", ("library",), ALL_ON)


def test_grid_with_own_centre_takes_the_one_nearer_to_baseline() -> None:
    trials = hot_records()
    own = pl.concat([with_stage(trials, "code"), with_stage(trials, "code", library="on")])
    (around,) = factorial_grids(pl.concat([trials.filter(pl.col("is_baseline")), own]), "run_ms_p50", "hot")
    assert (around.comparison.baseline, dict(around.centre)) == (("off",), ALL_ON)


def test_grid_of_second_stage_takes_missing_corners_from_first() -> None:
    """Stage two crosses fusion with library; where library is off, the configurations are those of the first stage."""
    trials = hot_records()
    base = trials.filter(
        pl.col("role") == "measured", *(pl.col(f"knob_{k}") == PRIMARY[k][0] for k in list(PRIMARY)[:3])
    )
    second = base.with_columns(pl.lit("second").alias("stage"), pl.lit("on").alias("knob_library"))
    second = second.cast(trials.schema)
    grid = factorial_grids(pl.concat([trials, second]), "run_ms_p50", "hot")[1]
    assert (grid.kind, grid.comparison.knobs) == ("factorial", ("fusion", "library"))
    assert [len(block) for block in grid.blocks] == [4, 4]


def test_grid_omits_observed_trials() -> None:
    trials = hot_records().with_columns(
        pl.when(pl.col("role") == "reference").then(None).otherwise(pl.lit("off")).alias("knob_pass_timing"),
        pl.lit("off").alias("baseline_pass_timing"),
    )
    watched = with_stage(trials, "compile", 9.0, pass_timing="on")
    assert [grid.stage for grid in factorial_grids(pl.concat([trials, watched]), "run_ms_p50", "hot")] == ["primary"]


def test_grid_of_mixed_records_is_built_per_origin() -> None:
    here, there = (make_records(workloads=["encoder"], modes=["hot"], host=host) for host in ("one", "two"))
    found = factorial_grids(pl.concat([table(here), table(there)]), "run_ms_p50", "hot", ["host"])
    assert [grid.origin for grid in found] == [("one",), ("two",)]
    assert [len(grid.blocks) for grid in found] == [2, 2]


def split(trials: pl.DataFrame, slowdown: float) -> pl.DataFrame:
    """The same trials as if each block had been run in two parts: fusion off, then fusion on."""
    fused = pl.col("knob_fusion") == "on"
    measured = trials.filter(pl.col("role") == "measured")
    slower = (pl.col("run_ms_p50") * slowdown).alias("run_ms_p50")
    second = measured.filter(fused | pl.col("is_baseline")).with_columns(
        slower,
        (pl.col("block_id").cast(pl.String) + "-2").cast(pl.Categorical()).alias("block_id"),
        pl.col("position") + 1000,
    )
    return pl.concat([measured.filter(~fused), second])


def _is(levels: dict[str, str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(f"knob_{knob}") == level for knob, level in levels.items())
