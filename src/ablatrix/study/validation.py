"""The faults of a study by its catalogue: locations and messages."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import BUILD, CompilerEntry
from ablatrix.documents.faults import Location, closest
from ablatrix.study.model import Study
from ablatrix.study.named import baseline_of
from ablatrix.study.spans import stage_knobs
from ablatrix.study.stage import ALL, LARGEST_FACTORIAL, FactorialOf, Stage
from ablatrix.study.too_large import describe_size

Fault = tuple[Location, str]
Rule = Literal["all", "any", "levels"]


def find_faults(study: Study, catalogue: Catalogue) -> Iterator[Fault]:
    """Yield unknown compilers, knobs and levels, what is listed twice, and impossible stages."""
    remedy = "list each once, or give one another 'name' and say which it is under 'workload'"
    yield from _repeats("workloads", [choice.name for choice in study.workloads], remedy)
    yield from _compiler_faults(study, catalogue)
    if len(set(study.modes)) != len(study.modes):
        yield ("modes",), "a mode is listed twice; list each once"
    used = _used(study, catalogue)
    # A knob may be that of a compiler whose name is wrong, which is reported by itself.
    rule: Rule = "any" if len(used) == len(study.compilers) else "levels"
    yield from _configuration_faults(("baseline",), study.baseline, used, rule)
    yield from _stage_faults(study, catalogue)
    for knob, titles in study.knobs.items():
        rule = "any" if len(used) == len(study.compilers) else "levels"
        yield from _title_faults(("knobs", knob), knob, list(titles.levels), used, rule)


def describe_unknown(what: str, name: str, there: Iterable[str]) -> str:
    """Return the message about an unknown name."""
    choices = list(there)
    return f"there is no {what} '{name}'; there are: {', '.join(choices)}{closest(name, choices)}"


def _used(study: Study, catalogue: Catalogue, names: Iterable[str] | None = None) -> list[CompilerEntry]:
    """Return the known compilers of a study; where names are given, only those."""
    chosen = [choice.name for choice in study.compilers if names is None or choice.name in names]
    return [catalogue.compilers[name] for name in chosen if name in catalogue.compilers]


def _compiler_faults(study: Study, catalogue: Catalogue) -> Iterator[Fault]:
    for index, choice in enumerate(study.compilers):
        location: Location = ("compilers", index)
        if choice.name == "eager":
            yield (
                (*location, "name"),
                "compiler 'eager' is the reference and runs beside every block; remove it",
            )
        elif choice.name not in catalogue.compilers:
            there = [name for name in sorted(catalogue.compilers) if name != "eager"]
            yield (*location, "name"), describe_unknown("compiler", choice.name, there)
        else:
            entry = catalogue.compilers[choice.name]
            yield from _configuration_faults((*location, "fixed"), choice.fixed, [entry], "all")
    yield from _repeats("compilers", [choice.name for choice in study.compilers])


def _stage_faults(study: Study, catalogue: Catalogue) -> Iterator[Fault]:
    yield from _repeats("stages", [stage.name for stage in study.stages])
    first = study.stages[0]
    # A compiler that names no primary knob leaves it to the study which ones are.
    named = [one for one in _used(study, catalogue) if one.primary]
    for key, table in first.tables:
        for knob in table:
            entry = next((one for one in named if (found := one.knob(knob)) and found.kind != "primary"), None)
            if entry is not None:
                yield (
                    ("stages", 0, key, knob),
                    f"knob '{knob}' is not a primary knob, and the first stage is of the primary knobs "
                    f"({', '.join(entry.primary)}); vary it in a later stage",
                )
    for index, stage in enumerate(study.stages):
        yield from _one_stage(study, catalogue, index, stage)
        if isinstance(stage.factorial_of, FactorialOf):
            yield from _confirmation_faults(study, index, stage.factorial_of.stage)


def _confirmation_faults(study: Study, index: int, confirmed: str) -> Iterator[Fault]:
    """Yield what is wrong with the name of the screening that a stage confirms."""
    screens = [stage.name for stage in study.stages[:index] if stage.screen is not None]
    if confirmed not in screens:
        there = f"; there are: {', '.join(screens)}" if screens else "; put a stage with 'screen' before it"
        yield (
            ("stages", index, "factorial_of", "stage"),
            f"no stage before it screens under the name '{confirmed}'{there}",
        )


def _one_stage(study: Study, catalogue: Catalogue, index: int, stage: Stage) -> Iterator[Fault]:
    location: Location = ("stages", index)
    for key, chosen, there in (
        ("workloads", stage.workloads, _workload_names(study)),
        ("compilers", stage.compilers, [choice.name for choice in study.compilers]),
    ):
        for position, name in enumerate(chosen or []):
            if name not in there:
                yield (*location, key, position), describe_unknown(f"{key[:-1]} of this study", name, there)
    used = _used(study, catalogue, stage.compilers)
    for key, table in stage.tables:
        for knob, levels in table.items():
            if knob == ALL:
                continue
            if knob == BUILD and any(entry.builds for entry in used):
                yield from _build_faults((*location, key, knob), levels or (), used)
            else:
                yield from _level_faults((*location, key, knob), knob, levels or (), used, "all")
            if levels is not None and len(set(levels)) != len(levels):
                yield (*location, key, knob), f"knob '{knob}' lists a level twice; list each once"
        yield from _listing_faults(study, (*location, key), stage, used)
    yield from _configuration_faults((*location, "around"), stage.centre, used, "all")
    if stage.factorial is not None:
        yield from _size_faults(study, catalogue, (*location, "factorial"), stage)


def _build_faults(location: Location, levels: Iterable[Any], used: list[CompilerEntry]) -> Iterator[Fault]:
    """Yield builds that no compiler of a stage has, and compilers with builds none of which it lists.

    Each compiler is run in those of the listed builds that it has, and one without builds as it is.
    """
    there = list(dict.fromkeys(build.name for entry in used for build in entry.builds))
    for level in levels:
        if level not in there:
            yield location, describe_unknown("build of these compilers", str(level), there)
    for entry in used:
        if levels and entry.builds and not {build.name for build in entry.builds} & {*levels}:
            own = ", ".join(build.name for build in entry.builds)
            yield location, f"none of these is a build of compiler '{entry.name}'; it has: {own}"


def _listing_faults(study: Study, location: Location, stage: Stage, used: list[CompilerEntry]) -> Iterator[Fault]:
    """Yield knobs without levels of their own where the stage gives none, and what cannot be screened."""
    for entry in used:
        knobs = stage_knobs(study, stage, entry)
        if not knobs:
            yield location, f"compiler '{entry.name}' has no knob that the study or it itself calls primary; name them"
        for knob in (found for name in knobs if (found := entry.knob(name)) is not None):
            given = stage.table.get(knob.name)
            at = (*location, knob.name) if knob.name in stage.table else location
            listed = given or [level.name for level in knob.levels]
            if given is None and not {*listed} - {knob.default}:
                yield at, f"knob '{knob.name}' of compiler '{entry.name}' lists no levels to choose from; give them"
            elif stage.screen is not None and knob.cold_only:
                yield at, f"knob '{knob.name}' changes a cache or only observes, so it cannot be screened; remove it"
            elif stage.screen is not None and not {*listed} - {baseline_of(study, entry)[knob.name]}:
                yield at, f"knob '{knob.name}' has only the baseline's level, {listed[0]}; give it another one"


def _size_faults(study: Study, catalogue: Catalogue, location: Location, stage: Stage) -> Iterator[Fault]:
    """Yield a factorial that is larger than anybody means, with what to do in its place."""
    most = stage.configurations or LARGEST_FACTORIAL
    count = math.prod(len(levels or ()) for levels in stage.table.values())
    if count > most:
        yield location, describe_size(study, catalogue, stage, count)


def _workload_names(study: Study) -> list[str]:
    """Return what a stage may name: each workload, with all its variants, and each variant."""
    return list(dict.fromkeys([*(choice.name for choice in study.workloads), *(one.name for one in study.variants)]))


def _configuration_faults(
    location: Location, knobs: Mapping[str, Any], used: list[CompilerEntry], rule: Rule
) -> Iterator[Fault]:
    for knob, level in knobs.items():
        yield from _level_faults((*location, knob), knob, [level], used, rule)


def _title_faults(
    location: Location, knob: str, levels: list[Any], used: list[CompilerEntry], rule: Rule
) -> Iterator[Fault]:
    """Yield a knob that no compiler has, and levels that none of those with the knob has."""
    yield from _level_faults(location, knob, [], used, rule)
    having = [found for entry in used if (found := entry.knob(knob)) is not None]
    for level in levels:
        if having and not any(found.has(level) for found in having):
            yield (*location, "levels", level), f"knob '{knob}' has no level '{level}'; it has: {having[0].choices()}"


def _level_faults(
    location: Location, knob: str, levels: Iterable[Any], used: list[CompilerEntry], rule: Rule
) -> Iterator[Fault]:
    """Yield unknown knobs and levels. ``rule``: ``all`` or ``any`` compilers must have a knob, or none (``levels``)."""
    without = [entry for entry in used if entry.knob(knob) is None]
    if without and (rule == "all" or (rule == "any" and len(without) == len(used))):
        names = [entry.name for entry in (*without[0].knobs, *without[0].on_offer)]
        yield (
            location,
            f"compiler '{without[0].name}' has no knob '{knob}'; it has: {', '.join(names)}{closest(knob, names)}"
            + _of_one_build(without[0]),
        )
    for entry, level in itertools.product(used, levels):
        found = entry.knob(knob)
        if found is not None and not found.has(level):
            yield (
                location,
                f"knob '{knob}' of compiler '{entry.name}' has no level '{level}'; it has: {found.choices()}"
                + _of_one_build(entry),
            )


def _of_one_build(entry: CompilerEntry) -> str:
    """Return what to do about what a program has in a build alone that is not made when the study is read."""
    said = "; what only a build has that is made first goes under the compiler's 'knobs', with its levels"
    return said if entry.builds and entry.program is not None else ""


def _repeats(key: str, names: list[str], remedy: str = "list each once") -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (key, index), f"{key[:-1]} '{name}' is listed twice; {remedy}"
