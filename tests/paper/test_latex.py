"""Everything that the paper writes for LaTeX compiles in a plain article, with a real TeX, and fits the page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from ablatrix.analysis.findings import Findings
from ablatrix.paper.make import make_paper
from tests.synthetic import Plant, make_records, tidied

pytestmark = pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="no pdflatex on the path; apt-get install texlive-latex-recommended texlive-fonts-recommended",
)
MAX_OVERFULL_PT = 3.0
ALL_ON = {"partition": "whole", "reuse": "keep", "memory_plan": "on", "fusion": "on"}
WORKLOADS = ("attention", "encoder", "resnet")


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plants = [
        *(Plant("wrong_output", "encoder", mode, ALL_ON) for mode in ("cold", "hot")),
        Plant("crashed", "attention", "cold", {"fusion": "on", "partition": "regions"}),
        Plant("compile_error", "attention", "hot", {"fusion": "on"}, block=1),
    ]
    directory = tmp_path_factory.mktemp("latex") / "paper"
    make_paper(Findings(tidied(make_records(workloads=WORKLOADS, plants=plants))), None, directory)
    return directory


def compiled(paper: Path, options: str) -> tuple[str, str]:
    """The log and the text of an article that takes in every file there is."""
    parts = [f"\\input{{{path.relative_to(paper)}}}" for path in sorted(paper.rglob("*.tex")) if path.parent != paper]
    macros = [f"\\input{{{path.name}}}" for path in sorted(paper.glob("macros.tex"))]
    labels = sorted(set(re.findall(r"\\label\{(.*?)\}", "".join(p.read_text("utf-8") for p in paper.rglob("*.tex")))))
    assert {"tab:1", "tab:2", "tab:3", "tab:4", "fig:4"} <= set(labels)
    references = [f"see \\ref{{{label}}}" for label in labels]
    packages = "\\usepackage{booktabs,graphicx}\n\\graphicspath{{figures/}}\n\\sloppy"
    lines = [f"\\documentclass[{options}]{{article}}", packages, *macros, "\\begin{document}", ", ".join(references)]
    name = f"all-{options}"
    (paper / f"{name}.tex").write_text("\n\n".join([*lines, *parts, "\\end{document}\n"]), encoding="utf-8")
    try:
        for _ in range(2):  # the second run knows the labels
            command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
            done = subprocess.run(command, cwd=paper, capture_output=True, text=True, errors="replace", check=False)
            assert done.returncode == 0, done.stdout[-2000:]
    finally:
        (paper / f"{name}.tex").unlink()
    text = "\n".join(page.extract_text() for page in PdfReader(paper / f"{name}.pdf").pages)
    return (paper / f"{name}.log").read_text(encoding="utf-8", errors="replace"), text


@pytest.mark.parametrize("options", ["onecolumn", "twocolumn"])
def test_article_of_all_files_compiles_and_stays_within_page(paper: Path, options: str) -> None:
    log, text = compiled(paper, options)
    assert not re.findall(r"^! .*", log, re.MULTILINE)
    assert "undefined" not in log.lower()
    assert "Float too large" not in log
    overfull = [float(points) for points in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt too", log)]
    assert max(overfull, default=0.0) <= MAX_OVERFULL_PT
    for number in (1, 2, 3, 4):
        assert f"Table {number}:" in text
    assert "Table 2, continued." in text
    for word in ("crashed", "compile error", "not distinguishable", "whole → regions"):
        assert word in text


def test_long_table_in_latex_prints_all_rows(paper: Path) -> None:
    text = compiled(paper, "onecolumn")[1]
    rows = (paper / "tables" / "table2.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(rows) == 17 * len(WORKLOADS)
    figures = {row.split(",")[7] for row in rows if row.split(",")[7].replace(".", "").isdigit()}
    assert len(figures) > 40
    assert [figure for figure in sorted(figures) if figure not in text] == []
