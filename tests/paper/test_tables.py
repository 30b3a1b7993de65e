"""The paper's tables: what a cell says is what the records say, and no cell hides that something is missing."""

import csv
import json
import math
import re
import statistics
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.canonical import content_id, digest_value
from ablatrix.errors import AnalysisError
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.markup import escape_latex
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.tables.cells import NOTHING, _figure
from ablatrix.paper.tables.latex import latex_tables
from ablatrix.paper.tables.printed import PrintedTable, markdown_table
from ablatrix.paper.tables.reference import insert_reference
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.write import build_parts, write_table
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.sources import COLUMNS_OF, TRIALS
from ablatrix.paper.template.spec import ColumnSpec, TableSpec
from ablatrix.plotting.labels import Labels
from ablatrix.records.model import Record
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied, write_records

ALL_ON = {"partition": "whole", "reuse": "keep", "memory_plan": "on", "fusion": "on"}
PLANTS = [
    *(Plant("wrong_output", "encoder", mode, ALL_ON) for mode in ("cold", "hot")),
    Plant("missing_check", "attention", "cold", {"fusion": "on", "reuse": "keep"}, block=0),
    Plant("crashed", "attention", "cold", {**ALL_ON, "partition": "regions"}),
    Plant("timeout", "attention", "hot", {**ALL_ON, "partition": "regions"}, block=1),
]
RECORDS = make_records(
    blocks=3, plants=PLANTS, built_as=lambda knobs: {**knobs, "memory_plan": "off"}
)  # memory_plan is a no-op
Row = dict[str, str]


@pytest.fixture(scope="module")
def findings() -> Findings:
    return Findings(tidied(RECORDS))


@pytest.fixture(scope="module")
def written(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tables")
    for spec in load_template(None).tables:
        write_table(sources_of(findings), spec, directory)
    return directory


def sources_of(findings: Findings, mixed: Sequence[str] = (), language: str = "en") -> TableSources:
    return TableSources(findings, Estimates(findings, Ledger(paper_rows(findings))), Labels(language), mixed)


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def built(findings: Findings, directory: Path, table: str, mixed: Sequence[str] = ()) -> PrintedTable:
    path = directory / "template.yaml"
    path.write_text(f"version: 1\ntables:\n- {{number: 1, title: t, caption: c, {table}}}\n", encoding="utf-8")
    spec = load_template(path).tables[0]
    assert isinstance(spec, TableSpec)
    return build_table(findings, spec, mixed)


def default(findings: Findings, number: int, mixed: Sequence[str] = ()) -> list[Row]:
    spec = next(table for table in load_template(None).tables if table.number == number)
    (table,) = build_parts(sources_of(findings, mixed), spec)
    return [dict(zip(table.full_headings, row, strict=True)) for row in table.rows]


def of_configuration(rows: Sequence[Row], workload: str, knobs: dict[str, str]) -> Row:
    moved = [f"{knob}={knobs[knob]}" for knob, levels in PRIMARY.items() if knobs.get(knob, levels[0]) != levels[0]]
    named = ", ".join(moved) or "baseline"
    (row,) = (row for row in rows if row["workload"] == workload and row["configuration"] == named)
    return row


def three_digits(value: float) -> str:
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def chosen(workload: str, mode: str, knobs: dict[str, str], block: int | None = None) -> list[Record]:
    return [
        record
        for record in RECORDS
        if (record.workload.name, record.mode, record.role, record.status) == (workload, mode, "measured", "ok")
        and all(record.config.knobs[knob] == level for knob, level in knobs.items())
        and block in (None, record.meta.block)
    ]


def test_full_table_has_row_per_configuration_baseline_first() -> None:
    rows = default(Findings(tidied(make_records(workloads=["encoder"], noise=0.0))), 8)
    assert len(rows) == 17
    assert [row["configuration"] for row in (rows[0], rows[1], rows[15], rows[16])] == [
        "baseline",
        "partition=regions",
        "partition=regions, reuse=release, memory_plan=on, fusion=on",
        NOTHING,
    ]
    base = of_configuration(rows, "encoder", dict(zip(PRIMARY, ["whole", "keep", "off", "off"], strict=True)))
    assert (base["cold (ms)"], base["p50 (ms)"], base["hot ratio"]) == ("5200", "31.0", "1.00")
    fused = of_configuration(rows, "encoder", dict(zip(PRIMARY, ["whole", "keep", "off", "on"], strict=True)))
    ratio = f"{HOT_EFFECT['fusion']:.3f}"
    assert fused["hot ratio"] == f"{ratio} [{ratio}, {ratio}]"  # without noise three digits
    assert (fused["checks"], fused["ok"]) == ("12/12", "4/4")
    eager = next(row for row in rows if row["compiler"] == "eager")
    assert (eager["planned (MiB)"], eager["configuration"]) == (NOTHING, NOTHING)


def test_full_table_figures_match_independent_arithmetic(written: Path) -> None:
    rows = rows_of(written / "table8.csv")
    base = dict(zip(PRIMARY, ["whole", "keep", "off", "off"], strict=True))
    for workload, knobs in (
        ("attention", {**base, "fusion": "on"}),
        ("encoder", {**base, "partition": "regions", "reuse": "release"}),
    ):
        row = of_configuration(rows, workload, knobs)
        cold, hot = (chosen(workload, mode, knobs) for mode in ("cold", "hot"))
        logs = []
        for block in range(3):
            here, there = (chosen(workload, "cold", one, block) for one in (knobs, base))
            if here and there:
                times = [one[0].runtime.compile_first_run_ms for one in (here, there) if one[0].runtime]
                logs.append(math.log(times[0] or 0) - math.log(times[1] or 0))
        cold_ms = [record.runtime.compile_first_run_ms or 0.0 for record in cold if record.runtime]
        assert row["cold (ms)"] == three_digits(statistics.median(cold_ms))
        p95 = statistics.median(r.runtime.run_ms_p95 or 0.0 for r in hot if r.runtime)
        assert row["p95 (ms)"] == three_digits(p95)
        planned = statistics.median(r.compile.planned_bytes or 0 for r in (*cold, *hot) if r.compile)
        assert row["planned (MiB)"] == three_digits(planned / 2**20)
        value, low, high = (float(text.strip("[],")) for text in row["cold ratio"].split())
        assert value == pytest.approx(math.exp(statistics.fmean(logs)), abs=(high - low) / 2)
        failed = 6 - len(cold) - len(hot)
        assert row["ok"] == (f"{6 - failed}/6 ({failed} missing_check)" if failed else "6/6")


def test_table_shows_status_of_failed_cell_and_no_figure(written: Path) -> None:
    rows = rows_of(written / "table8.csv")
    wrong = of_configuration(rows, "encoder", ALL_ON)
    assert (wrong["ok"], wrong["worst rel. diff."], wrong["checks"]) == ("0/6 (6 wrong_output)", "4.1e+01", "18/18")
    for heading in ("cold (ms)", "p50 (ms)", "planned (MiB)", "peak (MiB)", "cold ratio", "hot ratio"):
        assert wrong[heading] == "wrong_output"
    # Cold crashed in all blocks, hot timed out in one: a cold figure has nothing, and says what a cold trial ended as.
    crashed = of_configuration(rows, "attention", {**ALL_ON, "partition": "regions"})
    assert (crashed["cold (ms)"], crashed["cold ratio"]) == ("crashed", "crashed")
    assert float(crashed["p50 (ms)"]) > 0
    assert crashed["ok"] == "2/6 (3 crashed, 1 timeout)"
    assert not [
        cell
        for number in range(1, 9)
        for row in rows_of(written / f"table{number}.csv")
        for cell in row.values()
        if not cell
    ]


def test_table_ratio_without_ok_baseline_is_marked() -> None:
    base = dict(zip(PRIMARY, ["whole", "keep", "off", "off"], strict=True))
    records = make_records(
        workloads=["encoder"], modes=["hot"], plants=[Plant("crashed", "encoder", "hot", dict(base))]
    )
    rows = default(Findings(tidied(records)), 8)
    fused = of_configuration(rows, "encoder", {**base, "fusion": "on"})
    assert (fused["hot ratio"], fused["cold ratio"]) == ("no baseline", NOTHING)
    assert of_configuration(rows, "encoder", base)["hot ratio"] == "crashed"


def test_workload_table_counts_what_records_hold(written: Path) -> None:
    rows = rows_of(written / "table1.csv")
    counts = Counter(record.workload.name for record in RECORDS)
    cells = {(r.workload.name, r.cell_id) for r in RECORDS if r.role == "measured"}
    assert [row["workload"] for row in rows] == ["attention", "encoder"]
    for row in rows:
        assert int(row["trials"]) == counts[row["workload"]]
        assert int(row["configurations"]) == sum(workload == row["workload"] for workload, _ in cells)
        assert (row["blocks"], row["compilers"], row["dynamic"]) == ("6", "tvm", NOTHING)
        assert row["inputs"] == "x 1x64x64 float32"
    assert [row["tasks"] for row in rows] == ["regions 3; whole 1", "regions 14 (3 distinct); whole 1"]
    assert [row["parameters (thousands)"] for row in rows] == ["100.0", "1,850.0"]


def test_correctness_table_sums_over_all_trials(written: Path) -> None:
    for row in rows_of(written / "table3.csv"):
        own = [r for r in RECORDS if (r.workload.name, r.config.compiler) == (row["workload"], row["compiler"])]
        held = [record.correctness for record in own if record.correctness]
        assert int(row["trials"]) == len(own)
        assert int(row["comparisons"]) == sum(one.checked for one in held)
        assert int(row["missing"]) == sum(one.missing for one in held)
        assert int(row["wrong outputs"]) == sum(record.status == "wrong_output" for record in own)
        assert row["worst abs. diff."] == f"{max(one.max_abs_diff or 0 for one in held):.1e}"
        ratios = [r.correctness.rms_ratio or 0 for r in own if r.correctness and r.status == "ok"]
        assert row["worst RMS ratio"] == f"{max(ratios):.2f}"


def test_effects_table_has_effects_verdicts_and_no_ops(written: Path) -> None:
    rows = rows_of(written / "table4.csv")
    changes = [row["change"] for row in rows if row["workload"] == "attention"]
    assert changes[:4] == [
        "partition: whole → regions",
        "reuse: keep → release",
        "memory_plan: off → on",
        "fusion: off → on",
    ]
    assert changes[4:] == [
        f"{one} \N{MULTIPLICATION SIGN} {other}"
        for place, one in enumerate(PRIMARY)
        for other in list(PRIMARY)[place + 1 :]
    ]
    of = {(row["workload"], row["change"]): row for row in rows}
    fusion, plan = (of["encoder", f"{knob}: off → on"] for knob in ("fusion", "memory_plan"))
    assert (fusion["hot verdict"], fusion["cold verdict"], fusion["program"]) == ("faster", "faster", "differs")
    assert {plan[name] for name in ("hot verdict", "cold verdict", "planned verdict", "program")} == {"no-op"}
    # The wrong configuration takes a corner from every block: shares and interactions cannot be told.
    assert (fusion["hot share"], of["encoder", "memory_plan \N{MULTIPLICATION SIGN} fusion"]["hot ratio"]) == (
        "not attributable",
    ) * 2
    assert "encoder on tvm: wrong_output in 3 of 3 blocks" in (written / "table4.md").read_text(encoding="utf-8")
    # Independent: the pairs of fusion that are whole in all blocks, on logarithms.
    logs = []
    for block in range(3):
        differences = []
        for reuse in ("keep", "release"):
            for plan_level in ("off", "on"):
                for partition in ("whole", "regions"):
                    knobs = {"partition": partition, "reuse": reuse, "memory_plan": plan_level}
                    if {**knobs, "fusion": "on"} == ALL_ON:
                        continue
                    off, on = (chosen("encoder", "cold", {**knobs, "fusion": at}, block)[0] for at in ("off", "on"))
                    assert off.runtime and on.runtime
                    times = (on.runtime.compile_first_run_ms or 0, off.runtime.compile_first_run_ms or 0)
                    differences.append(math.log(times[0]) - math.log(times[1]))
        logs.append(statistics.fmean(differences))
    value, low, high = (float(text.strip("[],")) for text in fusion["cold ratio"].split())
    assert value == pytest.approx(math.exp(statistics.fmean(logs)), abs=(high - low) / 2)
    assert fusion["planned ratio"] == "1.00"  # exact, so without an interval


def test_resolution_is_in_percent_without_exponent() -> None:
    rows = default(Findings(tidied(make_records(workloads=["encoder"], modes=["cold"], noise=0.7))), 4)
    verdicts = [row["cold verdict"] for row in rows if row["cold verdict"].startswith("not distinguishable")]
    assert any(len(text.split("±")[1].split(" ")[0]) >= 3 for text in verdicts)
    assert not [text for text in verdicts if "e+" in text]


def test_attribution_shares_multiply_to_total(findings: Findings, tmp_path: Path) -> None:
    table = built(
        findings,
        tmp_path,
        "source: attribution, filter: {metric: [run_ms_paired], workload: [attention]}, columns: [{column: knob}, "
        "{column: share, aggregation: only, format: .9f}, {column: of_total, aggregation: only, format: .6f}, "
        "{column: last, aggregation: ratio, format: .3f}]",
    )
    total, *knobs = table.rows
    assert [row[0] for row in (total, *knobs)] == ["total", *PRIMARY]
    assert math.prod(float(row[1]) for row in knobs) == pytest.approx(float(total[1]), rel=1e-7)
    assert sum(float(row[2]) for row in knobs) == pytest.approx(1.0, abs=1e-5)
    assert (total[2], total[3]) == ("1.000000", "not attributable")


def test_aggregations_all_match_independent_arithmetic(findings: Findings, tmp_path: Path) -> None:
    names = ("count", "distinct", "mean", "median", "p50", "p95", "min", "max", "sum")
    columns = ", ".join(
        f"{{column: run_ms_p50, aggregation: {name}, heading: {name}, format: .9g, divide_by: 2}}" for name in names
    )
    table = built(
        findings, tmp_path, f"filter: {{role: [measured], mode: [hot]}}, group_by: [workload], columns: [{columns}]"
    )
    times = [r.runtime.run_ms_p50 or 0.0 for r in chosen("attention", "hot", {}) if r.runtime]
    expected = {
        "count": len(times),
        "distinct": len(set(times)),
        "mean": statistics.fmean(times),
        "median": statistics.median(times),
        "p50": statistics.median(times),
        "p95": float(np.quantile(times, 0.95)),
        "min": min(times),
        "max": max(times),
        "sum": sum(times),
    }
    assert table.rows[0] == tuple(f"{expected[name] / 2:.9g}" for name in names)


def test_column_filter_applies_to_its_column_only(findings: Findings, tmp_path: Path) -> None:
    table = built(
        findings,
        tmp_path,
        "group_by: [workload], columns: "
        "[{column: status, aggregation: outcome, filter: {mode: [cold]}, heading: cold}, "
        "{column: status, aggregation: outcome, filter: {mode: [hot]}, heading: hot}]",
    )
    assert table.rows[0] == ("48/54 (3 crashed, 3 missing_check)", "53/54 (1 timeout)")


def test_table_row_with_several_values_for_one_cell_is_refused(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"table 1: column 'mode' should have only one value in a row.*\(encoder\)"):
        built(
            findings,
            tmp_path,
            "filter: {workload: [encoder]}, group_by: [workload], columns: [{column: mode, aggregation: only}]",
        )
    with pytest.raises(AnalysisError, match=r"table 1: column 'ratio' has several effects in the row"):
        built(
            findings, tmp_path, "source: effects, group_by: [workload], columns: [{column: ratio, aggregation: ratio}]"
        )


def test_workload_sizes_are_separate_rows_in_every_table() -> None:
    def wide(record: Record) -> Record:
        facts = record.workload.model_copy(
            update={"parameters": {**record.workload.parameters, "width": 128}, "digest": digest_value("wide")}
        )
        ids = {
            name: content_id([getattr(record, name), "wide"])
            for name in ("record_id", "trial_id", "cell_id", "block_id")
        }
        return record.model_copy(update={"workload": facts, **ids})

    records = make_records(workloads=["encoder"])
    findings = Findings(tidied([*records, *map(wide, make_records(workloads=["encoder"], seed=8))]))
    for number, rows_of_size in ((1, 1), (3, 2), (4, 10), (8, 17)):
        widths = Counter(row["width"] for row in default(findings, number))
        assert widths == {"64": rows_of_size, "128": rows_of_size}, number
    assert {row["program"] for row in default(findings, 4) if " \N{MULTIPLICATION SIGN} " not in row["change"]} == {
        "differs"
    }


def test_mixed_origins_come_first_in_every_table(tmp_path: Path) -> None:
    paths = [
        write_records(tmp_path / f"{host}.jsonl", make_records(workloads=["attention"], host=host, seed=seed))
        for host, seed in (("one", 7), ("two", 8))
    ]
    findings = Findings(tidy(paths))
    for number in (1, 3, 4, 8):
        rows = default(findings, number, ["host"])
        assert {row["host"] for row in rows} == {"one", "two"}
        assert next(iter(rows[0])) == "host"


def test_table_lists_trials_in_no_row_below_it(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1)
    planned = [{"trial_id": record.trial_id} for record in records] + [{"trial_id": "lost"}]
    (tmp_path / "design.json").write_text(json.dumps({"trials": planned}), encoding="utf-8")
    findings = Findings(tidy([write_records(tmp_path / "results.jsonl", records)]))
    table = built(findings, tmp_path, "group_by: [workload], columns: [{column: workload}]")
    assert len(table.notes) == 1
    assert table.notes[0].startswith("Not included in any row: 1 \N{MULTIPLICATION SIGN} planned trial without any")
    for text in (markdown_table(table), latex_tables([table])):
        assert "planned trial without any record" in text


def test_table_without_rows_is_marked_empty(findings: Findings, tmp_path: Path) -> None:
    table = built(findings, tmp_path, "filter: {workload: [none]}, group_by: [workload], columns: [{column: workload}]")
    assert (table.rows, table.notes) == ((), ("No rows: the records contain no data for this table.",))
    one_configuration = [r for r in make_records(workloads=["attention"]) if r.role == "reference"]
    assert default(Findings(tidied(one_configuration)), 4) == []


class Document(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.rows: list[list[str]] = []
        self.links: list[str | None] = []
        self.ids: list[str | None] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        held = dict(attrs)
        self.links += [held[name] for name in ("src", "href") if name in held]
        self.ids += [held["id"]] if "id" in held else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("number", range(1, 9))
def test_html_is_one_document_with_cells_of_csv(written: Path, number: int) -> None:
    text = (written / f"table{number}.html").read_text(encoding="utf-8")
    document = Document()
    document.feed(text)
    assert text.startswith("<!DOCTYPE html>")
    assert [document.tags[tag] for tag in ("html", "head", "title", "body", "table", "script", "link")] == [1] * 5 + [
        0,
        0,
    ]
    assert document.links == []
    assert "http" not in text
    assert len(document.ids) == len(set(document.ids))
    with (written / f"table{number}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [row for row in document.rows if len(row) == len(rows[0])] == rows


def test_markdown_has_escaped_cells_of_csv(written: Path) -> None:
    markdown = (written / "table8.md").read_text(encoding="utf-8")
    for row in rows_of(written / "table8.csv"):
        cells = [re.sub(r"([\[\]]|(?<!\w)_|_(?!\w))", r"\\\1", cell) for cell in row.values()]
        assert "| " + " | ".join(cells) + " |" in markdown


def test_latex_table_that_is_long_continues_with_every_row_once() -> None:
    rows = tuple(
        (f"workload_{number}", f"{number}.5", f"not distinguishable (±1.{number % 9} %)") for number in range(700)
    )
    table = PrintedTable(
        number=3,
        title="Long & wide",
        caption="100 % made -- up",
        heading_cells=("workload", "p50 (ms)", "verdict"),
        is_number=(False, True, False),
        cells=rows,
    )
    text = latex_tables([table])
    floats = text.count(r"\begin{table*}")
    assert floats == text.count(r"\end{table*}") > 12
    assert text.count(r"\caption{") == text.count(r"\label{tab:3}") == 1
    assert text.count(r"\ref{tab:3}") == floats - 1
    assert text.count(r"\clearpage") == (floats - 1) // 12
    for name, figure, _ in rows:
        assert (
            len(re.findall(rf"{re.escape(escape_latex(name))} & (\\phantom{{0+}})?{re.escape(figure)} & ", text)) == 1
        )
    assert r"\textbf{Long \& wide.} 100 \% made -{}- up" in text


WRONG = {
    "group_by: [workload, colour], columns: [{column: workload}]": (
        "table 1: there is no column 'colour' in source 'cells'"
    ),
    "group_by: [workload], columns: [{column: run_ms_p5, aggregation: max}]": (
        "there is no column 'run_ms_p5' in source 'cells'; did you mean 'run_ms_p95'?"
    ),
    "columns: [{column: workload}]": "a row of 'cells' is a trial, so 'group_by' must name the columns",
    "group_by: [workload], columns: [{column: run_ms_p50}]": "'run_ms_p50' is shown as a value but is not in group_by",
    "group_by: [mode], columns: [{column: host, aggregation: median}]": "'host' has no numbers to take the median of",
    "group_by: [mode], columns: [{column: mode}], sort: [host]": (
        "sort names 'host', which is not in group_by; group_by has: mode"
    ),
    "group_by: [mode], columns: [{column: mode}, {column: mode}]": "two columns have the same heading 'mode'",
    "group_by: [mode], columns: [{column: mode, format: .2f}]": "column 'mode' has no numbers, so it takes no format",
    "source: effects, columns: [{column: verdict, aggregation: outcome}]": (
        "'outcome' needs trials; source 'effects' has none, 'cells' and 'correctness' have"
    ),
    "source: effects, columns: [{column: p, aggregation: ratio}]": (
        "column 'p' of source 'effects' is not a ratio with an interval; these are: ratio"
    ),
    "source: workloads, columns: [{column: trials, over: all}]": "only trials can be ok or not",
    "source: workloads, columns: [{column: knobs}]": "there is no column 'knobs' in source 'workloads'",
    "group_by: [mode], columns: [{column: mode, filter: {nmode: [hot]}}]": "table 1: there is no column 'nmode'",
    "group_by: [knobs], columns: [{column: knobs, aggregation: max}]": "'knobs' means several columns",
    "group_by: [mode], columns: [{column: block, aggregation: max, format: .3q}]": "'.3q' is no format of a number",
    "group_by: [mode], columns: [{column: block, aggregation: max, format: '1000000000'}]": "is no format of a number",
    "group_by: [mode], columns: [{column: block, aggregation: max, format: .999999999f}]": "is no format of a number",
    "group_by: [mode], columns: [{column: block, aggregation: max, format: '#>9.1f'}]": "is no format of a number",
    "source: trials, group_by: [mode], columns: [{column: mode}]": (
        "tables[0].source: input should be 'cells', 'correctness'"
    ),
}


@pytest.mark.parametrize("table", WRONG)
def test_table_entry_that_is_wrong_gives_one_message_with_line(findings: Findings, tmp_path: Path, table: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        built(findings, tmp_path, table)
    (message,) = str(caught.value).splitlines()
    assert message.startswith(f"{tmp_path / 'template.yaml'}:3: ")
    assert WRONG[table] in message


def test_template_with_several_faults_reports_all_in_line_order(tmp_path: Path) -> None:
    path = tmp_path / "paper.yaml"
    path.write_text(
        "version: 1\ntables:\n"
        "- {number: 1, title: t, caption: c, group_by: [workload], columns: [{column: workload}]}\n"
        "- number: 1\n  title: t\n  caption: c\n  group_by: [mod]\n  sort: [mode]\n  columns:\n"
        "  - {column: workload}\n",
        encoding="utf-8",
    )
    with pytest.raises(AnalysisError) as caught:
        load_template(path)
    lines = [line.removeprefix(f"{path}:").split(":")[0] for line in str(caught.value).splitlines()]
    assert lines == ["4", "7", "8", "10"]


def test_template_knob_missing_in_records_is_refused(findings: Findings, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="table 1: there is no column 'knob_tile' in these trials"):
        built(findings, tmp_path, "group_by: [knob_tile], columns: [{column: knob_tile}]")


PAGE = Path(__file__).parents[2] / "docs" / "paper-template.md"


def test_template_keys_in_docs_match_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == insert_reference(text), (
        f"{PAGE.name} is stale: write insert_reference(text) of ablatrix.paper.tables.reference back to it"
    )
    with pytest.raises(AnalysisError, match="no markers"):
        insert_reference("# A page\n")


def test_table_columns_and_example_in_docs_match_code(findings: Findings, tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    own = {name for source, columns in COLUMNS_OF.items() if source not in TRIALS for name in columns}
    assert [name for name in sorted(own | {"wrong", "unchecked"}) if f"`{name}`" not in text] == []
    example = "".join(line[4:] + "\n" for line in text.split("    tables:", 1)[1].split("\n## ", 1)[0].splitlines())
    (tmp_path / "paper.yaml").write_text(f"version: 1\ntables:\n{example}", encoding="utf-8")
    spec = load_template(tmp_path / "paper.yaml").tables[0]
    assert isinstance(spec, TableSpec)
    assert len(build_table(findings, spec).rows) == 4


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("peak_rss_delta_bytes", 4096.0, "≤ 0.1"),
        ("peak_rss_delta_bytes", 0.0, "≤ 0.1"),
        ("peak_rss_delta_bytes", 3 * 2.0**20, "3.0"),
        ("planned_bytes", 4096.0, "0.0"),
    ],
)
def test_table_figure_no_larger_than_metric_shows_is_marked(column: str, value: float, text: str) -> None:
    spec = ColumnSpec(column=column, aggregation="median", format=".1f", divide_by=2.0**20)
    assert _figure(value, spec) == text


def test_memory_table_of_study_without_comparison_has_headings_and_note() -> None:
    plants = [Plant("crashed", "encoder", mode, {}) for mode in ("cold", "hot")]
    found = Findings(tidied(make_records(workloads=["encoder"], blocks=1, plants=plants)))
    spec = next(table for table in load_template(None).tables if table.number == 6)
    (table,) = build_parts(sources_of(found), spec)
    assert table.data_headings == (
        "workload",
        "planned (MiB) baseline",
        "peak growth (MiB) baseline",
        "peak growth (MiB) eager",
    )
    assert (table.rows, table.notes) == (
        (),
        ("No rows: the records contain no data for this table.",),
    )
