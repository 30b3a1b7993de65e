"""The zip and the source in it: the same bytes for the same files."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.contents.archive import archive_path, unpack_archive, write_archive
from ablatrix.artifact.contents.source import members_of, source_file
from ablatrix.errors import ArtifactError
from ablatrix.version import __version__
from tests.artifact.conftest import derive_little
from tests.artifact.mutations import files_of


def test_zip_with_other_dates_modes_and_location_has_same_bytes(assembled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    for path in reversed(files_of(assembled)):
        target = copy / path.relative_to(assembled)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        target.chmod(0o600)
        os.utime(target, (10**9, 10**9))
    again = write_archive(copy, tmp_path / "again.zip", assembled.name)
    assert again.read_bytes() == archive_path(assembled).read_bytes()


def test_zip_unpacks_to_one_folder_with_same_files(assembled: Path, tmp_path: Path) -> None:
    folder = unpack_archive(archive_path(assembled), tmp_path)
    assert folder == tmp_path / assembled.name
    assert {path.relative_to(folder): path.read_bytes() for path in files_of(folder)} == {
        path.relative_to(assembled): path.read_bytes() for path in files_of(assembled)
    }


def test_zip_verifies_like_its_directory(assembled: Path) -> None:
    there, zipped = (examine(path, derive=derive_little) for path in (assembled, archive_path(assembled)))
    assert there == zipped
    assert zipped.problems == ()


def test_archive_entry_outside_its_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/../../outside", "x")
    with pytest.raises(ArtifactError, match="one folder"):
        unpack_archive(path, tmp_path / "place")
    assert not (tmp_path / "outside").exists()
    (problem,) = examine(path).problems
    assert problem.kind == "unreadable"


def test_archive_member_without_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/README.md", "x")
        archive.writestr("nameless", "x")
    path.write_bytes(path.read_bytes().replace(b"nameless", b"\0ameless"))  # a name ends where it has a zero
    (problem,) = examine(path).problems
    assert str(problem) == "bad.zip: unreadable: not an archive that can be unpacked: a member has no name"


def test_verify_of_file_that_is_no_archive_reports_problem(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("not a zip")
    (problem,) = examine(tmp_path / "x.zip").problems
    assert (problem.path, problem.kind) == ("x.zip", "unreadable")


def test_source_archive_holds_checkout_without_results(assembled: Path) -> None:
    source = source_file()
    assert (assembled / "source" / source.name).read_bytes() == source.content
    folder = source.name.removesuffix(".tar.gz")
    members = members_of(source)
    assert members[f"{folder}/tests/artifact/test_archive.py"] == Path(__file__).read_bytes()
    assert {
        f"{folder}/{name}" for name in ("pyproject.toml", "LICENSE", "src/ablatrix/artifact/data/tiny.yaml")
    } <= set(members)
    assert not [name for name in members if "__pycache__" in name or ".git/" in name or ".venv" in name]


def test_source_archive_installs_and_installation_ships_itself_as_wheel(tmp_path: Path) -> None:
    """From the source without git, and without the network: by the build tool that is installed."""
    source = source_file()
    (tmp_path / source.name).write_bytes(source.content)
    shutil.unpack_archive(tmp_path / source.name, tmp_path, filter="data")
    tree = tmp_path / source.name.removesuffix(".tar.gz")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | quiet
    subprocess.run([*pip, "--target", tmp_path / "site", tree], check=True, env=clean, capture_output=True)
    code = (
        "import zipfile, io; from ablatrix.artifact.contents.source import source_file; s = source_file();"
        "print(s.name, 'ablatrix/cli/main.py' in zipfile.ZipFile(io.BytesIO(s.content)).namelist())"
    )
    there = clean | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=there)
    assert done.stdout.split() == [f"ablatrix-{__version__}-py3-none-any.whl", "True"]
