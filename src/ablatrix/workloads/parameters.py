"""The sizes of a workload, checked, and the workload built from them. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablatrix.errors import WorkloadError
from ablatrix.import_spec import import_place
from ablatrix.records.origin import installation_of
from ablatrix.workloads.entry import ParameterSpec, Size, WorkloadEntry

if TYPE_CHECKING:
    from ablatrix.workloads.built import Built

# Type of a parameter's default -> what a size must be.
_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("a word", (str,)),
    bool: ("true or false", (bool,)),
}


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
        # Imported by name: studies are read without torch, and this needs it.
        given: Built = import_place("ablatrix.workloads.given:build_given")(entry, parameters)
        return given
    try:
        built: Built = import_place(entry.builder)(parameters)
    except ImportError as error:
        raise WorkloadError(
            f"workload '{entry.name}' needs a package that is not installed: {error}; "
            f"for the shipped ones: {installation_of('workloads')}"
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
