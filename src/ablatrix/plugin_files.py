"""Plug-ins from files: compilers and workloads that are not installed as a package.

A plug-in is a Python file with a list ``COMPILERS`` of ``CompilerEntry``, a list ``WORKLOADS`` of
``WorkloadEntry``, or both. Where an entry's ``adapter`` or ``builder`` names the file itself
(``my_compiler:MyCompiler`` in ``my_compiler.py``), other processes import it from that file. A package that is
installed needs none of this: it names its entries as entry points of the same groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import PluginError
from ablatrix.import_spec import import_file
from ablatrix.plugin_sources import PluginSource, read_plugin_source
from ablatrix.workloads.entry import WorkloadEntry


def read_catalogue(plugins: Iterable[str | Path] = ()) -> Catalogue:
    """Return what is installed, with the compilers and workloads of plug-ins.

    Raises:
        PluginError: As ``add_plugin``.
        CompilerError, WorkloadError: An entry has a name that is taken, or a compiler has no knob.
    """
    catalogue = installed_catalogue()
    for plugin in plugins:
        catalogue = add_plugin(catalogue, Path(plugin))
    return catalogue


def add_plugin(catalogue: Catalogue, path: Path) -> Catalogue:
    """Return a catalogue with the entries of a plug-in; a file that was added before changes nothing.

    Raises:
        PluginError: The file cannot be imported, has neither list, or an entry is of the wrong kind.
        CompilerError, WorkloadError: An entry has a name that is taken, or a compiler has no knob.
    """
    path = path.resolve()
    try:
        module = import_file(path)
        source = read_plugin_source(path)
    except Exception as error:
        raise PluginError(f"plug-in {path} cannot be imported: {type(error).__name__}: {error}") from error
    found = 0
    for name, kind in (("COMPILERS", CompilerEntry), ("WORKLOADS", WorkloadEntry)):
        for entry in getattr(module, name, ()):
            if not isinstance(entry, kind):
                raise PluginError(f"plug-in {path}: {name} must hold {kind.__name__}, but it holds {entry!r}")
            catalogue = catalogue.including(_located(entry, source), str(path))
            found += 1
    if not found:
        raise PluginError(
            f"plug-in {path} adds nothing; it must have a list COMPILERS of CompilerEntry or WORKLOADS of WorkloadEntry"
        )
    return catalogue


def _located(entry: CompilerEntry | WorkloadEntry, source: PluginSource) -> CompilerEntry | WorkloadEntry:
    """Return the entry with its files, as other processes import it: from the file where it names its own module."""
    if isinstance(entry, CompilerEntry):
        return replace(entry, adapter=_in_file(entry.adapter, Path(source.file)), plugin=source)
    return replace(entry, builder=_in_file(entry.builder, Path(source.file)), plugin=source)


def _in_file(reference: str, path: Path) -> str:
    """Return the reference with the file's path where it names the file's own module."""
    module, _, name = reference.rpartition(":")
    return f"{path}:{name}" if module == path.stem else reference
