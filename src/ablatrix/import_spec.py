"""Python objects by reference: ``module:name``, ``folder/module:name``, or ``file.py:name``."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def import_place(reference: str) -> Any:
    """Return the object at ``module:name``, ``/folder/module:name`` or ``/path/file.py:name``.

    A module with a folder is looked for there where it is in none of the places that all processes look in.

    Raises:
        ImportError: There is no such module, file or name. Whatever the module itself raises is passed on.
    """
    where, _, name = reference.rpartition(":")
    module = import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    try:
        return getattr(module, name)
    except AttributeError:
        raise ImportError(f"{where} has no '{name}'") from None


def _import_module(where: str) -> ModuleType:
    folder, _, module = where.rpartition("/")
    if folder and folder not in sys.path:
        sys.path.append(folder)  # at the end, so that nothing there takes the place of what is installed
    return importlib.import_module(module)


def is_importable(module: str) -> bool:
    """Return whether a module can be found; of one with dots, the packages around it are imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, AttributeError, ValueError):  # a package around it is not there, or is none
        return False


def import_file(path: Path) -> ModuleType:
    """Import a file once, under its stem; files beside it can be imported by it.

    Raises:
        ImportError: There is no such file, or another module has its name already.
    """
    path = path.resolve()
    name = path.stem
    loaded = sys.modules.get(name)
    if loaded is not None:
        if getattr(loaded, "__file__", None) == str(path):
            return loaded
        raise ImportError(f"{path}: a module called '{name}' is imported already; give the file another name")
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path}: there is no such Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
