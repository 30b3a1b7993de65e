"""Compilers and workloads of other packages and of files: found by name, and what is wrong with them is reported."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ablatrix.compilers.catalogue import COMPILERS, TVM, Catalogue, get_compiler
from ablatrix.errors import AblatrixError, CompilerError
from ablatrix.plugins import use_plugins
from ablatrix.workloads import registry
from ablatrix.workloads.registry import get_workload, workload_names

COMPILER = """
from ablatrix.compilers.catalogue import PARTITION, CompilerEntry

ENTRY = CompilerEntry("{name}", "One.", ("torch",), "", "{module}:Adapter", ({knobs}))
COMPILERS = [ENTRY]
"""
WORKLOAD = """
from ablatrix.workloads.registry import ParameterSpec, WorkloadEntry

WORKLOADS = [WorkloadEntry("square", "tiny", "One.", {"size": ParameterSpec(2, "Size.")}, "square_plug:build")]
"""


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test adds is known in it alone."""
    monkeypatch.setattr(registry, "_PLUGGED", {})
    before = dict(COMPILERS)
    yield
    for name in set(COMPILERS) - set(before):
        del COMPILERS[name]


def written(path: Path, **words: str) -> Path:
    values = {"name": path.stem, "module": path.stem, "knobs": "PARTITION,", **words}
    path.write_text(COMPILER.format(**values))
    return path


def test_a_file_adds_a_compiler_that_other_processes_import_from_it(tmp_path: Path) -> None:
    file = written(tmp_path / "plug_one.py")
    use_plugins([file, file])
    assert get_compiler("plug_one").adapter == f"{file}:Adapter"
    assert get_compiler("plug_one").installation == "install what has the modules torch"


def test_a_file_adds_a_workload(tmp_path: Path) -> None:
    file = tmp_path / "square_plug.py"
    file.write_text(WORKLOAD)
    use_plugins([file])
    assert workload_names()[-1] == "square"
    assert get_workload("square").builder == f"{file}:build"


@pytest.mark.parametrize(
    ("stem", "words", "message"),
    [
        ("plug_taken", {"name": "tvm"}, "there is a compiler 'tvm' already; give yours another name"),
        ("plug_bare", {"knobs": ""}, "compiler 'plug_bare' has no knob"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(
    tmp_path: Path, stem: str, words: dict[str, str], message: str
) -> None:
    with pytest.raises(CompilerError, match=message):
        use_plugins([written(tmp_path / f"{stem}.py", **words)])


@pytest.mark.parametrize(
    ("stem", "text", "message"),
    [
        ("plug_failing", "import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"),
        ("plug_empty", "", "adds nothing; it must have a list COMPILERS"),
        ("plug_wrong", "COMPILERS = [3]", "COMPILERS must hold CompilerEntry, but it holds 3"),
        ("json", "", "a module called 'json' is imported already; give the file another name"),
    ],
)
def test_a_file_that_is_no_plug_in_is_told(tmp_path: Path, stem: str, text: str, message: str) -> None:
    file = tmp_path / f"{stem}.py"
    file.write_text(text)
    with pytest.raises(AblatrixError, match=message):
        use_plugins([file])


def test_a_package_adds_compilers_by_entry_points_and_a_broken_one_is_told_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "packaged.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        EntryPoint("packaged", "packaged:ENTRY", "ablatrix.compilers"),
        EntryPoint("other", "packaged:ENTRY", "ablatrix.compilers"),
        EntryPoint("broken", "nowhere_to_be_found:ENTRY", "ablatrix.compilers"),
    ]
    monkeypatch.setattr("ablatrix.compilers.catalogue.collection.entry_points", lambda group: points)
    catalogue = Catalogue({"tvm": TVM})
    assert list(catalogue) == ["tvm", "broken", "other", "packaged"]
    assert catalogue["packaged"].adapter == "packaged:Adapter"
    assert "absent" not in catalogue
    with pytest.raises(CompilerError, match="compiler 'broken' of nowhere_to_be_found:ENTRY cannot be imported"):
        catalogue["broken"]
    with pytest.raises(CompilerError, match=r"'other' .*must name a CompilerEntry called 'other'"):
        catalogue["other"]
