"""Compilers and workloads of other packages and of files: found by name, and what is wrong with them is reported."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ablatrix.catalogue import COMPILER_FAMILY, Entries
from ablatrix.compilers.catalogue import SHIPPED, TVM
from ablatrix.errors import AblatrixError, CompilerError, WorkloadError
from ablatrix.plugin_files import add_plugin, read_catalogue
from ablatrix.plugin_sources import read_plugin_source

COMPILER = """
from ablatrix.compilers.catalogue import PARTITION, CompilerEntry

ENTRY = CompilerEntry(
    name="{name}", summary="One.", modules=("torch",), extra="", adapter="{module}:Adapter", knobs=({knobs})
)
COMPILERS = [ENTRY]
"""
WORKLOAD = """
from ablatrix.workloads.entry import ParameterSpec, WorkloadEntry

WORKLOADS = [
    WorkloadEntry(
        name="{name}", tier="tiny", summary="One.", parameters={{"size": ParameterSpec(2, "Size.")}},
        builder="{module}:build",
    )
]
"""


def written(path: Path, text: str = COMPILER, **words: str) -> Path:
    values = {"name": path.stem, "module": path.stem, "knobs": "PARTITION,", **words}
    path.write_text(text.format(**values))
    return path


def test_plugin_file_adds_compiler_importable_in_other_processes(tmp_path: Path) -> None:
    file = written(tmp_path / "plug_one.py")
    entry = read_catalogue([file, file]).compiler("plug_one")
    assert entry.adapter == f"{file}:Adapter"
    assert entry.installation == "install the packages that provide the modules torch"


def test_plugin_file_adds_workload(tmp_path: Path) -> None:
    file = written(tmp_path / "square_plug.py", WORKLOAD)
    catalogue = read_catalogue([file])
    assert list(catalogue.workloads)[-1] == "square_plug"
    assert catalogue.workload("square_plug").builder == f"{file}:build"


def test_plugin_added_leaves_original_catalogue_unchanged(tmp_path: Path) -> None:
    shipped, before = dict(SHIPPED), read_catalogue()
    after = add_plugin(before, written(tmp_path / "plug_apart.py"))
    assert "plug_apart" in after.compilers
    assert "plug_apart" not in before.compilers
    assert dict(SHIPPED) == shipped
    with pytest.raises(CompilerError, match=r"there is no compiler 'plug_apart'; there are: .*tvm"):
        read_catalogue().compiler("plug_apart")


@pytest.mark.parametrize(
    ("stem", "words", "message"),
    [
        ("plug_taken", {"name": "tvm"}, "there is a compiler 'tvm' already; give yours another name"),
        ("plug_bare", {"knobs": ""}, "compiler 'plug_bare' has no knob"),
    ],
)
def test_plugin_entry_that_is_unusable_is_refused(
    tmp_path: Path, stem: str, words: dict[str, str], message: str
) -> None:
    with pytest.raises(CompilerError, match=message):
        read_catalogue([written(tmp_path / f"{stem}.py", **words)])


def test_plugin_workload_with_taken_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="there is a workload 'mlp' already; give yours another name"):
        read_catalogue([written(tmp_path / "plug_mlp.py", WORKLOAD, name="mlp")])


@pytest.mark.parametrize(
    ("stem", "text", "message"),
    [
        ("plug_failing", "import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError"),
        ("plug_empty", "", "adds nothing; it must have a list COMPILERS"),
        ("plug_wrong", "COMPILERS = [3]", "COMPILERS must hold CompilerEntry, but it holds 3"),
        ("json", "", "a module called 'json' is imported already; give the file another name"),
    ],
)
def test_plugin_file_that_is_no_plugin_is_reported(tmp_path: Path, stem: str, text: str, message: str) -> None:
    file = tmp_path / f"{stem}.py"
    file.write_text(text)
    with pytest.raises(AblatrixError, match=message):
        read_catalogue([file])


def test_plugin_package_adds_compilers_and_reports_broken_one_on_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "packaged.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        EntryPoint("packaged", "packaged:ENTRY", "ablatrix.compilers"),
        EntryPoint("other", "packaged:ENTRY", "ablatrix.compilers"),
        EntryPoint("broken", "nowhere_to_be_found:ENTRY", "ablatrix.compilers"),
    ]
    monkeypatch.setattr("ablatrix.catalogue.entry_points", lambda group: points)
    entries = Entries.of_installed(COMPILER_FAMILY, {"tvm": TVM})
    assert list(entries) == ["tvm", "broken", "other", "packaged"]
    assert len(entries) == 4
    assert entries["packaged"].adapter == "packaged:Adapter"
    assert "absent" not in entries
    with pytest.raises(CompilerError, match="compiler 'broken' of nowhere_to_be_found:ENTRY cannot be imported"):
        entries["broken"]
    with pytest.raises(CompilerError, match=r"'other' .*must name a CompilerEntry called 'other'"):
        entries["other"]


def plugged(directory: Path) -> Path:
    """Write a plug-in that imports beside it at its top, in a function, and from a package."""
    (directory / "pack").mkdir()
    (directory / "pack" / "__init__.py").write_text("")
    (directory / "pack" / "passes.py").write_text("from . import table\n")
    (directory / "pack" / "table.py").write_text("TABLE = 1\n")
    (directory / "helper_beside.py").write_text("import json\nimport torch_that_is_not_there\n")
    (directory / "json.py").write_text("raise ValueError('the standard library comes first')\n")
    (directory / "unused.py").write_text("")
    text = (
        "import helper_later\n" + COMPILER + "\n\ndef later():\n    from pack import passes\n    import helper_beside\n"
    )
    (directory / "helper_later.py").write_text("")
    return written(directory / "plug_files.py", text)


def test_plugin_source_has_files_imported_from_beside(tmp_path: Path) -> None:
    source = read_plugin_source(plugged(tmp_path))
    beside = ["helper_beside.py", "helper_later.py", "pack/__init__.py", "pack/passes.py", "pack/table.py"]
    assert list(source.digests) == [*beside, "plug_files.py"]
    assert source.files["pack/table.py"] == tmp_path / "pack" / "table.py"


@pytest.mark.parametrize("name", ["plug_files.py", "helper_beside.py", "helper_later.py", "pack/table.py"])
def test_plugin_digest_changes_with_any_of_its_files(tmp_path: Path, name: str) -> None:
    plugin = plugged(tmp_path)
    before = read_plugin_source(plugin).digest
    assert read_plugin_source(plugin).digest == before
    (tmp_path / name).write_text((tmp_path / name).read_text() + "\n# edited\n")
    assert read_plugin_source(plugin).digest != before


def test_plugin_digest_is_that_of_its_copy(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    plugin = plugged(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert read_plugin_source(tmp_path / "copy" / plugin.name).digest == read_plugin_source(plugin).digest


def test_plugin_digest_is_part_of_entry_and_of_its_digest(tmp_path: Path) -> None:
    file = written(tmp_path / "plug_digest.py")
    entry = read_catalogue([file]).compiler("plug_digest")
    assert entry.program_digest == read_plugin_source(file).digest
    assert entry.digest != replace(entry, plugin=None).digest


def test_plugin_workload_has_digest_of_its_files(tmp_path: Path) -> None:
    file = written(tmp_path / "digested_plug.py", WORKLOAD)
    entry = read_catalogue([file]).workload("digested_plug")
    assert entry.source_digest == read_plugin_source(file).digest
