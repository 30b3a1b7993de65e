"""Answers of installed compilers, kept in the user's cache directory, and what an answer depends on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ablatrix.canonical import digest_bytes
from ablatrix.compilers.catalogue.model import CompilerEntry
from ablatrix.records.origin import packages_of_modules


def answer_file(kind: str, name: str) -> Path:
    """Return where an answer is kept, by what was asked and a name that holds all it depends on."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ablatrix" / kind / f"{name}.json"


def keep_answer(file: Path, answer: bytes) -> None:
    """Write an answer, whole or not at all; a directory that cannot be written costs time alone."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as stream:
            stream.write(answer)
        Path(stream.name).replace(file)


def installed_modules(entry: CompilerEntry) -> dict[str, Any]:
    """Return the compiler's modules by version and file; nothing is imported."""
    packages = packages_of_modules()
    modules: dict[str, Any] = {}
    for name in entry.modules:
        spec = find_spec(name)
        origin = None if spec is None else spec.origin
        versions = {one: version(one) for one in packages.get(name, ())}
        modules[name] = [versions, origin, Path(origin).stat().st_mtime_ns if origin else None]
    return modules


def code_in(places: Iterable[Path]) -> dict[str, str]:
    """Return the digests of the modules in some directories, by file."""
    return {str(file): digest_bytes(file.read_bytes()) for place in places for file in sorted(place.glob("*.py"))}


def directory_of(spec: str) -> Path:
    """Return the directory of the module of ``module:name`` or ``file.py:name``, without importing it."""
    where = spec.rpartition(":")[0]
    if where.endswith(".py"):
        return Path(where).parent
    found = find_spec(where)
    return Path(found.origin).parent if found is not None and found.origin else Path(__file__).parent
