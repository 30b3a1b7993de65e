"""Groups: what is counted, what enters a statistic, and what a ratio is made of."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ablatrix.analysis.groups import (
    group_columns,
    mixed_origins,
    ratios_to_baseline,
    summarise_groups,
    varying_knobs,
    without_priming_runs,
)
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.records.model import Record
from ablatrix.statistics.ratio import paired_ratio
from tests.synthetic import BASELINE, HOT_EFFECT, Plant, make_records, tidied, write_records

KNOBS = ["knob_partition", "knob_reuse", "knob_memory_plan", "knob_fusion"]
ALL_ON = {"partition": "regions", "reuse": "release", "memory_plan": "on", "fusion": "on"}


def read(tmp_path: Path, records: Sequence[Record]) -> Tidy:
    return tidy([write_records(tmp_path / "results.jsonl", records)])


def summary(found: Tidy) -> pl.DataFrame:
    return summarise_groups(without_priming_runs(found.trials), group_columns(found))


def one(table: pl.DataFrame, **levels: str) -> dict[str, Any]:
    row = table.filter(*(pl.col(name) == level for name, level in levels.items()))
    assert row.height == 1
    return dict(row.row(0, named=True))


def test_cells_group_by_workload_compiler_mode_and_varying_knobs(tmp_path: Path) -> None:
    found = read(tmp_path, make_records(blocks=1))
    assert varying_knobs(found) == KNOBS  # schedule and library are fixed
    assert group_columns(found) == ["workload", "compiler", "role", "mode", *KNOBS]
    table = summary(found)
    assert table.height == 2 * (2 * 16 + 2 * 1 + 2 * 1)  # workloads x (configurations + reference + twin), cold and hot
    assert set(table["role"].unique()) == {"measured", "reference", "twin"}


def test_cells_count_all_trials_but_summarise_ok_ones_only(tmp_path: Path) -> None:
    plants = [
        Plant("wrong_output", "encoder", "cold", ALL_ON, block=0),
        Plant("missing_check", "encoder", "cold", ALL_ON, block=1),
        Plant("timeout", "encoder", "cold", ALL_ON, block=2),
        Plant("unsupported", "encoder", "cold", ALL_ON, block=3),
    ]
    records = make_records(workloads=["encoder"], modes=["cold"], blocks=6, plants=plants)
    row = one(summary(read(tmp_path, records)), **{f"knob_{k}": v for k, v in ALL_ON.items()})
    assert (row["n_trials"], row["n_ok"], row["n_failed"]) == (6, 2, 3)
    assert (row["n_wrong_output"], row["n_missing_check"], row["n_timeout"], row["n_unsupported"]) == (1, 1, 1, 1)
    assert (row["checked"], row["missing"], row["n_without_check"]) == (3 + 2 + 3 + 3, 1, 2)
    times = [
        record.runtime.compile_first_run_ms
        for record in records
        if record.status == "ok"
        and all(record.config.knobs[knob] == level for knob, level in ALL_ON.items())
        and record.runtime is not None
        and record.runtime.compile_first_run_ms is not None
    ]
    assert row["compile_first_run_ms_n"] == 2
    assert row["compile_first_run_ms_mean"] == pytest.approx(math.fsum(times) / 2, rel=1e-15)
    assert row["compile_first_run_ms_median_low"] is None  # two trials enclose no median
    assert row["run_ms_p50_n"] == 0
    assert row["run_ms_p50_median"] is None
    assert row["compile_first_run_ms_ratio_blocks"] == 2


def test_cells_without_ok_trial_have_no_figure(tmp_path: Path) -> None:
    plants = [Plant("wrong_output", "encoder", "cold", ALL_ON)]
    found = read(tmp_path, make_records(workloads=["encoder"], plants=plants))
    row = one(summary(found), mode="cold", **{f"knob_{k}": v for k, v in ALL_ON.items()})
    assert row["n_ok"] == 0
    assert {name: value for name, value in row.items() if name.endswith(("_median", "_mean", "_ratio", "_low"))} == (
        dict.fromkeys(name for name in row if name.endswith(("_median", "_mean", "_ratio", "_low")))
    )


def test_ratio_is_paired_with_baseline_of_same_block(tmp_path: Path) -> None:
    found = read(tmp_path, make_records(workloads=["encoder"], modes=["hot"], blocks=4))
    hot = found.trials.filter(pl.col("role") == "measured")
    logs = []
    for _, block in sorted(hot.partition_by("block_id", as_dict=True).items()):
        chosen = block.filter(*(pl.col(f"knob_{knob}") == level for knob, level in ALL_ON.items()))
        base = block.filter("is_baseline")
        logs.append(math.log(chosen["run_ms_mean"][0]) - math.log(base["run_ms_mean"][0]))
    expected = paired_ratio(logs)
    row = one(summary(found), **{f"knob_{knob}": level for knob, level in ALL_ON.items()})
    assert row["run_ms_mean_ratio"] == pytest.approx(expected.value, rel=1e-12)
    assert row["run_ms_mean_ratio_low"] == pytest.approx(expected.low, rel=1e-9)
    assert row["run_ms_mean_ratio_high"] == pytest.approx(expected.high, rel=1e-9)
    planted = math.prod(HOT_EFFECT.values())
    assert row["run_ms_mean_ratio"] == pytest.approx(planted, rel=0.03)


def test_ratio_does_not_depend_on_block_drift(tmp_path: Path) -> None:
    found = read(tmp_path, make_records(workloads=["encoder"], modes=["hot"], blocks=3))
    block = pl.col("block_id") == found.trials["block_id"][0]
    slow = found.trials.with_columns(pl.when(block).then(pl.col("run_ms_mean") * 3).otherwise("run_ms_mean"))
    groups = ["role", *KNOBS]
    steady, drifted = (ratios_to_baseline(trials, "run_ms_mean", groups) for trials in (found.trials, slow))
    assert {key: ratio.value for key, ratio in steady.items()} == pytest.approx(
        {key: ratio.value for key, ratio in drifted.items()}
    )


def test_ratios_of_baseline_reference_and_aa_control_are_as_expected(tmp_path: Path) -> None:
    table = summary(read(tmp_path, make_records(workloads=["encoder"], modes=["hot"], noise=0.0)))
    base = table.filter((pl.col("role") == "measured") & pl.col("is_baseline"))
    assert base.select("run_ms_mean_ratio", "run_ms_mean_ratio_low").row(0) == (1.0, None)
    twin, eager = one(table, role="twin"), one(table, role="reference")
    assert twin["run_ms_mean_ratio"] == pytest.approx(1.0)
    assert twin["run_ms_mean_ratio_low"] is not None
    assert eager["run_ms_mean_ratio"] == pytest.approx(24.0 / 31.0)
    assert eager["planned_bytes_median"] is None


def test_ratio_with_one_block_has_no_interval_and_without_baseline_is_none(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], modes=["hot"], blocks=1)
    row = one(summary(read(tmp_path, records)), **{f"knob_{k}": v for k, v in ALL_ON.items()})
    assert row["run_ms_mean_ratio"] is not None
    assert (row["run_ms_mean_ratio_low"], row["run_ms_mean_ratio_blocks"]) == (None, 1)
    lost = make_records(
        workloads=["encoder"], modes=["hot"], blocks=1, plants=[Plant("crashed", "encoder", "hot", BASELINE)]
    )
    table = summary(read(tmp_path, lost))
    assert table["run_ms_mean_ratio"].null_count() == table.height


def test_origins_that_differ_are_found(tmp_path: Path) -> None:
    one_host = make_records(workloads=["encoder"], blocks=1)
    other = make_records(workloads=["encoder"], blocks=1, host="bench-2", commit="f" * 40, seed=8)
    paths = [write_records(tmp_path / f"{i}.jsonl", records) for i, records in enumerate([one_host, other])]
    assert mixed_origins(tidy(paths[:1])) == {}
    mixed = mixed_origins(tidy(paths))
    assert list(mixed) == ["study_digest", "study_commit", "ablatrix_commit", "host"]
    assert mixed["host"] == ["bench-1", "bench-2"]


def test_workload_whose_program_differs_under_one_name_is_found(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], blocks=1)
    changed = records[0].workload.model_copy(update={"digest": "0" * 64})
    records[0] = records[0].model_copy(update={"workload": changed})
    assert list(mixed_origins(read(tmp_path, records))) == ["workload_digest"]


def test_median_over_trials_has_interval_from_six_trials_on() -> None:
    found = tidied(make_records(workloads=["encoder"], modes=["hot"], blocks=6))
    row = summarise_groups(found.trials, ["workload", "role"]).filter(pl.col("role") == "twin").row(0, named=True)
    values = found.trials.filter(pl.col("role") == "twin")["run_ms_p50"].sort().to_list()
    assert (row["run_ms_p50_median_low"], row["run_ms_p50_median_high"]) == (values[0], values[-1])
    assert row["n_unsteady"] == 0
