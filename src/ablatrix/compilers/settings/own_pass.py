"""What a study changes in a compiler's sequence, as knobs: its own passes, a pipeline, the order of two passes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry, Setting
from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.settings.applied import ORDER
from ablatrix.compilers.settings.nearest import nearest_names
from ablatrix.errors import CompilerError
from ablatrix.plugin_sources import PluginSource, read_plugin_source

FORM = "file.py:name, the file beside the study or below it"
SWITCH = ("off", "on")
KEPT, SWAPPED = "kept", "swapped"


def pass_knob(entry: CompilerEntry, name: str, words: Mapping[str, Any], directory: Path) -> KnobEntry:
    """Return a knob that inserts a pass of the author's: ``off`` or ``on``.

    Args:
        entry: The compiler.
        name: The study's name of the knob.
        words: ``pass``, ``after`` or ``before``, and any of ``levels``, ``default``, ``kind``, ``summary``,
            ``tolerance``.
        directory: Where the study lies.

    Raises:
        CompilerError: The compiler takes none, has no such anchor, or the file or the name in it is not there.
    """
    given = str(words["pass"])
    if not entry.anchors:
        raise CompilerError(f"compiler '{entry.name}' takes no pass of a study; vary one of its settings instead")
    where, anchor = _anchor(entry, given, words)
    own = OwnPass(name=given, source=_source("pass", given, directory), where=where, anchor=anchor)
    return _switch(name, words, own, f"Whether the pass {given} runs {where} {anchor}.")


def pipeline_knob(entry: CompilerEntry, name: str, words: Mapping[str, Any], directory: Path) -> KnobEntry:
    """Return a knob that gives the compiler's sequence to a function of the author's: ``off`` or ``on``.

    Args:
        entry: The compiler.
        name: The study's name of the knob.
        words: ``pipeline``, and any of ``levels``, ``default``, ``kind``, ``summary``.
        directory: Where the study lies.

    Raises:
        CompilerError: The compiler's passes are no sequence, or the file or the name in it is not there.
    """
    given = str(words["pipeline"])
    if entry.no_pipeline:
        raise CompilerError(f"compiler '{entry.name}' gives its passes to no pipeline of a study: {entry.no_pipeline}")
    own = OwnPass(name=given, source=_source("pipeline", given, directory), where="whole", anchor="")
    return _switch(name, words, own, f"Whether {given} makes the sequence of passes.")


def order_knob(entry: CompilerEntry, name: str, words: Mapping[str, Any], own: Mapping[str, OwnPass]) -> KnobEntry:
    """Return a knob on the order of two passes: ``kept``, or ``swapped``, where each runs in the other's place.

    Args:
        entry: The compiler.
        name: The study's name of the knob.
        words: ``order``, and any of ``levels``, ``default``, ``kind``, ``summary``.
        own: The passes and pipelines of the author, by the study's name of their knob.

    Raises:
        CompilerError: The two are not passes of one sequence.
    """
    pair = list(words["order"])
    if len(pair) != 2 or pair[0] == pair[1]:
        raise CompilerError(f"an order is of two passes, [one, other], and not [{', '.join(pair)}]")
    if set(pair) <= set(own):
        _refuse_two_places(pair, own)
        first, second = sorted(pair, key=list(own).index)
    else:
        _refuse_no_pass(entry, pair, own)
        first, second = sorted(pair, key=entry.anchors.index)
    return KnobEntry(
        name=name,
        kind=words.get("kind") or "primary",
        summary=words.get("summary") or f"The order of {first} and {second}.",
        levels=(
            LevelEntry(KEPT, f"{first} runs before {second}."),
            LevelEntry(SWAPPED, "Each of the two runs where the other would."),
        ),
        default=_default(words, (KEPT, SWAPPED)),
        affects="code",
        tolerance=words.get("tolerance"),
        acts=(Setting(ORDER, f"{first},{second}", ((KEPT, None), (SWAPPED, True))),),
    )


def _switch(name: str, words: Mapping[str, Any], own: OwnPass, summary: str) -> KnobEntry:
    return KnobEntry(
        name=name,
        kind=words.get("kind") or "primary",
        summary=words.get("summary") or summary,
        levels=(LevelEntry("off", "It does not run."), LevelEntry("on", "It runs.")),
        default=_default(words, SWITCH),
        affects="code",
        tolerance=words.get("tolerance"),
        inserts=own,
    )


def _default(words: Mapping[str, Any], levels: tuple[str, str]) -> str:
    """Return the default level, the first where the study gives none.

    Raises:
        CompilerError: The study has another level.
    """
    default = words.get("default") or levels[0]
    given = [default, *(words.get("levels") or ())]
    wrong = next((level for level in given if level not in levels), None)
    if wrong is not None:
        kind = next(one for one in ("pass", "pipeline", "order") if one in words)
        raise CompilerError(f"the level '{wrong}' of {kind} '{_shown(words[kind])}' must be {' or '.join(levels)}")
    return str(default)


def _shown(given: Any) -> str:
    return str(given) if isinstance(given, str) else ", ".join(given)


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


def _refuse_two_places(pair: list[str], own: Mapping[str, OwnPass]) -> None:
    one, other = (own[name] for name in pair)
    if (one.where, one.anchor) != (other.where, other.anchor):
        places = "; ".join(f"'{name}' {_place(own[name])}" for name in pair)
        raise CompilerError(f"{places}: two passes of a study change places where they run at the same one")


def _place(own: OwnPass) -> str:
    return "is a pipeline" if own.kind == "pipeline" else f"runs {own.where} {own.anchor}"


def _refuse_no_pass(entry: CompilerEntry, pair: list[str], own: Mapping[str, OwnPass]) -> None:
    """Refuse a pair that is not of two passes of the compiler.

    Raises:
        CompilerError: A name is none, the compiler's passes have a fixed order, or one of the two is the study's own.
    """
    names = [*own, *([] if entry.no_pipeline else entry.anchors)]
    unknown = next((name for name in pair if name not in names), None)
    if unknown is not None and entry.no_pipeline:
        raise CompilerError(
            f"'{unknown}' is no knob with a 'pass' of this study, and passes of compiler '{entry.name}' cannot change "
            f"places: {entry.no_pipeline}{nearest_names(unknown, names)}"
        )
    if unknown is not None:
        raise CompilerError(
            f"compiler '{entry.name}' has no pass '{unknown}' that could change places, nor has the study; they have "
            f"{', '.join(names)}{nearest_names(unknown, names)}"
        )
    mine = next((name for name in pair if name not in entry.anchors), None)
    if mine is not None:
        raise CompilerError(
            f"'{mine}' is a pass of the study and the other one of compiler '{entry.name}'; say where yours runs by "
            "'after' or 'before'"
        )


def _source(kind: str, given: str, directory: Path) -> PluginSource:
    """Return the files of a pass or a pipeline.

    Raises:
        CompilerError: There is no such file, or nothing in it has the name.
    """
    where, colon, name = given.rpartition(":")
    if not colon or not where.endswith(".py") or not name.isidentifier():
        raise CompilerError(f"a {kind} is written {FORM}, and not '{given}'")
    file = directory / where
    try:
        source = read_plugin_source(file)
        names = _defined(file.read_bytes())
    except OSError as error:
        raise CompilerError(f"{kind} '{given}': {file} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise CompilerError(f"{kind} '{given}': {file} is no Python: {error}") from None
    if name not in names:
        raise CompilerError(f"{kind} '{given}': {file} has no '{name}'{nearest_names(name, sorted(names))}")
    return source


def _defined(content: bytes) -> set[str]:
    """Return the names that a file defines at its top, without running it: that would import the compiler."""
    found: set[str] = set()
    for node in ast.parse(content).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            parts = (one for target in node.targets for one in ast.walk(target))
            found |= {one.id for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {one.asname or one.name for one in node.names}
    return found
