"""The noise floor: what the twin of the baseline shows."""

import math

import polars as pl
import pytest

from ablatrix.analysis.effects.noise import noise_floors
from tests.analysis.made import table
from tests.synthetic import make_records


def twins(blocks: int = 3) -> pl.DataFrame:
    return table(make_records(workloads=["attention", "encoder"], modes=["hot"], blocks=blocks, noise=0.0))


def with_twin(trials: pl.DataFrame, factors: list[float]) -> pl.DataFrame:
    """Twins of `encoder` that take this many times as long as the baseline, by block."""
    hit = (pl.col("workload") == "encoder") & (pl.col("role") == "twin")
    factor = pl.col("block").replace_strict(dict(enumerate(factors)), return_dtype=pl.Float64())
    return trials.with_columns(pl.col("run_ms_mean") * pl.when(hit).then(factor).otherwise(1.0))


def test_noise_spread_is_widest_distance_in_any_block() -> None:
    floors = noise_floors(with_twin(twins(), [1.0, 1.0, 1.1]), "run_ms_mean", "hot")
    assert [(floor.workload, round(floor.spread, 9)) for floor in floors] == [
        ("attention", 0.0),
        ("encoder", 0.095310180),
    ]
    assert floors[1].ratio.count == 3


def test_noise_floor_is_farther_end_of_aa_control_interval() -> None:
    """Log ratios 0, 0, -0.06: mean -0.02, standard error 0.02, t(2) at 95 % 4.3027: the lower end is -0.10605."""
    _, floor = noise_floors(with_twin(twins(), [1.0, 1.0, math.exp(-0.06)]), "run_ms_mean", "hot")
    assert floor.reach == pytest.approx(0.02 + 4.302653 * 0.02, abs=1e-6)
    assert floor.reach > floor.spread


def test_noise_floor_of_one_block_is_its_distance_without_interval() -> None:
    _, floor = noise_floors(with_twin(twins(blocks=1), [1.05]), "run_ms_mean", "hot")
    assert floor.reach == floor.spread == pytest.approx(math.log(1.05))


def test_noise_floor_without_aa_control_is_none() -> None:
    assert noise_floors(twins().filter(pl.col("role") != "twin"), "run_ms_mean", "hot") == []
