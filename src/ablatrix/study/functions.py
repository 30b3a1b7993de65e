"""A model as a function object: the source that a study names it by.

Workers are other processes, and a third party has another machine, so a function is named by the file that it is in.
One that was written in a notebook is in no file: it is written into one, with what it uses of its surroundings.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import os
import symtable
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from ablatrix.canonical import content_id
from ablatrix.errors import StudyError

FOLDER = "models"
HERE = ("__main__", "__mp_main__")
PLAIN = (bool, int, float, str, bytes, type(None))
REMEDY = "make or import it inside the function, or put the function into a file: 'model.py:make'"
HEADER = '"""Written by ablatrix from a function of a Python session: {name}."""\n'


def function_source(function: Callable[..., Any], directory: Path) -> str:
    """Return the source by which a study in a directory names a function.

    A function of a module is named by the module's file, or by the module where that is part of a package. One of a
    notebook, of a prompt or of the script that runs is written to ``models/<name>_<digest>.py`` in the directory,
    with the imports, functions, classes and plain values that it uses; equal code has the same file.

    Raises:
        StudyError: It is no function at the top level of a module or session, its source is not known, it uses an
            object that cannot be written down, or the file cannot be written.
    """
    if not isinstance(function, FunctionType) or function.__name__ == "<lambda>":
        raise StudyError(f"model {function!r} is no function that has a name; write: def make(): return module, inputs")
    if function.__qualname__ != function.__name__ or function.__closure__:
        raise StudyError(
            f"model '{function.__qualname__}' is made inside another function or class, where a worker cannot find it; "
            "define it at the top level"
        )
    if function.__module__ in HERE:
        return _written(function, directory)
    file = Path(inspect.getfile(function)).resolve()
    if "." in function.__module__:
        return f"{function.__module__}:{function.__name__}"
    return f"{Path(os.path.relpath(file, directory.resolve())).as_posix()}:{function.__name__}"


def _written(function: FunctionType, directory: Path) -> str:
    text = HEADER.format(name=function.__name__) + "\n" + _module_text(function)
    # By its code: a worker that has imported one version under a name would not see the next.
    path = directory / FOLDER / f"{function.__name__}_{content_id(text)[:8]}.py"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StudyError(f"{path}: cannot be written: {error.strerror}; give another directory") from None
    return f"{FOLDER}/{path.name}:{function.__name__}"


def _module_text(function: FunctionType) -> str:
    """Return the text of a module that has the function and all that it uses."""
    imports: dict[str, None] = {}
    values: dict[str, None] = {}
    parts: dict[str, str] = {}

    def add(name: str, held: Any, needed_by: str) -> None:
        if name in parts:
            return
        line = _import_line(name, held)
        if line is not None:
            imports[line] = None
        elif isinstance(held, (FunctionType, type)) and held.__module__ in HERE and held.__name__ == name:
            parts[name] = ""  # so that functions may call each other
            text = _source_of(held)
            for used, value in _used(name, text, vars(sys.modules[held.__module__])):
                add(used, value, name)
            del parts[name]  # what it uses comes before it: decorators, bases and defaults are looked up at once
            parts[name] = text
        elif _is_plain(held):
            values[f"{name} = {held!r}"] = None
        else:
            raise StudyError(
                f"model '{function.__name__}': '{needed_by}' uses '{name}', an object of the session "
                f"({type(held).__name__}), which a worker does not have; {REMEDY}"
            )

    add(function.__name__, function, function.__name__)
    blocks = ["\n".join(sorted(imports)), "\n".join(values), *("\n" + text for text in parts.values())]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _import_line(name: str, held: Any) -> str | None:
    """Return what imports an object under a name; None where nothing does."""
    if isinstance(held, ModuleType):
        return None if held.__name__ in HERE else f"import {held.__name__} as {name}"
    module, own = getattr(held, "__module__", None), getattr(held, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(own, str) or module in HERE or "." in own:
        return None
    try:
        found = getattr(import_module(module), own, None)
    except ImportError:
        return None
    return f"from {module} import {own} as {name}" if found is held else None


def _source_of(held: FunctionType | type) -> str:
    """Return the text of a function or class of the session, its decorators included.

    Raises:
        StudyError: The session does not have its text.
    """
    # A class knows no line of its text in every version of Python, but its methods do.
    inside = held if isinstance(held, FunctionType) else next(_functions_in(held), None)
    try:
        lines = inspect.findsource(inside)[0] if inside is not None else []
    except (OSError, TypeError):
        lines = []
    text = textwrap.dedent("".join(lines))
    try:
        nodes = [node for node in ast.parse(text).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    except SyntaxError:
        nodes = []
    wanted = inside.__code__.co_firstlineno if inside is not None else 0
    for node in nodes:
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        if node.name == held.__name__ and first <= wanted <= (node.end_lineno or first):
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno]) + "\n"
    raise StudyError(
        f"model: the text of '{held.__name__}' is not known to this session (it was typed at a prompt or made by "
        "exec); put it into a file: 'model.py:make'"
    )


def _functions_in(held: type) -> Iterator[FunctionType]:
    for value in vars(held).values():
        plain = getattr(value, "__func__", value)
        if isinstance(plain, FunctionType) and plain.__qualname__.startswith(f"{held.__qualname__}."):
            yield plain


def _used(name: str, text: str, session: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names of the session that a text uses at its top level or inside, with what they are there."""
    tables = [symtable.symtable(text, "model", "exec")]
    found: set[str] = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        is_top = table.get_type() == "module"
        found |= {
            one.get_name()
            for one in table.get_symbols()
            if (one.is_referenced() if is_top else one.is_global()) and one.get_name() != name
        }
    for used in sorted(found):
        if used in session and not used.startswith("__"):
            yield used, session[used]
        elif not hasattr(builtins, used) and not used.startswith("__"):
            raise StudyError(f"model: '{name}' uses '{used}', which this session does not have; define it first")


def _is_plain(held: Any) -> bool:
    """Whether an object's text, as `repr` writes it, makes it again."""
    if isinstance(held, (tuple, list)) and type(held) in (tuple, list):
        return all(map(_is_plain, held))
    if type(held) is dict:
        return all(_is_plain(one) for pair in held.items() for one in pair)
    return type(held) in PLAIN and (type(held) is not float or math.isfinite(held))
