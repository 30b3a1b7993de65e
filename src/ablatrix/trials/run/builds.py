"""The builds of a study before it runs: made, compared with those of an earlier run, and asked what they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ablatrix.builds import Build, BuildLock, BuildSpec, make_build, read_locks, write_locks
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import BuildError, BuildFailedError
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Gaps, Side, Sides
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.build_gaps import look_into_builds
from ablatrix.version import PROTOCOL, __version__

COMMIT = re.compile(r"[0-9a-f]{40,64}")


def make_sides(
    resolved: ResolvedStudy,
    directory: ResultDirectory,
    notice: Callable[[str], None],
    locks: Sequence[BuildLock] = (),
) -> Sides:
    """Make the builds of a study below a directory of results, and find out what each of them has.

    What they are is written beside the results, and a later run into the directory has the same ones or none: those of
    ``pip`` are made again from the lock, those of ``git`` from the commit.

    Args:
        resolved: The study with its catalogue.
        directory: Of its results.
        notice: Called with what is being done.
        locks: What the builds of another directory were: they are made again from these, as far as this machine can.

    Raises:
        BuildFailedError: A build fails when it is made, lacks what each must have, or its compiler or program does not
            say what it has.
        BuildError: A build cannot be made otherwise, or is another one than in the directory.
    """
    study, catalogue = resolved
    chosen = {choice.name: choice for choice in study.compilers if choice.builds}
    if not chosen:
        return Sides(catalogue=catalogue)
    before = {one.name: one for one in read_locks(directory.builds)}
    made_of = {**{one.name: one for one in locks}, **before}
    builds: dict[str, Build] = {}
    for name, spec in study.builds.items():
        if spec.pip or spec.git is not None:
            notice(f"build '{name}': {spec.sentence()}")
        builds[name] = _made(name, spec, study, directory, made_of.get(name))
        _refuse_changed(builds[name], before.get(name), directory)
        _refuse_unfit(builds[name])
    entries: dict[Side, CompilerEntry] = {}
    gaps: dict[Side, Gaps] = {}
    for choice in chosen.values():
        for name, found in look_into_builds(study, choice, catalogue.compiler(choice.name), builds).items():
            side = Side(choice.name, name)
            entries[side], gaps[side] = found.entry, found.gaps
            if found.gaps:
                notice(found.sentence(choice.name, name))
    write_locks((one.locked(study.builds[name].sentence()) for name, one in builds.items()), directory.builds)
    return Sides(catalogue=catalogue, builds=builds, entries=entries, gaps=gaps)


def _made(name: str, spec: BuildSpec, study: Study, directory: ResultDirectory, before: BuildLock | None) -> Build:
    """Return a build, made as it was in an earlier run where there was one."""
    commit = "" if before is None or before.commit is None else before.commit
    if spec.git is not None and COMMIT.fullmatch(commit):  # an anonymous artifact has a pseudonym
        spec = spec.at_commit(commit)
    lock = () if before is None or not spec.pip else before.lock
    return make_build(name, spec, directory.work / "builds", base=study.directory, lock=lock)


def _refuse_changed(found: Build, before: BuildLock | None, directory: ResultDirectory) -> None:
    """Refuse a build that is another one than the results of the directory were measured with."""
    if before is not None and before.digest != found.digest:
        raise BuildError(
            f"build '{found.name}' is not what it was when {directory.path} was begun: {_difference(before, found)}; "
            "make it as it was, or choose another --out"
        )


def _difference(before: BuildLock, now: Build) -> str:
    """Return the first of what differs between a build then and now."""
    for what, then, there in (("Python", before.python, now.python), ("commit", before.commit, now.commit)):
        if then != there:
            return f"{what} was {then} and is {there}"
    held, found = (
        {one.name: (one.version, one.sha256 and f"SHA-256 {one.sha256[:12]}") for one in lock}
        for lock in (before.lock, now.lock)
    )
    for name in sorted({*held, *found}):
        if held.get(name) != found.get(name):
            was, now_is = (", ".join(filter(None, one.get(name, ()))) or "missing" for one in (held, found))
            return f"package {name} was {was} and is {now_is}"
    return "its checkout has other changes" if before.dirty != now.dirty else "it is asked to be another one"


def _refuse_unfit(build: Build) -> None:
    """Refuse a build in which no worker can run.

    Raises:
        BuildFailedError: Its interpreter lacks ablatrix or torch, or its ablatrix speaks another protocol.
    """
    if build.ablatrix is None:
        why = f"has no ablatrix, which its workers are; install version {__version__} there"
    elif build.protocol != PROTOCOL:
        why = (
            f"has ablatrix {build.ablatrix}, whose workers speak protocol {build.protocol or 'of no number'}, "
            f"and the runner {PROTOCOL}; install version {__version__} there"
        )
    elif build.torch is None:
        why = "has no torch, which every workload needs; install it there"
    else:
        return
    raise BuildFailedError(f"build '{build.name}': {build.interpreter} {why}", build.name)
