"""Is what every bundle ships (lock, tiny study, licence) what this ablatrix would ship?

Nothing in the records says what these files must be, so a bundle that somebody made again can have others: a lock that
installs another package, a tiny study that runs another program.
"""

import re
from collections.abc import Iterator, Set
from pathlib import Path

from packaging.utils import canonicalize_name

from ablatrix.artifact.contents import Manifest, Problem
from ablatrix.doctor.shipped import CONTAINER_FILES, SHIPPED_FILES, locked_versions, shipped_bytes
from ablatrix.records.names import LOCK_NAME
from ablatrix.records.origin import source_state
from ablatrix.regular_files import MEBIBYTE, open_regular, read_regular
from ablatrix.version import __version__

LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.!+_-]+)")
SHOWN = 5


def check_shipped(
    directory: Path, packages: Set[tuple[str, str]], manifest: Manifest, *, has_plugins: bool
) -> tuple[list[Problem], list[str]]:
    """Return what does not hold of the files that a bundle ships, and what could not be compared.

    What plug-ins need is in the lock and in nothing else, so packages of a study with plug-ins are noted only.

    Args:
        directory: The bundle.
        packages: Each package with its version that a record has.
        manifest: The bundle's.
        has_plugins: Whether its study has plug-ins.
    """
    is_same = manifest.versions.get("ablatrix") == __version__ and manifest.ablatrix_commit == source_state()[0]
    problems: list[Problem] = []
    notes: list[str] = []
    shipped = {name: path for name, path in {**SHIPPED_FILES, **CONTAINER_FILES}.items() if name != LOCK_NAME}
    others = [path for name, path in shipped.items() if _differs(directory / path, name)]
    if is_same:
        detail = "not the file that this ablatrix, which made the artifact, ships with every one"
        problems += [Problem(path, "changed", detail) for path in others]
    elif others:
        notes.append(f"{', '.join(others)}: not what the ablatrix installed here ships; read before you use them")
    foreign, unknown = _lines(directory, packages, manifest)
    problems += [
        Problem(LOCK_NAME, "invalid", f"line {number} is no NAME==VERSION, so it may install anything: {text!r}")
        for number, text in foreign[:SHOWN]
    ]
    detail = f"neither the records nor the lock of the ablatrix installed here have {_some(unknown)}"
    if unknown and is_same and not has_plugins:
        problems.append(Problem(LOCK_NAME, "changed", detail))
    elif unknown:
        notes.append(f"{LOCK_NAME}: {detail}; look at them before you install")
    return problems, notes


def _differs(file: Path, name: str) -> bool:
    """Return whether a file is there and is not the one that is shipped."""
    wanted = shipped_bytes(name)
    if wanted is None:
        return False
    try:
        with open_regular(file) as stream:
            return stream.read(len(wanted) + 1) != wanted  # more differs as well
    except OSError:
        return False  # a file that cannot be read is reported by who compares files with the manifest


def _lines(
    directory: Path, packages: Set[tuple[str, str]], manifest: Manifest
) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the lines of the lock that are no pinned package, and the packages that nothing else names so."""
    try:
        text = read_regular(directory / LOCK_NAME, MEBIBYTE).decode()
    except (OSError, UnicodeDecodeError):
        return [], []  # a file that cannot be read is reported by who compares files with the manifest
    known = set(_known(packages, manifest))
    foreign, unknown = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if found is None:
            foreign.append((number, line[:80]))
        elif (_name(found["name"]), _release(found["version"])) not in known:
            unknown.append(line)
    return foreign, unknown


def _known(packages: Set[tuple[str, str]], manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each package with its version, local labels left out, that the lock here, the manifest or a record has."""
    for name, version in (*locked_versions().items(), *manifest.versions.items(), *packages):
        yield _name(name), _release(version)


def _release(version: str) -> str:
    return version.partition("+")[0]


def _name(name: str) -> str:
    return str(canonicalize_name(name))


def _some(lines: list[str]) -> str:
    more = len(lines) - SHOWN
    return ", ".join(lines[:SHOWN]) + (f" and {more} more" if more > 0 else "")
