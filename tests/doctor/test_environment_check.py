import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.doctor.environment_check import check_environment
from ablatrix.doctor.finding import Finding
from ablatrix.records.machine import read_machine
from ablatrix.records.model import Machine
from ablatrix.records.origin import installed_version


def _by_name(findings: list[Finding]) -> dict[str, Finding]:
    assert len({finding.name for finding in findings}) == len(findings)
    return {finding.name: finding for finding in findings}


def _machine(**facts: object) -> Machine:
    return Machine.model_validate(read_machine().model_dump() | facts)


@pytest.fixture(scope="module", autouse=True)
def no_compiler_is_tried() -> Iterator[None]:
    """Compiling is a large part of a check; the tests of the C++ compiler name another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXX", "true")
        yield


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, Finding]]:
    """Findings on a machine that scatters, on a steady one and on one that does not tell."""
    machines = {
        "scatters": _machine(governor="powersave", turbo=True, smt=True, cores=1, container="docker, kvm"),
        "steady": _machine(governor="performance", turbo=False, smt=False, cores=2, container=None),
        "silent": _machine(governor=None, turbo=None, smt=None, cores=2, container=None),
    }
    return {name: _by_name(check_environment(machine=machine)) for name, machine in machines.items()}


def test_environment_check_on_test_machine_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX")
    findings = check_environment(tmp_path / "not/yet/there", ["tvm"])
    assert [finding for finding in findings if finding.level == "fatal"] == []
    found = _by_name(findings)
    assert found["package torch"].level == "ok"
    assert found["output directory"].level == "ok"
    assert not (tmp_path / "not").exists()


def test_core_packages_are_those_declared_by_project() -> None:
    names = {finding.name for finding in check_environment()}
    assert {"package pydantic", "package polars", "package ruamel.yaml", "package typer"} <= names
    assert "package pytest" not in names


def test_finding_that_is_not_good_has_remedy_or_unknown_state(
    judged: dict[str, dict[str, Finding]],
) -> None:
    for findings in judged.values():
        for finding in findings.values():
            assert finding.level == "ok" or finding.remedy or "not reported" in finding.found


@pytest.mark.parametrize(
    ("machine", "name", "level"),
    [
        ("scatters", "frequency governor", "warning"),
        ("steady", "frequency governor", "ok"),
        ("silent", "frequency governor", "note"),
        ("scatters", "turbo", "warning"),
        ("steady", "turbo", "ok"),
        ("scatters", "simultaneous multithreading", "warning"),
        ("silent", "simultaneous multithreading", "note"),
        ("scatters", "cores", "warning"),
        ("steady", "cores", "ok"),
        ("scatters", "container", "note"),
        ("steady", "container", "ok"),
    ],
)
def test_finding_that_only_changes_numbers_is_not_fatal(
    judged: dict[str, dict[str, Finding]], machine: str, name: str, level: str
) -> None:
    assert judged[machine][name].level == level


def test_environment_check_without_cxx_compiler_cannot_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    found = _by_name(check_environment())
    assert found["C++ compiler"].level == "fatal"
    assert "apt install g++" in found["C++ compiler"].remedy
    assert found["git"].level == "note"


def test_environment_check_with_failing_cxx_compiler_is_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho 'fatal error: vector: No such file' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    finding = _by_name(check_environment())["C++ compiler"]
    assert finding.level == "fatal"
    assert "vector: No such file" in finding.found


def test_environment_check_with_unwritable_output_directory_is_fatal() -> None:
    finding = _by_name(check_environment(Path("/proc/results")))["output directory"]
    assert finding.level == "fatal"


def test_environment_check_allows_absence_of_unneeded_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ablatrix.doctor.environment_check.PACKAGES_OF_COMPILER",
        {"eager": ("torch",), "other": ("no-such-package-as-this",)},
    )
    assert _by_name(check_environment(compilers=["eager"]))["package no-such-package-as-this"].level == "note"
    needed = _by_name(check_environment(compilers=["other"]))["package no-such-package-as-this"]
    assert needed.level == "fatal"
    assert "pip install" in needed.remedy


def test_environment_check_with_old_package_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["pydantic>=999.0", "rich>=1; extra == 'x'"])
    found = _by_name(check_environment())
    assert found["package pydantic"].level == "fatal"
    assert ">= 999.0" in found["package pydantic"].needed
    assert "package rich" not in found


def test_environment_check_with_unlocked_versions_warns_with_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _by_name(check_environment())["locked versions"].level == "ok"
    monkeypatch.setattr(
        "ablatrix.doctor.environment_check.locked_versions",
        lambda: {"pydantic": "0.0.1", "rich": installed_version("rich"), "no-such-package-as-this": "1"},
    )
    finding = _by_name(check_environment())["locked versions"]
    assert finding.level == "warning"
    assert f"pydantic {installed_version('pydantic')} (locked: 0.0.1)" == finding.found
    assert "requirements.lock" in finding.remedy


def test_findings_compare_as_values() -> None:
    finding = check_environment()[0]
    assert replace(finding) == finding
    with pytest.raises(AttributeError):
        finding.level = "fatal"  # type: ignore[misc]


def test_environment_check_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ablatrix.doctor.environment_check import check_environment; check_environment();"
        "print(sorted({'torch', 'tvm', 'polars', 'matplotlib', 'scipy', 'numpy', 'cpuinfo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
