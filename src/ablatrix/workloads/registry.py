"""The workloads by name, with their tiers and parameters. Loads without torch.

A package adds its own through the entry point group ``ablatrix.workloads``: each entry point names a
``WorkloadEntry``. A file adds its own as a plug-in (see ``ablatrix.plugins``), and a study brings models of its
user along (see ``ablatrix.workloads.source``): they are entries with an ``Origin`` that no registry holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal

from ablatrix.errors import WorkloadError
from ablatrix.places import import_place

if TYPE_CHECKING:
    from ablatrix.workloads.built import Built

Tier = Literal["tiny", "medium", "hard"]
Size = int | float | str | bool
SourceKind = Literal["function", "saved", "onnx", "architecture"]
GROUP = "ablatrix.workloads"
# Type of a parameter's default -> what a size must be.
_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("a word", (str,)),
    bool: ("true or false", (bool,)),
}


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One size of a workload.

    Attributes:
        default: Size when a study gives none, and the type that a size must have; None: a study must give one.
        summary: What it is, with its unit.
        minimum: Smallest size allowed; None: any.
        multiple_of: Name of another parameter that must divide this one.
        at_least: Name of another parameter that this one must not be smaller than.
        choices: The only sizes allowed, where there are only some.
    """

    default: Size | None
    summary: str
    minimum: int | None = 1
    multiple_of: str | None = None
    at_least: str | None = None
    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a user's own model comes from.

    Attributes:
        source: As the study writes it.
        kind: ``function``: ``module:function`` or ``file.py:function``; ``saved``: a ``.pt2`` file; ``onnx``: an
            ``.onnx`` file; ``architecture``: a transformers configuration.
        file: The file that holds it, absolute; None where there is none.
        digest: SHA-256 of the file, None where there is none.
    """

    source: str
    kind: SourceKind
    file: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class WorkloadEntry:
    """What is known of a workload before it is built.

    Attributes:
        name: As studies write it.
        tier: How much there is to compile.
        summary: One sentence.
        parameters: Its sizes by name.
        builder: ``module:function`` or ``file.py:function``; the function takes the parameters and returns a
            ``Built``. Of an entry with an origin: the user's function, or the file or configuration to read.
        dynamic: Names of the dimensions whose size is only bounded when it is compiled.
        origin: Where a user's own model comes from; None for a workload of a registry.
    """

    name: str
    tier: Tier
    summary: str
    parameters: Mapping[str, ParameterSpec]
    builder: str
    dynamic: tuple[str, ...] = ()
    origin: Origin | None = None


def workload_names() -> tuple[str, ...]:
    """Return the names of all workloads, shipped ones first, then those of plug-ins and of other packages."""
    return tuple(dict.fromkeys((*_shipped(), *_PLUGGED, *sorted(_added()))))


def get_workload(name: str) -> WorkloadEntry:
    """Return what is known of a workload.

    Raises:
        WorkloadError: There is no such workload, or its package cannot be imported.
    """
    for held in (_shipped(), _PLUGGED):
        if name in held:
            return held[name]
    point = _added().get(name)
    if point is None:
        raise WorkloadError(f"there is no workload '{name}'; there are: {', '.join(workload_names())}")
    try:
        entry = point.load()
    except Exception as error:
        raise WorkloadError(f"workload '{name}' of {point.value} cannot be imported: {error}") from error
    if not isinstance(entry, WorkloadEntry) or entry.name != name:
        raise WorkloadError(f"entry point '{name}' of group {GROUP} must name a WorkloadEntry called '{name}'")
    return entry


def add_workload(entry: WorkloadEntry, origin: str) -> None:
    """Make a plug-in's workload known in this process; adding the same again changes nothing.

    Raises:
        WorkloadError: Another workload has the name.
    """
    if entry.name in workload_names() and _PLUGGED.get(entry.name) != entry:
        raise WorkloadError(f"{origin}: there is a workload '{entry.name}' already; give yours another name")
    _PLUGGED[entry.name] = entry


def check_parameters(entry: WorkloadEntry, given: Mapping[str, Any]) -> dict[str, Size]:
    """Return every parameter of a workload, defaults filled in, in the order of its entry.

    Raises:
        WorkloadError: A parameter is unknown, or a size breaks a rule; the message names all faults.
    """
    name, specs = entry.name, entry.parameters
    faults = [
        f"workload '{name}' has no parameter '{key}'; it has: {', '.join(specs) or 'none'}"
        for key in given
        if key not in specs
    ]
    full: dict[str, Any] = {key: given.get(key, spec.default) for key, spec in specs.items()}
    for key, spec in specs.items():
        faults += _value_faults(name, key, spec, full[key])
    if not faults:
        faults = [fault for key, spec in specs.items() for fault in _relations(name, key, spec, full)]
    if faults:
        raise WorkloadError("\n".join(faults))
    return full


def build_workload(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> Built:
    """Build a workload from parameters that ``check_parameters`` returned.

    Raises:
        WorkloadError: It needs a package that is not installed, or, for a user's own model, cannot be built.
    """
    if entry.origin is not None:
        # By its place: studies are read without torch, and this needs it.
        given: Built = import_place("ablatrix.workloads.given:build_given")(entry, parameters)
        return given
    try:
        built: Built = import_place(entry.builder)(parameters)
    except ImportError as error:
        raise WorkloadError(
            f"workload '{entry.name}' needs what is not installed: {error}; "
            "for the shipped ones: pip install 'ablatrix[workloads]'"
        ) from error
    return built


def _value_faults(name: str, key: str, spec: ParameterSpec, value: Any) -> list[str]:
    if value is None:
        return [f"workload '{name}': '{key}' has no default; give it under 'parameters'"]
    what, kinds = _KINDS.get(type(spec.default), ("given", (int, float, str, bool)))
    if type(value) not in kinds:
        return [f"workload '{name}': '{key}' must be {what}, but got {value!r}"]
    if spec.minimum is not None and isinstance(value, int) and value < spec.minimum:
        return [f"workload '{name}': {key} >= {spec.minimum} must hold, but got {key}={value}"]
    if spec.choices and value not in spec.choices:
        return [f"workload '{name}': '{key}' must be one of {spec.choices}, but got {value}"]
    return []


def _relations(name: str, key: str, spec: ParameterSpec, full: Mapping[str, int]) -> list[str]:
    faults = []
    if spec.multiple_of and full[key] % full[spec.multiple_of]:
        faults.append(
            f"workload '{name}': {key} must be a multiple of {spec.multiple_of}, "
            f"but got {key}={full[key]}, {spec.multiple_of}={full[spec.multiple_of]}"
        )
    if spec.at_least and full[key] < full[spec.at_least]:
        faults.append(
            f"workload '{name}': {key} >= {spec.at_least} must hold, "
            f"but got {key}={full[key]}, {spec.at_least}={full[spec.at_least]}"
        )
    return faults


def _shipped() -> Mapping[str, WorkloadEntry]:
    from ablatrix.workloads.shipped import SHIPPED

    return SHIPPED


# Workloads of the plug-ins that this process was told to use.
_PLUGGED: dict[str, WorkloadEntry] = {}


@cache
def _added() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}
