"""Making builds: each once below a directory, under a lock; one that is there is found by what was asked for."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from ablatrix.builds.build import Build, Distribution, Facts
from ablatrix.builds.build_file import BUILD_FILE, read_build, write_build
from ablatrix.builds.checkout import check_out, clean_environment, find_commit
from ablatrix.builds.commands import Workshop
from ablatrix.builds.identity import identity_of
from ablatrix.builds.overlay import install, install_locked, make_overlay, own_packages
from ablatrix.builds.probe import describe_interpreter
from ablatrix.builds.spec import BuildSpec, GitSource
from ablatrix.canonical import ID_LENGTH
from ablatrix.errors import BuildError, BuildFailedError
from ablatrix.records.origin import git_state

_log = logging.getLogger(__name__)


def make_build(
    name: str,
    spec: BuildSpec,
    directory: Path,
    *,
    base: Path | None = None,
    offline: bool = False,
    lock: Sequence[Distribution] = (),
) -> Build:
    """Return a build, making it where the directory does not have it yet.

    A build that installs or compiles is made below ``directory``, under its digest; of two processes that ask for the
    same, one makes it and the other waits. One that is an interpreter, a set of variables or this environment is
    described anew each time, since nothing keeps it from changing.

    Args:
        name: What it is called.
        spec: How it is made.
        directory: Where builds are kept; made where it is missing.
        base: Directory that relative paths start from; None for the working directory.
        offline: Whether nothing may be fetched in making it.
        lock: The packages of an earlier making, which are installed in place of what ``pip`` would choose today.

    Raises:
        BuildFailedError: A command of the making failed, where the message has the last lines of its log; or a
            directory of its ``pythonpath`` is not there, or its interpreter does not say what it is.
        BuildError: It cannot be made for another reason: no such interpreter, repository, commit or program, or a
            disk that cannot be written.
    """
    base = (base or Path.cwd()).resolve()
    try:
        if spec.git is not None:
            return _kept_checkout(name, spec, spec.git, directory.resolve(), base, offline)
        identity = identity_of(spec, base)
        if spec.pip:
            return _kept_overlay(name, spec, identity, directory.resolve(), base, offline, lock)
        return _as_it_is(name, spec, identity, base)
    except OSError as error:
        where = error.filename or directory
        raise BuildError(
            f"build '{name}': {where}: cannot be written or read: {error.strerror}; free space, or choose another place"
        ) from error


def _kept_overlay(
    name: str,
    spec: BuildSpec,
    identity: str,
    directory: Path,
    base: Path,
    offline: bool,
    lock: Sequence[Distribution],
) -> Build:
    with _place(name, directory, identity) as (place, held):
        found = read_build(place)
        if found is not None and (not lock or found.lock == tuple(lock)):
            return found.named(name)
        _log.info("making build '%s' of %s in %s", name, ", ".join(spec.pip), place)
        workshop = _begin(name, place, held)
        interpreter = make_overlay(place / "venv")
        if lock:
            added = install_locked(workshop, interpreter, lock, spec.pip, base)
        else:
            added = install(workshop, interpreter, spec.pip, base, offline=offline)
        # Said once more than the overlay does: PYTHONPATH of whoever starts it would come first.
        ahead = (own_packages(place / "venv"),)
        variables = spec.variables(base, None)
        draft = _described(name, spec, identity, base, interpreter, variables, pythonpath=ahead)
        return _finish(place, replace(draft, lock=added))


def _kept_checkout(name: str, spec: BuildSpec, git: GitSource, directory: Path, base: Path, offline: bool) -> Build:
    mirror, commit = find_commit(name, git, directory, base, offline=offline)
    identity = identity_of(spec.at_commit(commit), base)
    with _place(name, directory, identity) as (place, held):
        found = read_build(place)
        if found is not None:
            return found.named(name)
        _log.info("making build '%s' of commit %s of %s in %s", name, commit[:12], git.repository, place)
        workshop = _begin(name, place, held)
        source = place / "source"
        check_out(workshop, mirror, commit, source)
        interpreter = make_overlay(place / "venv")
        variables = spec.variables(base, source)
        shell = _shell_variables(workshop, interpreter, variables)
        for command in git.build:
            shell.run(["/bin/sh", "-e", "-c", command], source, f"the command '{command}'")
        ahead = tuple((source / one).resolve() for one in git.pythonpath)
        absent = [one for one in ahead if not one.is_dir()]
        if absent:
            missing = (
                absent[0].relative_to(source.resolve()) if absent[0].is_relative_to(source.resolve()) else absent[0]
            )
            raise BuildFailedError(
                f"build '{name}': commit {commit[:12]} has no directory '{missing}' for its 'pythonpath'", name
            )
        ahead += (own_packages(place / "venv"),)
        draft = _described(name, spec, identity, base, interpreter, variables, pythonpath=ahead, source=source)
        return _finish(place, replace(draft, lock=_own(draft, place), commit=commit, dirty=False))


def _as_it_is(name: str, spec: BuildSpec, identity: str, base: Path) -> Build:
    """Return a build that nothing is made for: another interpreter, or this one with other variables."""
    interpreter = Path(sys.executable) if spec.python is None else Path(os.path.abspath(base / spec.python))  # noqa: PTH100 - a link to an interpreter is what makes it that of an environment
    if not os.access(interpreter, os.X_OK) or interpreter.is_dir():
        raise BuildError(f"build '{name}': {interpreter} is no program; give the path of a Python")
    variables = spec.variables(base, None)
    found = _described(name, spec, identity, base, interpreter, variables)
    commit, dirty = _checkout_of(variables)
    return replace(found, commit=commit, dirty=dirty)


def _checkout_of(variables: dict[str, str]) -> tuple[str | None, bool | None]:
    """Return commit and state of the first checkout that Python imports from by the variables of a build."""
    for one in filter(None, variables.get("PYTHONPATH", "").split(os.pathsep)):
        commit, dirty = git_state(Path(one))
        if commit is not None:
            return commit, dirty
    return None, None


def _described(
    name: str,
    spec: BuildSpec,
    identity: str,
    base: Path,
    interpreter: Path,
    variables: dict[str, str],
    *,
    pythonpath: tuple[Path, ...] = (),
    source: Path | None = None,
) -> Build:
    """Return a build with what its interpreter says; its lock is what this has, where it is another one."""
    draft = Build(
        name=name,
        identity=identity,
        interpreter=interpreter,
        environment=variables,
        pythonpath=pythonpath,
        lock=(),
        python="",
        ablatrix=None,
        protocol=None,
        torch=None,
        source=source,
        command=spec.words(base, source),
    )
    facts = describe_interpreter(name, interpreter, draft.variables(os.environ))
    return _with_facts(draft, facts, all_packages=spec.python is not None)


def _with_facts(draft: Build, facts: Facts, *, all_packages: bool) -> Build:
    return replace(
        draft,
        lock=facts.distributions if all_packages else (),
        python=facts.python,
        ablatrix=facts.ablatrix,
        protocol=facts.protocol,
        torch=facts.torch,
    )


def _own(draft: Build, place: Path) -> tuple[Distribution, ...]:
    """Return the packages that the commands of a checkout installed into its overlay."""
    from importlib.metadata import distributions

    found = distributions(path=[str(own_packages(place / "venv"))])
    kept = {one.name: Distribution(name=one.name, version=one.version) for one in found if one.name}
    return tuple(kept[name] for name in sorted(kept))


def _shell_variables(workshop: Workshop, interpreter: Path, variables: dict[str, str]) -> Workshop:
    """Return a workshop whose commands find the build's own Python first, and its variables."""
    own = {**variables, "VIRTUAL_ENV": str(interpreter.parents[1])}
    path = os.pathsep.join([str(interpreter.parent), workshop.variables.get("PATH", os.defpath)])
    return replace(workshop, variables={**workshop.variables, **own, "PATH": path})


@contextmanager
def _place(name: str, directory: Path, identity: str) -> Iterator[tuple[Path, IO[str]]]:
    """Hold the lock of a build, and yield its directory and the lock."""
    directory.mkdir(parents=True, exist_ok=True)
    place = directory / identity[:ID_LENGTH]
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("build '%s' is being made by another process; waiting for it", name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield place, lock


def _begin(name: str, place: Path, lock: IO[str]) -> Workshop:
    """Clear away what a making that was killed left, and return where commands run."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    log = place.with_name(f"{place.name}.log")
    log.write_bytes(b"")
    return Workshop(name, log, lock.fileno(), clean_environment(os.environ))


def _finish(place: Path, build: Build) -> Build:
    """Keep a build: with this file, and not before, the directory is one."""
    write_build(build, place / BUILD_FILE)
    _log.info("build '%s' is made: digest %s", build.name, build.digest[:12])
    return build
