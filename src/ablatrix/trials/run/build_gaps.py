"""What the builds of a compiler have of the knobs and levels of a study: each is asked in its own process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ablatrix.builds import Build, missing_modules
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level
from ablatrix.compilers.command.description import Description
from ablatrix.compilers.command.entry import ask_description, described_knobs, entry_of_description
from ablatrix.compilers.settings import AddressList, ask_addresses, knob_in_build
from ablatrix.compilers.settings.nearest import nearest_names
from ablatrix.errors import BuildError, BuildFailedError, CompilerError
from ablatrix.study.model import CompilerChoice, Study
from ablatrix.trials.client import Gaps


@dataclass(frozen=True, slots=True)
class Found:
    """A compiler as it is in a build.

    Attributes:
        entry: With the knobs that it has there.
        gaps: Why it lacks levels of the study there.
    """

    entry: CompilerEntry
    gaps: Gaps

    def sentence(self, compiler: str, build: str) -> str:
        """Return in one line what the build lacks."""
        by_knob: dict[str, list[str]] = {}
        for knob, level in self.gaps:
            by_knob.setdefault(knob, []).append(str(level))
        lacking = "; ".join(f"{knob}={','.join(levels)}" for knob, levels in by_knob.items())
        return f"build '{build}' of compiler '{compiler}' lacks, so that these are unsupported there: {lacking}"


def look_into_builds(
    study: Study, choice: CompilerChoice, entry: CompilerEntry, builds: Mapping[str, Build]
) -> dict[str, Found]:
    """Return a compiler as it is in each of its builds, by the name of the build.

    Args:
        study: The study.
        choice: What it says of the compiler.
        entry: The compiler as it was when the study was read.
        builds: All builds of the study, made.

    Raises:
        BuildFailedError: A build lacks a module of the compiler, or does not say what it has.
        BuildError: No build has something that a knob of the study sets.
    """
    own = {name: builds[name] for name in choice.builds}
    if entry.program is not None:
        return _look_into_programs(study, choice, entry, own)
    for build in own.values():
        missing = missing_modules(build, entry.modules)
        if missing:
            raise BuildFailedError(
                f"build '{build.name}': {build.interpreter} cannot find {', '.join(missing)}, which compiler "
                f"'{entry.name}' needs; install it there, or add it to the build",
                build.name,
            )
    if not any(map(_is_setting, entry.knobs)):
        return dict.fromkeys(own, Found(entry, {}))
    known = {name: _asked(build, entry) for name, build in own.items()}
    _refuse_in_none(choice, entry, known)
    return {name: in_build(choice, entry, name, addresses) for name, addresses in known.items()}


def in_build(choice: CompilerChoice, entry: CompilerEntry, build: str, known: AddressList) -> Found:
    """Return a compiler as it is in a build that has these addresses."""
    knobs: list[KnobEntry] = []
    gaps: dict[tuple[str, Level], str] = {}
    for knob in entry.knobs:
        there: KnobEntry | None = knob
        if _is_setting(knob):
            there, lacking = knob_in_build(knob, known, is_given=knob.name in choice.knobs)
            of = f"build '{build}' of compiler '{entry.name}'"
            gaps |= {(knob.name, level): f"{of} has no {what}" for level, what in lacking.items()}
        knobs += [] if there is None else [there]
    return Found(replace(entry, knobs=tuple(knobs)), gaps)


def _is_setting(knob: KnobEntry) -> bool:
    return bool(knob.acts) and not knob.built_in


def _asked(build: Build, entry: CompilerEntry) -> AddressList:
    try:
        return ask_addresses(entry, build)
    except CompilerError as error:
        raise BuildFailedError(f"build '{build.name}': {error}", build.name) from None


def _refuse_in_none(choice: CompilerChoice, entry: CompilerEntry, known: Mapping[str, AddressList]) -> None:
    """Refuse what no build has: when the study was read, one of them was thought to have it.

    Raises:
        BuildError: No build has the address of a knob of the study, or takes one of its levels.
    """
    lists = known.values()
    for knob in (one for one in entry.knobs if _is_setting(one) and one.name in choice.knobs):
        of_builds = [knob_in_build(knob, one, is_given=True)[1] for one in lists]
        for level in of_builds[0]:
            if not all(level in one for one in of_builds):
                continue
            (setting,) = knob.acts
            there = [found for one in lists if (found := one.find(setting.kind, setting.name)) is not None]
            names = sorted({name for one in lists for name in one.names(setting.kind)})
            words = sorted({word for one in there for word in one.choices})
            near = nearest_names(str(level), words) if there else nearest_names(setting.name, names)
            raise BuildError(
                f"knob '{knob.name}' of compiler '{entry.name}': none of its builds ({', '.join(known)}) has "
                f"{of_builds[0][level]}{near}"
            )


def _look_into_programs(
    study: Study, choice: CompilerChoice, entry: CompilerEntry, builds: Mapping[str, Build]
) -> dict[str, Found]:
    """Return a program as it describes itself in each build, and the knobs and levels that it lacks there."""
    assert choice.command is not None
    described = {name: _description(study, choice, build) for name, build in builds.items()}
    knobs = {name: _by_name(one) for name, one in described.items()}
    # What no program describes the study alone says, and each is given it.
    by_some = [_by_name(ask_description(entry.name, choice.command, study.directory)), *knobs.values()]
    own: dict[str, CompilerEntry] = {}
    for name, build in builds.items():
        lacking = {knob for knob in choice.knobs if any(knob in one for one in by_some)} - knobs[name].keys()
        words = {
            knob: said.model_dump(exclude_unset=True) for knob, said in choice.knobs.items() if knob not in lacking
        }
        command = build.command or choice.command
        try:
            own[name] = entry_of_description(entry.name, command, study.directory, words, described[name], build)
        except CompilerError as error:
            raise BuildFailedError(f"build '{name}': {error}", name) from None
    settings = replace(entry, knobs=tuple(knob for knob in entry.knobs if _is_setting(knob)))
    known = {name: ask_addresses(one) for name, one in own.items()}
    _refuse_in_none(choice, settings, known)
    found: dict[str, Found] = {}
    for name, one in own.items():
        set_there = in_build(choice, settings, name, known[name])
        gaps = {**set_there.gaps, **dict(_gaps_of_program(entry, name, knobs[name], by_some))}
        entry_there = replace(one, knobs=(*set_there.entry.knobs, *one.knobs), builds=entry.builds)
        found[name] = Found(entry_there, gaps)
    return found


def _description(study: Study, choice: CompilerChoice, build: Build) -> Description:
    command = build.command or choice.command or ()
    try:
        return ask_description(choice.name, command, study.directory, build)
    except CompilerError as error:
        raise BuildFailedError(f"build '{build.name}': {error}", build.name) from None


def _by_name(description: Description) -> dict[str, KnobEntry]:
    return {knob.name: knob for knob in described_knobs(description)}


def _gaps_of_program(
    entry: CompilerEntry, build: str, there: Mapping[str, KnobEntry], by_some: Sequence[Mapping[str, KnobEntry]]
) -> Iterator[tuple[tuple[str, Level], str]]:
    of = f"build '{build}' of program '{entry.name}'"
    for knob in entry.knobs:
        described = [one[knob.name] for one in by_some if knob.name in one]
        own = there.get(knob.name)
        for level in (one.name for one in knob.levels) if described else ():
            if own is None and level != knob.default:
                yield (knob.name, level), f"{of} has no knob '{knob.name}'"
            elif own is not None and not own.has(level) and any(one.has(level) for one in described):
                yield (knob.name, level), f"{of} has no level '{level}' of knob '{knob.name}'"
