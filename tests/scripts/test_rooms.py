"""The command that prints rooms, circles and arrows back, on graphs that were thought out by hand."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "rooms.py"


@pytest.fixture(scope="module")
def rooms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["rooms"] = module
    spec.loader.exec_module(module)
    return module


def test_circles_are_strongly_connected_components(rooms: ModuleType) -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(rooms.circles(arrows)) == [["a", "b", "c"], ["d", "e"]]


def test_circles_of_tree_are_none(rooms: ModuleType) -> None:
    assert rooms.circles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}) == []


def test_circle_of_rooms_without_circle_of_modules_is_found(rooms: ModuleType) -> None:
    modules = {
        "ablatrix.paper.tables.rules": {"ablatrix.paper.template.spec"},
        "ablatrix.paper.template.load": {"ablatrix.paper.tables.rules"},
        "ablatrix.paper.template.spec": set(),
    }
    assert rooms.circles(modules) == []
    packages = {"ablatrix.paper", "ablatrix.paper.tables", "ablatrix.paper.template"}
    (found,) = rooms.circles_of_rooms(modules, packages)
    assert found.startswith("circle of rooms: ablatrix.paper.tables <-> ablatrix.paper.template: ")


def test_import_of_room_above_is_back_arrow(rooms: ModuleType) -> None:
    layers = [["ablatrix.paper"], ["ablatrix.analysis", "ablatrix.trials"], ["ablatrix.records"]]
    modules = {
        "ablatrix.paper.make": {"ablatrix.analysis.tidy", "ablatrix.records.model"},
        "ablatrix.records.model": {"ablatrix.analysis.tidy"},
        "ablatrix.analysis.tidy": set(),
    }
    assert list(rooms.arrows_back(modules, layers)) == ["ablatrix.records.model -> ablatrix.analysis.tidy"]


def test_room_in_no_layer_is_error(rooms: ModuleType) -> None:
    found = list(rooms.arrows_back({"ablatrix.loft.box": set()}, [["ablatrix.paper"]]))
    assert found == ["ablatrix.loft is in no layer of pyproject.toml"]


def test_modules_and_functions_that_are_long_are_counted(rooms: ModuleType, tmp_path: Path) -> None:
    long, short = tmp_path / "long.py", tmp_path / "short.py"
    long.write_text("def walk():\n" + "    pass\n" * 60 + "x = 1\n" * 340)
    short.write_text("def walk():\n" + "    pass\n" * 59)
    files = {"long": long, "short": short}
    assert list(rooms.long_modules(files)) == [("long", 401)]
    assert list(rooms.long_functions(files)) == [("long.walk (line 1)", 61)]


def test_layers_as_declared_put_paper_above_provenance(rooms: ModuleType) -> None:
    names = [layer for layers in rooms.declared_layers() for layer in layers]
    assert names.index("ablatrix.paper") < names.index("ablatrix.provenance") < names.index("ablatrix.analysis")
