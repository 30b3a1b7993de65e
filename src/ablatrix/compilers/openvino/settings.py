"""Which settings OpenVINO has: the properties of its CPU plug-in that can be written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ablatrix.compilers.catalogue import OPENVINO
from ablatrix.compilers.openvino.build import DEVICE
from ablatrix.compilers.openvino.library import get_core, property_text
from ablatrix.compilers.openvino.options import Options
from ablatrix.compilers.settings.address import Address, type_of

PROPERTY = "property"
HIDDEN = ("SNIPPETS_MODE",)
"""Properties that the plug-in takes and does not list."""
NO_SETTING = ("DEVICE_ID", "LOG_LEVEL", "PERF_COUNT", "WEIGHTS_PATH", "CACHE_DIR")
OF_CODE = re.compile(r"INFERENCE_PRECISION|EXECUTION_MODE|SNIPPETS")
OF_BOTH = re.compile(r"CACHE_PRECISION|QUANTIZATION|GROUP_SIZE|SPARSE|WEIGHTLESS")  # the compiled graph may not show it
THREADS = "INFERENCE_NUM_THREADS"
SUPPORTED = re.compile(r"[Ss]upported values:? ([\w, /]+)")
NO_WORD = "?"


def addresses() -> Iterator[Address]:
    """Yield the settings of the installed plug-in, with the values that models have here."""
    core = get_core()
    here = Options(threads=1).compiling()
    by_knobs = OPENVINO.acted_on(PROPERTY) - here.keys()
    listed = core.get_property(DEVICE, "SUPPORTED_PROPERTIES")
    writable = [str(name) for name in listed if str(listed[name]) == "RW" and name not in NO_SETTING]
    for name in sorted({*writable, *HIDDEN}):
        value = here.get(name, _value(core, name))
        plain = value if isinstance(value, bool | int | float) else property_text(value)
        yield Address(
            kind=PROPERTY,
            name=name,
            type=type_of(plain),
            value=None if name in by_knobs or not str(plain).strip("?") else plain,
            affects="code" if OF_CODE.search(name) else "both" if OF_BOTH.search(name) else "run_time",
            choices=_choices(core, name, value) if isinstance(plain, str) else (),
            owner="threads" if name == THREADS else "",
        )


def _value(core: Any, name: str) -> Any:
    try:
        return core.get_property(DEVICE, name)
    except RuntimeError:  # one that is written only
        return ""


def _choices(core: Any, name: str, value: Any) -> tuple[str, ...]:
    """Return the words of an enumeration, or those that the plug-in says it takes where it refuses one that is none."""
    members = tuple(getattr(type(value), "__members__", ()))
    if members:
        return members
    try:
        core.set_property(DEVICE, {name: NO_WORD})
    except RuntimeError as error:
        found = SUPPORTED.search(str(error))
        words = tuple(word for word in re.split(r"[,/ ]+", found[1]) if word) if found else ()
        return words if len(words) > 1 else ()
    return ()
