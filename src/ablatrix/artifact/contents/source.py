"""The source of the running ablatrix as one file that ``pip install`` accepts: the same bytes for the same source.

From a checkout it is a ``.tar.gz`` of what git knows or would add; without git, of the parts named below. Installed
from a wheel there is no checkout, and the wheel is rebuilt from the installed files.
"""

import base64
import functools
import gzip
import hashlib
import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from ablatrix.errors import ArtifactError
from ablatrix.records.origin import SOURCES

FOLDER = "source"
PARTS = (
    "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "benchmarks", "docs", "pyproject.toml",
    "requirements.lock", "schemas", "scripts", "src/ablatrix", "studies", "tests",
)  # fmt: skip
NO_SOURCE = ("__pycache__", ".egg-info")
INSTALLER_FILES = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Source:
    """The file to ship: its name, its bytes, and where it is from."""

    name: str
    content: bytes
    origin: str


@functools.cache
def source_file() -> Source:
    """Return the source of the running ablatrix.

    Raises:
        ArtifactError: Neither a checkout nor the installed files of a wheel can be found.
    """
    root = SOURCES.parents[1]
    version = metadata.version("ablatrix")
    if (root / "pyproject.toml").is_file() and (root / "src/ablatrix").samefile(SOURCES):
        members = _checkout(root)
        return Source(f"ablatrix-{version}.tar.gz", _tarred(f"ablatrix-{version}", members), "its checkout")
    return Source(f"ablatrix-{version}-py3-none-any.whl", _wheel(), "its installed wheel, put together again")


def members_of(source: Source) -> dict[str, bytes]:
    """Return the contents of the file, by name."""
    raw = io.BytesIO(source.content)
    if source.name.endswith(".whl"):
        with zipfile.ZipFile(raw) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(fileobj=raw, mode="r:gz") as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive}
        return {name: file.read() for name, file in files.items() if file is not None}


def _checkout(root: Path) -> dict[str, bytes]:
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    ) if (root / ".git").exists() else None  # fmt: skip
    if listed is not None and listed.returncode == 0:
        names = set(listed.stdout.decode().split("\0")) - {""}
    else:
        names = set(_known_parts(root))
    # A file that git knows but that was deleted is not part of what runs; a link is shipped as what it points to.
    return {name: (root / name).read_bytes() for name in sorted(names) if (root / name).is_file()}


def _known_parts(root: Path) -> Iterator[str]:
    for part in PARTS:
        for path in sorted((root / part).rglob("*")) if (root / part).is_dir() else [root / part]:
            name = path.relative_to(root).as_posix()
            if path.is_file() and not any(mark in name for mark in NO_SOURCE):
                yield name


def _tarred(folder: str, members: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


def _wheel() -> bytes:
    distribution = metadata.distribution("ablatrix")
    members: dict[str, bytes] = {}
    for file in distribution.files or ():
        name = PurePosixPath(file).as_posix()
        if ".." in PurePosixPath(file).parts or "__pycache__" in name or PurePosixPath(file).name in INSTALLER_FILES:
            continue
        members[name] = Path(str(distribution.locate_file(file))).read_bytes()
    information = next((name.split("/")[0] for name in members if name.endswith(".dist-info/METADATA")), None)
    if information is None or "ablatrix/__init__.py" not in members:
        raise ArtifactError(
            "the source of ablatrix cannot be found, and an artifact ships it: run from a clone, or install a wheel"
        )
    record = f"{information}/RECORD"
    lines = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in sorted(members.items())]
    members[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name in sorted(members, key=lambda name: (name == record, name)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, members[name])
    return raw.getvalue()


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
