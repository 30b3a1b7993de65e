"""From a study's description of a program to its catalogue entry: knobs, levels, files, and the program's digest."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from pydantic import ValidationError

from ablatrix.builds import Build
from ablatrix.canonical import digest_bytes, digest_value
from ablatrix.compilers.catalogue import (
    CACHE_TAG,
    CompilerEntry,
    KnobEntry,
    LevelEntry,
    ProgramDescription,
    ProgramFile,
)
from ablatrix.compilers.command.description import (
    PROTOCOL,
    Description,
    KnobDescription,
    LevelDescription,
    read_description,
)
from ablatrix.compilers.command.session import Session
from ablatrix.errors import CompilerError
from ablatrix.regular_files import is_existing_file

ADAPTER = "ablatrix.compilers.command.compiler:CommandCompiler"
DESCRIBE_TIMEOUT_S = 60.0
PYTHON = ("python", "python3")
"""Words that mean the interpreter that runs ablatrix, so that a program finds the installed packages."""


def describe_command(
    name: str, command: Sequence[str], directory: Path, knobs: Mapping[str, Mapping[str, Any]]
) -> CompilerEntry:
    """Start a program, ask it to describe itself and return its entry; see ``entry_of_description``."""
    return entry_of_description(name, command, directory, knobs, ask_description(name, command, directory))


def ask_description(name: str, command: Sequence[str], directory: Path, build: Build | None = None) -> Description:
    """Start a program, and return how it describes itself.

    Args:
        name: The study's name for the compiler.
        command: Program and arguments; those that are files in ``directory`` are resolved there.
        directory: Directory of the study.
        build: The build of it that is meant, in whose environment it is started; None for this environment.

    Raises:
        CompilerError: The program cannot be started, or does not answer as the protocol says.
    """
    variables = None if build is None else build.variables(os.environ)
    return _ask(
        name, resolve_command(name, command, directory, None if build is None else build.interpreter), variables
    )


def entry_of_description(
    name: str,
    command: Sequence[str],
    directory: Path,
    knobs: Mapping[str, Mapping[str, Any]],
    description: Description,
    build: Build | None = None,
) -> CompilerEntry:
    """Return the entry of a program that has described itself.

    Args:
        name: The study's name for the compiler.
        command: Program and arguments; those that are files in ``directory`` are resolved there.
        directory: Directory of the study.
        knobs: What the study says about the knobs, by name: it replaces fields of those that the program describes
            (levels may be fewer), and adds those that it does not. Settings are none of them.
        description: How it describes itself.
        build: The build of it that did; None for this environment.

    Raises:
        CompilerError: A knob is not valid, or a file that the program names is not there.
    """
    full = resolve_command(name, command, directory, None if build is None else build.interpreter)
    own = {knob: words for knob, words in knobs.items() if "setting" not in words}
    found = _merge(name, description.knobs, own)
    if len(own) == len(knobs) and not any(knob.kind == "primary" for knob in found):
        raise CompilerError(f"{name}: it has no primary knob, so there is nothing to ablate; describe or declare one")
    files = read_files(command, description, directory)
    program = ProgramDescription(
        command=tuple(full),
        digest=_program_digest(command, description, files),
        versions=description.versions,
        formats=description.formats,
        tensors=description.tensors,
        files=files,
        settings=tuple(one.model_dump() for one in description.settings),
    )
    return CompilerEntry(
        name=name,
        summary=description.summary or f"The program {' '.join(command)}.",
        modules=("torch",),
        extra="workloads",
        adapter=ADAPTER,
        knobs=(*map(_entry, found), CACHE_TAG),
        program=program,
        takes_onnx=True,  # it is given one like any other workload, and says itself what it does not take
    )


def described_knobs(description: Description) -> tuple[KnobEntry, ...]:
    """Return the knobs of a program as it describes them."""
    return tuple(map(_entry, description.knobs))


def resolve_command(name: str, command: Sequence[str], directory: Path, python: Path | None = None) -> list[str]:
    """Return program and arguments with absolute paths.

    Args:
        name: The study's name for the compiler, for messages.
        command: Program and arguments.
        directory: Directory of the study.
        python: What the word ``python`` stands for; None for the interpreter of this process.

    Raises:
        CompilerError: There is no such program.
    """
    full = [str(directory / word) if is_existing_file(directory / word) else word for word in command]
    if full[0] in PYTHON:
        full[0] = sys.executable if python is None else str(python)
    if not Path(full[0]).is_absolute():
        found = shutil.which(full[0])
        if found is None:
            raise CompilerError(
                f"{name}: there is no program '{command[0]}', neither in {directory} nor on the PATH; write its path "
                "relative to the study file"
            )
        full[0] = found
    return full


def read_files(command: Sequence[str], description: Description, directory: Path) -> tuple[ProgramFile, ...]:
    """Return the files of a program: those of its command line, and those that it names, beside the first of them.

    Raises:
        CompilerError: A file that it names is not there.
    """
    words = [word for word in command if is_existing_file(directory / word)]
    beside = PurePath(words[0]).parent if words else PurePath()
    names = {*words, *(str(beside / file) for file in description.files)}
    return tuple(_read_file(command[0], name, directory / name) for name in sorted(names))


def _read_file(program: str, name: str, file: Path) -> ProgramFile:
    try:
        return ProgramFile(name, str(file), digest_bytes(file.read_bytes()))
    except OSError as error:
        raise CompilerError(f"{program}: its file {file} cannot be read: {error.strerror}") from None


def _program_digest(command: Sequence[str], description: Description, files: Sequence[ProgramFile]) -> str:
    """Return the SHA-256 of a program: its command line, its files, and all that it described."""
    return digest_value(
        {
            "command": list(command),
            "files": {file.name: file.digest for file in files},
            "description": description.model_dump(mode="json"),
        }
    )


def _ask(name: str, full: Sequence[str], variables: Mapping[str, str] | None) -> Description:
    with tempfile.TemporaryDirectory(prefix="ablatrix-describe-") as directory:
        session = Session(name, full, Path(directory), variables=variables)
        try:
            return read_description(session.ask({"do": "describe", "protocol": PROTOCOL}, DESCRIBE_TIMEOUT_S), name)
        finally:
            session.close()


def _merge(
    name: str, described: Sequence[KnobDescription], given: Mapping[str, Mapping[str, Any]]
) -> list[KnobDescription]:
    """Return the program's knobs as the study changes them, then those that only the study has."""
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
        raise CompilerError(f"{name}: what the study says about its knobs is not valid: {faults}") from None


def _entry(knob: KnobDescription) -> KnobEntry:
    levels = tuple(map(_level, knob.levels))
    return KnobEntry(
        name=knob.name,
        kind=knob.kind,
        summary=knob.summary,
        levels=levels,
        default=knob.default,
        affects=knob.affects,
        free=knob.free,
        tolerance=knob.tolerance,
    )


def _level(level: LevelDescription) -> LevelEntry:
    return LevelEntry(level.name, level.summary, level.unsupported)
