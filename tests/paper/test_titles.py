"""Tables and figures call a thing as the text does, and their data files by its name."""

import csv
import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import size_texts
from ablatrix.canonical import content_id, digest_value
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.figures.write import draw_figure, write_figure
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.make import make_paper
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.tables.cells import NOTHING
from ablatrix.paper.tables.latex import latex_tables
from ablatrix.paper.tables.printed import PrintedTable, markdown_table
from ablatrix.paper.tables.sources import TableSources
from ablatrix.paper.tables.write import build_parts, write_table
from ablatrix.paper.template.figures import FigureSpec
from ablatrix.paper.template.load import load_template
from ablatrix.plotting.labels import Labels
from ablatrix.records.model import Record
from ablatrix.records.titles import Titles, with_sizes
from tests.synthetic import BASELINE, Plant, make_records, tidied

TITLES = Titles(
    workloads={"encoder": {"en": "BERT", "zh": "BERT"}, "attention": {"en": "self-attention", "zh": "自注意力"}},
    compilers={"tvm": {"en": "Apache TVM"}, "eager": {"en": "eager PyTorch", "zh": "PyTorch eager 模式"}},
    knobs={"fusion": {"en": "operator fusion", "zh": "算子融合"}, "reuse": {"en": "buffer reuse", "zh": "缓冲区复用"}},
    headings={
        "partition": {"en": "cut", "zh": "划分"},
        "reuse": {"en": "share", "zh": "复用"},
        "memory_plan": {"en": "memory plan", "zh": "内存规划"},
        "fusion": {"en": "fuse", "zh": "融合"},
    },
    levels={
        "partition": {"whole": {"en": "one piece", "zh": "整个程序"}, "regions": {"en": "per block", "zh": "逐块"}},
        "reuse": {"keep": {"en": "no", "zh": "关"}, "release": {"en": "yes", "zh": "开"}},
        "memory_plan": {"off": {"en": "off", "zh": "关"}, "on": {"en": "on", "zh": "开"}},
        "fusion": {"off": {"en": "off", "zh": "关"}, "on": {"en": "on", "zh": "开"}},
    },
)
NAMES = ("encoder", "tvm", "regions", "release", "memory_plan")
"""Names that have another title, and that no other title holds."""
TABLES = {one.number: one for one in load_template().tables}
AXES = 9  # of a study whose workloads have axes; of others it has no rows

FIGURES: dict[str, FigureSpec] = {one.kind: one for one in load_template().figures}


def titled(records: Sequence[Record]) -> Findings:
    return Findings(replace(tidied(records), titles=TITLES))


def tables(found: Findings, number: int, language: str = "en") -> list[PrintedTable]:
    return build_parts(sources_of(found, language), TABLES[number])


def sources_of(found: Findings, language: str) -> TableSources:
    ledger = Ledger(paper_rows(found))
    return TableSources(found, Estimates(found, ledger), Labels(language, found.titles))


def words_of(table: PrintedTable) -> Iterator[str]:
    yield from (*table.full_headings, table.part, *table.notes)
    for row in table.rows:
        yield from row


def failing() -> list[Record]:
    plants = [
        Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep"}, block=1),
        Plant("unsupported", "encoder", "cold", {"memory_plan": "on", "fusion": "on"}),
        Plant("crashed", "attention", "hot", {**BASELINE, "fusion": "on"}),
    ]
    return make_records(
        workloads=["encoder", "attention"], blocks=3, plants=plants, built_as=lambda one: {**one, "reuse": "keep"}
    )


@functools.cache
def titled_failing() -> Findings:
    return titled(failing())


@functools.cache
def titled_plain() -> Findings:
    return titled(make_records(workloads=["encoder", "attention"], blocks=2))


@pytest.mark.parametrize("number", sorted(set(TABLES) - {AXES}))
def test_table_shows_titles_and_its_csv_names(tmp_path: Path, number: int) -> None:
    found = titled_failing()
    (table,) = tables(found, number)
    shown = " ".join(words_of(table) if number != 4 else itertools.chain(*table.rows, table.headings))
    if number != 5:  # the table of the set-up says which name is called what
        assert [name for name in NAMES if re.search(rf"(?<![\w-]){name}(?!\w)", shown)] == []
    assert "BERT" in shown
    for text in (markdown_table(table), latex_tables([table])):
        assert "BERT" in text
    write_table(sources_of(found, "en"), TABLES[number], tmp_path)
    with (tmp_path / f"table{number}.csv").open(encoding="utf-8", newline="") as file:
        data = " ".join(cell for row in csv.reader(file) for cell in row)
    assert "encoder" in data
    assert "BERT" not in data
    assert "BERT" in (tmp_path / f"table{number}.html").read_text(encoding="utf-8")


def test_configuration_and_change_are_said_with_titles() -> None:
    found = titled(make_records(workloads=["encoder"], blocks=2))
    (full,), (effects,) = tables(found, 8), tables(found, 4)
    at = full.headings.index("configuration")
    assert [row[at] for row in full.rows[:3]] == ["baseline", "cut=per block", "share=yes"]
    assert full.data_rows[1][at] == "partition=regions"
    at = effects.headings.index("change")
    assert [row[at] for row in effects.rows[:5]] == [
        "cut: one piece → per block", "share: no → yes", "memory plan: off → on", "fuse: off → on",
        "cut \N{MULTIPLICATION SIGN} share",
    ]  # fmt: skip
    assert effects.data_rows[1][at] == "reuse: keep → release"


def test_setup_table_maps_titles_to_names() -> None:
    (table,) = tables(titled(make_records(workloads=["encoder"])), 5)
    facts = {row[0]: row[1] for row in table.rows}
    assert facts["Baseline on Apache TVM"] == "cut=one piece, share=no, memory plan=off, fuse=off"
    assert facts["Knob share"] == (
        "buffer reuse (reuse): lets tasks use the storage of tensors that are no longer needed; "
        "levels: no (keep), yes (release)"
    )
    data = {row[0]: row[1] for row in table.data_rows}
    assert data["Baseline on tvm"] == "partition=whole, reuse=keep, memory_plan=off, fusion=off"


def test_titles_without_headings_leave_knobs_their_names() -> None:
    labels = Labels("en", Titles(knobs={"fusion": {"en": "operator fusion"}}))
    assert (labels.knob("fusion"), labels.move("fusion", "on")) == ("fusion", "fusion=on")


def texts_of(figure: Figure) -> list[str]:
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    return [one.get_text() for one in (*figure.findobj(Text), *legends) if isinstance(one, Text)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(kind for kind, one in FIGURES.items() if not one.optional))
def test_figure_shows_titles_and_its_csv_names(tmp_path: Path, kind: str) -> None:
    found = titled_plain()
    (page,) = draw_figure(found, FIGURES[kind])
    shown = " ".join(texts_of(page))
    assert [name for name in NAMES if re.search(rf"(?<![\w-]){name}(?!\w)", shown)] == []
    assert "BERT" in shown
    write_figure(found, FIGURES[kind], tmp_path)
    data = next(tmp_path.glob("*.csv")).read_text(encoding="utf-8")
    assert "encoder" in data
    assert "BERT" not in data


ALLOWED = re.compile(
    r"\b(?:BERT|Apache|TVM|PyTorch|Python|LLVM|eager|CPU|GPU|Linux|GiB|MiB|SMT|Synthetic|float\d+|ms|p50|p95|ratio|x|e|ok|"
    r"A/A|RMS|primary|[a-z_]+=\S+)\b|\d\S*"
)
"""Names and units that a Chinese paper prints as they are; ``primary`` is the name of the study's stage."""
SHAPES: dict[str, Callable[[], list[Record]]] = {
    "failures": failing,
    "one block": lambda: make_records(workloads=["encoder", "attention"], blocks=1),
    "cold alone": lambda: make_records(workloads=["encoder"], modes=["cold"]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_of_chinese_paper_have_no_english_word(shape: str) -> None:
    found = titled(SHAPES[shape]())
    for number in (2, 3, 4, 6, 7, 8):
        for table in tables(found, number, "zh"):
            for text in words_of(table):
                rest = re.findall(r"[A-Za-z_]{2,}", ALLOWED.sub(" ", text))
                assert rest == [], (number, text)


def test_csv_is_the_same_in_both_languages(tmp_path: Path) -> None:
    found = titled_failing()
    for language in ("en", "zh"):
        for spec in TABLES.values():
            write_table(sources_of(found, language), spec, tmp_path / language)
    for number in TABLES:
        english, chinese = (tmp_path / language / f"table{number}.csv" for language in ("en", "zh"))
        assert english.read_bytes() == chinese.read_bytes(), number


def test_verdicts_in_chinese_are_those_of_english_paper() -> None:
    found = titled_failing()
    (english,), (chinese,) = tables(found, 4), tables(found, 4, "zh")
    at = english.headings.index("hot verdict")
    pairs = {
        (one[at].partition(" (")[0], other[at].partition(" (")[0])
        for one, other in zip(english.rows, chinese.rows, strict=True)
    }
    known = {
        ("faster", "更快"), ("slower", "更慢"), ("no effect", "无影响"), ("not distinguishable", "无法区分"),
        ("no-op", "无作用"), ("not attributable", "无法归因"), (NOTHING, NOTHING),
    }  # fmt: skip
    assert pairs <= known
    assert ("no-op", "无作用") in pairs
    assert any("崩溃" in note or "输出错误" in note for note in chinese.notes)


def sizes() -> list[Record]:
    """The encoder in two sizes, in one study."""
    small = make_records(workloads=["encoder"])

    def wide(record: Record) -> Record:
        facts = record.workload.model_copy(
            update={"parameters": {**record.workload.parameters, "width": 128}, "digest": digest_value("wide")}
        )
        names = ("record_id", "trial_id", "cell_id", "block_id")
        ids = {name: content_id([getattr(record, name), "wide"]) for name in names}
        return record.model_copy(update={"workload": facts, "study_digest": small[0].study_digest, **ids})

    return [*small, *map(wide, make_records(workloads=["encoder"], seed=8))]


@pytest.mark.usefixtures("no_images")
def test_sizes_of_workload_are_told_apart_alike_in_text_and_tables(tmp_path: Path) -> None:
    found = titled(sizes())
    assert set(size_texts(found.trials).values()) == {"width=64", "width=128"}
    for number in (2, 6, 7):
        (table,) = tables(found, number)
        assert {row[0] for row in table.rows} - {"geomean"} == {"BERT (width=64)", "BERT (width=128)"}
    make_paper(found, None, tmp_path)
    text = (tmp_path / "text" / "setup.md").read_text(encoding="utf-8")
    assert "BERT (width=64)" in text
    assert "BERT (width=128)" in text


def test_titles_of_sizes_are_made_of_titles() -> None:
    titles = with_sizes(
        Titles(workloads={"net": {"en": "Net", "zh": "网"}}), [("net", "depth=2"), ("other", "depth=3")]
    )
    assert titles.workload("net (depth=2)") == "Net (depth=2)"
    assert titles.workload("net (depth=2)", "zh") == "网 (depth=2)"
    assert titles.workload("other (depth=3)") == "other (depth=3)"
