"""The sizes of a workload, checked, and the workload built from them. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablatrix.errors import WorkloadError
from ablatrix.import_spec import import_place
from ablatrix.records.origin import installation_of
from ablatrix.workloads.entry import ParameterSpec, Size, WorkloadEntry
from ablatrix.workloads.numeric_types import COMMON, accepted, fixed_by_file, split_common, without_defaults

if TYPE_CHECKING:
    from ablatrix.workloads.built import Built

# Type of a parameter's default -> what a size must be.
_KINDS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("a word", (str,)),
    bool: ("true or false", (bool,)),
}
_OPTIONAL: Mapping[str, type] = {"int": int, "text": str}
"""Types of parameters that have no default to tell by."""


def check_parameters(entry: WorkloadEntry, given: Mapping[str, Any]) -> dict[str, Size]:
    """Return every parameter of a workload, defaults filled in, in the order of its entry.

    A parameter that is optional and not given, and one that has no meaning beside the others, is left out; one that
    every workload has is there only where it is not at its default.

    Raises:
        WorkloadError: A parameter is unknown, or a size breaks a rule; the message names all faults.
    """
    name, specs = entry.name, accepted(entry)
    faults = [_unknown(entry, key, specs) for key in given if key not in specs]
    faults += [fault for key, spec in specs.items() for fault in _misplaced(name, key, spec, given)]
    full: dict[str, Any] = {
        key: given.get(key, spec.default) for key, spec in specs.items() if key in given or _is_filled_in(spec, given)
    }
    for key, value in full.items():
        faults += _value_faults(name, key, specs[key], value)
    if not faults:
        faults = [fault for key in full for fault in _relations(name, key, specs[key], full)]
    if faults:
        raise WorkloadError("\n".join(faults))
    return without_defaults(entry, full)


def dynamic_dimensions(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the dynamic dimensions of a workload with the given parameters.

    One that a parameter of the same name sizes is there only together with that parameter.
    """
    full = check_parameters(entry, parameters)
    return tuple(one for one in entry.dynamic if one in full or one not in entry.parameters)


def is_phase(parameters: Mapping[str, Any]) -> bool:
    """Return whether a workload is one phase of generating text."""
    return "phase" in parameters


def build_workload(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> Built:
    """Build a workload from parameters that ``check_parameters`` returned.

    Raises:
        WorkloadError: It needs a package that is not installed, or, for a user's own model, cannot be built.
    """
    own, common = split_common(entry, parameters)
    built = _build_own(entry, own)
    if common:
        # Imported by name: studies are read without torch, and this needs it.
        built = import_place("ablatrix.workloads.casting:apply_common")(built, common)
    return built


def _build_own(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> Built:
    if entry.origin is not None:
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


def _unknown(entry: WorkloadEntry, key: str, specs: Mapping[str, ParameterSpec]) -> str:
    if key in COMMON and fixed_by_file(entry):
        return (
            f"workload '{entry.name}' has no parameter '{key}': an ONNX file says the type of each of its values; give "
            "one that was exported in the type that you want"
        )
    return f"workload '{entry.name}' has no parameter '{key}'; it has: {', '.join(specs) or 'none'}"


def _is_filled_in(spec: ParameterSpec, given: Mapping[str, Any]) -> bool:
    return spec.optional is None and spec.unless not in given and (spec.beside is None or spec.beside in given)


def _misplaced(name: str, key: str, spec: ParameterSpec, given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a parameter being given, or not, beside the others that are."""
    if key in given and spec.unless in given:
        return [f"workload '{name}': '{key}' has no meaning beside '{spec.unless}'; give one of them"]
    if key in given and spec.beside and spec.beside not in given:
        return [f"workload '{name}': '{key}' goes with '{spec.beside}'; give both"]
    return []


def _value_faults(name: str, key: str, spec: ParameterSpec, value: Any) -> list[str]:
    if value is None:
        return [f"workload '{name}': '{key}' has no default; give it under 'parameters'"]
    kind = type(spec.default) if spec.optional is None else _OPTIONAL[spec.optional]
    what, kinds = _KINDS.get(kind, ("given", (int, float, str, bool)))
    if type(value) not in kinds:
        return [f"workload '{name}': '{key}' must be {what}, but got {value!r}"]
    if spec.minimum is not None and isinstance(value, int) and value < spec.minimum:
        return [f"workload '{name}': {key} >= {spec.minimum} must hold, but got {key}={value}"]
    if spec.choices and value not in spec.choices:
        return [f"workload '{name}': '{key}' must be one of {spec.choices}, but got {value!r}"]
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
