"""Which settings Inductor has: entries of ``torch._inductor.config``, passes of its graphs, and lowerings."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from ablatrix.compilers.catalogue import INDUCTOR
from ablatrix.compilers.inductor.options import ALWAYS
from ablatrix.compilers.settings.address import Address, Type, switches

CONFIG = "config"
TYPES: dict[Any, Type] = {bool: "switch", int: "whole number", float: "number", str: "text"}
OWNERS = {"cpp.threads": "threads", "freezing": "weights"}
# Caches, logs, tracing, remote services and other devices: no settings of the code that is generated for the CPU.
NO_SETTING = re.compile(
    r"cache|^_|\._|TYPE_CHECKING|TESTING_ONLY|debug|trace\.|(^|[._])log|profile|^triton\.|^cuda\.|^cutlass\.|^rocm\.|^xpu\.|^halide\."
    r"|^pallas\.|^test_configs\.|fbcode|remote|worker|dump|path|dir$|cxx$"
)


def addresses() -> Iterator[Address]:
    """Yield the settings of the installed torch; one that a knob sets has no value of its own."""
    from torch._inductor import config

    yield from _entries(config)
    config.compile_threads = 1  # read when the next module is imported; more would start a pool of processes
    from ablatrix.compilers.inductor.left_out import LOWERING, PASS, graph_passes, lowered_operators

    yield from switches(PASS, graph_passes(), counted=True)
    yield from switches(LOWERING, lowered_operators(), counted=True)


def _entries(config: Any) -> Iterator[Address]:
    by_knobs = {*INDUCTOR.acted_on(CONFIG), *OWNERS}
    for name, value in sorted(config.get_config_copy().items()):
        if NO_SETTING.search(name) or name in ALWAYS:
            continue
        kind, choices = _type(config.get_type(name), value)
        if kind is not None:
            yield Address(
                kind=CONFIG,
                name=name,
                type=kind,
                value=None if name in by_knobs else value,
                choices=choices,
                owner=OWNERS.get(name, ""),
            )


def _type(annotation: Any, value: Any) -> tuple[Type | None, tuple[str, ...]]:
    """Return the type of an entry, and the words that it may be; None for one that is no plain value."""
    if value is not None and type(value) in TYPES and typing.get_origin(annotation) is not typing.Literal:
        return TYPES[type(value)], ()
    for one in _options(annotation):
        if typing.get_origin(one) is typing.Literal:
            words = typing.get_args(one)
            return ("text", words) if all(isinstance(word, str) for word in words) else ("whole number", ())
        if one in TYPES:
            return TYPES[one], ()
    return None, ()


def _options(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [one for one in typing.get_args(annotation) if one is not type(None)]
    return [annotation]
