"""Where code came from: the git commit of a directory, and versions of installed packages."""

import functools
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

SOURCES = Path(__file__).parents[1]


def git_state(path: Path) -> tuple[str | None, bool | None]:
    """Return the commit that a directory is checked out from, and whether it has uncommitted changes.

    Dirty means: a tracked file of the checkout changed, or an untracked, not ignored file lies below
    ``path``. Results that are written elsewhere in the checkout do not count, nor what Python compiles when it imports.

    Returns:
        ``(None, None)`` when git is missing, or when it tracks nothing below ``path``: then no commit
        describes what lies there (a package installed into a virtual environment inside a user's checkout).
    """
    tracked = _git(path, "ls-files", "--", ".")
    commit = _git(path, "rev-parse", "--verify", "HEAD")
    if not tracked or not commit:
        return None, None
    changed = _git(path, "status", "--porcelain", "--untracked-files=no")
    added = _git(path, "ls-files", "--others", "--exclude-standard", "--exclude=__pycache__", "--", ".")
    if changed is None or added is None:
        return commit, None
    return commit, bool(changed or added)


def source_state() -> tuple[str | None, bool | None]:
    """Return :func:`git_state` of ablatrix's own sources; ``(None, None)`` when it is installed."""
    return git_state(SOURCES)


@functools.cache
def installed_version(package: str) -> str | None:
    """Return the version of an installed package without importing it; None when it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def packages_of_modules() -> Mapping[str, Sequence[str]]:
    """Return the names of the installed packages that each module comes from; to read them takes half a second."""
    return metadata.packages_distributions()


@functools.cache
def installation_of(extra: str) -> str:
    """Return the command that installs what an extra of ablatrix needs.

    It names the packages themselves: ablatrix is on no package index, so ``ablatrix[extra]`` would find nothing there.
    """
    found = [f"'{requirement}'" for requirement in _requirements(extra)]
    return f"pip install {' '.join(found)}" if found else f"pip install '.[{extra}]', in a clone of ablatrix"


def _requirements(extra: str) -> list[str]:
    try:
        declared = metadata.requires("ablatrix") or []
    except metadata.PackageNotFoundError:
        return []
    found: dict[str, None] = {}
    for requirement in declared:
        needed, _, marker = requirement.partition(";")
        if re.fullmatch(rf"\s*extra\s*==\s*['\"]{re.escape(extra)}['\"]\s*", marker):
            own = re.fullmatch(r"ablatrix\[(.+)\]", needed.strip())
            inner = [one for name in own[1].split(",") for one in _requirements(name)] if own else [needed.strip()]
            found |= dict.fromkeys(inner)
    return list(found)


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return python's version and those of the packages that are installed, by name."""
    found = {package: installed_version(package) for package in packages}
    versions = {package: version for package, version in found.items() if version is not None}
    return {"python": platform.python_version(), **versions}


def _git(path: Path, *arguments: str) -> str | None:
    # A hook's GIT_DIR would point every question at the hook's repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(path), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
