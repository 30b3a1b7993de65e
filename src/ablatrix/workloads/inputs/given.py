"""What a study says of a model's inputs, as plain values. Loads without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablatrix.canonical import digest_bytes
from ablatrix.errors import WorkloadError
from ablatrix.regular_files import is_existing_file
from ablatrix.workloads.entry import GivenInput

FORMATS = (".npz", ".pt", ".pb")
ALL = ""
"""Stands for all inputs that a file holds."""


def read_given(given: Any, directory: Path) -> Mapping[str, GivenInput]:
    """Return what a study gives for inputs, by their names; what a file holds under ``ALL``.

    Args:
        given: The key ``inputs`` of a workload: a file, or a mapping of values, ranges and files; None for none.
        directory: Directory that files are relative to.

    Raises:
        WorkloadError: A file does not exist or has another format, or a range is empty.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        return {ALL: _from_file(ALL, given, None, directory)}
    return {name: _read_one(name, one, directory) for name, one in given.items()}


def _read_one(name: str, one: Any, directory: Path) -> GivenInput:
    if isinstance(one, (bool, int, float, list)):
        return GivenInput(value=json.dumps(one))
    if one.file is not None:
        return _from_file(name, one.file, one.key, directory)
    if one.low > one.high:
        raise WorkloadError(f"input '{name}': low <= high must hold, but got {one.low} and {one.high}")
    return GivenInput(low=one.low, high=one.high)


def _from_file(name: str, file: str, key: str | None, directory: Path) -> GivenInput:
    path = (directory / file).resolve()
    what = f"inputs '{file}'" if name == ALL else f"input '{name}': '{file}'"
    if not file.endswith(FORMATS):
        raise WorkloadError(f"{what}: a file of inputs ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if not is_existing_file(path):
        raise WorkloadError(f"{what}: there is no file {path}; paths are relative to the study file")
    return GivenInput(file=str(path), name=file, key=key, digest=digest_bytes(path.read_bytes()))
