"""Main effects find what was planted, also across the parts of a split block."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.effects import Effect, main_effects, noise_floors
from ablatrix.analysis.tidy import tidy
from ablatrix.records.model import Record
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, write_records


def table(tmp_path: Path, records: Sequence[Record]) -> pl.DataFrame:
    return tidy([write_records(tmp_path / "results.jsonl", records)]).trials


def hot_effects(trials: pl.DataFrame) -> dict[str, Effect]:
    return {effect.knob: effect for effect in main_effects(trials, "run_ms_mean", "hot", [*PRIMARY, "no_such_knob"])}


def test_planted_effects_come_back(tmp_path: Path) -> None:
    effects = hot_effects(table(tmp_path, make_records(workloads=["encoder"], blocks=5)))
    assert list(effects) == list(PRIMARY)
    for knob, effect in effects.items():
        assert (effect.base_level, effect.level) == PRIMARY[knob]
        assert effect.ratio is not None
        assert effect.ratio.value == pytest.approx(HOT_EFFECT[knob], rel=0.01)
        assert (effect.ratio.count, effect.pairs, effect.pairs_missing) == (5, 40, 0)
        assert effect.ratio.low is not None
        assert effect.ratio.high is not None
        assert effect.ratio.low < effect.ratio.value < effect.ratio.high


def test_a_pair_with_a_failed_trial_is_left_out_and_counted(tmp_path: Path) -> None:
    plants = [Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep", "partition": "whole"}, block=0)]
    effects = hot_effects(table(tmp_path, make_records(workloads=["encoder"], blocks=2, plants=plants, noise=0.0)))
    fusion = effects["fusion"]
    assert (fusion.pairs, fusion.pairs_missing) == (14, 2)
    assert fusion.ratio is not None
    assert fusion.ratio.value == pytest.approx(HOT_EFFECT["fusion"])
    assert (effects["memory_plan"].pairs, effects["memory_plan"].pairs_missing) == (15, 1)


def test_without_any_pair_there_is_no_ratio(tmp_path: Path) -> None:
    plants = [Plant("crashed", "encoder", "hot", {"fusion": "on"})]
    fusion = hot_effects(table(tmp_path, make_records(workloads=["encoder"], plants=plants)))["fusion"]
    assert (fusion.ratio, fusion.pairs, fusion.pairs_missing) == (None, 0, 16)


def test_parts_of_a_split_block_are_compared_through_their_baselines(tmp_path: Path) -> None:
    """Two parts hold half of the cells each, the second is three times as slow, both have the baseline."""
    trials = table(tmp_path, make_records(workloads=["encoder"], modes=["hot"], blocks=2, noise=0.0))
    fused = pl.col("knob_fusion") == "on"
    measured = trials.filter(pl.col("role") == "measured")
    first = measured.filter(~fused)
    slow = (pl.col("run_ms_mean") * 3).alias("run_ms_mean")
    other_part = (pl.col("block_id") + "-2").alias("block_id")
    second = measured.filter(fused | pl.col("is_baseline")).with_columns(slow, other_part, pl.col("position") + 1000)
    effects = hot_effects(pl.concat([first, second]))
    for knob, effect in effects.items():
        assert effect.ratio is not None
        assert effect.ratio.value == pytest.approx(HOT_EFFECT[knob]), knob
        assert (effect.pairs, effect.pairs_missing) == (16, 0)


def test_the_noise_floor_is_the_widest_distance_of_twin_and_baseline(tmp_path: Path) -> None:
    trials = table(tmp_path, make_records(workloads=["attention", "encoder"], modes=["hot"], blocks=3, noise=0.0))
    block = (pl.col("workload") == "encoder") & (pl.col("block_id") == trials["block_id"][-1])
    factor = pl.when(block & (pl.col("role") == "twin")).then(1.1).otherwise(1.0)
    floors = noise_floors(trials.with_columns(pl.col("run_ms_mean") * factor), "run_ms_mean", "hot")
    assert [(floor.workload, round(floor.spread, 9)) for floor in floors] == [
        ("attention", 0.0),
        ("encoder", 0.095310180),
    ]
    assert floors[1].ratio.count == 3
    assert noise_floors(trials.filter(pl.col("role") != "twin"), "run_ms_mean", "hot") == []
