"""How a build of a compiler is made, as a study or a caller says it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from ablatrix.documents.spelling import Spelled

WAYS = ("pip", "python", "git")
"""How a build gets its packages: one of these, or none for those of this environment."""
HERE = "this environment"
BuildName = Annotated[
    str,
    Spelled(
        r"^[A-Za-z][A-Za-z0-9._-]*$",
        "begin with a letter, so that no name is read as a number, and have letters, digits, '.', '_' and '-' alone",
    ),
    Field(max_length=64),
]
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RELATIVE = ("./", "../")
SOURCE = "{source}"
"""In values of variables and words of commands: the checkout of a build of ``git``."""


class BuildPart(BaseModel):
    """Base of what says how a build is made: frozen, unknown keys are faults, what is not given is in no dump."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if value not in (None, [], (), {})}


class GitSource(BuildPart):
    """A commit of a repository, with what makes it usable."""

    repository: Annotated[str, Field(min_length=1)] = Field(
        description="A directory, from the study's directory, or a URL."
    )
    commit: Annotated[
        str,
        Spelled(r"^[A-Za-z0-9][A-Za-z0-9._/~^@{}-]*$", "be a commit, tag or branch; it begins with a letter or digit"),
    ] = Field(description="A commit, tag or branch; it is kept as the commit that it was when the build was made.")
    build: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Commands for the shell, run one after the other in the checkout."
    )
    pythonpath: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Directories of the checkout from which Python imports, before all others."
    )


class BuildSpec(BuildPart):
    """How one build is made: by ``pip``, ``python`` or ``git``; with none of them it is this environment."""

    pip: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="Requirements that are installed over this environment, such as onnxruntime==1.24.1."
    )
    python: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Another interpreter with ablatrix and the compiler, from the study's directory."
    )
    git: GitSource | None = Field(default=None, description="A checkout of a repository.")
    env: dict[str, str] = Field(
        default_factory=dict,
        description="Environment variables; a piece that begins with ./ or ../ is a path from the study's directory, "
        "{source} is the checkout of `git`. PYTHONPATH, PATH and LD_LIBRARY_PATH come before those that are there.",
    )
    command: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), description="For a compiler with a `command`: the program in place of it, and its arguments."
    )

    @field_validator("pip", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("pip")
    @classmethod
    def _requirements_alone(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError(
                "'pip' asks for nothing; name what to install, such as onnxruntime==1.24.1, or leave it out"
            )
        for one in value:
            if not _may_be_place(one) and not one.startswith("-"):
                _refuse_malformed(one)
            if one.startswith("-"):
                raise ValueError(
                    f"'{one}' is an option of pip and no requirement; options go into its own configuration, such as "
                    "PIP_INDEX_URL"
                )
        return value

    @field_validator("env")
    @classmethod
    def _names_of_variables(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if not VARIABLE.fullmatch(name):
                raise ValueError(f"'{name}' is no name of an environment variable; use letters, digits and underscores")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> BuildSpec:
        ways = [way for way in WAYS if getattr(self, way)]
        if len(ways) > 1:
            raise ValueError(f"a build has '{ways[0]}' and '{ways[1]}'; give it one of them")
        if self.git is None and any(SOURCE in text for text in (*self.env.values(), *self.command)):
            raise ValueError(f"{SOURCE} is the checkout of a build with 'git', and this one has none")
        return self

    @property
    def way(self) -> str:
        """How it gets its packages, as people read it."""
        return next((way for way in WAYS if getattr(self, way)), HERE)

    def sentence(self) -> str:
        """Return how it is made, for people."""
        match self.way:
            case "pip":
                text = f"pip install {' '.join(self.pip)}"
            case "python":
                text = f"the interpreter {self.python}"
            case "git":
                assert self.git is not None
                text = f"commit {self.git.commit} of {self.git.repository}"
            case _:
                text = HERE
        return text + (f", with {', '.join(self.env)} set" if self.env else "")

    def at_commit(self, commit: str) -> BuildSpec:
        """Return the same build of another commit of its repository."""
        assert self.git is not None, "only a build of a repository has commits"
        return self.model_copy(update={"git": self.git.model_copy(update={"commit": commit})})

    def variables(self, base: Path, source: Path | None) -> dict[str, str]:
        """Return its environment variables, with paths from a directory and its checkout made absolute."""
        return {name: _located(value, base, source) for name, value in self.env.items()}

    def words(self, base: Path, source: Path | None) -> tuple[str, ...]:
        """Return the words of its command, with paths made absolute in the same way."""
        return tuple(_located(word, base, source) for word in self.command)


def _may_be_place(requirement: str) -> bool:
    """Return whether a requirement may be a file, a directory or an address, and no name with versions."""
    return "/" in requirement or is_archive(requirement) or requirement.startswith(".")


def is_archive(requirement: str) -> bool:
    """Return whether a requirement is the name of a file that pip installs."""
    return requirement.endswith((".whl", ".tar.gz", ".zip")) and "://" not in requirement


def _refuse_malformed(requirement: str) -> None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(requirement)
    except InvalidRequirement:
        raise ValueError(
            f"'{requirement}' is no requirement; write a name and versions, such as onnxruntime==1.24.1, or the path "
            "of a file or directory, such as ./dist/mine.whl"
        ) from None


def _located(text: str, base: Path, source: Path | None) -> str:
    """Return text whose pieces between colons are absolute where they are relative paths, and with the checkout."""
    if source is not None:
        text = text.replace(SOURCE, str(source))
    pieces = text.split(":")
    return ":".join(
        str((base / one).resolve()) if one in {".", ".."} or one.startswith(RELATIVE) else one for one in pieces
    )
