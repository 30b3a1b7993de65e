"""Files that the package ships for every artifact: the lock, the licence, and a tiny study for a first try."""

import re
from collections.abc import Mapping
from importlib.resources import files

from ablatrix.records.names import LOCK_NAME

FOLDER = "data"
SHIPPED_FILES: Mapping[str, str] = {
    LOCK_NAME: LOCK_NAME,
    "LICENSE": "LICENSE",
    "tiny.yaml": "tiny/study.yaml",
    "tiny.claims.yaml": "tiny/claims.yaml",
}
"""Name in the package -> path in an artifact."""


def shipped_bytes(name: str) -> bytes | None:
    """Return the content of a file that is shipped with the package; None if there is no such file."""
    file = files("ablatrix.artifact").joinpath(FOLDER, name)
    return file.read_bytes() if file.is_file() else None


def locked_versions() -> Mapping[str, str]:
    """Return the version of every package in the lock, without local labels (``+cpu``)."""
    text = (shipped_bytes(LOCK_NAME) or b"").decode()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;#+]+)", text, re.M))
