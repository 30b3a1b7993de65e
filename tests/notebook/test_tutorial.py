"""The tutorial runs as it is, in a kernel of its own, and shows tables and figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[2] / "docs"


def read_tutorial() -> nbformat.NotebookNode:
    found: nbformat.NotebookNode = nbformat.read(DOCS / "tutorial.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    return found


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> list[nbformat.NotebookNode]:
    """The code cells after a run."""
    place = tmp_path_factory.mktemp("tutorial")
    shutil.copy(DOCS / "quick.zip", place)
    notebook = read_tutorial()
    assert [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}}).execute()
    assert len(list((place / "models").glob("make_mine_*.py"))) == 1
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[nbformat.NotebookNode], text: str, kind: str) -> str:
    """What the cell that contains a text shows in some format."""
    (cell,) = [cell for cell in cells if text in cell.source]
    found = [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]
    return str(found[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ablatrix.load(", "attention, convolution, encoder, mlp"),
        ("effects.select(", "ratio_low"),
        ('figure("main_effects")', "data:image/png;base64"),
        ("shares.join(", "together"),
        ("hot.group_by(", "run_ms_p50"),
        ("fastest.loc", "knob_partition"),
    ],
)
def test_tutorial_shows_html_of_each_result(tutorial: list[nbformat.NotebookNode], text: str, expected: str) -> None:
    assert expected in shown(tutorial, text, "text/html")


def test_tutorial_shows_chart_and_makes_study(tutorial: list[nbformat.NotebookNode]) -> None:
    assert "vega" in shown(tutorial, "results.chart(", "text/html")
    printed = "".join(output.get("text", "") for cell in tutorial for output in cell.outputs)
    assert "name: mine" in printed
    assert "source: models/make_mine_" in printed
    assert "trials" in printed


def test_frame_and_figure_from_bundle_take_two_lines() -> None:
    lines = [line for cell in read_tutorial().cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert 'results = ablatrix.load("quick.zip")' in lines
    assert 'effects = results.effects(metric="run_ms_paired")' in lines
    assert 'results.figure("main_effects")' in lines
