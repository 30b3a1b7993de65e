"""From a study file to a Study whose every name, knob and level exists."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import COMPILERS, CompilerEntry
from ablatrix.documents.faults import Location, closest
from ablatrix.documents.load import load_document
from ablatrix.errors import CompilerError, PluginError, StudyError, WorkloadError
from ablatrix.plugins import use_plugins
from ablatrix.study.commands import use_commands
from ablatrix.study.model import Stage, Study
from ablatrix.study.workloads import read_choice
from ablatrix.workloads.registry import check_parameters, workload_names
from ablatrix.workloads.source import FORMS, is_source

Fault = tuple[Location, str]


def load_study(path: str | Path) -> Study:
    """Read and check a study file.

    Args:
        path: A YAML 1.2 file.

    Raises:
        StudyError: The file cannot be read, is no YAML, has unknown keys, or names a workload, parameter,
            compiler, knob or level that there is not. All faults at once, each with its line and the remedy.
    """
    document = load_document(Path(path), Study, StudyError)
    study = document.value.at(Path(path).resolve().parent)
    faults = sorted((document.lines.line(place), document.fault(place, text)) for place, text in _faults(study))
    if faults:
        raise StudyError(*dict.fromkeys(text for _, text in faults))
    return study


def study_schema_text() -> str:
    """Return the JSON Schema of a study file, for editors."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ablatrix study"
    for key, model in (("workloads", "WorkloadChoice"), ("compilers", "CompilerChoice")):
        schema["properties"][key]["items"] = {"anyOf": [{"$ref": f"#/$defs/{model}"}, {"type": "string"}]}
    return json.dumps(schema, indent=2) + "\n"


def validate_study(study: Study) -> None:
    """Check the names, knobs and levels of a study that was made in Python.

    Raises:
        StudyError: As ``load_study``, without lines.
    """
    faults = list(dict.fromkeys(text for _, text in _faults(study)))
    if faults:
        raise StudyError(*faults)


def _faults(study: Study) -> Iterator[Fault]:
    broken = [*_plugin_faults(study), *use_commands(study)]
    yield from broken
    if broken:  # what they would have added would be told to be missing
        return
    yield from _workload_faults(study)
    yield from _compiler_faults(study)
    if len(set(study.modes)) != len(study.modes):
        yield ("modes",), "a mode is listed twice; list each once"
    used = [COMPILERS[choice.name] for choice in study.compilers if choice.name in COMPILERS]
    yield from _configuration_faults(("baseline",), study.baseline, used, "any")
    yield from _stage_faults(study)


def _plugin_faults(study: Study) -> Iterator[Fault]:
    for index, plugin in enumerate(study.plugins):
        try:
            use_plugins([study.directory / plugin])
        except (PluginError, CompilerError, WorkloadError) as error:
            yield ("plugins", index), str(error)


def _workload_faults(study: Study) -> Iterator[Fault]:
    names = workload_names()
    for index, choice in enumerate(study.workloads):
        place: Location = ("workloads", index)
        if choice.source is None and choice.name not in names:
            hint = f"; a model of your own goes under 'source': {FORMS}" if is_source(choice.name) else ""
            yield (*place, "name"), _unknown("workload", choice.name, names) + hint
            continue
        if choice.source is not None and choice.name in names:
            yield (
                (*place, "name"),
                f"'{choice.name}' is the name of a workload that there is; give your model another 'name'",
            )
            continue
        try:
            entry = read_choice(study, choice)
        except WorkloadError as error:
            yield (*place, "name" if choice.source is None else "source"), str(error)
            continue
        try:
            check_parameters(entry, choice.parameters)
        except WorkloadError as error:
            yield (*place, "parameters"), str(error)
    yield from _repeats("workloads", [choice.name for choice in study.workloads])


def _compiler_faults(study: Study) -> Iterator[Fault]:
    for index, choice in enumerate(study.compilers):
        place: Location = ("compilers", index)
        if choice.name == "eager":
            yield (
                (*place, "name"),
                "compiler 'eager' is the reference and runs beside every block; leave it out",
            )
        elif choice.name not in COMPILERS or (choice.command is None) != (
            COMPILERS[choice.name].program_digest is None
        ):
            yield (
                (*place, "name"),
                _unknown("compiler", choice.name, [n for n in sorted(COMPILERS) if n != "eager"]),
            )
        else:
            yield from _configuration_faults((*place, "fixed"), choice.fixed, [COMPILERS[choice.name]], "all")
    yield from _repeats("compilers", [choice.name for choice in study.compilers])


def _stage_faults(study: Study) -> Iterator[Fault]:
    yield from _repeats("stages", [stage.name for stage in study.stages])
    first = study.stages[0]
    if first.factorial is None:
        yield (
            ("stages", 0),
            f"stage '{first.name}' comes first and must be the factorial of the primary knobs",
        )
    else:
        used = [COMPILERS[choice.name] for choice in study.compilers if choice.name in COMPILERS]
        for knob in first.factorial:
            entry = next((one for one in used if (found := one.knob(knob)) and found.kind != "primary"), None)
            if entry is not None:
                yield (
                    ("stages", 0, "factorial", knob),
                    f"knob '{knob}' is not a primary knob, and the first stage is the factorial of the primary knobs "
                    f"({', '.join(entry.primary)}); vary it in a later stage",
                )
    for index, stage in enumerate(study.stages):
        yield from _one_stage(study, index, stage)


def _one_stage(study: Study, index: int, stage: Stage) -> Iterator[Fault]:
    place: Location = ("stages", index)
    for key, chosen, there in (
        ("workloads", stage.workloads, [choice.name for choice in study.workloads]),
        ("compilers", stage.compilers, [choice.name for choice in study.compilers]),
    ):
        for position, name in enumerate(chosen or []):
            if name not in there:
                yield (*place, key, position), _unknown(f"{key[:-1]} of this study", name, there)
    used = [
        COMPILERS[choice.name]
        for choice in study.compilers
        if choice.name in COMPILERS and (stage.compilers is None or choice.name in stage.compilers)
    ]
    for key, table in (("factorial", stage.factorial), ("vary", stage.vary)):
        for knob, levels in (table or {}).items():
            yield from _level_faults((*place, key, knob), knob, levels, used, "all")
            if len(set(levels)) != len(levels):
                yield (*place, key, knob), f"knob '{knob}' lists a level twice; list each once"
    yield from _configuration_faults((*place, "around"), stage.around or {}, used, "all")


def _configuration_faults(
    place: Location, knobs: Mapping[str, Any], used: list[CompilerEntry], rule: str
) -> Iterator[Fault]:
    for knob, level in knobs.items():
        yield from _level_faults((*place, knob), knob, [level], used, rule)


def _level_faults(
    place: Location, knob: str, levels: Iterable[Any], used: list[CompilerEntry], rule: str
) -> Iterator[Fault]:
    """Yield unknown knobs and levels. ``rule``: the knob must exist in ``all`` compilers used, or in ``any``."""
    without = [entry for entry in used if entry.knob(knob) is None]
    if without and (rule == "all" or len(without) == len(used)):
        names = [entry.name for entry in without[0].knobs]
        yield (
            place,
            f"compiler '{without[0].name}' has no knob '{knob}'; it has: {', '.join(names)}{closest(knob, names)}",
        )
    for entry, level in itertools.product(used, levels):
        found = entry.knob(knob)
        if found is not None and not found.has(level):
            yield (
                place,
                f"knob '{knob}' of compiler '{entry.name}' has no level '{level}'; it has: {found.choices()}",
            )


def _unknown(what: str, name: str, there: Iterable[str]) -> str:
    choices = list(there)
    return f"there is no {what} '{name}'; there are: {', '.join(choices)}{closest(name, choices)}"


def _repeats(key: str, names: list[str]) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (key, index), f"{key[:-1]} '{name}' is listed twice; list each once"
