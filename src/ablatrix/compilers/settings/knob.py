"""From what a study says about a setting to a knob of the catalogue: address, levels and types are checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue.model import (
    ENVIRONMENT,
    CompilerEntry,
    KnobEntry,
    LevelEntry,
    Setting,
)
from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.settings.address import Address, AddressList
from ablatrix.compilers.settings.levels import DEFAULT, assumed_address, level_value, levels_of
from ablatrix.compilers.settings.nearest import nearest_names
from ablatrix.compilers.settings.own_pass import order_knob, pass_knob, pipeline_knob
from ablatrix.errors import CompilerError

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SUMMARIES = {"off": "Switched off.", "on": "Switched on.", DEFAULT: "As the compiler has it by itself."}
# What the harness itself relies on, in every worker.
OWN_VARIABLES = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR")


def add_settings(
    entry: CompilerEntry,
    knobs: Mapping[str, Mapping[str, Any]],
    known: AddressList,
    directory: Path,
    *,
    has_builds: bool = False,
) -> tuple[CompilerEntry, dict[str, str]]:
    """Return a compiler's entry with what a study says as knobs, and what is wrong with them, by knob.

    Args:
        entry: As the catalogue has it, with those of its offers that the study names.
        knobs: What the study says about each knob, by name: ``setting``, ``pass``, ``pipeline`` or ``order``, and the
            keys of a knob that it names.
        known: The addresses that the compiler, as installed, has.
        directory: Of the study, where the files of passes lie.
        has_builds: Whether the study compares builds of the compiler, so that another one may have what this lacks.
    """
    made: dict[str, KnobEntry] = {}
    faults: dict[str, str] = {}
    for name in sorted(knobs, key=lambda one: "order" in knobs[one]):  # an order may stand before its passes
        try:
            if entry.knob(name) is not None:
                raise CompilerError(f"compiler '{entry.name}' has a knob '{name}' already; give yours another name")
            if "order" in knobs[name]:
                knob = order_knob(entry, name, knobs[name], _own(knobs, made, knobs[name]["order"], faults))
            elif "pass" in knobs[name]:
                knob = pass_knob(entry, name, knobs[name], directory)
            elif "pipeline" in knobs[name]:
                knob = pipeline_knob(entry, name, knobs[name], directory)
            else:
                knob = setting_knob(entry.name, name, knobs[name], known, has_builds=has_builds)
            _refuse_second(knob, [*made.values(), *entry.knobs])
        except CompilerError as error:
            faults[name] = str(error)
        else:
            made[name] = knob
    return replace(entry, knobs=(*(made[name] for name in knobs if name in made), *entry.knobs)), faults


def _own(
    knobs: Iterable[str], made: Mapping[str, KnobEntry], pair: Sequence[str], faults: Mapping[str, str]
) -> dict[str, OwnPass]:
    """Return the passes of the study, by knob, in its order.

    Raises:
        CompilerError: One of a pair has a fault itself, from which that of the order would follow.
    """
    wrong = next((name for name in pair if name in faults), None)
    if wrong is not None:
        raise CompilerError(f"the order is of the knob '{wrong}', which has a fault itself; mend that one first")
    inserting = ((name, made[name].inserts) for name in knobs if name in made)
    return {name: inserts for name, inserts in inserting if inserts is not None}


def _refuse_second(knob: KnobEntry, others: Sequence[KnobEntry]) -> None:
    """Refuse a knob of an address that another one of the study has; what a built-in one sets gives way to it."""
    for address in (one.address for one in knob.acts):
        named = (one for one in others if not one.built_in)
        other = next((one.name for one in named if address in (act.address for act in one.acts)), None)
        if other is not None:
            raise CompilerError(f"knobs '{other}' and '{knob.name}' have one setting, '{address}'; keep one")


def setting_knob(
    compiler: str, name: str, words: Mapping[str, Any], known: AddressList, *, has_builds: bool = False
) -> KnobEntry:
    """Return one setting as a knob.

    Args:
        compiler: Name of the compiler, for messages.
        name: The study's name of the knob.
        words: ``setting`` (its address), and any of ``levels``, ``default``, ``kind``, ``affects``, ``summary``,
            ``tolerance``.
        known: The addresses that the compiler has.
        has_builds: Whether builds of the compiler are compared, one of which may have an address, or words of a text,
            that this one lacks: neither is refused then, and ``knob_in_build`` tells what each build sets.

    Raises:
        CompilerError: There is no such address, or a level is not of its type; the message has the nearest names.
    """
    address = _find(compiler, words, known, has_builds=has_builds)
    if has_builds:
        address = replace(address, choices=())
    values = {level: level_value(address, level) for level in levels_of(address, words)}
    default = words.get("default")
    if default is None:
        by_itself = [level for level, value in values.items() if value == address.value and level != DEFAULT]
        default = by_itself[0] if by_itself and address.value is not None else DEFAULT
    if default not in values and default != DEFAULT:
        shown = ", ".join(map(str, values))
        raise CompilerError(f"the default '{default}' is none of the levels of '{words['setting']}': {shown}")
    if default not in values:
        values = {DEFAULT: None, **values}
    return KnobEntry(
        name=name,
        kind=words.get("kind") or "primary",
        summary=words.get("summary") or f"The setting {words['setting']}.",
        levels=tuple(LevelEntry(level, SUMMARIES.get(str(level)) or f"Set to {level}.") for level in values),
        default=default,
        affects=words.get("affects") or address.affects,
        acts=(Setting(address.kind, address.name, tuple(values.items())),),
        tolerance=words.get("tolerance"),
    )


def _find(compiler: str, words: Mapping[str, Any], known: AddressList, *, has_builds: bool) -> Address:
    text: str = words["setting"]
    kind, colon, name = text.partition(":")
    if not colon or not name:
        raise CompilerError(
            f"a setting is written kind:name, such as {known.kinds[0]}:NAME, and not '{text}'; "
            f"kinds of compiler '{compiler}': {', '.join(known.kinds)}"
        )
    if kind not in known.kinds and (known.addresses or not has_builds):
        raise CompilerError(
            f"compiler '{compiler}' has no settings of kind '{kind}'; it has: {', '.join(known.kinds)}"
            f"{nearest_names(kind, known.kinds)}"
        )
    if kind == ENVIRONMENT and (not VARIABLE.fullmatch(name) or name in OWN_VARIABLES):
        raise CompilerError(f"'{name}' is no environment variable that a study may set; name one of the compiler's own")
    found = known.find(kind, name)
    if found is None and has_builds:
        return assumed_address(kind, name, words, known)
    if found is None:
        names = known.names(kind)
        near = nearest_names(name, names)
        raise CompilerError(f"compiler '{compiler}', as installed, has no {kind} '{name}' among its {len(names)}{near}")
    if found.owner:
        raise CompilerError(f"'{text}' is what the knob '{found.owner}' sets; vary that one")
    return found
