"""What may have a trouble: knobs that are not at a neutral level, and passes that changed this very program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level
from ablatrix.compilers.passes import PASS_KINDS
from ablatrix.compilers.settings import add_settings, ask_addresses
from ablatrix.culprits.question import Question
from ablatrix.culprits.seen_passes import SeenPasses
from ablatrix.errors import CompilerError
from ablatrix.study.model import KnobChoice
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.troubles import Configuration

Kind = Literal["knob", "pass"]
OFF, ON, DEFAULT = "off", "on", "default"
LONGEST_NAME = 64


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What may have the trouble, with how it is switched.

    Attributes:
        knob: Name of the knob in the study of the search.
        title: As people and studies write it: ``fusion=on``, or the address of a pass.
        kind: A knob of the study, or a pass of the compiler.
        bad: Its level in the configuration with the trouble.
        neutral: Its level when it is switched off.
        changed: How often a pass changed the program; None of a knob, and where that is not known.
        runs: How often it ran; None as ``changed``.
        needed: Whether it is known that nothing compiles without it.
    """

    knob: str
    title: str
    kind: Kind
    bad: Level
    neutral: Level
    changed: int | None = None
    runs: int | None = None
    needed: bool = False


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """All candidates, with the configuration in which each has a knob.

    Attributes:
        configuration: That with the trouble.
        every: Knobs first, then passes in the order in which they ran.
        seen: The passes that these were chosen from.
    """

    configuration: Configuration
    every: tuple[Candidate, ...]
    seen: SeenPasses

    @property
    def note(self) -> str:
        """What is to be said of the passes; empty where that is nothing."""
        return self.seen.note

    def of_kind(self, kind: Kind) -> list[int]:
        """Return the numbers of the candidates of one kind."""
        return [number for number, one in enumerate(self.every) if one.kind == kind]

    def without(self, off: Iterable[int]) -> Configuration:
        """Return the configuration with some candidates switched off."""
        return self.configuration.at({self.every[one].knob: self.every[one].neutral for one in off})


def find_candidates(question: Question, seen: SeenPasses) -> Candidates:
    """Return what may have the trouble.

    Knobs: each whose level in the baseline is another one; each that inserts a pass of the study and is on; each
    setting that is not at the level that leaves it as the compiler has it. Passes: those that changed the program in
    the configuration with the trouble, where the compiler can switch them off.

    Args:
        question: What is asked.
        seen: The passes that changed the program.

    Raises:
        StudyError, CompilerError: A setting cannot be had.
    """
    configuration = question.configuration
    knobs = list(_knobs(question))
    taken = {one.title for one in knobs}
    there = _by_address(configuration.entry)
    levels = configuration.full_levels
    found = [
        one
        for one in seen.passes
        if one.address not in taken and levels.get(there.get(one.address, ""), ON) in {ON, DEFAULT}
    ]
    switches = {one.address: [ON, OFF] for one in found}
    resolved, names = with_settings(configuration.resolved, configuration.compiler, switches)
    needed = configuration.entry.needed_passes
    of_passes = [
        Candidate(
            knob=names[one.address],
            title=one.address,
            kind="pass",
            bad=ON,
            neutral=OFF,
            changed=one.changed,
            runs=one.runs,
            needed=one.address in needed,
        )
        for one in found
    ]
    whole = replace(configuration, resolved=resolved, levels={**levels, **{one.knob: ON for one in of_passes}})
    return Candidates(configuration=whole, every=(*knobs, *of_passes), seen=seen)


def _knobs(question: Question) -> Iterable[Candidate]:
    levels, differing = question.configuration.full_levels, question.differing
    for knob in question.configuration.entry.knobs:
        level = levels[knob.name]
        neutral = differing.get(knob.name, _neutral(knob))
        if neutral is not None and neutral != level:
            address = next((one.address for one in knob.acts), "") if not knob.built_in else ""
            is_switch = level == ON and neutral == OFF and address.partition(":")[0] in PASS_KINDS
            title = address if is_switch else f"{knob.name}={level}"
            yield Candidate(knob=knob.name, title=title, kind="knob", bad=level, neutral=neutral)


def _neutral(knob: KnobEntry) -> Level | None:
    """Return the level at which a knob of the study does nothing; None of one of the catalogue."""
    if knob.inserts is not None:
        return OFF
    if knob.acts and not knob.built_in and any(level.name == DEFAULT for level in knob.levels):
        return DEFAULT
    return knob.default if knob.acts and not knob.built_in else None


def _by_address(entry: CompilerEntry) -> dict[str, str]:
    """Return the names of the knobs that a study has made of settings, by address."""
    return {one.address: knob.name for knob in entry.knobs if not knob.built_in for one in knob.acts}


def with_settings(
    resolved: ResolvedStudy, compiler: str, levels: Mapping[str, Sequence[Level]]
) -> tuple[ResolvedStudy, dict[str, str]]:
    """Return a study with a knob for each of some settings, and the names of the knobs by address.

    Args:
        resolved: The study; a setting that it has a knob for keeps that.
        compiler: The compiler.
        levels: Levels of each setting, by its address; of a pass the first is its default.

    Raises:
        CompilerError: The compiler has no such setting, or no such level.
    """
    study, catalogue = resolved
    entry = catalogue.compiler(compiler)
    names = {one.address: knob.name for knob in entry.knobs if not knob.built_in for one in knob.acts}
    words: dict[str, dict[str, Any]] = {}
    for address, given in levels.items():
        if address not in names:
            names[address] = _name(address, {*words, *(knob.name for knob in entry.knobs)})
            default = {"default": ON} if list(given) == [ON, OFF] else {}
            words[names[address]] = {"setting": address, "levels": list(given), **default}
    if not words:
        return resolved, names
    grown, faults = add_settings(entry, words, ask_addresses(entry), study.directory)
    if faults:
        raise CompilerError(next(iter(faults.values())))
    added = {name: KnobChoice(**word) for name, word in words.items()}
    choices = [
        one.model_copy(update={"knobs": {**one.knobs, **added}}) if one.name == compiler else one
        for one in study.compilers
    ]
    larger = study.model_copy(update={"compilers": choices}).at(study.directory)
    return ResolvedStudy(larger, catalogue.holding(compilers={compiler: grown})), names


def _name(address: str, taken: set[str]) -> str:
    """Return a name for the knob of a pass that no other knob has."""
    name = found = re.sub(r"\W", "_", address)[:LONGEST_NAME]
    number = 2
    while found in taken:
        found, number = f"{name[: LONGEST_NAME - 4]}_{number}", number + 1
    return found
