"""Builds in files: one beside what it was made of, and the locks of all of a run beside its results."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import FailFast, TypeAdapter, ValidationError
from pydantic_core import to_json

from ablatrix.builds.build import Build, BuildLock
from ablatrix.errors import BuildError
from ablatrix.foreign_text import many_values
from ablatrix.regular_files import MEBIBYTE, read_regular

BUILD_FILE = "build.json"
LARGEST = 32 * MEBIBYTE
"""Bytes of the largest file of locks: a bundle brings it along."""
ONE: TypeAdapter[Build] = TypeAdapter(Build)
ALL: TypeAdapter[tuple[BuildLock, ...]] = TypeAdapter(Annotated[tuple[BuildLock, ...], FailFast()])


def read_build(place: Path) -> Build | None:
    """Return the build whose directory this is; None where it is not made, or not by this version of the code."""
    try:
        found = ONE.validate_json((place / BUILD_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.interpreter.exists() else None


def write_build(build: Build, file: Path) -> None:
    """Write a build, whole or not at all."""
    _write(to_json(build, indent=2), file)


def read_locks(file: Path) -> tuple[BuildLock, ...]:
    """Return what the builds of a run were; nothing where there is no file.

    Raises:
        BuildError: The file cannot be read.
    """
    try:
        content = read_regular(file, LARGEST)
        if (excess := many_values(content)) is not None:
            raise BuildError(f"{file}: {excess}, which no locks of builds do; `ablatrix run` writes it")
        return ALL.validate_json(content)
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError):
        raise BuildError(f"{file}: cannot be read as the locks of builds; `ablatrix run` writes it") from None


def write_locks(locks: Iterable[BuildLock], file: Path) -> None:
    """Write what the builds of a run are, whole or not at all."""
    _write(to_json(tuple(locks), indent=2), file)


def _write(text: bytes, file: Path) -> None:
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("wb") as stream:
        stream.write(text + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
