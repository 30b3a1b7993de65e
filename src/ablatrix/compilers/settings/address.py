"""What a compiler lists of its settings: each address with its type and what holds there by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ablatrix.compilers.catalogue.model import ENVIRONMENT, Affects, SettingValue

LIMIT = "limit"
"""The kind of how often a pass or lowering is applied at most, in a task; its name is the address of that one."""
Type = Literal["switch", "whole number", "number", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One setting of a compiler.

    Attributes:
        kind: ``pass``, ``flag``, ``config``, ...
        name: As the compiler has it.
        type: What it can be set to; a switch has the levels ``off`` and ``on``.
        value: What holds where no study sets it; None where the compiler does not say.
        affects: ``code``: it can change what is built, ``run_time``: only how that is run, ``both``: either.
        off, on: What the levels ``off`` and ``on`` of a switch set it to.
        prefix: What comes before a number or a word where the compiler takes all values as text.
        choices: The words that a text may be; empty where the compiler does not say.
        owner: The knob of the catalogue that sets it already; empty where none does.
        counted: Whether the compiler can be told how often it applies what is switched: then there is an address of the
            kind ``limit``, whose name is this one's.
    """

    kind: str
    name: str
    type: Type
    value: SettingValue | None = None
    affects: Affects = "code"
    off: SettingValue = False
    on: SettingValue = True
    prefix: str = ""
    choices: tuple[str, ...] = ()
    owner: str = ""
    counted: bool = False


@dataclass(frozen=True, slots=True)
class AddressList:
    """All settings of one compiler, as installed."""

    addresses: tuple[Address, ...]

    @property
    def kinds(self) -> list[str]:
        """The kinds of addresses that there are; environment variables come last."""
        limits = [LIMIT] if any(one.counted for one in self.addresses) else []
        return [*dict.fromkeys(one.kind for one in self.addresses), *limits, ENVIRONMENT]

    def names(self, kind: str) -> list[str]:
        """Return the names of one kind."""
        if kind == LIMIT:
            return [f"{one.kind}:{one.name}" for one in self.addresses if one.counted]
        return [one.name for one in self.addresses if one.kind == kind]

    def find(self, kind: str, name: str) -> Address | None:
        """Return an address; None where there is none. Any environment variable is one."""
        if kind == ENVIRONMENT:
            return Address(kind=kind, name=name, type="text", affects=_affected_by(name))
        if kind == LIMIT:
            return Address(kind=kind, name=name, type="whole number") if name in self.names(kind) else None
        return next((one for one in self.addresses if (one.kind, one.name) == (kind, name)), None)


# Of these it is known that they leave what is built as it is: how threads wait and are placed, how memory is allotted.
RUN_TIME_VARIABLES = ("GOMP_", "KMP_", "OMP_", "MALLOC_", "LD_PRELOAD", "_RJEM_MALLOC_CONF")


def _affected_by(variable: str) -> Affects:
    return "run_time" if variable.startswith(RUN_TIME_VARIABLES) else "both"


def type_of(value: object) -> Type:
    """Return the type of a setting whose value is known."""
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, int):
        return "whole number"
    return "number" if isinstance(value, float) else "text"


def switches(kind: str, names: Iterable[str], *, value: bool | None = True, counted: bool = False) -> list[Address]:
    """Return addresses that can be switched off, of what a compiler does by itself."""
    return [Address(kind=kind, name=name, type="switch", value=value, counted=counted) for name in sorted(set(names))]
