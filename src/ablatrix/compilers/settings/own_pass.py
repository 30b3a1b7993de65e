"""A pass of a study's author as a knob: where its file is, and where it goes into the compiler's sequence."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry, OwnPass
from ablatrix.compilers.settings.nearest import nearest_names
from ablatrix.errors import CompilerError
from ablatrix.plugin_sources import read_plugin_source

FORM = "file.py:name, the file beside the study or below it"


def pass_knob(entry: CompilerEntry, name: str, words: Mapping[str, Any], directory: Path) -> KnobEntry:
    """Return a knob that inserts a pass of the author's: ``off`` or ``on``.

    Args:
        entry: The compiler.
        name: The study's name of the knob.
        words: ``pass``, ``after`` or ``before``, and any of ``default``, ``kind``, ``summary``, ``tolerance``.
        directory: Where the study lies.

    Raises:
        CompilerError: The compiler takes none, has no such anchor, or the file or the name in it is not there.
    """
    given = str(words["pass"])
    if not entry.anchors:
        raise CompilerError(f"compiler '{entry.name}' takes no pass of a study; vary one of its settings instead")
    where, anchor = _anchor(entry, given, words)
    default = words.get("default") or "off"
    if default not in ("off", "on"):
        raise CompilerError(f"the default '{default}' of pass '{given}' must be off or on")
    return KnobEntry(
        name=name,
        kind=words.get("kind") or "primary",
        summary=words.get("summary") or f"Whether the pass {given} runs {where} {anchor}.",
        levels=(LevelEntry("off", "It does not run."), LevelEntry("on", "It runs.")),
        default=default,
        affects="code",
        tolerance=words.get("tolerance"),
        inserts=OwnPass(name=given, source=_source(given, directory), where=where, anchor=anchor),
    )


def _anchor(entry: CompilerEntry, given: str, words: Mapping[str, Any]) -> tuple[Literal["before", "after"], str]:
    after, before = words.get("after"), words.get("before")
    if (after is None) == (before is None):
        raise CompilerError(
            f"pass '{given}' needs 'after' or 'before', and not both: one of {', '.join(entry.anchors)}"
        )
    anchor = str(after or before)
    if anchor not in entry.anchors:
        raise CompilerError(
            f"compiler '{entry.name}' has no '{anchor}' that a pass could run {'after' if after else 'before'}; it has "
            f"{', '.join(entry.anchors)}{nearest_names(anchor, entry.anchors)}"
        )
    return ("after" if after else "before"), anchor


def _source(given: str, directory: Path) -> Any:
    """Return the files of a pass.

    Raises:
        CompilerError: There is no such file, or nothing in it has the name.
    """
    where, colon, name = given.rpartition(":")
    if not colon or not where.endswith(".py") or not name.isidentifier():
        raise CompilerError(f"a pass is written {FORM}, and not '{given}'")
    file = directory / where
    try:
        source = read_plugin_source(file)
        names = _defined(file.read_bytes())
    except OSError as error:
        raise CompilerError(f"pass '{given}': {file} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise CompilerError(f"pass '{given}': {file} is no Python: {error}") from None
    if name not in names:
        raise CompilerError(f"pass '{given}': {file} has no '{name}'{nearest_names(name, sorted(names))}")
    return source


def _defined(content: bytes) -> set[str]:
    """Return the names that a file defines at its top, without running it: that would import the compiler."""
    found: set[str] = set()
    for node in ast.parse(content).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {one.asname or one.name for one in node.names}
    return found
