"""The modules that a study's plug-ins need beside ablatrix and what lies beside them."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

from ablatrix.plugin_sources import PluginSource, imported_modules
from ablatrix.study.resolve import ResolvedStudy, plugin_sources


def declared_modules(resolved: ResolvedStudy) -> dict[str, tuple[str, ...]]:
    """Return the modules that compilers of plug-ins or of other packages say they need: module -> compilers.

    A compiler with builds needs them there, and each build is asked before it runs.
    """
    found: dict[str, tuple[str, ...]] = {}
    for choice in resolved.study.compilers:
        entry = resolved.catalogue.compiler(choice.name)
        for module in () if entry.extra or entry.builds else entry.modules:
            found[module] = (*found.get(module, ()), entry.name)
    return found


def plugin_modules(resolved: ResolvedStudy) -> dict[str, tuple[str, ...]]:
    """Return the modules that a study's plug-ins import anywhere in their code, by first name: module -> plug-ins.

    Those of the standard library, of ablatrix and beside the plug-ins are omitted.
    """
    found: dict[str, tuple[str, ...]] = {}
    for plugin, source in plugin_sources(resolved).items():
        for module in sorted(_imported(source)):
            found[module] = (*found.get(module, ()), plugin)
    return found


def _imported(source: PluginSource) -> set[str]:
    beside = {PurePosixPath(name).parts[0].removesuffix(".py") for name in source.digests}
    names = (module for file in source.files.values() for module in imported_modules(Path(file).read_bytes()))
    return {name.partition(".")[0] for name in names} - beside - sys.stdlib_module_names - {"ablatrix"}
