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
from typing import Any

from ablatrix.compilers.catalogue import CompilerEntry, add_compiler
from ablatrix.errors import PluginError
from ablatrix.places import import_file
from ablatrix.workloads.registry import WorkloadEntry, add_workload


def use_plugins(paths: Iterable[str | Path]) -> None:
    """Make the compilers and workloads of files known in this process; a file that is known changes nothing.

    Raises:
        PluginError: A file cannot be imported, has neither list, or an entry is of the wrong kind or has a name
            that is taken.
    """
    for path in paths:
        _use(Path(path).resolve())


def _use(path: Path) -> None:
    try:
        module = import_file(path)
    except Exception as error:
        raise PluginError(f"plug-in {path} cannot be imported: {type(error).__name__}: {error}") from error
    found = 0
    for name, kind in (("COMPILERS", CompilerEntry), ("WORKLOADS", WorkloadEntry)):
        for entry in getattr(module, name, ()):
            if not isinstance(entry, kind):
                raise PluginError(f"plug-in {path}: {name} must hold {kind.__name__}, but it holds {entry!r}")
            _add(entry, path)
            found += 1
    if not found:
        raise PluginError(
            f"plug-in {path} adds nothing; it must have a list COMPILERS of CompilerEntry or WORKLOADS of WorkloadEntry"
        )


def _add(entry: Any, path: Path) -> None:
    if isinstance(entry, CompilerEntry):
        add_compiler(replace(entry, adapter=_in_file(entry.adapter, path)), str(path))
    else:
        add_workload(replace(entry, builder=_in_file(entry.builder, path)), str(path))


def _in_file(place: str, path: Path) -> str:
    """Return the place with the file's path where it names the file's own module."""
    module, _, name = place.rpartition(":")
    return f"{path}:{name}" if module == path.stem else place
