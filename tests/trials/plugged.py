"""A compiler that needs a package of its own: each build of it has another version of that, or none."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.compilers.settings import Address

PACKAGE = "tinypackage"
PLUGGED = CompilerEntry(
    name="plugged",
    summary="Eager, with a package of its own.",
    modules=("torch", PACKAGE),
    extra="",
    adapter="tests.trials.plugged:PluggedCompiler",
    settings="tests.trials.plugged:list_settings",
    knobs=(
        KnobEntry(
            name="quick",
            kind="primary",
            summary="Switches nothing.",
            levels=(LevelEntry("off", "Off."), LevelEntry("on", "On.")),
            default="off",
            affects="code",
        ),
    ),
)


def list_settings() -> list[Address]:
    """Return the switches that the package lists, each with what holds by itself."""
    switches: Mapping[str, bool] = getattr(importlib.import_module(PACKAGE), "SWITCHES", {})
    return [Address(kind="flag", name=name, type="switch", value=value) for name, value in switches.items()]


class PluggedCompiler(EagerCompiler):
    """Runs the program eagerly, and has the version of the package among its own."""

    name = "plugged"

    def preload(self) -> None:
        """Import the package, too."""
        super().preload()
        self._version()

    def versions(self) -> Mapping[str, str]:
        """Return torch's version and that of the package."""
        return {**super().versions(), PACKAGE: self._version()}

    def _version(self) -> str:
        return str(importlib.import_module(PACKAGE).VERSION)
