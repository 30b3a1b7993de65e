"""Findings of searches in a bundle: nothing gives them anew, but each must be one, as the page shows them."""

from pathlib import Path

from ablatrix.artifact.contents import Problem
from ablatrix.errors import RecordError
from ablatrix.records.kept_findings import FINDINGS, MOST_BYTES, read_finding
from ablatrix.regular_files import read_regular


def check_findings(directory: Path) -> list[Problem]:
    """Return what is wrong with the findings of searches in a bundle; nothing where it has none.

    Args:
        directory: The bundle.
    """
    folder = directory / FINDINGS
    paths = sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    total = sum(path.lstat().st_size for path in paths)
    if total > MOST_BYTES:  # the page has all of them at once
        return [Problem(FINDINGS, "invalid", f"its files have {total} bytes; at most {MOST_BYTES} are read")]
    return [problem for path in paths for problem in _check(path, f"{FINDINGS}/{path.name}")]


def _check(path: Path, name: str) -> list[Problem]:
    if path.suffix != ".json" or path.is_dir():
        return [Problem(name, "invalid", "findings of searches are files with JSON, and nothing else is beside them")]
    try:
        read_finding(read_regular(path, MOST_BYTES))
    except OSError:
        return []  # reported by who compares files with the manifest
    except RecordError as error:
        return [Problem(name, "invalid", str(error))]
    return []
