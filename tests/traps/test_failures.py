"""Traps 1, 2, 3, 5, 6 and 15: what becomes of a failure."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import polars as pl
import pytest

from ablatrix.analysis.effects.estimates import main_effects
from ablatrix.analysis.effects.geometric_means import geometric_means
from ablatrix.analysis.groups import group_columns, summarise_groups, without_priming_runs
from ablatrix.analysis.groups.control import find_controls
from ablatrix.analysis.table.delimited import csv_text
from ablatrix.paper.figures.main_effects import MainEffectsData, compose_main_effects
from ablatrix.plotting.cold_scatter import cold_points, compose_cold_scatter
from ablatrix.plotting.figure import house_style
from ablatrix.records.model import SCHEMA_VERSION, Record
from ablatrix.records.part import Level
from ablatrix.records.schema import validate_line
from ablatrix.trials.run.block import run_cold, run_hot
from tests.analysis.made import table
from tests.synthetic import COLD_EFFECT, PRIMARY, Plant, make_records, tidied
from tests.traps.conftest import Run, marks
from tests.trials.conftest import Bench

SCHEMA = Path(__file__).parents[2] / "schemas" / f"record-{SCHEMA_VERSION}.json"
FUSED: dict[str, Level] = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "on"}


def summary_of(records: list[Record]) -> list[dict[str, str]]:
    """The rows of ``tables/ablation_summary.csv``, as they are written."""
    found = tidied(records)
    frame = summarise_groups(without_priming_runs(found.trials), group_columns(found))
    return list(csv.DictReader(io.StringIO(csv_text(frame))))


def row_of(rows: list[dict[str, str]], knobs: dict[str, Level], mode: str = "cold") -> dict[str, str]:
    wanted = {f"knob_{knob}": level for knob, level in knobs.items()}
    (row,) = (
        row for row in rows if row["role"] == "measured" and row["mode"] == mode and wanted.items() <= row.items()
    )
    return row


def test_wrong_output_is_status_and_stops_timing(bench: Bench) -> None:
    """Trap 1: a program with wrong answers ends as ``wrong_output``; hot, not one burst of it is timed."""
    block = bench.block(["wrong output"])
    assert run_cold(block, *block.trials[0], bench.server).result.status == "wrong_output"
    wrong, right = run_hot(
        bench.block(["wrong output", "none"], "hot"), lambda cell: bench.server, lambda trial, what: None
    )
    assert (wrong.result.status, wrong.bursts_ms, wrong.warm_up_ms) == ("wrong_output", (), ())
    assert right.result.status == "ok"
    assert right.bursts_ms


def test_ratio_with_wrong_output_omits_it() -> None:
    """Trap 1: the time of wrong answers stays in the row a trial, and enters no mean, ratio or effect."""
    records = make_records(
        workloads=["encoder"], modes=["cold"], noise=0.0, plants=[Plant("wrong_output", "encoder", "cold", FUSED)]
    )
    absurd = [
        record.model_copy(update={"runtime": record.runtime.model_copy(update={"compile_first_run_ms": 0.001})})
        if record.status == "wrong_output" and record.runtime
        else record
        for record in records
    ]
    row = row_of(summary_of(absurd), FUSED)
    assert (row["n_trials"], row["n_ok"], row["n_wrong_output"]) == ("2", "0", "2")
    assert {row[f"compile_first_run_ms_{what}"] for what in ("median", "mean", "ratio", "ratio_low")} == {""}
    (effect,) = main_effects(table(absurd), "compile_first_run_ms", "cold", ["fusion"])
    assert (effect.pairs, effect.pairs_missing) == (7, 1)
    assert effect.ratio is not None
    assert effect.ratio.value == pytest.approx(COLD_EFFECT["fusion"])


def test_mean_of_nothing_is_missing() -> None:
    """Trap 2: without one ok trial, means, medians and ratios are empty; so is a geometric mean of no effect."""
    crashed = [Plant("crashed", name, "cold", {"fusion": "on"}) for name in ("attention", "encoder")]
    records = make_records(modes=["cold"], plants=crashed)
    row = row_of(summary_of([r for r in records if r.workload.name == "encoder"]), FUSED)
    figures = {name: value for name, value in row.items() if name.endswith(("_median", "_mean", "_ratio"))}
    assert len(figures) > 10
    assert set(figures.values()) == {""}
    effects = main_effects(table(records), "compile_first_run_ms", "cold", ["fusion"])
    assert [effect.ratio for effect in effects] == [None, None]
    (mean,) = geometric_means(effects)
    assert (mean.ratio, mean.workloads, set(mean.missing)) == (None, (), {"attention", "encoder"})


def test_figure_of_failed_trial_has_mark_outside_time_axis() -> None:
    """Trap 2: the scatter has one point an ok trial, all above 0 ms; failures are crosses in a band above it."""
    trials = table(
        make_records(workloads=["encoder"], modes=["cold"], plants=[Plant("timeout", "encoder", "cold", FUSED)])
    )
    with house_style():
        (figure,) = compose_cold_scatter(cold_points(trials))
        figure.draw_without_rendering()
    (axes,) = figure.axes
    times = [y for marker, _, y in marks(axes) if marker != "x"]
    ok = trials.filter((pl.col("role") == "measured") & (pl.col("status") == "ok"))
    assert sorted(times) == sorted(ok["compile_first_run_ms"].to_list())
    assert min(times) > 0
    heights = {line.get_marker(): line.get_transform().transform(line.get_xydata())[:, 1] for line in axes.lines}
    assert heights["x"].min() > max(high.max() for marker, high in heights.items() if marker not in ("x", "None"))
    assert max(axes.get_yticks()) < max(times) * 1.2
    assert "2 failed (2 at edge)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_figure_of_undecidable_effect_has_no_mark() -> None:
    """Trap 2: where a knob's level always crashed, its panel has a ratio for the other workload alone, and a cross."""
    trials = table(make_records(modes=["hot"], plants=[Plant("crashed", "encoder", "hot", {"fusion": "on"})]))
    effects = main_effects(trials, "run_ms_p50", "hot", ["fusion"])
    assert [(effect.workload, effect.ratio is None) for effect in effects] == [("attention", False), ("encoder", True)]
    data = MainEffectsData.of("run_ms_p50", effects, find_controls(trials, "run_ms_p50", "hot"), [])
    with house_style():
        (figure,) = compose_main_effects(data)
    panel = figure.axes[0]
    lines = [text.get_text() for text in panel.get_yticklabels()]
    assert [(marker, lines[round(y)]) for marker, _, y in marks(panel)] == [("o", "attention"), ("x", "encoder")]


def test_trial_that_fails_early_keeps_its_configuration(failed_run: Run) -> None:
    """Trap 3: a record of a failed compile has every knob of the design, and its row stands in its own group."""
    records = [validate_line(line) for line in failed_run.stdout.decode().splitlines()]
    for record in records:
        cell = failed_run.design.cell(record.cell_id)
        assert (record.workload.name, record.config.compiler) == (cell.workload, cell.compiler)
        assert {knob: level for knob, level in record.config.knobs.items() if level is not None} == dict(cell.knobs)
        assert record.config.stage == cell.stage
    rows = [row for row in summary_of(records) if row["compiler"] == "tvm"]
    groups = {(row["role"], row["mode"], row["knob_fusion"]): row["n_compile_error"] for row in rows}
    assert groups == {
        ("measured", "cold", "off"): "1",
        ("measured", "cold", "on"): "1",
        ("measured", "hot", "off"): "1",
        ("measured", "hot", "on"): "1",
        ("twin", "hot", "off"): "1",
    }


def test_table_groups_neither_grow_nor_vanish_with_failures() -> None:
    """Trap 3: the groups of a study are the same whether all went well or a quarter failed before compiling."""
    plants = [Plant("plan_error", "encoder", "cold", {"fusion": "on", "reuse": "release"})]
    good, bad = (summary_of(make_records(workloads=["encoder"], plants=planted)) for planted in ([], plants))
    names = ("workload", "compiler", "role", "mode", *(f"knob_{knob}" for knob in PRIMARY))
    assert [[row[name] for name in names] for row in bad] == [[row[name] for name in names] for row in good]
    assert sum(int(row["n_plan_error"]) for row in bad) == 8


def test_run_where_every_configuration_failed_exits_with_1(failed_run: Run) -> None:
    """Trap 5: nothing that the study asks about is ok, and the exit code and stderr say so."""
    records = [validate_line(line) for line in failed_run.stdout.decode().splitlines()]
    assert {record.status for record in records if record.role != "reference"} == {"compile_error"}
    assert failed_run.exit_code == 1
    assert failed_run.stderr.decode().splitlines()[-1] == "7 trials: 5 compile_error, 2 ok"


def test_timing_never_substitutes_for_what_did_not_compile(failed_run: Run) -> None:
    """Trap 6: a compiler's error is the row's status, with no time, code, check or speed-up under the compiler's name.

    Eager itself runs well in this very run, and could have been fallen back to.
    """
    records = [validate_line(line) for line in failed_run.stdout.decode().splitlines()]
    assert {record.status for record in records if record.config.compiler == "eager"} == {"ok"}
    failed = [record for record in records if record.config.compiler == "tvm"]
    for record in failed:
        assert record.error is not None
        assert (record.status, record.error.type, record.error.phase) == ("compile_error", "CompilerError", "compile")
        assert "'false', '-shared'" in record.error.message
        assert (record.runtime, record.compile, record.correctness) == (None, None, None)
    rows = [row for row in summary_of(records) if row["compiler"] == "tvm"]
    assert {row[name] for row in rows for name in row if name.endswith(("_median", "_mean", "_ratio"))} == {""}
    effects = main_effects(table(records), "compile_first_run_ms", "cold", ["fusion"])
    assert [effect.ratio for effect in effects] == [None]


def test_failure_rows_on_stdout_fit_schema(failed_run: Run) -> None:
    """Trap 15: stdout is one valid record a planned trial, failures like the rest, and not one byte more."""
    text = failed_run.stdout.decode()
    assert text.endswith("\n")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    records = []
    for line in text.splitlines():
        jsonschema.validate(json.loads(line), schema)
        records.append(validate_line(line))
    assert sum(record.status == "compile_error" for record in records) == 5
    assert sorted(record.trial_id for record in records) == sorted(trial.trial_id for trial in failed_run.design.trials)
