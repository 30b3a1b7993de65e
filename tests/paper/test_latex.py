"""What the paper writes for LaTeX compiles as it is, with a real TeX: no error, and no box that is too full."""

import functools
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from pypdf import PdfReader

from ablatrix.analysis.findings import Findings
from ablatrix.paper.make import make_paper
from ablatrix.paper.tables.latex import latex_tables
from ablatrix.paper.tables.printed import PrintedTable
from ablatrix.records.model import Record
from tests.conftest import SAVE_PAGES, save_no_images
from tests.synthetic import PRIMARY, Plant, make_records, tidied

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="no pdflatex on the path; apt-get install texlive-latex-recommended texlive-fonts-recommended",
)
ALL_ON = {"partition": "whole", "reuse": "keep", "memory_plan": "on", "fusion": "on"}
WORKLOADS = ("attention", "encoder", "resnet")
LONG = "a_workload_with_a_name_of_forty_letters_"


def has_package(name: str) -> bool:
    """Whether TeX has a style or class."""
    tool = shutil.which("kpsewhich")
    return tool is not None and subprocess.run([tool, name], capture_output=True, check=False).returncode == 0


def with_failures() -> list[Record]:
    plants = [
        *(Plant("wrong_output", "encoder", mode, ALL_ON) for mode in ("cold", "hot")),
        Plant("crashed", "attention", "cold", {"fusion": "on", "partition": "regions"}),
        Plant("compile_error", "attention", "hot", {"fusion": "on"}, block=1),
    ]
    return make_records(workloads=WORKLOADS, plants=plants)


def long_names() -> list[Record]:
    """One workload of a name of 40 letters, and knobs of long names with long levels."""

    def long(levels: dict[str, object]) -> dict[str, object]:
        return {f"{knob}_of_a_rather_long_name": f"{level}_is_a_long_level" for knob, level in levels.items()}

    found = []
    for record in make_records(workloads=["encoder"]):
        config = record.config
        if record.role != "reference":
            config = config.model_copy(
                update={
                    "knobs": long(dict(config.knobs)),
                    "baseline": long(dict(config.baseline)),
                    "primary_knobs": None,
                }
            )
        workload = record.workload.model_copy(update={"name": LONG})
        found.append(record.model_copy(update={"config": config, "workload": workload}))
    return found


def twelve_knobs() -> list[Record]:
    """Twelve knobs, each varied alone, on one workload."""
    names = [f"knob_number_{index}" for index in range(8)]
    found: list[Record] = []
    records = make_records(workloads=["encoder"], blocks=3)
    plain = {knob: levels[0] for knob, levels in PRIMARY.items()}
    bases = [
        one for one in records if one.role == "measured" and all(one.config.knobs[k] == v for k, v in plain.items())
    ]
    for record in records:
        if record.role == "reference":
            found.append(record)
            continue
        moved = [knob for knob in plain if record.config.knobs[knob] != plain[knob]]
        if len(moved) < 2:
            found.append(_with_knobs(record, dict.fromkeys(names, "off"), names))
    for record in bases:
        found += [_with_knobs(record, {**dict.fromkeys(names, "off"), name: "on"}, names, name) for name in names]
    return found


def _with_knobs(record: Record, levels: dict[str, str], names: Iterable[str], mark: str = "") -> Record:
    config = record.config
    off = dict.fromkeys(names, "off")
    update = {
        "knobs": {**config.knobs, **levels},
        "baseline": {**(config.baseline or {}), **off},
        "primary_knobs": None,
    }
    ids = {
        name: f"{getattr(record, name)[:-1]}{mark[-1:] or getattr(record, name)[-1]}"
        for name in ("record_id", "trial_id", "cell_id")
    }
    if mark:
        ids = {name: f"{mark[-1]}{random.Random(value + mark).getrandbits(60):015x}" for name, value in ids.items()}
    return record.model_copy(update={"config": config.model_copy(update=update), **ids})


SHAPES: dict[str, Callable[[], list[Record]]] = {
    "failures": with_failures,
    "long names": long_names,
    "twelve knobs": twelve_knobs,
    "cold alone": lambda: make_records(workloads=["attention"], modes=["cold"]),
}


def save_blank(pages: Sequence[Figure], stem: Path) -> list[Path]:
    """Save figures as empty pages of their sizes: all of them that LaTeX can tell."""
    files = save_no_images(pages, stem)
    with PdfPages(files[0]) as book:
        for page in pages:
            width, height = page.get_size_inches()
            Figure(figsize=(width, height)).savefig(book, format="pdf")
    return files


def write_paper(shape: str, directory: Path, language: str = "en") -> Path:
    """Write a paper, with pictures in that of failures alone."""
    with pytest.MonkeyPatch.context() as patch:
        if shape != "failures" or language != "en":
            patch.setattr(SAVE_PAGES, save_blank)
        make_paper(Findings(tidied(SHAPES[shape]())), None, directory, language=language)
    return directory


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def of(shape: str) -> Path:
        if shape not in made:
            made[shape] = write_paper(shape, tmp_path_factory.mktemp("latex") / "paper")
        return made[shape]

    return of


@functools.cache
def compiled(directory: Path, name: str, engine: str = "pdflatex") -> tuple[str, str]:
    """Run LaTeX twice in a directory, once for all tests, and return the log and the text of the PDF."""
    for _ in range(2):  # the second run knows the labels
        command = [engine, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    text = "\n".join(page.extract_text() for page in PdfReader(directory / f"{name}.pdf").pages)
    return (directory / f"{name}.log").read_text(encoding="utf-8", errors="replace"), text


def faults(log: str) -> list[str]:
    """Return what a log complains about: errors, boxes that are too full, floats too large, unknown labels."""
    return re.findall(r"^(?:! .*|Overfull .*|.*Float too large.*|.*undefined.*)$", log, re.MULTILINE)


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_document_compiles_as_it_is_without_overfull_box(papers: Callable[[str], Path], shape: str) -> None:
    directory = papers(shape)
    log, text = compiled(directory, "paper")
    assert faults(log) == []
    assert "Table 1:" in text
    for file in sorted((directory / "tables").glob("*.tex")):
        assert rf"\input{{tables/{file.stem}}}" in (directory / "paper.tex").read_text(encoding="utf-8")


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize("options", ["onecolumn", "twocolumn"])
def test_article_that_inputs_parts_from_outside_finds_their_figures(
    papers: Callable[[str], Path], options: str
) -> None:
    paper = papers("failures")
    parts = [path.relative_to(paper.parent).with_suffix("") for path in sorted(paper.glob("*/*.tex"))]
    lines = [rf"\documentclass[{options}]{{article}}", r"\usepackage{booktabs,graphicx}", r"\sloppy"]
    lines += [r"\begin{document}", *(rf"\input{{{part.as_posix()}}}" for part in parts), r"\end{document}"]
    (paper.parent / f"mine-{options}.tex").write_text("\n".join(lines), encoding="utf-8")
    log, text = compiled(paper.parent, f"mine-{options}")
    assert faults(log) == []
    for word in ("crashed", "compile error", "not distinguishable", "whole → regions", "continued"):
        assert word in text


@needs_latex
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="no latexmk on the path; apt-get install latexmk")
def test_recipe_makes_paper_with_latexmk_alone(papers: Callable[[str], Path], tmp_path: Path) -> None:
    directory = Path(shutil.copytree(papers("failures"), tmp_path / "paper"))
    done = subprocess.run(["latexmk", "-interaction=nonstopmode"], cwd=directory, capture_output=True, check=False)
    assert done.returncode == 0
    assert (directory / "paper.pdf").exists()


@needs_latex
@pytest.mark.skipif(not has_package("acmart.cls"), reason="TeX has no acmart.cls; apt-get install texlive-publishers")
def test_document_compiles_in_class_of_acm(papers: Callable[[str], Path], tmp_path: Path) -> None:
    directory = Path(shutil.copytree(papers("failures"), tmp_path / "paper"))
    text = (directory / "paper.tex").read_text(encoding="utf-8")
    (directory / "acm.tex").write_text("\\def\\venue{acm}\n" + text, encoding="utf-8")
    assert faults(compiled(directory, "acm")[0]) == []


@pytest.mark.skipif(shutil.which("xelatex") is None, reason="no xelatex on the path; apt-get install texlive-xetex")
@pytest.mark.skipif(not has_package("ctexart.cls"), reason="TeX has no ctex; apt-get install texlive-lang-chinese")
def test_chinese_document_compiles_with_xelatex(tmp_path: Path) -> None:
    log, _ = compiled(write_paper("failures", tmp_path / "paper", "zh"), "paper", "xelatex")
    assert faults(log) == []
    assert "Missing character" not in log


def test_document_in_chinese_names_class_engine_and_chinese_sections(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("version: 1\ntext: [fairness]\n", encoding="utf-8")
    make_paper(Findings(tidied(make_records(workloads=["attention"], blocks=1))), template, tmp_path, language="zh")
    text = (tmp_path / "paper.tex").read_text(encoding="utf-8")
    assert "{ctexart}" in text
    assert r"\section{测量方法}" in text
    assert "$pdf_mode = 5;" in (tmp_path / "latexmkrc").read_text(encoding="utf-8")


@needs_latex
@pytest.mark.slow
def test_long_table_in_latex_prints_all_rows(papers: Callable[[str], Path]) -> None:
    directory = papers("failures")
    text = compiled(directory, "paper")[1]
    rows = (directory / "tables" / "table8.csv").read_text(encoding="utf-8").splitlines()
    at = rows[0].split(",").index("p95 (ms)") - len(rows[0].split(","))
    assert len(rows) == 1 + 17 * len(WORKLOADS)
    assert at < 0
    assert text.count("partition=regions, reuse=release") >= len(WORKLOADS)


def test_table_of_many_columns_is_split_with_names_in_each_part() -> None:
    columns = 30
    table = PrintedTable(
        number=3,
        title="Wide",
        caption="Wide.",
        heading_cells=("workload", *(f"c{index}" for index in range(columns))),
        is_number=(False, *[True] * columns),
        cells=(("encoder", *(f"{index}.25" for index in range(columns))),),
    )
    text = latex_tables([table])
    floats = text.count(r"\begin{table*}")
    assert floats > 1
    assert text.count("encoder &") == floats
    for index in range(columns):
        assert len(re.findall(rf"(?<![\d.]){index}\.25", text)) == 1


def test_narrow_table_is_one_column_wide() -> None:
    table = PrintedTable(
        number=3, title="Few", caption="Few.", heading_cells=("a", "b"), is_number=(False, True), cells=(("x", "1.5"),)
    )
    assert r"\begin{table}[tp]" in latex_tables([table])


def test_records_of_twelve_knobs_are_twelve_knobs() -> None:
    found = Findings(tidied(twelve_knobs()))
    (one,) = found.ablations("run_ms_paired", "hot")
    assert len(one.moves) == 12


RARE = "\u4e2d\u6587 \U0001f600 \u0416 e\u0301 \u0178 \u00f0 \u00ab\u00bb \u200d \x07\x1b \u2603 na\u00efve"


def with_rare_names() -> list[Record]:
    found = []
    for record in make_records(workloads=["attention"], blocks=2):
        workload = record.workload.model_copy(update={"name": f"attention {RARE}"})
        machine = record.meta.machine.model_copy(update={"cpu": f"CPU {RARE}", "host": "h"})
        meta = record.meta.model_copy(update={"machine": machine})
        found.append(record.model_copy(update={"workload": workload, "meta": meta, "study": f"study {RARE}"}))
    return found


@needs_latex
@pytest.mark.slow
def test_names_of_any_characters_compile_with_pdflatex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SAVE_PAGES, save_blank)
    make_paper(Findings(tidied(with_rare_names())), None, tmp_path / "paper")
    log, text = compiled(tmp_path / "paper", "paper")
    assert re.findall(r"^! .*", log, re.MULTILINE) == []
    assert "[U+1F600]" in text and "[U+4E2D]" in text
    assert "\x1b" not in (tmp_path / "paper" / "paper.tex").read_text(encoding="utf-8")
