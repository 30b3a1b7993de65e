"""Modules that plug-ins need, and the packages that they come from."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.doctor.environment_check import check_environment
from ablatrix.doctor.modules import ModuleNeed, check_modules, packages_of


@pytest.mark.parametrize(
    ("module", "declared", "level", "found"),
    [
        ("numpy", True, "ok", f"numpy {version('numpy')}"),
        ("numpy.linalg", False, "ok", f"numpy {version('numpy')}"),
        ("json", True, "ok", "found"),
        ("nowhere_to_be_found", True, "fatal", "not installed"),
        ("nowhere_to_be_found.compiler", True, "fatal", "not installed"),
        ("numpy.version.nothing", True, "fatal", "not installed"),
        ("nowhere_to_be_found", False, "warning", "not installed"),
    ],
)
def test_module_need_is_found_or_reported(module: str, declared: bool, level: str, found: str) -> None:
    (finding,) = check_modules([ModuleNeed(module, ("mine", "other"), declared)])
    assert (finding.name, finding.level, finding.found) == (f"module {module}", level, found)
    assert finding.needed == "for mine, other"
    assert bool(finding.remedy) == (level != "ok")


def test_environment_check_reports_missing_module_of_plugin() -> None:
    found = {one.name: one for one in check_environment(needs=[ModuleNeed("iree_not.compiler", ("iree",), True)])}
    assert found["module iree_not.compiler"].level == "fatal"


def test_packages_of_modules_have_versions() -> None:
    assert packages_of(["numpy.linalg", "yaml_not_there"]) == {"numpy": version("numpy")}
    assert "ruamel.yaml" in packages_of(["ruamel.yaml"])


@pytest.mark.parametrize("module", ["nowhere_to_be_found.compiler", "json.decoder.more", "numpy"])
def test_entry_with_dotted_module_never_raises(module: str) -> None:
    entry = CompilerEntry(name="mine", summary="", modules=(module,), extra="", adapter="x:Y", knobs=())
    assert entry.installed is (module == "numpy")
