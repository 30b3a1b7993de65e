"""An overlay: a virtual environment that sees all of this environment, and whose own packages come first.

The standard library's ``venv`` makes it, pip installs into it. pip counts what this environment has as installed, so
that only what differs is fetched: torch stays where it is, once.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
import venv
from collections.abc import Iterable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from ablatrix.builds.build import Distribution
from ablatrix.builds.commands import Workshop
from ablatrix.builds.spec import is_archive
from ablatrix.errors import BuildError
from ablatrix.regular_files import is_existing_file

BELOW = "ablatrix_below.pth"


def make_overlay(directory: Path) -> Path:
    """Make an empty overlay of this environment, and return its interpreter."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(directory)
    # In a .pth file, and by addsitedir: so the .pth files of this environment hold there, too.
    lines = (f"import site; site.addsitedir({one!r})\n" for one in _site_directories())
    (own_packages(directory) / BELOW).write_text("".join(lines), encoding="utf-8")
    return directory / "bin" / "python"


def own_packages(directory: Path) -> Path:
    """Return the directory of an overlay's own packages."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(directory), "platbase": str(directory)}))


def install(
    workshop: Workshop, interpreter: Path, requirements: Sequence[str], base: Path, *, offline: bool
) -> tuple[Distribution, ...]:
    """Install requirements into an overlay, and return what was added.

    What is asked for by name is installed in any case, also where this environment has a package of that version: it
    need not be the same. Then whatever that needs and this environment does not have.

    Raises:
        BuildFailedError: pip failed.
        BuildError: There is no pip.
    """
    options = ["--no-index", "--no-build-isolation"] if offline else []
    what = f"pip install {' '.join(requirements)}" + (" (offline)" if offline else "")
    named = ["--", *(located(one, base) for one in requirements)]
    added = _pip(workshop, interpreter, [*options, "--no-deps", "--ignore-installed", *named], what)
    needed = _pip(workshop, interpreter, [*options, *named], what)
    return tuple(sorted({one.name: one for one in (*added, *needed)}.values(), key=lambda one: one.name))


def install_locked(
    workshop: Workshop,
    interpreter: Path,
    lock: Iterable[Distribution],
    requirements: Sequence[str],
    base: Path,
) -> tuple[Distribution, ...]:
    """Install the files that a lock names, checked by their digests, and the requirements that are local paths.

    Where one of them has no digest, what is asked for is installed anew: whether it is the same shows its digest then.

    Raises:
        BuildFailedError: pip failed, or a file has another digest.
        BuildError: There is no pip.
    """
    local = [located(one, base) for one in requirements if is_local(one, base)]
    given = {Path(one).name.partition("-")[0].replace("_", "-").lower() for one in local}
    fetched = [one for one in lock if one.name not in given]
    if any(one.sha256 is None for one in fetched):  # a checkout or a directory has no digest that pip could check
        return install(workshop, interpreter, requirements, base, offline=False)
    found: tuple[Distribution, ...] = ()
    if fetched:
        listed = workshop.log.with_suffix(".locked.txt")
        direct = any("://" in one for one in requirements)
        # By name, so that any index or mirror may have it; the digest says that it is the same file.
        lines = (f"{one.name} @ {one.url}" if direct and one.url else f"{one.name}=={one.version}" for one in fetched)
        hashed = (f"{line} --hash=sha256:{one.sha256}\n" for line, one in zip(lines, fetched, strict=True))
        listed.write_text("".join(hashed), encoding="utf-8")
        options = ["--no-deps", "--ignore-installed", "--require-hashes", "-r", str(listed)]
        found = _pip(workshop, interpreter, options, "pip install of its lock")
    if local:
        options = ["--no-deps", "--ignore-installed", "--no-index", "--no-build-isolation", "--", *local]
        found += _pip(workshop, interpreter, options, f"pip install {' '.join(local)}")
    return tuple(sorted(found, key=lambda one: one.name))


def is_local(requirement: str, base: Path) -> bool:
    """Return whether a requirement is a file or directory, from a directory that paths start from."""
    return requirement.startswith((".", "/")) or is_archive(requirement) or is_existing_file(base / requirement)


def located(requirement: str, base: Path) -> str:
    """Return a requirement as pip takes it from anywhere."""
    return str((base / requirement).resolve()) if is_local(requirement, base) else requirement


def _pip(workshop: Workshop, interpreter: Path, words: Sequence[str], what: str) -> tuple[Distribution, ...]:
    if PathFinder.find_spec("pip") is None:  # asked of all finders, setuptools' would give up its own distutils
        raise BuildError(
            f"build '{workshop.name}': {what}: this environment has no pip; to have it: "
            f"{sys.executable} -m ensurepip --upgrade"
        )
    report = workshop.log.with_suffix(".report.json")
    options = ["--no-input", "--disable-pip-version-check", "--no-warn-script-location", "--report", str(report)]
    workshop.run([str(interpreter), "-P", "-m", "pip", "install", *options, *words], interpreter.parent, what)
    try:
        return _installed(json.loads(report.read_text(encoding="utf-8")))
    finally:
        report.unlink(missing_ok=True)


def _installed(report: dict[str, Any]) -> tuple[Distribution, ...]:
    """Return what pip's report says that it installed (https://pip.pypa.io/en/stable/reference/installation-report/)."""
    found = []
    for one in report["install"]:
        info = one["download_info"]
        digest = info.get("archive_info", {}).get("hashes", {}).get("sha256")
        name, version = canonicalize_name(one["metadata"]["name"]), one["metadata"]["version"]
        found.append(Distribution(name=name, version=version, sha256=digest, url=info["url"]))
    return tuple(sorted(found, key=lambda one: one.name))


def _site_directories() -> list[str]:
    """Return the directories of packages of this environment, the user's own where they count."""
    found = list(site.getsitepackages())
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    return [one for one in found if os.path.isdir(one)]  # noqa: PTH112 - written as they are, into Python
