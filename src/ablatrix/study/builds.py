"""The builds of a study's compilers: the primary knob that they become, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from ablatrix.builds import BuildSpec, identity_of, source_files
from ablatrix.canonical import digest_value
from ablatrix.compilers.catalogue import BUILD, BuildChoice, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.documents.faults import Location, closest
from ablatrix.errors import BuildError
from ablatrix.regular_files import digest_regular, is_existing_file, is_there
from ablatrix.study.model import CompilerChoice, Study

Fault = tuple[Location, str]
ANCHORS = 3
"""Trials of a hot block beside its configurations: the reference, the baseline and its A/A control."""
OF_A_BUILD = 2
"""Trials of it for each further build: the baseline's configuration in it, and the A/A control of that."""


def add_builds(study: Study, found: Mapping[str, CompilerEntry]) -> tuple[dict[str, CompilerEntry], list[Fault]]:
    """Return the compilers that have builds, with the knob ``build``, and what is wrong with the builds of a study.

    Args:
        study: The study.
        found: The entries of its compilers that are known.
    """
    made: dict[str, CompilerEntry] = {}
    faults = list(_unused(study))
    identities: dict[str, str] = {}
    for name, spec in study.builds.items():
        try:
            identities[name] = _identity(spec, study)
        except (BuildError, OSError) as error:
            faults.append((("builds", name), str(error)))
    for index, choice in enumerate(study.compilers):
        if not choice.builds:
            continue
        own = list(_faults_of(study, choice, found.get(choice.name), ("compilers", index, "builds")))
        faults += own
        if not own and choice.name in found and {*choice.builds} <= identities.keys():
            made[choice.name] = _with_knob(found[choice.name], choice.builds, study.builds, identities)
    return made, faults


def build_files(study: Study) -> dict[str, Path]:
    """Return the files that builds are made of: path as the study names it -> file.

    A repository, an interpreter and a tree that a variable points to are no such files: what remains of them elsewhere
    is their lock.
    """
    words = [word for spec in study.builds.values() for word in (*spec.pip, *spec.command)]
    files: dict[str, Path] = {}
    for word in words:
        name, path = PurePosixPath(word).as_posix(), study.directory / word
        if is_existing_file(path):
            files[name] = path
        elif word.startswith((".", "/")) and is_there(path) and path.is_dir():
            files |= {f"{name}/{one}": file for one, file in source_files(path)}
    return files


def anchors_of(cells: Sequence[Any]) -> list[Any]:
    """Return the cells that every hot block has twice: the baseline, and its configuration in each other build."""
    baseline = next((cell for cell in cells if cell.knobs == cell.baseline), cells[0])
    others = [cell for cell in cells if cell is not baseline and _rest(cell.knobs) == _rest(baseline.knobs)]
    return [baseline, *(others if BUILD in baseline.knobs else [])]


def is_baseline_of_build(cell: Any) -> bool:
    """Return whether a cell is the baseline, or its configuration in another build."""
    return bool(_rest(cell.knobs) == _rest(cell.baseline))


def _rest(knobs: Mapping[str, Any]) -> dict[str, Any]:
    return {knob: level for knob, level in knobs.items() if knob != BUILD}


def _with_knob(
    entry: CompilerEntry, names: Sequence[str], specs: Mapping[str, BuildSpec], identities: Mapping[str, str]
) -> CompilerEntry:
    knob = KnobEntry(
        name=BUILD,
        kind="primary",
        summary="Which build of the compiler.",
        levels=tuple(LevelEntry(name, f"{_capital(specs[name].sentence())}.") for name in names),
        default=names[0],
        affects="code" if entry.complete_code else "both",
    )
    builds = tuple(BuildChoice(name, identities[name]) for name in names)
    return replace(entry, knobs=(knob, *entry.knobs), builds=builds)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _identity(spec: BuildSpec, study: Study) -> str:
    """Return the digest of what is asked for; files of its command count by what is in them."""
    identity = identity_of(spec, study.directory)
    files = {word: study.directory / word for word in spec.command}
    digests = {word: digest_regular(file) for word, file in files.items() if is_existing_file(file)}
    return digest_value({"build": identity, "files": digests}) if digests else identity


def _unused(study: Study) -> Iterator[Fault]:
    listed = {name for choice in study.compilers for name in choice.builds}
    for name in study.builds if listed <= study.builds.keys() else ():  # else one of them may be misspelt
        if name not in listed:
            yield ("builds", name), f"no compiler lists the build '{name}' under its 'builds'; list it, or remove it"


def _faults_of(
    study: Study, choice: CompilerChoice, entry: CompilerEntry | None, location: Location
) -> Iterator[Fault]:
    there = list(study.builds)
    for position, name in enumerate(choice.builds):
        if name not in study.builds:
            known = f"there are: {', '.join(there)}{closest(name, there)}" if there else "name it under 'builds'"
            yield (*location, position), f"there is no build '{name}' in this study; {known}"
        elif name in choice.builds[:position]:
            yield (*location, position), f"build '{name}' is listed twice; list each once"
        elif study.builds[name].command and choice.command is None:
            yield (
                (*location, position),
                f"build '{name}' has a 'command', and compiler '{choice.name}' is no program; give the build another "
                "way, or the compiler a command",
            )
    if len(choice.builds) == 1:
        yield (
            location,
            (
                f"compiler '{choice.name}' has one build, '{choice.builds[0]}', and nothing to compare it with; list "
                "another one, such as one of this environment: here: {}"
            ),
        )
    if entry is not None and entry.knob(BUILD) is not None:
        yield (
            location,
            f"compiler '{choice.name}' has a knob '{BUILD}' of its own; rename that one, or leave out 'builds'",
        )
    if not any(BUILD in stage.table for stage in study.stages if _is_about(stage.compilers, choice.name)):
        shown = ", ".join(choice.builds)
        yield location, f"no stage varies 'build' for compiler '{choice.name}'; add it to the first: build: [{shown}]"
    least = ANCHORS + OF_A_BUILD * (len(choice.builds) - 1)
    if "hot" in study.modes and study.protocol.hot.max_live < least:
        yield (
            ("protocol", "hot", "max_live"),
            f"a hot block of compiler '{choice.name}' with {len(choice.builds)} builds has at least {least} trials, "
            f"and max_live is {study.protocol.hot.max_live}; raise it, or list fewer builds",
        )


def _is_about(compilers: Sequence[str] | None, name: str) -> bool:
    return compilers is None or name in compilers
