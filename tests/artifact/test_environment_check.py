import subprocess
import sys
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


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, Finding]]:
    """Findings on a machine that scatters, on a steady one and on one that does not tell."""
    machines = {
        "scatters": _machine(governor="powersave", turbo=True, smt=True, cores=1, container="docker, kvm"),
        "steady": _machine(governor="performance", turbo=False, smt=False, cores=2, container=None),
        "silent": _machine(governor=None, turbo=None, smt=None, cores=2, container=None),
    }
    return {name: _by_name(check_environment(machine=machine)) for name, machine in machines.items()}


def test_the_machine_that_runs_the_tests_can_run_studies(tmp_path: Path) -> None:
    findings = check_environment(tmp_path / "not/yet/there", ["tvm"])
    assert [finding for finding in findings if finding.level == "fatal"] == []
    found = _by_name(findings)
    assert found["package torch"].level == "ok"
    assert found["output directory"].level == "ok"
    assert not (tmp_path / "not").exists()


def test_the_core_packages_are_those_that_the_project_declares() -> None:
    names = {finding.name for finding in check_environment()}
    assert {"package pydantic", "package polars", "package ruamel.yaml", "package typer"} <= names
    assert "package pytest" not in names


def test_every_finding_that_is_not_good_says_what_to_do_or_that_nothing_is_told(
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
def test_what_only_changes_numbers_is_no_reason_not_to_run(
    judged: dict[str, dict[str, Finding]], machine: str, name: str, level: str
) -> None:
    assert judged[machine][name].level == level


def test_without_a_cxx_compiler_nothing_can_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    found = _by_name(check_environment())
    assert found["C++ compiler"].level == "fatal"
    assert "apt install g++" in found["C++ compiler"].remedy
    assert found["git"].level == "note"


def test_a_cxx_compiler_that_fails_is_fatal_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho 'fatal error: vector: No such file' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    finding = _by_name(check_environment())["C++ compiler"]
    assert finding.level == "fatal"
    assert "vector: No such file" in finding.found


def test_an_output_directory_that_is_no_place_for_files_is_fatal() -> None:
    finding = _by_name(check_environment(Path("/proc/results")))["output directory"]
    assert finding.level == "fatal"


def test_a_compiler_that_the_study_does_not_need_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ablatrix.doctor.environment_check.PACKAGES_OF_COMPILER",
        {"eager": ("torch",), "other": ("no-such-package-as-this",)},
    )
    assert _by_name(check_environment(compilers=["eager"]))["package no-such-package-as-this"].level == "note"
    needed = _by_name(check_environment(compilers=["other"]))["package no-such-package-as-this"]
    assert needed.level == "fatal"
    assert "pip install" in needed.remedy


def test_a_package_that_is_too_old_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["pydantic>=999.0", "rich>=1; extra == 'x'"])
    found = _by_name(check_environment())
    assert found["package pydantic"].level == "fatal"
    assert ">= 999.0" in found["package pydantic"].needed
    assert "package rich" not in found


def test_other_versions_than_the_locked_ones_are_a_warning_that_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _by_name(check_environment())["locked versions"].level == "ok"
    monkeypatch.setattr(
        "ablatrix.doctor.environment_check.locked_versions",
        lambda: {"pydantic": "0.0.1", "rich": installed_version("rich"), "no-such-package-as-this": "1"},
    )
    finding = _by_name(check_environment())["locked versions"]
    assert finding.level == "warning"
    assert f"pydantic {installed_version('pydantic')} (locked: 0.0.1)" == finding.found
    assert "requirements.lock" in finding.remedy


def test_findings_are_values() -> None:
    finding = check_environment()[0]
    assert replace(finding) == finding
    with pytest.raises(AttributeError):
        finding.level = "fatal"  # type: ignore[misc]


def test_the_check_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ablatrix.doctor.environment_check import check_environment; check_environment();"
        "print(sorted({'torch', 'tvm', 'polars', 'matplotlib', 'scipy', 'numpy', 'cpuinfo'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
