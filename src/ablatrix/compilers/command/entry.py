"""From a study's words on a program to its entry in the catalogue: knobs, levels, and the digest of the program."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from ablatrix.canonical import canonical_json, digest_bytes, digest_value
from ablatrix.compilers.catalogue import CACHE_TAG, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.command.description import (
    PROTOCOL,
    Description,
    KnobDescription,
    LevelDescription,
    read_description,
)
from ablatrix.compilers.command.session import Session
from ablatrix.errors import CompilerError

ADAPTER = "ablatrix.compilers.command.compiler:CommandCompiler"
DESCRIBE_TIMEOUT_S = 60.0
PYTHON = ("python", "python3")
"""Words that stand for the interpreter that runs ablatrix, so that a program finds the packages that are there."""


@dataclass(frozen=True)
class _Described:
    """A description, and the program that gave it."""

    digest: str
    description: Description


_described: dict[tuple[tuple[str, ...], Path], _Described] = {}


def describe_command(
    name: str, command: Sequence[str], directory: Path, knobs: Mapping[str, Mapping[str, Any]]
) -> CompilerEntry:
    """Ask a program to describe itself and return its entry; an unchanged program is asked once in this process.

    Args:
        name: The study's name for the compiler.
        command: Program and arguments; those that are files of ``directory`` are meant from there.
        directory: Directory of the study.
        knobs: What the study says of the knobs, by name: it replaces fields of those that the program describes
            (levels may be fewer), and adds those that it does not.

    Raises:
        CompilerError: The program cannot be started, does not answer as the protocol says, or a knob is not valid.
    """
    full = resolve_command(name, command, directory)
    key = tuple(full), directory
    held = _described.get(key)
    if held is None or program_digest(command, held.description, directory) != held.digest:
        description = _ask(name, full)
        held = _Described(program_digest(command, description, directory), description)
        _described[key] = held
    found = _merge(name, held.description.knobs, knobs)
    if not any(knob.kind == "primary" for knob in found):
        raise CompilerError(f"{name}: it has no primary knob, so there is nothing to ablate; describe or declare one")
    given = {
        "name": name,
        "command": full,
        "program": held.digest,
        "versions": held.description.versions,
        "formats": held.description.formats,
        "tensors": held.description.tensors,
        "knobs": {knob.name: knob.affects for knob in found},
        "unsupported": {
            knob.name: {level.name: level.unsupported for level in knob.levels if level.unsupported} for knob in found
        },
    }
    return CompilerEntry(
        name=name,
        summary=held.description.summary or f"The program {' '.join(command)}.",
        modules=("torch",),
        extra="workloads",
        adapter=f"{ADAPTER}\n{canonical_json(given)}",
        knobs=(*map(_entry, found), CACHE_TAG),
        program_digest=held.digest,
    )


def resolve_command(name: str, command: Sequence[str], directory: Path) -> list[str]:
    """Return program and arguments with absolute paths.

    Raises:
        CompilerError: There is no such program.
    """
    full = [str(directory / word) if (directory / word).is_file() else word for word in command]
    if full[0] in PYTHON:
        full[0] = sys.executable
    if not Path(full[0]).is_absolute():
        found = shutil.which(full[0])
        if found is None:
            raise CompilerError(
                f"{name}: there is no program '{command[0]}', neither in {directory} nor on the PATH; write its path "
                "from the study file"
            )
        full[0] = found
    return full


def find_files(command: Sequence[str], directory: Path) -> dict[str, Path]:
    """Return the files of a program that was described in this process: path from the study's directory -> file."""
    held = _described.get((tuple(resolve_command(command[0], command, directory)), directory))
    return {} if held is None else program_files(command, held.description, directory)


def program_files(command: Sequence[str], description: Description, directory: Path) -> dict[str, Path]:
    """Return the files of a program: those of its command line, and those that it names, beside the first of them."""
    words = [word for word in command if (directory / word).is_file()]
    beside = PurePath(words[0]).parent if words else PurePath()
    names = {*words, *(str(beside / file) for file in description.files)}
    return {name: directory / name for name in sorted(names)}


def program_digest(command: Sequence[str], description: Description, directory: Path) -> str:
    """Return the SHA-256 of a program: its command line, the files of it and those that it names, its versions.

    Raises:
        CompilerError: A file that it names is not there.
    """
    digests = {}
    for name, file in program_files(command, description, directory).items():
        try:
            digests[name] = digest_bytes(file.read_bytes())
        except OSError as error:
            raise CompilerError(f"{command[0]}: its file {file} cannot be read: {error.strerror}") from None
    return digest_value(
        {"command": list(command), "files": digests, "description": description.model_dump(mode="json")}
    )


def _ask(name: str, full: Sequence[str]) -> Description:
    with tempfile.TemporaryDirectory(prefix="ablatrix-describe-") as directory:
        session = Session(name, full, Path(directory))
        try:
            return read_description(session.ask({"do": "describe", "protocol": PROTOCOL}, DESCRIBE_TIMEOUT_S), name)
        finally:
            session.close()


def _merge(
    name: str, described: Sequence[KnobDescription], given: Mapping[str, Mapping[str, Any]]
) -> list[KnobDescription]:
    """Return the program's knobs with what the study says of them, then those that only the study has."""
    found = {knob.name: knob.model_dump() for knob in described}
    for knob, words in given.items():
        known = found.get(knob, {"name": knob, "summary": "Declared by the study."})
        summaries = {level["name"]: level for level in known.get("levels", ())}
        merged = {**known, **words}
        if "levels" in words:
            merged["levels"] = [summaries.get(level, level) for level in words["levels"]]
            names = list(words["levels"])
            if merged.get("default") not in names:
                merged["default"] = words.get("default", names[0] if names else None)
        found[knob] = merged
    try:
        return [KnobDescription.model_validate(one) for one in found.values()]
    except ValidationError as error:
        faults = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise CompilerError(f"{name}: the study's words on its knobs are not valid: {faults}") from None


def _entry(knob: KnobDescription) -> KnobEntry:
    levels = tuple(map(_level, knob.levels))
    return KnobEntry(knob.name, knob.kind, knob.summary, levels, knob.default, knob.affects, knob.free)


def _level(level: LevelDescription) -> LevelEntry:
    return LevelEntry(level.name, level.summary, level.unsupported)
