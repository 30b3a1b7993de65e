"""The main table: times and speed-ups of each workload, the means below them, and the records behind each."""

from collections.abc import Sequence
from math import sqrt

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.page.cells import NEEDED
from ablatrix.page.effects import metric_effects
from ablatrix.page.main_table import main_tables
from ablatrix.page.table import Table
from ablatrix.provenance.finder import RowFinder
from ablatrix.provenance.ranges import Ranges
from ablatrix.provenance.rows import canonical_rows
from ablatrix.records.model import Record
from tests.synthetic import BASELINE, Plant, broken, make_records, tidied


def made(records: Sequence[Record]) -> tuple[list[Table], RowFinder]:
    findings = Findings(tidied(records))
    finder = RowFinder(canonical_rows(findings.trials, NEEDED))
    metrics = [metric_effects(one, findings, finder) for one in findings.evidence]
    return main_tables(findings, finder, metrics), finder


def by_heading(table: Table, index: int = 0, foot: bool = False) -> dict[str, object]:
    row = (table.foot if foot else table.rows)[index]
    cells = zip(table.headings, row.cells, strict=True)
    return {heading.text: cell.text if cell.value is None else cell.value for heading, cell in cells}


def roles(finder: RowFinder, rows: Ranges) -> set[tuple[str, str, str]]:
    held = finder.rows.trials
    indices = [index for first, last in rows for index in range(first, last + 1)]
    return set(held[indices].select("workload", "mode", "role").rows())


def test_main_table_shows_times_and_speedups_of_each_workload() -> None:
    (hot, cold), _ = made(make_records(blocks=2, noise=0.0))
    assert [row.cells[0].text for row in hot.rows] == ["attention", "encoder"]
    best, whole = 0.99 * 0.9 * 0.6, 1.05 * 0.99 * 0.9 * 0.6
    assert by_heading(hot, 1) == {
        "workload": "encoder",
        "baseline (ms)": pytest.approx(31.0),
        "best (ms)": pytest.approx(31.0 * best),
        "all on (ms)": pytest.approx(31.0 * whole),
        "eager (ms)": pytest.approx(24.0),
        "best over baseline": pytest.approx(1 / best),
        "all on over baseline": pytest.approx(1 / whole),
        "best over eager": pytest.approx(24.0 / (31.0 * best)),
        "best configuration": "reuse=release, memory_plan=on, fusion=on",
    }
    assert by_heading(hot, foot=True) == {
        **dict.fromkeys(["baseline (ms)", "best (ms)", "all on (ms)", "eager (ms)", "best configuration"], ""),
        "workload": "geometric mean",
        "best over baseline": pytest.approx(1 / best),
        "all on over baseline": pytest.approx(1 / whole),
        "best over eager": pytest.approx(sqrt(24.0 / 31.0 * 3.1 / 4.0) / best),
    }
    assert by_heading(cold, 1)["best over baseline"] == pytest.approx(1 / (0.4 * 0.85))
    assert "best over eager" not in by_heading(cold)


def test_main_table_names_records_of_each_number() -> None:
    (hot, cold), finder = made(make_records(blocks=2))
    sources = cold.rows[1].sources
    assert roles(finder, sources["time_baseline"]) == {("encoder", "cold", "measured")}
    assert roles(finder, sources["time_eager"]) == {("encoder", "cold", "reference")}
    rows = finder.rows.trials[[index for first, last in sources["time_baseline"] for index in range(first, last + 1)]]
    assert len(rows) == 2
    assert all(set(rows[f"knob_{knob}"]) == {level} for knob, level in BASELINE.items())
    paired = {("encoder", "hot", role) for role in ("measured", "reference", "twin")}
    assert all(roles(finder, hot.rows[1].sources[name]) == paired for name in ("speedup_best", "speedup_eager"))
    assert {workload for workload, _, _ in roles(finder, hot.foot[0].sources["mean_speedup_best"])} == {
        "attention",
        "encoder",
    }


def test_main_table_with_failed_baseline_has_no_number_of_it() -> None:
    plants = [Plant("crashed", "encoder", "hot", BASELINE)]
    (hot, _), _ = made(make_records(blocks=2, plants=plants))
    encoder = by_heading(hot, 1)
    assert {encoder[name] for name in ("baseline (ms)", "best over baseline", "all on over baseline")} == {
        "\N{EN DASH}"
    }
    assert isinstance(encoder["best (ms)"], float)
    means = hot.foot[0].cells
    assert [cell.text for cell in means if "of 2 workloads" in cell.text] != []


def test_main_table_of_one_workload_has_no_mean() -> None:
    (hot, _), _ = made(make_records(workloads=["encoder"], blocks=1))
    assert not hot.foot
    assert "[" not in hot.rows[0].cells[5].text  # one block has no interval


def test_main_table_is_not_made_of_failures_alone() -> None:
    tables, _ = made([broken(one, "crashed") for one in make_records(blocks=1)])
    assert tables == []
