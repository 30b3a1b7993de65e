"""A knob of a study as one build of its compiler has it."""

from __future__ import annotations

from dataclasses import replace

from ablatrix.compilers.catalogue.model import KnobEntry, Level, Setting, SettingValue
from ablatrix.compilers.settings.address import Address, AddressList
from ablatrix.compilers.settings.applied import ORDER
from ablatrix.compilers.settings.levels import level_value
from ablatrix.errors import CompilerError


def knob_in_build(knob: KnobEntry, known: AddressList, *, is_given: bool) -> tuple[KnobEntry | None, dict[Level, str]]:
    """Return a knob of a study as a build of its compiler has it, and what that build lacks.

    A build that lacks what a knob sets has the knob's default, which is how it is by itself, and no other level.

    Args:
        knob: As it was when the study was read.
        known: The addresses that the build has.
        is_given: Whether the study gives the knob by an address, so that what its levels set follows from what the
            build says of it; else it is one of those that the compiler offers.

    Returns:
        The knob with what can be set there, None where that is nothing; and the levels that the build does not have,
        each with what it lacks for it: an address, or a level of one.
    """
    gaps: dict[Level, str] = {}
    acts: list[Setting] = []
    for setting in knob.acts:
        # The two passes of an order are looked at where they are knobs themselves.
        address = None if setting.kind == ORDER else known.find(setting.kind, setting.name)
        if setting.kind == ORDER or (address is not None and not is_given):
            acts.append(setting)
        elif address is None:
            lost = (level for level, value in setting.values if value is not None and level != knob.default)
            gaps |= dict.fromkeys(lost, f"{setting.kind} '{setting.name}'")
        else:
            there, lacking = _set_there(setting, address)
            acts.append(there)
            gaps |= lacking
    return (replace(knob, acts=tuple(acts)) if acts or not knob.acts else None), gaps


def _set_there(setting: Setting, address: Address) -> tuple[Setting, dict[Level, str]]:
    """Return what each level sets an address to in a build, and the levels that the address does not take there."""
    values: list[tuple[Level, SettingValue | None]] = []
    gaps: dict[Level, str] = {}
    for level, _ in setting.values:
        try:
            values.append((level, level_value(address, level)))
        except CompilerError:
            gaps[level] = f"level '{level}' of {setting.address}"
    return replace(setting, values=tuple(values)), gaps
