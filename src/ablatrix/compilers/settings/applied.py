"""What the settings of one configuration set: the one place that adapters take it from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablatrix.compilers.catalogue.model import ENVIRONMENT, CompilerEntry, Level, SettingValue
from ablatrix.compilers.catalogue.own_pass import OwnPass

AddressKey = tuple[str, str]
SWITCHED_OFF_BY_NAME = ("pass", "optimizer")
"""Kinds of which a compiler is told what not to run: such a pass runs where no knob switches it off."""
ORDER = "order"
"""The kind of address of two passes that change places; its name is the two names, with a comma between."""


@dataclass(frozen=True, slots=True)
class Applied:
    """Values by address, of one configuration. An address that a level leaves as it is is not among them.

    Attributes:
        code: Of settings that can change what is built; they belong to the keys of caches.
        run_time: Of settings that change only how that is run.
        kinds: Kinds of address of which a knob that the study names may set one, in any of its configurations.
        to_read_back: Addresses of such knobs whose value may be in force without any change of what is built.
        inserted: Passes and pipelines of the study's author that run; those at one point run in this order, which is
            that of the study but for two that change places.
    """

    code: Mapping[AddressKey, SettingValue] = field(default_factory=dict)
    run_time: Mapping[AddressKey, SettingValue] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    to_read_back: tuple[AddressKey, ...] = ()
    inserted: tuple[OwnPass, ...] = ()

    @classmethod
    def of(cls, entry: CompilerEntry, knobs: Mapping[str, Level]) -> Applied:
        """Return what a configuration sets. Where two knobs set one address, that of the study's own holds.

        Args:
            entry: The compiler's entry in the study's catalogue.
            knobs: Level of every knob; one that is not named has its default.

        Raises:
            CompilerError: A knob has no such level.
        """
        code: dict[AddressKey, SettingValue] = {}
        run_time: dict[AddressKey, SettingValue] = {}
        # Those of the study come first in an entry: built-in ones are set before them, and so give way.
        for knob in sorted(entry.knobs, key=lambda one: not one.built_in):
            for setting in knob.acts:
                value, key = setting.value(knobs.get(knob.name, knob.default)), (setting.kind, setting.name)
                is_off = setting.kind in SWITCHED_OFF_BY_NAME and code.get(key) is False
                if value is None or is_off:
                    continue
                code.pop(key, None)
                run_time.pop(key, None)
                (code if knob.may_change_code else run_time)[key] = value
        named = entry.named_settings
        kinds = frozenset(setting.kind for _, setting in named)
        to_read_back = tuple((setting.kind, setting.name) for knob, setting in named if knob.changes_run)
        order = [knob.name for knob in entry.knobs if knob.inserts]
        # Places that the author's own passes change are the order of what is inserted, and so in keys.
        for key in sorted(key for key in code if key[0] == ORDER and set(_pair(key[1])) <= set(order)):
            del code[key]
            one, other = map(order.index, _pair(key[1]))
            order[one], order[other] = order[other], order[one]
        own = {knob.name: knob for knob in entry.knobs}
        running = (own[name].inserts for name in order if knobs.get(name, own[name].default) == "on")
        inserted = tuple(one for one in running if one is not None)
        return cls(code, run_time, kinds, to_read_back, inserted)

    def building(self, kind: str) -> dict[str, SettingValue]:
        """Return the values by name, of one kind, that what is built depends on."""
        return {name: value for (of, name), value in self.code.items() if of == kind}

    def running(self, kind: str) -> dict[str, SettingValue]:
        """Return all values by name, of one kind: those that what is built depends on, too."""
        return self.building(kind) | {name: value for (of, name), value in self.run_time.items() if of == kind}

    def switched_off(self, kind: str) -> list[str]:
        """Return the names of one kind that are switched off, in order."""
        return sorted(name for name, value in self.building(kind).items() if value is False)

    def reported(self, kind: str) -> list[str]:
        """Return the names of one kind whose values are read back, whatever this configuration sets."""
        return [name for of, name in self.to_read_back if of == kind]

    def around(self, anchor: str, where: str) -> list[OwnPass]:
        """Return the author's passes that run before or after a pass of the compiler."""
        return [one for one in self.inserted if (one.anchor, one.where) == (anchor, where)]

    @property
    def pipelines(self) -> list[OwnPass]:
        """The author's pipelines, each of which is given what the one before returned."""
        return [one for one in self.inserted if one.where == "whole"]

    @property
    def swapped(self) -> list[tuple[str, str]]:
        """The pairs of the compiler's passes that change places, in an order that depends on the names alone."""
        return [_pair(name) for name in sorted(self.building(ORDER))]

    def by_address(self) -> dict[str, Any]:
        """Return what can change what is built, for keys of caches: values by ``kind:name``, and passes."""
        values: dict[str, Any] = {f"{kind}:{name}": value for (kind, name), value in sorted(self.code.items())}
        return values | ({"inserted": [one.identity for one in self.inserted]} if self.inserted else {})


def _pair(name: str) -> tuple[str, str]:
    one, _, other = name.partition(",")
    return one, other


NO_SETTINGS = Applied()


def environment_of(entry: CompilerEntry, knobs: Mapping[str, Level]) -> dict[str, str]:
    """Return the environment variables that a configuration sets in its worker."""
    return {name: str(value) for name, value in Applied.of(entry, knobs).running(ENVIRONMENT).items()}
