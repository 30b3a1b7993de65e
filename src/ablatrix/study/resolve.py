"""A study with the catalogue that holds for it: every name, knob and level in it exists."""

from dataclasses import replace
from typing import NamedTuple

from ablatrix.canonical import content_id
from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import BUILD, CompilerEntry
from ablatrix.compilers.command.entry import describe_command
from ablatrix.compilers.settings import AddressList, add_settings, ask_addresses
from ablatrix.documents.faults import Location
from ablatrix.errors import CompilerError, PluginError, StudyError, WorkloadError
from ablatrix.plugin_files import add_plugin, read_catalogue
from ablatrix.plugin_sources import PluginSource
from ablatrix.study.builds import add_builds
from ablatrix.study.knobs_of_builds import with_knobs_of_builds
from ablatrix.study.model import CompilerChoice, KnobChoice, Study
from ablatrix.study.named import take_offers
from ablatrix.study.validation import Fault, describe_unknown, find_faults
from ablatrix.study.workload_choice import Variant, WorkloadChoice
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.inputs.given import read_given
from ablatrix.workloads.parameters import check_parameters
from ablatrix.workloads.source import FORMS, is_source, read_source, with_sizes


class ResolvedStudy(NamedTuple):
    """A study whose every name, knob and level exists.

    Attributes:
        study: The study.
        catalogue: The compilers and workloads that hold for it: those that are installed, of its plug-ins, its
            programs, and its user's own models, each as it was when the study was resolved.
    """

    study: Study
    catalogue: Catalogue


def resolve_study(study: Study, catalogue: Catalogue | None = None) -> ResolvedStudy:
    """Check a study that was made in Python, and find what it names, as ``load_study`` does for one of a file.

    Args:
        study: The study. Its programs are started and describe themselves, its sources are read, each once.
        catalogue: Compilers and workloads besides those of the study itself; default: what is installed.

    Raises:
        StudyError: It names a workload, parameter, compiler, knob or level that does not exist. All faults at once.
    """
    resolved, faults = resolve(study, catalogue)
    if faults:
        raise StudyError(*dict.fromkeys(text for _, text in faults))
    return resolved


def resolve(study: Study, catalogue: Catalogue | None = None) -> tuple[ResolvedStudy, list[Fault]]:
    """Return a study with its catalogue, and its faults; with any, the catalogue lacks what could not be found."""
    plugged, faults = _add_plugins(study, read_catalogue() if catalogue is None else catalogue)
    with_settings, of_settings, complete = _find_settings(study, plugged)
    programs, of_programs = _describe_programs(study, plugged)
    models, of_names = _read_models(study, plugged)
    found = plugged.holding(compilers={**programs, **with_settings}, workloads=models)
    named = {choice.name: found.compilers[choice.name] for choice in study.compilers if choice.name in found.compilers}
    with_builds, of_builds = add_builds(study, named)
    found = found.holding(compilers=with_builds)
    missing = {location[-1] for location, _ in (*of_settings, *of_programs)}
    missing |= {BUILD} if of_builds else set()
    # What would be said of a knob that has a fault, or of any knob where not all are known, follows from that fault.
    of_names += [one for one in find_faults(study, found) if complete and not missing & set(one[0])]
    # What a program or a plug-in that failed would have added is not missing.
    unsure = {("compilers", index, "name") for index, choice in enumerate(study.compilers) if choice.command or faults}
    unsure |= {("workloads", index, "name") for index in range(len(study.workloads)) if faults}
    of_own = [*faults, *of_programs, *of_settings, *of_builds]
    return ResolvedStudy(study, found), [*of_own, *(one for one in of_names if one[0] not in unsure)]


def plugin_sources(resolved: ResolvedStudy) -> dict[str, PluginSource]:
    """Return the files of plug-ins and passes of a study, by path there, as they were when it was resolved."""
    study, catalogue = resolved
    found = {name: catalogue.plugin(study.directory / name) for name in study.plugins}
    entries = [catalogue.compilers[choice.name] for choice in study.compilers if choice.name in catalogue.compilers]
    passes = {one.name.rpartition(":")[0]: one.source for entry in entries for one in entry.own_passes}
    return {name: source for name, source in {**found, **passes}.items() if source is not None}


def _add_plugins(study: Study, catalogue: Catalogue) -> tuple[Catalogue, list[Fault]]:
    faults: list[Fault] = []
    for index, plugin in enumerate(study.plugins):
        try:
            catalogue = add_plugin(catalogue, study.directory / plugin)
        except (PluginError, CompilerError, WorkloadError) as error:
            faults.append((("plugins", index), str(error)))
    return catalogue, faults


def _describe_programs(study: Study, catalogue: Catalogue) -> tuple[dict[str, CompilerEntry], list[Fault]]:
    """Return the study's compilers that are programs of their own; each is started and asked once."""
    found: dict[str, CompilerEntry] = {}
    faults: list[Fault] = []
    for index, choice in enumerate(study.compilers):
        if choice.command is None or not _is_checked(choice):
            continue
        location: Location = ("compilers", index, "command")
        if choice.name in catalogue.compilers:
            text = f"'{choice.name}' is the name of a compiler that there is; give your program another 'name'"
            faults.append((location, text))
            continue
        words = {name: knob.model_dump(exclude_unset=True) for name, knob in choice.knobs.items()}
        settings = {name: one for name, one in words.items() if "setting" in one}
        try:
            entry = describe_command(choice.name, choice.command, study.directory, words)
            found[choice.name], of_knobs = add_settings(
                with_knobs_of_builds(study, choice, entry),
                settings,
                ask_addresses(entry),
                study.directory,
                has_builds=bool(choice.builds),
            )
        except CompilerError as error:
            faults.append((location, str(error)))
            continue
        faults += [(("compilers", index, "knobs", name), text) for name, text in of_knobs.items()]
    return found, faults


def _find_settings(study: Study, catalogue: Catalogue) -> tuple[dict[str, CompilerEntry], list[Fault], bool]:
    """Return the compilers with settings of the study among their knobs, and whether those of all could be asked for.

    Each compiler is asked once. Settings that a compiler offers by name need not be asked for.
    """
    found: dict[str, CompilerEntry] = {}
    faults: list[Fault] = []
    complete = True
    for index, choice in enumerate(study.compilers):
        if choice.command is not None or choice.name not in catalogue.compilers:
            continue
        if not _is_checked(choice):
            complete = False
            continue
        entry = found[choice.name] = take_offers(study, choice, catalogue.compilers[choice.name])
        if not choice.knobs:
            continue
        location: Location = ("compilers", index, "knobs")
        words = {name: knob.model_dump(exclude_unset=True) for name, knob in choice.knobs.items()}
        try:
            # Of a compiler that only its builds have, these are asked, once they are made.
            is_asked = any("setting" in one for one in words.values()) and (entry.installed or not choice.builds)
            known = ask_addresses(entry) if is_asked else AddressList(())
            found[choice.name], of_knobs = add_settings(
                entry, words, known, study.directory, has_builds=bool(choice.builds)
            )
        except CompilerError as error:
            faults.append((location, str(error)))
            complete = False
            continue
        faults += [((*location, name), text) for name, text in of_knobs.items()]
    return found, faults, complete


def _is_checked(choice: CompilerChoice) -> bool:
    """Return whether what a study says of a compiler's knobs holds by itself; else it has a fault already."""
    return all(isinstance(knob, KnobChoice) for knob in choice.knobs.values())


def _read_models(study: Study, catalogue: Catalogue) -> tuple[dict[str, WorkloadEntry], list[Fault]]:
    """Return the entries of the study's own models and of variants, and what is wrong with any of its workloads."""
    found: dict[str, WorkloadEntry] = {}
    faults: list[Fault] = []
    listed: dict[str, str] = {}
    for index, choice in enumerate(study.workloads):
        location: Location = ("workloads", index)
        if fault := _name_fault(choice, catalogue):
            faults.append(((*location, fault[0]), fault[1]))
            continue
        variants = choice.variants
        try:
            entry = _find_workload(study, choice, variants[0], catalogue)
        except WorkloadError as error:
            faults.append(((*location, "name" if choice.source is None else "source"), str(error)))
            continue
        place = (*location, "parameters" if choice.axes is None else "axes")
        texts: dict[str, None] = {}
        for variant in variants:
            own = with_sizes(entry, dict(variant.axes))
            if choice.source is not None or variant.name != choice.name or choice.workload is not None:
                found[variant.name] = replace(own, name=variant.name)
            try:
                full = check_parameters(own, variant.parameters)
            except WorkloadError as error:
                texts |= dict.fromkeys(str(error).split("\n"))
                continue
            program = content_id({"workload": variant.registry_name, "parameters": full})
            same = listed.setdefault(program, variant.name)
            if same != variant.name:
                text = f"'{variant.name}' is the program of '{same}': the same workload with the same parameters"
                faults.append((location, f"{text}; list it once"))
        if texts:
            faults.append((place, "\n".join(texts)))
    return found, faults


def _name_fault(choice: WorkloadChoice, catalogue: Catalogue) -> tuple[str, str] | None:
    """Return what is wrong with the names of a workload, by the key that has it."""
    taken = choice.name in catalogue.workloads
    wanted = choice.name if choice.workload is None else choice.workload
    if choice.source is None and wanted not in catalogue.workloads:
        hint = f"; a model of your own goes under 'source': {FORMS}" if is_source(wanted) else ""
        text = describe_unknown("workload", wanted, catalogue.workloads) + hint
        return "name" if choice.workload is None else "workload", text
    if taken and (choice.source is not None or wanted != choice.name):
        return (
            "name",
            f"'{choice.name}' is the name of a workload that there is; give your model another 'name' (--name)",
        )
    return None


def _find_workload(study: Study, choice: WorkloadChoice, first: Variant, catalogue: Catalogue) -> WorkloadEntry:
    """Return the entry of a workload, by its name in the study; of a user's own model with the sizes of a variant."""
    if choice.source is None:
        return replace(catalogue.workload(first.registry_name), name=choice.name)
    entry = read_source(
        choice.name, choice.source, first.parameters, study.directory, choice.tier, choice.dynamic or ()
    )
    inputs = read_given(choice.inputs, study.directory)
    if choice.train and (entry.origin is None or entry.origin.kind != "function"):
        raise WorkloadError("'train: true' is for a model that a function returns; others are in the mode they have")
    return replace(entry, inputs=inputs, train=bool(choice.train)) if inputs or choice.train else entry
