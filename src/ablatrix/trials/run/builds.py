"""The builds of a study before it runs: made, compared with those of an earlier run, and asked what they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ablatrix.builds import Build, BuildLock, BuildSpec, make_build, missing_modules, read_locks, write_locks
from ablatrix.compilers.catalogue import BUILD, CompilerEntry, KnobEntry, Level
from ablatrix.compilers.command.entry import describe_command
from ablatrix.compilers.settings import ORDER, AddressList, ask_addresses
from ablatrix.errors import BuildError, BuildFailedError, CompilerError
from ablatrix.study.model import CompilerChoice, Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Side, Sides
from ablatrix.trials.results import ResultDirectory
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
    gaps: dict[Side, dict[tuple[str, Level], str]] = {}
    for choice in chosen.values():
        for name in choice.builds:
            try:
                found = _look(study, choice, catalogue.compiler(choice.name), builds[name])
            except CompilerError as error:
                raise BuildFailedError(f"build '{name}': {error}", name) from None
            side = Side(choice.name, name)
            entries[side], gaps[side] = found.entry, found.gaps
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


@dataclass(frozen=True, slots=True)
class _Found:
    entry: CompilerEntry
    gaps: dict[tuple[str, Level], str]


def _look(study: Study, choice: CompilerChoice, entry: CompilerEntry, build: Build) -> _Found:
    """Return a compiler as it is in a build, and what it lacks there."""
    if entry.program is not None:
        return _look_at_program(study, choice, entry, build)
    missing = missing_modules(build, entry.modules)
    if missing:
        raise BuildFailedError(
            f"build '{build.name}': {build.interpreter} cannot find {', '.join(missing)}, which compiler "
            f"'{entry.name}' needs; install it there, or add it to the build",
            build.name,
        )
    if not any(_named_settings(knob) for knob in entry.knobs):
        return _Found(entry, {})
    known = ask_addresses(entry, build)
    gaps = {key: why for knob in entry.knobs for key, why in find_gaps(knob, known, entry.name, build.name)}
    return _Found(entry, gaps)


def _named_settings(knob: KnobEntry) -> bool:
    return bool(knob.acts) and not knob.built_in


def find_gaps(knob: KnobEntry, known: AddressList, compiler: str, build: str) -> list[tuple[tuple[str, Level], str]]:
    """Return the levels of a knob of the study that set something which a build does not have, each with the reason."""
    found = []
    for setting in knob.acts if _named_settings(knob) else ():
        if setting.kind == ORDER:  # its two passes are looked at where they are knobs themselves
            continue
        address = known.find(setting.kind, setting.name)
        for level, value in setting.values:
            if value is None:
                continue
            if address is None:
                why = f"build '{build}' of compiler '{compiler}' has no {setting.kind} '{setting.name}'"
                found.append(((knob.name, level), why))
            elif address.type == "text" and address.choices and level not in address.choices:
                why = f"build '{build}' of compiler '{compiler}' has no level '{level}' of {setting.address}"
                found.append(((knob.name, level), why))
    return found


def _look_at_program(study: Study, choice: CompilerChoice, entry: CompilerEntry, build: Build) -> _Found:
    """Return a program as it describes itself in a build, and the levels that it lacks there."""
    assert choice.command is not None
    command = list(build.command) or choice.command
    words = {name: knob.model_dump(exclude_unset=True) for name, knob in choice.knobs.items()}
    found = describe_command(entry.name, command, study.directory, words, build)
    gaps: dict[tuple[str, Level], str] = {}
    for knob in entry.knobs:
        there = found.knob(knob.name)
        if knob.name == BUILD or knob.acts:
            continue
        for level in (one.name for one in knob.levels):
            if there is None and level != knob.default:
                gaps[knob.name, level] = f"build '{build.name}' of program '{entry.name}' has no knob '{knob.name}'"
            elif there is not None and not there.has(level):
                gaps[knob.name, level] = (
                    f"build '{build.name}' of program '{entry.name}' has no level '{level}' of knob '{knob.name}'"
                )
    settings = tuple(knob for knob in entry.knobs if knob.acts)
    return _Found(replace(found, knobs=(*settings, *found.knobs), builds=entry.builds), gaps)
