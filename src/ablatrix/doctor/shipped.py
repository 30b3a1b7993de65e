"""Files that the package ships for every artifact: the lock, the licence, and a tiny study for a first try."""

import re
from collections.abc import Mapping
from importlib.resources import files

from packaging.utils import canonicalize_name, canonicalize_version

from ablatrix.records.names import LOCK_NAME

FOLDER = "data"
SHIPPED_FILES: Mapping[str, str] = {
    LOCK_NAME: LOCK_NAME,
    "LICENSE": "LICENSE",
    "tiny.yaml": "tiny/study.yaml",
    "tiny.claims.yaml": "tiny/claims.yaml",
}
"""Name in the package -> path in an artifact."""
CONTAINER = "container"
CONTAINER_FILES: Mapping[str, str] = {
    f"{CONTAINER}/{name}": f"{CONTAINER}/{name}"
    for name in ("Containerfile", "apptainer.def", "base.sh", "evaluate.sh", "install.sh", "tires.sh", "tree.sh")
}
"""The same for the scripts of an artifact with a container."""


def shipped_bytes(name: str) -> bytes | None:
    """Return the content of a file that is shipped with the package; None if there is no such file."""
    file = files("ablatrix.artifact").joinpath(FOLDER, name)
    return file.read_bytes() if file.is_file() else None


def locked_versions() -> Mapping[str, str]:
    """Return the version of every package in the lock, without local labels (``+cpu``)."""
    return versions_in((shipped_bytes(LOCK_NAME) or b"").decode())


def package_key(name: str, version: str) -> tuple[str, str]:
    """Return what all spellings of a package's name and version share, whatever its local label (``+cpu``)."""
    return str(canonicalize_name(name)), canonicalize_version(version.partition("+")[0])


def versions_in(lock: str) -> Mapping[str, str]:
    """Return the version of every package in the text of a lock, without local labels."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;#+]+)", lock, re.M))
