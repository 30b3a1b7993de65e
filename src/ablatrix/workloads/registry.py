"""The workloads by name, with their tiers and parameters. Loads without torch.

A package adds its own through the entry point group ``ablatrix.workloads``: each entry point names a
``WorkloadEntry``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal

from ablatrix.errors import WorkloadError

if TYPE_CHECKING:
    from ablatrix.workloads.built import Built

Tier = Literal["tiny", "medium", "hard"]
GROUP = "ablatrix.workloads"


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One size of a workload.

    Attributes:
        default: Size when a study gives none.
        summary: What it is, with its unit.
        minimum: Smallest size allowed.
        multiple_of: Name of another parameter that must divide this one.
        at_least: Name of another parameter that this one must not be smaller than.
        choices: The only sizes allowed, where there are only some.
    """

    default: int
    summary: str
    minimum: int = 1
    multiple_of: str | None = None
    at_least: str | None = None
    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkloadEntry:
    """What is known of a workload before it is built.

    Attributes:
        name: As studies write it.
        tier: How much there is to compile.
        summary: One sentence.
        parameters: Its sizes by name.
        builder: ``module:function``; the function takes the parameters and returns a ``Built``.
        dynamic: Names of the dimensions whose size is only bounded when it is compiled.
    """

    name: str
    tier: Tier
    summary: str
    parameters: Mapping[str, ParameterSpec]
    builder: str
    dynamic: tuple[str, ...] = ()


def workload_names() -> tuple[str, ...]:
    """Return the names of all workloads, shipped ones first, then those of other packages."""
    return (*_shipped(), *sorted(set(_added()) - set(_shipped())))


def get_workload(name: str) -> WorkloadEntry:
    """Return what is known of a workload.

    Raises:
        WorkloadError: There is no such workload, or its package cannot be imported.
    """
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
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


def check_parameters(name: str, given: Mapping[str, Any]) -> dict[str, int]:
    """Return every parameter of a workload, defaults filled in, in the order of the registry.

    Raises:
        WorkloadError: The workload or a parameter is unknown, or a size breaks a rule; the message names all
            faults.
    """
    specs = get_workload(name).parameters
    faults = [
        f"workload '{name}' has no parameter '{key}'; it has: {', '.join(specs) or 'none'}"
        for key in given
        if key not in specs
    ]
    full = {key: given.get(key, spec.default) for key, spec in specs.items()}
    for key, spec in specs.items():
        value = full[key]
        if not isinstance(value, int) or isinstance(value, bool):
            faults.append(f"workload '{name}': '{key}' must be a whole number, but got {value!r}")
        elif value < spec.minimum:
            faults.append(f"workload '{name}': {key} >= {spec.minimum} must hold, but got {key}={value}")
        elif spec.choices and value not in spec.choices:
            faults.append(f"workload '{name}': '{key}' must be one of {spec.choices}, but got {value}")
    if not faults:
        faults = [fault for key, spec in specs.items() for fault in _relations(name, key, spec, full)]
    if faults:
        raise WorkloadError("\n".join(faults))
    return full


def build_workload(name: str, parameters: Mapping[str, int]) -> Built:
    """Build a workload from parameters that ``check_parameters`` returned.

    Raises:
        WorkloadError: The workload is unknown, or needs a package that is not installed.
    """
    module, _, function = get_workload(name).builder.partition(":")
    try:
        built: Built = getattr(import_module(module), function)(parameters)
    except ImportError as error:
        raise WorkloadError(
            f"workload '{name}' needs what is not installed: {error}; "
            "for the shipped ones: pip install 'ablatrix[workloads]'"
        ) from error
    return built


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


@cache
def _added() -> dict[str, Any]:
    return {point.name: point for point in entry_points(group=GROUP)}
