"""What a build is asked to be, as one digest: the same for the same specification on any machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablatrix.builds.overlay import is_local, located
from ablatrix.builds.spec import BuildSpec
from ablatrix.canonical import digest_value
from ablatrix.errors import BuildError
from ablatrix.regular_files import digest_regular, is_there

MADE_ANEW = {".git", "__pycache__", "build", "dist", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
"""Directories of a package's sources that are no part of them."""


def identity_of(spec: BuildSpec, base: Path) -> str:
    """Return the digest of a specification; local files of ``pip`` count by what is in them, not by their place.

    Args:
        spec: How the build is made.
        base: Directory that relative paths start from.

    Raises:
        BuildError: A local file of ``pip`` is not there.
    """
    data: dict[str, Any] = spec.model_dump(mode="json")
    if spec.git is not None:
        del data["git"]["repository"]  # a commit is the same in every clone
    if spec.pip:
        data["pip"] = [_requirement(one, base) for one in spec.pip]
    return digest_value(data)


def _requirement(requirement: str, base: Path) -> str | dict[str, Any]:
    if not is_local(requirement, base):
        return requirement
    path = Path(located(requirement, base))
    if not is_there(path):
        raise BuildError(f"build: {path}: there is no such file or directory to install; give the path of one")
    return {"name": path.name, "files": {name: digest_regular(file) for name, file in source_files(path)}}


def source_files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a requirement that is a file or a directory, each with its name below it."""
    if path.is_file():
        yield path.name, path
        return
    for root, directories, files in os.walk(path):
        directories[:] = sorted(one for one in directories if one not in MADE_ANEW and not one.endswith(".egg-info"))
        for name in sorted(files):
            file = Path(root) / name
            if file.is_file():
                yield file.relative_to(path).as_posix(), file
