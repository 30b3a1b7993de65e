"""The page's text: what it says is what the records say, whatever they hold, and the same each time."""

import base64
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from statistics import median

import altair as alt
import pytest
from altair.utils.schemapi import validate_jsonschema
from typer.testing import CliRunner

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.cli.main import app
from ablatrix.errors import AnalysisError
from ablatrix.page.statistics import STATISTICS
from ablatrix.page.write import write_page
from ablatrix.records.model import Record
from tests.page.conftest import HOSTILE, WRONG, Made
from tests.synthetic import BASELINE, make_records, tidied
from tests.with_hosts import Host, host_id, over_hosts

VOID = {"meta", "link", "input", "br", "img", "hr", "wbr"}


class Elements(HTMLParser):
    """Every element with its attributes, and the rows of each table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: dict[str, list[list[tuple[str, dict[str, str | None]]]]] = {}
        self.sources: dict[str, list[str]] = {}
        self.facets: list[list[str]] = []
        self._table = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = str(given["id"])
            self.rows[self._table], self.sources[self._table] = [], []
        elif self._table and tag == "tr":
            self.rows[self._table].append([])
            if "data-facets" in given:
                self.facets.append(str(given["data-facets"]).split("\n"))
        elif self._table and tag in ("td", "th"):
            self.rows[self._table][-1].append(("", given))
        elif self._table and tag == "button" and given.get("data-from"):
            self.sources[self._table].append(str(given["data-from"]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            self._table = ""

    def handle_data(self, data: str) -> None:
        if self._table and self.rows[self._table] and self.rows[self._table][-1]:
            text, given = self.rows[self._table][-1][-1]
            self.rows[self._table][-1][-1] = (text + data, given)


@pytest.fixture(scope="module")
def elements(made: Made) -> Elements:
    return Elements(made.text)


def ids_of(text: str) -> list[str]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    records = json.loads(found[1])["records"]
    raw, width = base64.b64decode(records["packed"]).hex(), records["width"]
    return [raw[start : start + width] for start in range(0, len(raw), width)]


def test_figures_of_each_kind_are_what_the_schema_allows(made: Made) -> None:
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', made.text, re.DOTALL)
    assert found
    kinds = {name.split("-")[1]: spec for name, spec in json.loads(found[1]).items()}
    assert kinds.keys() == {"effects", "attribution", "crossed", "cold"}
    for spec in kinds.values():
        assert spec["config"].pop("aria") is False  # Vega has it and Vega-Lite's schema has not
        validate_jsonschema(spec, alt.load_schema())


def behind(ids: list[str], spelled: str, statistic: str) -> set[str]:
    parts = (part.split(":") for part in spelled.split(";"))
    ranges = next(ranges for names, ranges in parts if statistic in names.split("+"))
    ends = [part.partition("-") for part in ranges.split(",")]
    return {ids[place] for first, _, last in ends for place in range(int(first), int(last or first) + 1)}


def cells(elements: Elements) -> Iterator[tuple[dict[str, tuple[str, dict[str, str | None]]], str]]:
    """The rows of the cells by heading, with the facets that filters find them by, and the records behind them."""
    heading, *rows = elements.rows["cells"]
    names = [text.strip() for text, _ in heading]
    facets = [str(given["data-name"]) for tag, given in elements.elements if tag == "label" and "data-name" in given]
    for row, held, spelled in zip(rows, elements.facets, elements.sources["cells"], strict=True):
        by_facet: dict[str, tuple[str, dict[str, str | None]]] = {
            name: (value, {}) for name, value in zip(facets, held, strict=True)
        }
        yield by_facet | dict(zip(names, row, strict=True)), spelled


def final_records(made: Made) -> dict[str, Record]:
    return {record.record_id: record for record in made.records if record.final}


@pytest.mark.long
def test_page_of_several_hosts_says_on_how_many_and_which_differ(tmp_path: Path) -> None:
    odd = [*(Host(name) for name in "abc"), Host("d", slow=2.0, odd={("fusion", "on"): 1.08})]
    text = write_page(Findings(tidied(over_hosts(odd))), (), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Results of 4 hosts: an effect is measured within each of them" in text
    heading, *rows = Elements(text).rows["hosts"]
    at = [name.strip() for name, _ in heading]
    cells = [[text.strip() for text, _ in row] for row in rows]
    told = {(row[0], row[at.index("knob")]) for row in cells if row[at.index("hosts that disagree")]}
    assert {row[at.index("hosts")] for row in cells} == {"4"}
    assert ("encoder", "fusion: off \N{RIGHTWARDS ARROW} on") in told
    assert {row[at.index("hosts that disagree")] for row in cells} == {"", host_id("d")[:6]}


def test_page_of_one_host_has_no_table_of_hosts(elements: Elements) -> None:
    assert "hosts" not in elements.rows


@pytest.mark.slow
def test_page_in_other_process_has_same_bytes(made: Made, tmp_path: Path) -> None:
    here = write_page(Findings(tidy([made.results])), (), tmp_path / "here.html", records=[made.results])
    code = (
        "import sys; from pathlib import Path; from ablatrix.page.write import write_page; "
        "from ablatrix.analysis.findings import Findings; from ablatrix.analysis.table.trials_table import tidy; "
        "path = Path(sys.argv[1]); write_page(Findings(tidy([path])), (), sys.argv[2], records=[path]); "
        "assert not {'torch', 'tvm', 'transformers'} & sys.modules.keys()"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1"}
    there = tmp_path / "there.html"
    subprocess.run([sys.executable, "-c", code, str(made.results), str(there)], check=True, env=environment)
    assert here.read_bytes() == there.read_bytes()


def test_page_loads_nothing_from_elsewhere(made: Made, elements: Elements) -> None:
    for tag, given in elements.elements:
        assert not {"src", "srcset", "data", "action", "poster", "style"} & given.keys(), (tag, given)
        assert str(given.get("href", "#")).startswith("#"), (tag, given)
        assert tag not in ("link", "iframe", "object", "embed", "base", "img")
    style = made.text[made.text.index("<style>") : made.text.index("</style>")]
    assert "url(" not in style and "@import" not in style
    policy = next(str(given["content"]) for tag, given in elements.elements if "http-equiv" in given)
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy.partition("style-src")[0]


def test_page_escapes_texts_of_records(made: Made, elements: Elements) -> None:
    assert HOSTILE not in made.text
    assert html.escape(HOSTILE) in made.text.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")
    assert [given.get("type") for tag, given in elements.elements if tag == "script"] == [
        "application/json",
        "application/json",
        None,
        None,
    ]
    assert not elements.open  # every element is closed where it should be: none was broken into


def test_page_escapes_hostile_names(tmp_path: Path) -> None:
    records = [
        record.model_copy(
            update={
                "study": HOSTILE,
                "workload": record.workload.model_copy(update={"name": f"{HOSTILE}{record.workload.name}"}),
            }
        )
        for record in make_records(blocks=1, modes=["cold"])
    ]
    text = write_page(Findings(tidied(records)), (), tmp_path / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert not Elements(text).open


def test_page_cell_medians_are_recomputed_from_named_records(made: Made, elements: Elements) -> None:
    ids, records = ids_of(made.text), final_records(made)
    assert sorted(ids) == sorted(records)
    names = {"p50": "run_ms_p50", "p95": "run_ms_p95", "cold": "compile_first_run_ms", "peak": "peak_rss_delta_bytes"}
    seen = dict.fromkeys(names, 0)
    for row, spelled in cells(elements):
        for _, given in row.values():
            statistic = given.get("data-k") or ""
            if statistic in names:
                rows = [records[name] for name in behind(ids, spelled, statistic)]
                assert all(record.status == "ok" for record in rows)
                assert {record.workload.name for record in rows} == {row["workload"][0]}
                values = [getattr(record.runtime, names[statistic]) for record in rows]
                assert float(str(given["data-v"])) == pytest.approx(median(values), rel=1e-12)
                seen[statistic] += 1
    # 2 workloads x 18 rows x 2 modes; one hot cell of the encoder has no ok trial
    assert seen == {"p50": 35, "p95": 35, "cold": 36, "peak": 71}


def ratio_records(made: Made, elements: Elements, mode: str) -> list[Record]:
    """The records behind the ratio of the encoder with fusion alone."""
    ids, records = ids_of(made.text), final_records(made)
    row, spelled = next(
        (row, spelled)
        for row, spelled in cells(elements)
        if [row[name][0] for name in ("workload", "role", "mode", "partition", "fusion", "memory_plan", "reuse")]
        == ["encoder", "measured", mode, "whole", "on", "off", "keep"]
    )
    assert float(str(row["ratio to baseline"][1]["data-v"])) == pytest.approx(
        {"hot": 0.6, "cold": 0.85}[mode], rel=0.05
    )
    return [records[name] for name in behind(ids, spelled, "ratio")]


def test_page_cold_ratio_names_its_records_and_those_of_baseline(made: Made, elements: Elements) -> None:
    found = ratio_records(made, elements, "cold")
    assert {(record.config.knobs["fusion"], record.role, record.mode) for record in found} == {
        ("on", "measured", "cold"),
        ("off", "measured", "cold"),
    }
    assert len(found) == 6
    assert all(record.config.knobs == {**BASELINE, "fusion": record.config.knobs["fusion"]} for record in found)


def test_page_hot_ratio_names_whole_blocks_of_its_times(made: Made, elements: Elements) -> None:
    found = {record.record_id for record in ratio_records(made, elements, "hot")}
    assert found == {
        record.record_id
        for record in final_records(made).values()
        if (record.workload.name, record.mode, record.status) == ("encoder", "hot", "ok")
    }


@pytest.mark.parametrize(
    ("metric", "mode", "roles", "control_roles"),
    [
        ("compile_first_run_ms", "cold", {"measured"}, {"measured", "twin"}),
        ("run_ms_paired", "hot", {"measured", "twin", "reference"}, {"measured", "twin", "reference"}),
    ],
)
def test_page_effects_name_their_trials(
    made: Made, elements: Elements, metric: str, mode: str, roles: set[str], control_roles: set[str]
) -> None:
    ids, records = ids_of(made.text), final_records(made)
    heading, *rows = elements.rows[f"effects-{metric}"]
    place = [text.strip() for text, _ in heading].index("knob")
    for row, spelled in zip(rows, elements.sources[f"effects-{metric}"], strict=True):
        workload, knob = row[0][0], row[place][0].partition(":")[0]
        found = [records[name] for name in behind(ids, spelled, "effect")]
        wanted = [
            record
            for record in records.values()
            if (record.mode, record.status) == (mode, "ok")
            and record.role in roles
            and workload in (record.workload.name, "all workloads")
        ]
        assert {one.record_id for one in found} == {one.record_id for one in wanted}, knob
        if workload != "all workloads":
            control = [records[name] for name in behind(ids, spelled, "control")]
            assert {record.role for record in control} == control_roles


def test_page_marks_no_op_everywhere(made: Made, elements: Elements) -> None:
    glance = [[text for text, _ in row] for row in elements.rows["glance"]]
    place = next(i for i, text in enumerate(glance[0]) if text.strip().startswith("memory_plan"))
    assert all(row[place].endswith("no-op") for row in glance[1:])
    table = [[text for text, _ in row] for row in elements.rows["effects-run_ms_paired"]]
    marked = [row for row in table if "no-op: the same program in all" in " ".join(row)]
    knob = [text.strip() for text in table[0]].index("knob")
    assert {row[knob].partition(":")[0] for row in marked} == {"memory_plan"}
    assert '"no_op":true' in made.text


def test_page_failures_have_message_traceback_output_and_location(made: Made) -> None:
    part = made.text[made.text.index('<section id="failures"') : made.text.index('<section id="environment"')]
    text = html.unescape(part)
    assert f"Traceback: {HOSTILE}" in text and "last words" in text
    assert "planted: wrong_output" in text
    assert "encoder on tvm, hot, all with partition=whole, reuse=keep, memory_plan=on, fusion=on (3)" in text
    assert "attention on tvm, cold" in text


def test_page_failed_trials_have_no_number(elements: Elements) -> None:
    row, spelled = next(
        (row, spelled)
        for row, spelled in cells(elements)
        if (row["workload"][0], row["mode"][0]) == ("encoder", "hot")
        and all(row[knob][0] == level for knob, level in WRONG.items())
    )
    assert row["outcome"][0] == "3 wrong output"
    assert {row[name][0] for name in ("p50 (ms)", "p95 (ms)", "ratio to baseline", "planned")} == {"\N{EN DASH}"}
    assert not {"p50", "p95", "ratio"} & set(re.split("[+:;]", spelled))


def test_page_reports_claims_outcomes_and_exclusions(made: Made, elements: Elements) -> None:
    assert "1 of 2 hold" in made.text
    states = [row[0][0] for row in elements.rows["claims"][1:]]
    assert states == ["holds", "fails"]
    records = final_records(made)
    rows = [records[name] for name in behind(ids_of(made.text), elements.sources["claims"][0], "claim")]
    assert {(row.workload.name, row.mode, row.role) for row in rows} == {("encoder", "cold", "measured")}
    assert len(rows) == 48
    assert behind(ids_of(made.text), elements.sources["claims"][0], "rests") == {row.record_id for row in rows}
    assert [row[0][0] for row in elements.rows["exclusions"][1:]] == ["attempt that a later one replaced"]
    total = len(final_records(made))
    assert f"{total - 4} of {total} ok" in made.text


def test_page_explains_every_statistic_in_its_rows(elements: Elements) -> None:
    spelled = [str(given["data-from"]) for _, given in elements.elements if given.get("data-from")]
    named = {name for one in spelled for part in one.split(";") for name in part.partition(":")[0].split("+")}
    assert named <= STATISTICS.keys()
    assert {"p50", "ratio", "effect", "share", "control", "failure", "claim", "rests", "interaction"} <= named


def test_page_of_records_with_two_origins_is_refused_unless_requested(tmp_path: Path) -> None:
    records = [*make_records(blocks=1), *make_records(blocks=1, host="bench-2", seed=8)]
    findings = Findings(tidied(records))
    with pytest.raises(AnalysisError, match="host: bench-1, bench-2"):
        write_page(findings, (), tmp_path / "report.html")
    text = write_page(findings, (), tmp_path / "report.html", allow_mixed=True).read_text(encoding="utf-8")
    assert "come from more than one origin" in text
    heading, *rows = Elements(text).rows["cells"]
    place = [name.strip() for name, _ in heading].index("host")
    assert {row[place][0] for row in rows} == {"bench-1", "bench-2"}


@pytest.mark.slow
def test_page_command_writes_page_and_refuses_non_results(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report.html"
    done = CliRunner().invoke(app, ["page", str(made.results), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == made.page.read_bytes()  # the claims beside the records are found
    gone = CliRunner().invoke(app, ["page", str(tmp_path / "nowhere")])
    assert "there is no such file" in str(gone.exception)


def test_control_of_another_configuration_is_called_that(tmp_path: Path) -> None:
    """No run writes such a record; one of a bundle that somebody changed may be."""
    records = make_records(workloads=["attention"], blocks=2, modes=["hot"])
    place = next(number for number, one in enumerate(records) if one.role == "twin")
    twin = records[place]
    config = twin.config.model_copy(update={"knobs": {**twin.config.knobs, "fusion": "on"}})
    records[place] = twin.model_copy(update={"config": config})
    page = write_page(Findings(tidied(records)), (), tmp_path / "page.html")
    assert "another configuration again (A/A control)" in page.read_text(encoding="utf-8")
