"""Turning what pydantic found wrong into messages with file, line, rule, value and remedy."""

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

Location = tuple[str | int, ...]


def describe_faults(path: Path, lines: "LineIndex", model: type[BaseModel], error: ValidationError) -> list[str]:
    """Return one message for each fault, in the order of their lines, without repeats."""
    return in_order(numbered_faults(path, lines, model, error))


def numbered_faults(
    path: Path, lines: "LineIndex", model: type[BaseModel], error: ValidationError
) -> list[tuple[int, str]]:
    """Return the line of each fault with its message."""
    found = []
    for fault in error.errors():
        location = lines.deepest(fault["loc"])
        message = _sentence(fault, model, location)
        found.append((lines.line(location), f"{path}:{lines.line(location)}: {message}"))
    return found


def in_order(faults: Iterable[tuple[int, str]]) -> list[str]:
    """Return messages in the order of their lines, without repeats."""
    return list(dict.fromkeys(text for _, text in sorted(faults)))


def closest(word: str, choices: Sequence[str]) -> str:
    """Return ``'; did you mean 'x'?'`` when a choice is close to the word, else an empty string."""
    match = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""


def dotted(location: Location) -> str:
    """Return a location as people write it: ``stages[0].factorial.fusion``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


class LineIndex:
    """The line of each location in a YAML document, from ruamel's line and column marks."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def line(self, location: Location) -> int:
        """Return the line (from 1) of the deepest part of a location that the document has."""
        node: Any = self._data
        line = 0
        for step in location:
            try:
                marks: Any = node.lc
                line = (marks.key if isinstance(node, dict) else marks.item)(step)[0]
                node = node[step]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return int(line) + 1

    def deepest(self, location: Location) -> Location:
        """Drop the steps that pydantic adds for unions: keep what walks down the document, and one missing key."""
        node: Any = self._data
        kept: list[str | int] = []
        for position, step in enumerate(location):
            if step == "[key]":  # pydantic's word for the key itself, which is named before it
                continue
            inside = step in node if isinstance(node, dict) else isinstance(step, int) and isinstance(node, list)
            if inside and (isinstance(node, dict) or int(step) < len(node)):
                node = node[step]
                kept.append(step)
            elif isinstance(node, dict) and position == len(location) - 1:
                kept.append(step)
        return tuple(kept)


def _sentence(fault: Any, model: type[BaseModel], location: Location) -> str:
    where, kind = dotted(location), fault["type"]
    if kind == "extra_forbidden":
        known = sorted(_fields_at(model, fault["loc"][:-1]))  # with the kind of each part, where there are several
        word = str(location[-1])
        return f"unknown key '{word}'{_inside(location)}{closest(word, known)} (known: {', '.join(known)})"
    if kind == "missing":
        return f"key '{location[-1]}' is missing{_inside(location)}; add it" if location else "the file is empty"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        key, tags = fault["ctx"]["discriminator"].strip("'"), fault["ctx"].get("expected_tags")
        if tags is None:
            return f"key '{key}' is missing in '{where}'; it says what kind of entry this is"
        tag = fault["ctx"]["tag"]
        words = [name.strip("' ") for name in tags.split(",")]
        return f"{where}: there is no {key} '{tag}'{closest(tag, words)} (known: {', '.join(words)})"
    message = fault["msg"].removeprefix("Value error, ")
    if kind == "too_short":
        message = "Must have at least {min_length}, but has {actual_length}".format(**fault["ctx"])
    if kind in {"value_error", "assertion_error"}:
        return f"{where}: {message}" if where else message
    shown = "" if isinstance(fault["input"], (dict, list)) else f", got {fault['input']!r}"
    return f"{where}: {message[0].lower()}{message[1:]}{shown}"


def _inside(location: Location) -> str:
    return f" in '{dotted(location[:-1])}'" if len(location) > 1 else ""


def _fields_at(model: type[BaseModel], location: Location) -> set[str]:
    """Return the field names of the model that a location leads to.

    Steps that pydantic adds lead nowhere, but for the tag of a union whose parts name their kind in a field.
    """
    current: Any = model
    for step in location:
        tagged = [option for option in _options(current) if _is_model(option) and _is_tagged(option, step)]
        current = _step(current, step) or (typing.Union[tuple(tagged)] if tagged else current)  # noqa: UP007
    return {name for option in _options(current) if _is_model(option) for name in option.model_fields}


def _step(annotation: Any, step: str | int) -> Any:
    found = []
    for option in _options(annotation):
        if _is_model(option) and step in option.model_fields:
            found.append(option.model_fields[step].annotation)
        elif typing.get_origin(option) in (list, tuple, dict):
            arguments = [a for a in typing.get_args(option) if a is not Ellipsis]
            found.extend(arguments[-1:])
    return typing.Union[tuple(found)] if found else None  # noqa: UP007 - built from values


def _is_tagged(option: type[BaseModel], tag: str | int) -> bool:
    return any(tag in typing.get_args(field.annotation) for field in option.model_fields.values())


def _options(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Annotated:
        return _options(typing.get_args(annotation)[0])
    return (annotation,)


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)
