"""What the levels of a knob set an address to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablatrix.compilers.catalogue.model import Level, SettingValue
from ablatrix.compilers.settings.address import Address, AddressList, Type
from ablatrix.compilers.settings.nearest import nearest_names
from ablatrix.compilers.settings.own_pass import SWITCH
from ablatrix.errors import CompilerError

DEFAULT = "default"
"""The level that leaves a setting as the compiler, or another knob, has it by itself."""


def assumed_address(kind: str, name: str, words: Mapping[str, Any], known: AddressList) -> Address:
    """Return an address that another build may have, as far as its kind and the study's levels tell what it takes.

    Raises:
        CompilerError: They do not.
    """
    alike = [one for one in known.addresses if one.kind == kind]
    levels = [level for level in words.get("levels") or () if level != DEFAULT]
    found: Type = "text"
    if {*levels} <= {*SWITCH} and (levels or {one.type for one in alike} == {"switch"}):
        found = "switch"
    elif not levels:
        raise CompilerError(
            f"this environment has no {kind} '{name}'; if a build has it, say which 'levels' it is to have"
            f"{nearest_names(name, known.names(kind))}"
        )
    elif all(isinstance(level, int) for level in levels):
        found = "whole number"
    elif all(isinstance(level, int | float) for level in levels):
        found = "number"
    affected, by_itself = {one.affects for one in alike}, {one.value for one in alike}
    return Address(
        kind=kind,
        name=name,
        type=found,
        # All passes of a compiler run by themselves, say.
        value=by_itself.pop() if found == "switch" and len(by_itself) == 1 else None,
        affects=affected.pop() if len(affected) == 1 else "both",
    )


def levels_of(address: Address, words: Mapping[str, Any]) -> list[Level]:
    """Return the levels of a knob of an address.

    Raises:
        CompilerError: The study has to say which, or lists one twice.
    """
    given: list[Level] | None = words.get("levels")
    if given is None:
        if address.type != "switch":
            of = f" (one of {', '.join(address.choices)})" if address.choices else ""
            raise CompilerError(f"'{words['setting']}' is a {address.type}{of}: say which 'levels' it is to have")
        return list(SWITCH)
    if len(set(map(str, given))) != len(given):
        raise CompilerError(f"'{words['setting']}' lists a level twice; list each once")
    return given


def level_value(address: Address, level: Level) -> SettingValue | None:
    """Return what a level sets an address to.

    Raises:
        CompilerError: It is not of the address's type.
    """
    if level == DEFAULT:
        return None
    is_number = not isinstance(level, str)
    match address.type:
        case "switch" if level in SWITCH:
            return address.on if level == "on" else address.off
        case "switch" if str(level) in (address.off, address.on):
            return str(level)
        case "whole number" if isinstance(level, int):
            return f"{address.prefix}{level}" if address.prefix else level
        case "number" if is_number:
            return float(level)
        case "text" if not address.choices or level in address.choices:
            return f"{address.prefix}{level}"
    must = {"switch": "off or on", "whole number": "a whole number", "number": "a number"}.get(address.type)
    must = must or f"one of {', '.join(address.choices)}{nearest_names(str(level), list(address.choices))}"
    raise CompilerError(f"'{address.kind}:{address.name}' has no level '{level}': it must be {must}")
