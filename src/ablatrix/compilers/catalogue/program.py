"""The program behind a study's ``command``, as a plain value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProgramForm = Literal["graph", "pt2", "onnx"]
TensorForm = Literal["npy", "raw"]
Described = str | int | float | bool | tuple[str, ...] | None
"""A value of what a program says of one of its settings."""


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """One file that a program's answers depend on.

    Attributes:
        name: Its path from the study's directory.
        path: Its absolute path.
        digest: Its SHA-256.
    """

    name: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramDescription:
    """A program that is a compiler: how it is started, and how it described itself.

    Attributes:
        command: The program and its arguments, with absolute paths.
        digest: SHA-256 of the command line as the study writes it, of its files, and of all that it described.
        versions: Versions of what generates or runs code.
        formats: Forms in which it takes what it compiles.
        tensors: Form in which it takes tensors.
        settings: The addresses of settings that it offers, as it described them.
        files: The files that belong to it, by name.
    """

    command: tuple[str, ...]
    digest: str
    versions: Mapping[str, str]
    formats: tuple[ProgramForm, ...]
    tensors: TensorForm
    files: tuple[ProgramFile, ...]
    settings: tuple[Mapping[str, Described], ...] = ()
