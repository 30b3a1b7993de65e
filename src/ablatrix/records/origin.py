"""Where code came from: the git commit of a directory, and versions of installed packages."""

import functools
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

SOURCES = Path(__file__).parents[1]


def git_state(path: Path) -> tuple[str | None, bool | None]:
    """Return the commit that a directory is checked out from, and whether it has uncommitted changes.

    Dirty means: a tracked file of the checkout changed, or an untracked, not ignored file lies below
    ``path``. Results that are written elsewhere in the checkout do not count.

    Returns:
        ``(None, None)`` when git is missing, or when it tracks nothing below ``path``: then no commit
        describes what lies there (a package installed into a virtual environment inside a user's checkout).
    """
    tracked = _git(path, "ls-files", "--", ".")
    commit = _git(path, "rev-parse", "--verify", "HEAD")
    if not tracked or not commit:
        return None, None
    changed = _git(path, "status", "--porcelain", "--untracked-files=no")
    added = _git(path, "ls-files", "--others", "--exclude-standard", "--", ".")
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
