"""The container of an artifact: recipe, wheels, scripts, and what ``verify`` finds where somebody changed them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ablatrix.artifact.bundle import Verification, assemble, gather_wheels, make_recipe, wheels_beside
from ablatrix.artifact.bundle.assembly import Origin
from ablatrix.artifact.bundle.container import wheels_text
from ablatrix.artifact.contents import role_of
from ablatrix.doctor.shipped import CONTAINER_FILES, versions_in
from ablatrix.errors import ArtifactError
from tests.artifact.conftest import COMMAND, FINDING, reseal

Check = Callable[[Path], Verification]
LOCK = "# a comment\nnumpy==2.3.1\ntorch==2.13.0\ntypes_of==1.0.0\n"
RECIPE = """\
SUITE=bookworm
ARCHITECTURE=amd64
PACKAGES=ca-certificates,g++,python3,python3-dev,python3-pip,python3-venv
SNAPSHOT=20260102T000000Z
EPOCH=1767312000
"""


def put_wheel(directory: Path, name: str, version: str) -> str:
    """Write what has the name of a wheel, and return its digest."""
    file = directory / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    directory.mkdir(parents=True, exist_ok=True)
    file.write_bytes(name.encode())
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def contained(artifact: Path) -> Path:
    """An artifact with a container, beside which lie the wheels of its lock."""
    wheels = wheels_beside(artifact)
    for name, version in versions_in((artifact / "requirements.lock").read_text()).items():
        put_wheel(wheels, name, version)
    study = artifact / "study.yaml"
    assemble(artifact, Origin(study=study, commands=[COMMAND], findings=[FINDING], wheels=wheels))
    return artifact


def test_recipe_names_debian_with_that_python_on_the_day_of_the_run() -> None:
    at = datetime(2026, 1, 3, 1, tzinfo=timezone(timedelta(hours=2)))
    assert make_recipe(at, (3, 11), "x86_64").text == RECIPE


@pytest.mark.parametrize(
    ("python", "machine", "message"),
    [
        ((3, 12), "x86_64", "no release of Debian has Python 3.12; run ablatrix with Python 3.11 or 3.13"),
        ((3, 11), "riscv64", "made for x86_64 and aarch64, and this machine is riscv64"),
    ],
)
def test_recipe_that_debian_has_nothing_for_is_refused(python: tuple[int, int], machine: str, message: str) -> None:
    with pytest.raises(ArtifactError, match=message):
        make_recipe(datetime(2026, 1, 2, tzinfo=UTC), python, machine)


def test_wheels_have_the_digests_of_their_files_and_their_own_local_labels(tmp_path: Path) -> None:
    numpy, torch, types = (
        put_wheel(tmp_path, name, version)
        for name, version in (("numpy", "2.3.1"), ("torch", "2.13.0+cpu"), ("types-of", "1.0"))
    )
    put_wheel(tmp_path, "numpy", "1.0")
    assert wheels_text(LOCK, tmp_path) == (
        f"numpy==2.3.1 --hash=sha256:{numpy}\n"
        f"torch==2.13.0+cpu --hash=sha256:{torch}\n"
        f"types_of==1.0 --hash=sha256:{types}\n"
    )


def test_wheel_that_is_missing_is_named(tmp_path: Path) -> None:
    put_wheel(tmp_path, "numpy", "2.3.1")
    with pytest.raises(ArtifactError, match=r"no wheel of torch==2\.13\.0; run the command again to fetch it"):
        wheels_text(LOCK, tmp_path)


def test_wheels_that_are_there_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in versions_in(LOCK).items():
        put_wheel(tmp_path, name, version)
    monkeypatch.setattr(subprocess, "run", None)  # nothing is started
    gather_wheels(LOCK, tmp_path)


def test_wheels_that_pip_cannot_fetch_end_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"--container: pip cannot fetch the wheels of 1 packages of the lock: "):
        gather_wheels("no-such-package-of-anybody==1.0\n", tmp_path)


def test_artifact_with_container_has_scripts_recipe_and_a_section(contained: Path, check: Check) -> None:
    found = check(contained)
    assert found.problems == ()
    assert {path.name for path in (contained / "container").iterdir()} == {
        "Containerfile", "apptainer.def", "base.sh", "evaluate.sh", "install.sh", "recipe.txt", "tires.sh", "tree.sh",
        "wheels.txt",
    }  # fmt: skip
    assert role_of("container/wheels.txt") == "container"
    readme = (contained / "README.md").read_text()
    assert "## Kick the tires without a network\n" in readme
    assert "sudo sh container/tires.sh ../tree" in readme


def test_artifact_without_wheels_loses_container_of_earlier_assembly(contained: Path) -> None:
    assemble(contained, Origin(study=contained / "study.yaml", commands=[COMMAND], findings=[FINDING]))
    assert not (contained / "container").exists()
    assert "without a network" not in (contained / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("recipe.txt", "SUITE=bookworm", "SUITE=$(id)", "container/recipe.txt: invalid: it has lines that no recipe"),
        ("recipe.txt", "EPOCH=", "MORE=1\nEPOCH=", "container/recipe.txt: invalid: it has lines that no recipe has"),
        ("wheels.txt", "numpy==", "numpi==", "container/wheels.txt: invalid: line "),
        (
            "wheels.txt",
            " --hash=sha256:",
            " --hash=md5:",
            "is no NAME==VERSION --hash=sha256:DIGEST, so it may install",
        ),
        ("install.sh", "--no-index", "", "container/install.sh: changed: not the file that this ablatrix"),
    ],
)
def test_container_that_was_changed_is_a_problem(
    contained: Path, check: Check, name: str, old: str, new: str, problem: str
) -> None:
    file = contained / "container" / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    reseal(contained, documents=True)
    assert [one for one in map(str, check(contained).problems) if problem in one]


@pytest.mark.parametrize("name", sorted(name for name in CONTAINER_FILES if name.endswith(".sh")))
def test_script_of_container_is_a_script_of_any_shell(contained: Path, name: str) -> None:
    done = subprocess.run(["sh", "-n", contained / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "usage"), [("base", "BASE.tar"), ("tree", "BASE.tar WHEELS TREE"), ("tires", "TREE")])
def test_script_without_arguments_says_its_usage(contained: Path, name: str, usage: str) -> None:
    script = contained / "container" / f"{name}.sh"
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"usage: sh container/{name}.sh {usage}\n")
