"""The flat table: nothing of a record is forgotten, nothing is left out without a count."""

from pathlib import Path
from typing import Any, get_args, get_origin

import polars as pl
import pytest
from pydantic import BaseModel

from ablatrix.analysis.effects.estimates import main_effects
from ablatrix.analysis.groups import ratios_to_baseline
from ablatrix.analysis.table.choice import NOT_FINAL, REPEATED, SUPERSEDED, TIMED_OTHER
from ablatrix.analysis.table.columns import COLUMNS, LEFT_OUT, MAPS
from ablatrix.analysis.table.paired import with_paired_times
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import AnalysisError, RecordError
from ablatrix.records.model import Record
from tests.synthetic import BASELINE, Plant, broken, make_records, write_records

NO_FASTEST = pl.lit(None, pl.List(pl.Float64())).alias("burst_ms_min")


def leaves(model: type[BaseModel], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for name, field in model.model_fields.items():
        options = [field.annotation, *get_args(field.annotation)]
        inner = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if inner is not None and get_origin(field.annotation) is not list:
            found |= leaves(inner, (*path, name))
        else:
            found.add((*path, name))
    return found


def test_tidy_has_column_for_every_field_not_omitted_by_name() -> None:
    mapped = {column.path for column in COLUMNS} | {group.path for group in MAPS} | LEFT_OUT
    whole = {column.path for column in COLUMNS if column.kind == "json"}  # with everything below them
    assert mapped == {next((path for path in whole if path == leaf[: len(path)]), leaf) for leaf in leaves(Record)}
    names = [column.name for column in COLUMNS]
    assert len(names) == len(set(names))


def test_tidy_row_holds_values_of_record(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1)
    table = tidy([write_records(tmp_path / "r.jsonl", records)]).trials
    assert table.height == len(records)
    for row, record in zip(table.iter_rows(named=True), records, strict=True):
        assert row["trial_id"] == record.trial_id
        assert row["knob_fusion"] == record.config.knobs["fusion"]
        assert row["baseline_fusion"] == BASELINE["fusion"]
        assert row["parameter_width"] == 64
        assert row["is_baseline"] == (record.config.knobs == BASELINE)
        assert row["version_tvm"] == record.meta.versions.get("tvm")
        assert record.runtime is not None
        assert row["run_ms_p50"] == record.runtime.run_ms_p50
        assert row["planned_bytes"] == (record.compile.planned_bytes if record.compile else None)
    schema: dict[str, Any] = dict(table.schema)
    assert schema["parameter_dropout"] == pl.Float64()
    assert schema["parameter_width"] == pl.Int64()
    assert schema["throttled_ms"] == pl.Float64()  # null in every row, typed all the same


def test_tidy_with_parameter_called_count_keeps_both_columns(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1)
    sizes = {"count": 3, "count_": 4}
    named = [
        record.model_copy(update={"workload": record.workload.model_copy(update={"parameters": sizes})})
        for record in records
    ]
    table = tidy([write_records(tmp_path / "r.jsonl", named)]).trials
    columns = ("parameter_count", "parameter_count_", "parameter_count__")
    assert {table.select(columns).row(row) for row in range(table.height)} == {
        (record.workload.parameter_count, 3, 4) for record in records
    }


def test_tidy_counts_every_exclusion(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1, superseded=3, primers=2)
    lost = broken(records[-1], "interrupted").model_copy(update={"final": False})
    path = write_records(tmp_path / "a.jsonl", [*records[:-1], lost])
    with path.open("a") as file:
        file.write("{")
    found = tidy([path])
    assert found.excluded == {SUPERSEDED: 3, NOT_FINAL: 1}
    assert found.trials.height + sum(found.excluded.values()) == len(records)
    assert found.trials.filter(pl.col("role") == "primer").height == 2
    assert len(found.notes) == 1
    assert "torn" in found.notes[0]


def test_tidy_with_record_in_two_inputs_counts_it_once(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1)
    one = write_records(tmp_path / "a.jsonl", records)
    two = write_records(tmp_path / "b.jsonl", records[:5])
    found = tidy([one, two])
    assert found.excluded == {REPEATED: 5}
    assert found.trials.height == len(records)
    assert tidy([two, one]).trials.equals(found.trials)


def test_tidy_pairs_times_anew_where_a_block_lost_a_repeated_record(tmp_path: Path) -> None:
    """Of a hot block two inputs share six trials: of the second, only the others are left to be compared."""
    records = make_records(workloads=["attention"], blocks=1, modes=["hot"])
    one = write_records(tmp_path / "a.jsonl", records[:12])
    two = write_records(tmp_path / "b.jsonl", records[-12:])
    found = tidy([one, two])
    assert (len(records), found.excluded) == (18, {REPEATED: 6})
    assert found.trials["run_ms_paired"].equals(
        with_paired_times(found.trials.with_columns(NO_FASTEST))["run_ms_paired"]
    )


def test_tidy_omits_hot_trial_whose_timed_code_was_not_checked(tmp_path: Path) -> None:
    """One fused trial claims a tenth of its time and timed another executable; a cold one has no timed digest."""
    records = make_records(workloads=["encoder"], blocks=2, noise=0.0)

    def wrong(record: Record) -> bool:
        hot = record.mode == "hot" and record.role == "measured" and record.meta.block == 0
        return hot and record.config.knobs == {**BASELINE, "fusion": "on"}

    def swapped(record: Record) -> Record:
        assert record.correctness is not None
        assert record.runtime is not None
        assert record.runtime.run_ms_p50 is not None
        runtime = record.runtime.model_copy(update={"run_ms_p50": record.runtime.run_ms_p50 / 10})
        timed = record.correctness.model_copy(update={"timed_digest": "0" * 64})
        return record.model_copy(update={"runtime": runtime, "correctness": timed})

    bad = [swapped(record) if wrong(record) else record for record in records]
    found = tidy([write_records(tmp_path / "bad.jsonl", bad)])
    assert found.excluded == {TIMED_OTHER: 1}
    assert found.trials.height == len(records) - 1
    good = tidy([write_records(tmp_path / "good.jsonl", records)])
    assert good.excluded == {}
    groups = [f"knob_{knob}" for knob in BASELINE]
    expected = ratios_to_baseline(good.trials.filter(pl.col("mode") == "hot"), "run_ms_p50", groups)
    ratios = ratios_to_baseline(found.trials.filter(pl.col("mode") == "hot"), "run_ms_p50", groups)
    assert {key: ratio.value for key, ratio in ratios.items()} == pytest.approx(
        {key: ratio.value for key, ratio in expected.items()}
    )
    (effect,) = main_effects(found.trials, "run_ms_p50", "hot", ["fusion"])
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(0.6)


def test_tidy_when_all_trials_timed_other_code_is_refused(tmp_path: Path) -> None:
    records = [
        record.model_copy(update={"correctness": record.correctness.model_copy(update={"timed_digest": "0" * 64})})
        for record in make_records(workloads=["encoder"], modes=["hot"])
        if record.correctness is not None
    ]
    with pytest.raises(AnalysisError, match=TIMED_OTHER):
        tidy([write_records(tmp_path / "r.jsonl", records)])


def test_tidy_keeps_failures_with_nulls(tmp_path: Path) -> None:
    plant = Plant("crashed", "attention", "cold", {"fusion": "on"})
    records = make_records(workloads=["attention"], blocks=1, plants=[plant])
    table = tidy([write_records(tmp_path / "r.jsonl", records)]).trials
    crashed = table.filter(pl.col("status") == "crashed")
    assert crashed.height == 8
    assert crashed["compile_first_run_ms"].null_count() == 8
    assert crashed["error_signal"].to_list() == [11] * 8


def test_tidy_of_unusable_inputs_is_refused(tmp_path: Path) -> None:
    path = write_records(tmp_path / "r.jsonl", make_records(workloads=["attention"], blocks=1)[:2])
    copy = write_records(tmp_path / "copy.jsonl", make_records(workloads=["attention"], blocks=1)[:2])
    empty = write_records(tmp_path / "empty.jsonl", [])
    with pytest.raises(AnalysisError, match="give each run once"):
        tidy([path, copy])
    with pytest.raises(AnalysisError, match="no results were given"):
        tidy([])
    with pytest.raises(AnalysisError, match=r"no finished trial \(they are empty\)"):
        tidy([empty])
    with pytest.raises(RecordError, match=r"none\.jsonl: records cannot be read"):
        tidy([tmp_path / "none.jsonl"])
