"""Imports OpenVINO without its telemetry, and holds its one core."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

TELEMETRY = "openvino_telemetry"


@cache
def import_openvino() -> Any:
    """Return the module ``openvino``, imported without its telemetry.

    Importing OpenVINO sends an event over the network, and so does each conversion, unless the package for it is not
    installed. While OpenVINO is imported it is hidden; OpenVINO then takes the stub that it has for that case.
    """
    hidden = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # this is how an import is made to fail
    try:
        import openvino
    finally:
        if hidden is None:
            del sys.modules[TELEMETRY]
        else:
            sys.modules[TELEMETRY] = hidden
    return openvino


@cache
def get_core() -> Any:
    """Return this process's core, which loads plug-ins; its threads start with the first compiled model."""
    return import_openvino().Core()


def property_text(value: Any) -> str:
    """Return the value of a property as the plug-in takes it: words for types and enumerations."""
    name = getattr(value, "get_type_name", None)
    if name is not None:
        return str(name())
    if isinstance(value, set | list | tuple):
        return ",".join(sorted(map(property_text, value)))
    return str(getattr(value, "name", value))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the converter's notes (decompositions that this torch does not have, ...) out of the trial's output."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
