"""A release has one version in every place, and what is built holds all that a user needs."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from ablatrix.artifact.contents.source import source_file
from ablatrix.version import __version__

ROOT = Path(__file__).parents[2]
CHANGES = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n"
PLACES = {
    "src/ablatrix/version.py": '"""One place."""\n\n__version__ = "0.1.0"\n',
    "CITATION.cff": "cff-version: 1.2.0\nversion: 0.1.0\n",
    "CHANGELOG.md": CHANGES,
}


@pytest.fixture(scope="module")
def release() -> Any:
    spec = spec_from_file_location("release", ROOT / "scripts" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in PLACES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and source distribution, built of this checkout without the network."""
    tree = tmp_path_factory.mktemp("tree")
    source = source_file()
    (tree / source.name).write_bytes(source.content)
    shutil.unpack_archive(tree / source.name, tree, filter="data")
    unpacked = tree / source.name.removesuffix(".tar.gz")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tree / "dist"), str(unpacked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "dist"


def test_version_is_in_every_location_of_checkout(release: Any) -> None:
    assert release.check_version(ROOT, __version__, released=False) == []


def test_set_version_writes_every_location(release: Any, tree: Path) -> None:
    release.set_version(tree, "0.2.0rc1", "2031-02-03")
    assert (tree / "src/ablatrix/version.py").read_text() == '"""One place."""\n\n__version__ = "0.2.0rc1"\n'
    assert (tree / "CITATION.cff").read_text() == "cff-version: 1.2.0\nversion: 0.2.0rc1\n"
    heading = "## [Unreleased]\n\n## [0.2.0rc1] - 2031-02-03\n"
    assert (tree / "CHANGELOG.md").read_text() == CHANGES.replace("## [Unreleased]\n", heading)
    assert release.check_version(tree, "0.2.0rc1") == []


def test_set_version_twice_changes_nothing(release: Any, tree: Path) -> None:
    release.set_version(tree, "0.2.0", "2031-02-03")
    before = {name: (tree / name).read_text() for name in PLACES}
    release.set_version(tree, "0.2.0", "2031-02-04")
    assert {name: (tree / name).read_text() for name in PLACES} == before


def test_check_version_with_differences_names_each_location(release: Any, tree: Path) -> None:
    assert release.check_version(tree, "0.2.0") == [
        "src/ablatrix/version.py: has version 0.1.0, not 0.2.0",
        "CITATION.cff: has version 0.1.0, not 0.2.0",
        "CHANGELOG.md: its newest dated heading is of None, not 0.2.0",
    ]


@pytest.mark.parametrize("arguments", [[], ["one"], ["1.2"], ["0.1.0", "more"]])
def test_release_script_with_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    command = ["bash", str(ROOT / "scripts/release.sh"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "scripts/release.sh VERSION" in done.stderr


@pytest.mark.slow
def test_wheel_and_source_hold_every_file_of_package(release: Any, dist: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("git does not know this tree's files")
    assert release.check_contents(ROOT, dist, __version__) == []


@pytest.mark.slow
def test_check_contents_with_incomplete_wheel_names_missing_files(release: Any, dist: Path, tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("git does not know this tree's files")
    wheel = f"ablatrix-{__version__}-py3-none-any.whl"
    for file in dist.iterdir():
        shutil.copy(file, tmp_path)
    subprocess.run(
        [sys.executable, "-c", "import sys; from zipfile import *; ZipFile(sys.argv[1], 'a').writestr('x', '')", wheel],
        cwd=tmp_path,
        check=True,
    )
    assert release.check_contents(ROOT, tmp_path, __version__) == [f"{wheel}: must not hold x"]
    (tmp_path / wheel).unlink()
    assert release.check_contents(ROOT, tmp_path, __version__) == [f"{tmp_path / wheel}: was not built"]


@pytest.mark.slow
def test_installed_wheel_works_outside_repository(dist: Path, tmp_path: Path) -> None:
    """What it depends on is borrowed from this environment, the package itself is not."""
    venv.create(tmp_path / "venv", symlinks=True)
    binaries = tmp_path / "venv" / "bin"
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    borrowed = dict.fromkeys([*site.getsitepackages(), *(path for path in sys.path if path.endswith("-packages"))])
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    wheel = dist / f"ablatrix-{__version__}-py3-none-any.whl"
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--force-reinstall", str(wheel)], check=True, capture_output=True)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = ["bash", str(ROOT / "scripts/try_installed.sh"), str(binaries)]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
