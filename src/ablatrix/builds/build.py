"""A build that was made, as a frozen value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ablatrix.canonical import digest_value
from ablatrix.interpreter import interpreter

SEARCHED = ("PYTHONPATH", "PATH", "LD_LIBRARY_PATH")
"""Variables with places that are searched in order: those of a build come first, and the others stay behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed package. Where it is read from a file, each field is one word: pip is given them as they are.

    Attributes:
        name: Its name.
        version: Its version.
        sha256: Of the file that it was installed from; of its list of files where it was there already. None where
            neither is known.
        url: Where that file came from; None where it was there already.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.!+_-]+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    url: Annotated[str, Field(pattern=r"^[!-~]+$")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an interpreter says of itself.

    Attributes:
        python: Version of Python.
        ablatrix: Version of ablatrix there, None without it.
        protocol: Number of the protocol between runner and workers that it speaks, None where it names none.
        torch: Version of torch there, None without it.
        distributions: Every package that it finds.
    """

    python: str
    ablatrix: str | None
    protocol: int | None
    torch: str | None
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLock:
    """What a build was in one run, without the places where it lay: enough to make it again and to compare it.

    Attributes:
        name: Its name in the study.
        way: How it was made, as people read it.
        identity: Digest of what was asked for.
        digest: Digest of what it was.
        python: Version of Python.
        torch: Version of torch in it, None without it.
        lock: The packages that it adds; of another interpreter, all that it has.
        commit: The commit that it is of, None without one.
        dirty: Whether that checkout had changes that are in no commit; None without one.
    """

    name: str
    way: str
    identity: str
    digest: str
    python: str
    torch: str | None
    lock: tuple[Distribution, ...]
    commit: str | None
    dirty: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build: how its processes are started, and what it consists of.

    Attributes:
        name: Its name in the study.
        identity: Digest of what was asked for: the same for the same specification on any machine.
        interpreter: Its Python.
        environment: Variables that its processes have beside those of their parent.
        pythonpath: Directories from which Python imports before all others.
        lock: The packages that it adds; of another interpreter, all that it has.
        python: Version of Python.
        ablatrix: Version of ablatrix in it, None without it.
        protocol: Number of the protocol that this ablatrix speaks, None where it names none.
        torch: Version of torch in it, None without it.
        source: Its checkout, None without one.
        commit: The commit that it is of; of a path to a checkout, the one that was there.
        dirty: Whether that checkout had changes that are in no commit; None without one.
        command: The program and its arguments in place of a compiler's own; empty without one.
    """

    name: str
    identity: str
    interpreter: Path
    environment: Mapping[str, str]
    pythonpath: tuple[Path, ...]
    lock: tuple[Distribution, ...]
    python: str
    ablatrix: str | None
    protocol: int | None
    torch: str | None
    source: Path | None = None
    commit: str | None = None
    dirty: bool | None = None
    command: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of what it turned out to be: its specification, Python, packages with digests, and commit."""
        lock = [[one.name, one.version, one.sha256] for one in self.lock]
        found = {"identity": self.identity, "python": self.python, "lock": lock, "commit": self.commit}
        return digest_value({**found, "dirty": True} if self.dirty else found)

    @property
    def is_kept(self) -> bool:
        """Whether it was made, and so stays what it is; an interpreter and a tree of somebody's may change."""
        return bool(self.pythonpath)

    def command_line(self, *words: str) -> list[str]:
        """Return a command line that starts its Python with some words."""
        return interpreter(*words, python=self.interpreter)

    def locked(self, way: str) -> BuildLock:
        """Return what is kept of it beside results.

        Args:
            way: How it was made, as people read it.
        """
        return BuildLock(
            name=self.name,
            way=way,
            identity=self.identity,
            digest=self.digest,
            python=self.python,
            torch=self.torch,
            # Where this machine found a file says nothing elsewhere.
            lock=tuple(replace(one, url=None) if _is_local(one.url) else one for one in self.lock),
            commit=self.commit,
            dirty=self.dirty,
        )

    def named(self, name: str) -> Build:
        """Return the same build under a name."""
        return replace(self, name=name)

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of its processes.

        Args:
            inherited: The environment that they would have without it.
        """
        found = {**inherited, **self.environment}
        for name in SEARCHED:
            own = [self.environment[name]] if self.environment.get(name) else []
            if name == "PYTHONPATH":
                own = [*map(str, self.pythonpath), *own]
            if own:
                found[name] = os.pathsep.join([*own, *filter(None, [inherited.get(name)])])
        return found


def _is_local(url: str | None) -> bool:
    return url is not None and not url.startswith(("https:", "http:"))
