"""The set-up: baseline, knobs and workloads, in the words of the study where it has any."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import tidy
from ablatrix.page.cells import NEEDED
from ablatrix.page.setup import baseline_lines, knobs_table, workloads_table
from ablatrix.page.table import Table
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.rows import canonical_rows
from ablatrix.provenance.units import Unit
from ablatrix.records.model import Record
from ablatrix.records.titles import Titles
from tests.page.conftest import without_memory_plan
from tests.screened_study import STAGES, write_screened
from tests.synthetic import PRIMARY, make_records, tidied


def made(titles: Titles | None = None) -> tuple[Findings, list[Unit]]:
    found = tidied(make_records(blocks=1, built_as=without_memory_plan))
    findings = Findings(replace(found, titles=titles or Titles()))
    finder = RowFinder(canonical_rows(findings.trials, NEEDED))
    return findings, list(finder.units.values())


def rows_of(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_setup_names_baseline_and_held_knobs() -> None:
    findings, units = made()
    line = (
        "Baseline of tvm: partition=whole, reuse=keep, memory_plan=off, fusion=off. "
        "Fixed in all trials: library=off, schedule=vectorised."
    )
    assert baseline_lines(units, list(PRIMARY), findings.trials) == [line]
    shipped = pl.lit('{"fusion":"on","schedule":"default"}').alias("departures")
    assert baseline_lines(units, list(PRIMARY), findings.trials.with_columns(shipped)) == [
        f"{line} Where it is not as tvm ships: fusion off (shipped: on), schedule vectorised (shipped: default)."
    ]


def test_setup_knobs_have_levels_and_what_they_change() -> None:
    table = knobs_table(*made())
    assert [heading.text for heading in table.headings] == ["knob", "baseline", "other levels", "shown to change"]
    assert table.caption.endswith("All rows: compiler tvm, kind primary, acts on what is built")
    assert rows_of(table) == [
        ["partition", "whole", "regions", "generated code, plan, memory between tasks on 2 of 2 workloads"],
        ["reuse", "keep", "release", "memory between tasks, planned memory on 2 of 2 workloads"],
        ["memory_plan", "off", "on", "nothing on 2: a no-op"],
        ["fusion", "off", "on", "generated code on 2 of 2 workloads"],
    ]


def test_setup_knobs_and_workloads_are_described_by_study() -> None:
    titles = Titles(
        knobs={"fusion": {"en": "operator fusion"}},
        knob_summaries={"tvm": {"fusion": "Whether operators share kernels.", "reuse": "When memory is given back."}},
        workloads={"encoder": {"en": "BERT encoder"}},
    )
    findings, units = made(titles)
    assert [row[1] for row in rows_of(knobs_table(findings, units))] == [
        "",
        "When memory is given back.",
        "",
        "Operator fusion: Whether operators share kernels.",
    ]
    assert [row[1] for row in rows_of(workloads_table(findings, units))] == ["", "BERT encoder"]


def test_setup_workloads_have_sizes_inputs_and_weights() -> None:
    table = workloads_table(*made())
    assert [heading.text for heading in table.headings] == [
        "workload",
        "tier",
        "sizes",
        "inputs",
        "weights",
    ]
    assert table.caption.endswith("All rows: expected outputs not known")
    assert rows_of(table) == [
        [
            "attention",
            "medium",
            "dropout=0, width=64",
            "x 1\N{MULTIPLICATION SIGN}64\N{MULTIPLICATION SIGN}64 float32",
            "100,000",
        ],
        [
            "encoder",
            "hard",
            "dropout=0, width=64",
            "x 1\N{MULTIPLICATION SIGN}64\N{MULTIPLICATION SIGN}64 float32",
            "1,850,000",
        ],
    ]


def test_setup_workloads_in_16_bits_say_type_and_distance() -> None:
    def typed(record: Record) -> Record:
        assert record.correctness is not None
        facts = record.workload.model_copy(update={"dtype": "bfloat16"})
        checks = record.correctness.model_copy(update={"float_distance": 0.01234})
        return record.model_copy(update={"workload": facts, "correctness": checks})

    findings = Findings(tidied(map(typed, make_records(workloads=["encoder"], blocks=1))))
    units = list(RowFinder(canonical_rows(findings.trials, NEEDED)).units.values())
    table = workloads_table(findings, units)
    assert "type bfloat16" in table.caption
    assert [heading.text for heading in table.headings][-1] == "to float model"
    assert rows_of(table)[0][-1] == "0.0123"


def test_setup_says_of_screened_knobs_what_untimed_compiles_show(tmp_path: Path) -> None:
    made = write_screened(tmp_path, {"k0": 0.8}, 9, 8, stages=STAGES[:1])
    findings = Findings(tidy([made.results / "results.jsonl"]))
    units = list(RowFinder(canonical_rows(findings.trials, NEEDED)).units.values())
    shown = {row[0]: row[-1] for row in rows_of(knobs_table(findings, units))}
    assert set(shown) == {f"k{number}" for number in range(8)}
    assert all("generated code" in text and "on 1 of 1 workload" in text for text in shown.values())
