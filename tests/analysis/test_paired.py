"""The column of paired times: made within blocks, of ok hot trials."""

import math

import polars as pl
import pytest

from ablatrix.analysis.table.paired import with_paired_times
from ablatrix.records.metrics import HOT_METRIC
from tests.synthetic import Plant, make_records, tidied

NO_FASTEST = pl.lit(None, pl.List(pl.Float64())).alias("burst_ms_min")


def table(*plants: Plant) -> pl.DataFrame:
    """Trials whose records have no fastest iterations, with the column that says so."""
    return tidied(make_records(workloads=("attention",), blocks=2, plants=plants)).trials.with_columns(NO_FASTEST)


def test_paired_time_exists_for_ok_hot_trials_only() -> None:
    trials = table(Plant("timeout", "attention", "hot", {"fusion": "on"}, block=0))
    has = pl.col(HOT_METRIC).is_not_null()
    assert trials.filter(has).select("mode", "status").unique().rows() == [("hot", "ok")]
    assert trials.filter((pl.col("mode") == "hot") & (pl.col("status") == "ok") & ~has).is_empty()


def test_paired_time_with_slow_round_keeps_ratios_within_block() -> None:
    trials = table()
    disturbed = [
        medians if block != 0 or medians is None else [medians[0] * 50, *medians[1:]]
        for medians, block in trials.select("burst_ms_p50", "block").iter_rows()
    ]
    before, after = trials[HOT_METRIC], with_paired_times(trials.with_columns(burst_ms_p50=pl.Series(disturbed)))
    ratios = [math.log(one / other) for one, other in zip(before, after[HOT_METRIC], strict=True) if one is not None]
    # Other rounds may be among the fastest third, so that noise, and nothing else, is left.
    assert max(map(abs, ratios)) < 0.01


def test_paired_time_without_bursts_is_none() -> None:
    trials = table()
    row = trials.with_row_index("row").filter(pl.col("burst_ms_p50").is_not_null())["row"][0]
    short = trials["burst_ms_p50"].to_list()
    short[row] = short[row][:-1]
    again = with_paired_times(trials.with_columns(burst_ms_p50=pl.Series(short)))
    assert again[HOT_METRIC][row] is None
    assert again[HOT_METRIC].null_count() == trials[HOT_METRIC].null_count() + 1


def test_paired_time_without_disturbance_is_burst_median() -> None:
    trials = table().with_columns(burst_ms_p50=pl.when(pl.col("mode") == "hot").then(pl.lit([2.5, 2.5])))
    again = with_paired_times(trials)
    assert again.filter(pl.col("mode") == "hot")[HOT_METRIC].to_list() == pytest.approx([2.5] * 36)


def with_fastest(trials: pl.DataFrame, factor: float, but: int | None = None) -> pl.DataFrame:
    """The same with fastest iterations: other by a factor in the first trial, and one trial may lack them."""
    own = [
        None
        if medians is None or row == but
        else [0.9 * factor * value if row == 0 else 0.9 * value for value in medians]
        for row, medians in enumerate(trials["burst_ms_p50"])
    ]
    return trials.with_columns(burst_ms_min=pl.Series(own, dtype=pl.List(pl.Float64())))


def hot() -> pl.DataFrame:
    return table().filter(pl.col("burst_ms_p50").is_not_null()).drop(HOT_METRIC)


def test_paired_time_is_of_fastest_iterations_where_all_of_block_have_them() -> None:
    trials = hot()
    medians = with_paired_times(trials)[HOT_METRIC]
    fastest = with_paired_times(with_fastest(trials, 1.5))[HOT_METRIC]
    own = trials["block_id"] == trials["block_id"][0]
    ratios = (fastest / medians).filter(own).to_list()
    assert ratios[0] / ratios[1] == pytest.approx(1.5)


def test_paired_time_of_block_that_lacks_a_fastest_iteration_is_of_medians() -> None:
    trials = hot()
    medians = with_paired_times(trials)[HOT_METRIC]
    mixed = with_paired_times(with_fastest(trials, 1.5, but=1))[HOT_METRIC]
    own = trials["block_id"] == trials["block_id"][0]
    assert mixed.filter(own).to_list() == medians.filter(own).to_list()
    assert mixed.filter(~own).to_list() != medians.filter(~own).to_list()


def test_paired_time_of_trial_with_twin_is_of_both_and_twin_keeps_its_distance() -> None:
    medians = pl.when(pl.col("role") == "twin").then(pl.lit([8.0, 8.0])).otherwise(pl.lit([2.0, 2.0]))
    again = with_paired_times(hot().with_columns(burst_ms_p50=medians))
    of_role = {role: again.filter(pl.col("role") == role) for role in ("measured", "twin")}
    controlled = of_role["measured"]["cell_id"].is_in(of_role["twin"]["cell_id"].implode())
    assert of_role["measured"].filter(controlled)[HOT_METRIC].to_list() == pytest.approx([4.0] * 2)
    assert set(of_role["measured"].filter(~controlled)[HOT_METRIC].round(9)) == {2.0}
    assert of_role["twin"][HOT_METRIC].to_list() == pytest.approx([16.0] * 2)


def test_paired_time_beside_failed_twin_is_its_own() -> None:
    failed = pl.when(pl.col("role") == "twin").then(pl.lit("timeout")).otherwise("status").alias("status")
    again = with_paired_times(hot().with_columns(failed))
    with_twin = with_paired_times(hot())
    baseline = (pl.col("role") == "measured") & pl.col("is_baseline")
    other = (pl.col("role") == "measured") & ~pl.col("is_baseline")
    assert again.filter(pl.col("role") == "twin")[HOT_METRIC].null_count() == 2
    assert again.filter(other)[HOT_METRIC].to_list() == pytest.approx(
        with_twin.filter(other)[HOT_METRIC].to_list(), 0.05
    )
    assert again.filter(baseline)[HOT_METRIC].to_list() != with_twin.filter(baseline)[HOT_METRIC].to_list()
