"""The main table, and those of set-up, memory and phases: a row a workload, every number found again from its rows."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.make import make_paper
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.latex import latex_tables
from ablatrix.paper.tables.printed import PrintedTable, markdown_table
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.write import build_parts
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.words import words_in
from ablatrix.plotting.labels import LABELS, Labels
from ablatrix.records.model import Record
from tests.paper import recompute
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied, write_records

BASE = {knob: levels[0] for knob, levels in PRIMARY.items()}
TABLES_ALONE = """version: 1
tables:
  - {number: 2, kind: ablation, title: t, caption: c}
  - {number: 5, kind: setup, title: t, caption: c, knobs: {fusion: {en: joins operators, zh: 合并算子}}}
  - {number: 6, kind: memory, title: t, caption: c}
  - {number: 7, kind: phases, title: t, caption: c}
"""


def parts(records: list[Record], number: int, language: str = "en") -> list[PrintedTable]:
    findings = Findings(tidied(records))
    sources = TableSources(findings, Estimates(findings, Ledger(paper_rows(findings))), Labels(language))
    spec = next(table for table in load_template(None).tables if table.number == number)
    return build_parts(sources, spec)


def rows(table: PrintedTable) -> dict[str, dict[str, str]]:
    return {row[0]: dict(zip(table.full_headings, row, strict=True)) for row in table.marked_rows}


def renamed(records: list[Record], compiler: str, knob: str | None = None) -> list[Record]:
    """The records of another compiler, whose knob may have a name of its own."""
    found = []
    for record in records:
        config = record.config
        if record.role != "reference":
            levels = {name: dict(value) for name, value in (("knobs", config.knobs), ("baseline", config.baseline))}
            if knob is not None:
                levels = {
                    name: {knob if k == "fusion" else k: v for k, v in held.items()} for name, held in levels.items()
                }
            config = config.model_copy(update={"compiler": compiler, "primary_knobs": None, **levels})
        ids = {
            name: f"{compiler[:1]}{getattr(record, name)[1:]}"
            for name in ("record_id", "trial_id", "block_id", "cell_id")
        }
        found.append(record.model_copy(update={"config": config, **ids}))
    return found


def test_main_table_has_row_per_workload_and_mean_last() -> None:
    (table,) = parts(make_records(noise=0.0), 2)
    assert table.headings == (
        "workload", "baseline (ms)", *PRIMARY, "all on", *PRIMARY, "all on over eager", "eager (ms)",
    )  # fmt: skip
    assert table.groups == ("", "", *["each alone"] * 4, "", *["all but"] * 4, "", "")
    found = rows(table)
    assert list(found) == ["attention", "encoder", "geomean"]
    whole = 1 / math.prod(HOT_EFFECT.values())
    assert found["encoder"]["baseline (ms)"] == "31.0"
    assert found["encoder"]["each alone fusion"] == f"{1 / HOT_EFFECT['fusion']:.2f}"
    assert found["encoder"]["all on"] == found["geomean"]["all on"] == f"{whole:.2f}"
    assert found["encoder"]["all but fusion"] == f"{whole * HOT_EFFECT['fusion']:.2f}"
    assert found["encoder"]["all on over eager"] == f"{whole * 24 / 31:.2f}"
    assert (found["encoder"]["eager (ms)"], found["geomean"]["eager (ms)"]) == ("24.0", NOTHING)
    assert table.footer == 1


def test_main_table_sets_largest_speed_up_over_baseline_in_bold() -> None:
    (table,) = parts(make_records(noise=0.0), 2)
    best = {(row, table.full_headings[column]) for row, column in table.best}
    assert best == {(row, "all but partition") for row in range(3)}  # partition costs time
    assert "**" in markdown_table(table)
    assert r"\textbf{" in latex_tables([table]).split("midrule", 1)[1]


def test_main_table_footnotes_what_failed_and_marks_no_ops() -> None:
    plants = [Plant("crashed", "encoder", "hot", {**BASE, "fusion": "on"})]
    records = make_records(plants=plants, built_as=lambda levels: {**levels, "reuse": "keep"})
    (table,) = parts(records, 2)
    found = rows(table)
    assert found["encoder"]["each alone fusion"] == f"{NOTHING} (a)"
    assert found["attention"]["each alone reuse"] == found["geomean"]["each alone reuse"] == "="
    assert found["geomean"]["each alone fusion"].endswith("(b)")
    notes = " ".join(table.notes)
    assert "a: " in notes
    assert "crashed" in notes
    assert "b: mean over 1 of 2 workloads." in notes
    assert "the same program as the baseline" in notes
    assert r"\textsuperscript{a}" in latex_tables([table])


def test_main_table_has_part_for_compilers_of_other_knobs() -> None:
    records = make_records(workloads=["encoder"])
    same = parts([*records, *renamed(records, "other")], 2)
    assert [table.part for table in same] == [""]
    assert [row[:2] for row in same[0].rows] == [("encoder", "other"), ("encoder", "tvm")]
    other = parts([*records, *renamed(records, "other", "mixing")], 2)
    assert [table.part for table in other] == ["on other", "on tvm"]
    text = latex_tables(other)
    assert text.count(r"\caption{") == 1
    assert "continued (on tvm)" in text


def test_main_table_of_cold_study_is_about_cold_times() -> None:
    (table,) = parts(make_records(workloads=["encoder"], modes=["cold"], noise=0.0), 2)
    assert rows(table)["encoder"]["baseline (ms)"] == "5200"


def test_memory_table_has_planned_bytes_of_each_knob_and_peaks() -> None:
    (table,) = parts(make_records(workloads=["encoder"], noise=0.0), 6)
    row = rows(table)["encoder"]
    records = [one for one in make_records(workloads=["encoder"], noise=0.0) if one.role == "measured" and one.compile]
    for name, moved in (("baseline", {}), ("reuse", {"reuse": "release"})):
        levels = {**BASE, **moved}
        (planned,) = {
            one.compile.planned_bytes
            for one in records
            if one.compile and all(one.config.knobs[knob] == level for knob, level in levels.items())
        }
        assert float(row[f"planned (MiB) {name}"]) == pytest.approx((planned or 0) / 2**20, rel=5e-3)
    assert {"peak growth (MiB) baseline", "peak growth (MiB) all on", "peak growth (MiB) eager"} <= row.keys()


def test_phases_table_has_medians_of_each_phase() -> None:
    (table,) = parts(make_records(workloads=["encoder"], noise=0.0), 7)
    assert [row[:2] for row in table.rows] == [("encoder", "baseline"), ("encoder", "all on")]
    base = dict(zip(table.headings, table.rows[0], strict=True))
    assert float(base["total (ms)"]) == 5200
    assert float(base["passes, code (ms)"]) == pytest.approx(5200 * 0.6, rel=5e-3)


def test_setup_table_states_machine_versions_baseline_and_knobs() -> None:
    (table,) = parts(make_records(workloads=["encoder"]), 5)
    facts = {row[0]: row[1] for row in table.rows}
    assert facts["Processor"] == "Synthetic CPU 3000, 2 cores"
    assert facts["Baseline on tvm"] == "partition=whole, reuse=keep, memory_plan=off, fusion=off"
    assert facts["Knob fusion"] == "fuses operators into one kernel; levels: off, on"
    assert facts["Repeats"] == "2 cold blocks, 2 hot blocks"
    assert "torch" in facts["Versions"]


def test_setup_table_states_type_and_distance_of_quantised_workload() -> None:
    def typed(record: Record) -> Record:
        assert record.correctness is not None
        facts = record.workload.model_copy(update={"dtype": "bfloat16"})
        checks = record.correctness.model_copy(update={"float_distance": 0.0123})
        return record.model_copy(update={"workload": facts, "correctness": checks})

    (table,) = parts(list(map(typed, make_records(workloads=["encoder"]))), 5)
    facts = {row[0]: row[1] for row in table.rows}
    assert facts["Sizes of encoder"] == (
        "dropout=0.0, width=64, dtype=bfloat16, outputs 1.2 % (RMS) from those before quantisation"
    )


def failing() -> list[Record]:
    plants = [
        Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep"}, block=1),
        Plant("compile_error", "encoder", "cold", {"memory_plan": "on", "fusion": "on"}, block=0),
        Plant("crashed", "attention", "hot", {**BASE, "fusion": "on"}),
    ]
    return make_records(blocks=3, plants=plants)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("shape", ["failures", "cold", "one block", "two compilers"])
def test_numbers_of_tables_are_all_recomputed_from_their_rows(tmp_path: Path, shape: str, language: str) -> None:
    encoder = make_records(workloads=["encoder"])
    shapes: dict[str, Callable[[], list[Record]]] = {
        "failures": failing,
        "cold": lambda: make_records(modes=["cold"]),
        "one block": lambda: make_records(blocks=1),
        "two compilers": lambda: [*encoder, *renamed(encoder, "other", "mixing")],
    }
    records = shapes[shape]()
    path = write_records(tmp_path / "results.jsonl", records)
    template = tmp_path / "template.yaml"
    template.write_text(TABLES_ALONE, encoding="utf-8")
    make_paper(Findings(tidy([path])), template, tmp_path / "paper", language=language)
    numbers = json.loads((tmp_path / "paper" / "provenance.json").read_text(encoding="utf-8"))["numbers"]
    statistics = {one["statistic"] for one in numbers}
    assert {"speed_up", "median"} <= statistics
    assert len(numbers) > 20
    assert recompute.check(recompute.read_records([path]), tmp_path / "paper") == []


def test_numbers_of_main_table_are_printed_as_in_provenance(tmp_path: Path) -> None:
    path = write_records(tmp_path / "results.jsonl", make_records())
    template = tmp_path / "template.yaml"
    template.write_text(TABLES_ALONE, encoding="utf-8")
    make_paper(Findings(tidy([path])), template, tmp_path / "paper")
    held = json.loads((tmp_path / "paper" / "provenance.json").read_text(encoding="utf-8"))["numbers"]
    numbers = {one["key"]: one["text"] for one in held}
    with (tmp_path / "paper" / "tables" / "table2.csv").open(encoding="utf-8", newline="") as file:
        found = {row["workload"]: row for row in csv.DictReader(file)}
    for workload in ("attention", "encoder"):
        key = f"tables/speed_up/{workload}/tvm"
        assert found[workload]["each alone fusion"] == numbers[f"{key}/alone/fusion=on/run_ms_paired/ratio"]
        assert found[workload]["all but reuse"] == numbers[f"{key}/without/reuse/run_ms_paired/ratio"]
        assert found[workload]["all on over eager"] == numbers[f"{key}/all_over_eager/run_ms_paired/ratio"]
        assert found[workload]["baseline (ms)"] == numbers[f"tables/baseline/{workload}/tvm/run_ms_p50"]
    mean = "tables/speed_up/geometric_mean/tvm/all/run_ms_paired/ratio"
    assert found["geomean"]["all on"] == numbers[mean]


def test_tables_in_chinese_have_chinese_words_and_same_numbers() -> None:
    records = make_records()
    for number in (2, 5, 6, 7):
        (english,), (chinese,) = parts(records, number), parts(records, number, "zh")
        assert [row[1:] for row in english.rows if number in (2, 6)] == [
            row[1:] for row in chinese.rows if number in (2, 6)
        ]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in "".join(chinese.headings))
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.caption)
        assert markdown_table(chinese).startswith(f"**表 {number}.**")


def test_labels_have_same_slots_in_both_languages() -> None:
    from string import Formatter

    for name, (english, chinese) in LABELS.items():
        slots = [sorted(slot for _, slot, _, _ in Formatter().parse(text) if slot) for text in (english, chinese)]
        assert slots[0] == slots[1], name


def test_template_titles_captions_and_headings_are_in_both_languages() -> None:
    template = load_template(None)
    for one in (*template.tables, *template.figures):
        for words in (one.title, one.caption):
            assert not isinstance(words, str)
            assert set(words) == {"en", "zh"}
            assert "  " not in words_in(words, "zh")


def test_words_that_yaml_folded_have_no_space_between_chinese_letters() -> None:
    assert words_in({"en": "a b", "zh": "基线 取值\uff0c 附 95% 区间"}, "zh") == "基线取值\uff0c附 95% 区间"
    assert words_in("the same", "zh") == "the same"
    assert words_in({"zh": "中"}, "en") == "中"


def test_full_table_in_chinese_names_baseline_and_ends_title_in_chinese() -> None:
    (table,) = parts(make_records(workloads=["encoder"], blocks=1), 8, "zh")
    assert table.rows[0][table.headings.index("配置")] == "基线"
    assert r"\textbf{全部配置。}" in latex_tables([table])
