"""The field reference of a record, as Markdown tables made from the model's own descriptions."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from ablatrix.errors import AblatrixError, RecordError
from ablatrix.records.model import Record
from ablatrix.records.status import STATUSES, Status

BEGIN = "<!-- field reference: generated from ablatrix.records.model, do not edit -->"
END = "<!-- end of the field reference -->"


def field_reference() -> str:
    """Return one Markdown table for the record and one for each of its parts, in the model's order."""
    return model_tables(Record)


def model_tables(model: type[BaseModel], path: str = "") -> str:
    """Return one Markdown table for a model and one for each of its parts, in the model's order.

    Args:
        model: Every field has a description, or is a model with a docstring.
        path: Its location in the document.
    """
    parts: dict[type[BaseModel], str] = {}
    _collect(model, path, parts)
    return "\n".join(_table(part, at) for part, at in parts.items())


def insert_reference(document: str) -> str:
    """Return the document with everything between the two markers replaced by the field reference.

    Raises:
        RecordError: A marker is missing.
    """
    return put_between(document, (BEGIN, END), field_reference(), RecordError)


def put_between(document: str, markers: tuple[str, str], text: str, error: type[AblatrixError]) -> str:
    """Return the document with everything between two markers replaced by a text.

    Raises:
        AblatrixError: A marker is missing; of the given type.
    """
    first, last = markers
    before, begin, rest = document.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise error(f"the document has no markers for the field reference; add the lines {first} and {last}")
    return f"{before}{first}\n\n{text}\n{last}{after}"


def _collect(model: type[BaseModel], path: str, parts: dict[type[BaseModel], str]) -> None:
    parts[model] = path
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            suffix = "[]" if get_origin(field.annotation) is list else ""
            _collect(inner, f"{path}.{name}{suffix}".lstrip("."), parts)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for argument in get_args(annotation) if (model := _model_in(argument))), None)


def _table(model: type[BaseModel], path: str) -> str:
    heading = f"### `{path}`" if path else "### Top level"
    summary = (model.__doc__ or "").strip().splitlines()[0]
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {_described(field.annotation, field.description)} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join([heading, "", summary, "", "| field | type | meaning |", "| --- | --- | --- |", *rows, ""])


def _described(annotation: Any, description: str | None) -> str:
    if description is None:
        inner = _model_in(annotation)
        description = (inner.__doc__ or "").strip().splitlines()[0] if inner else ""
    return description.replace("|", "\\|")


def _type(annotation: Any) -> str:  # noqa: PLR0911 - one line for each kind of annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    if annotation is Status:
        return _type(Literal[STATUSES])
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin in (dict, Mapping):
        return f"map of {_type(arguments[1])}"
    if hasattr(annotation, "__metadata__"):
        return _type(arguments[0])
    if origin is not None:
        return " \\| ".join(dict.fromkeys(_type(argument) for argument in arguments))
    return {str: "text", int: "integer", float: "number", bool: "true or false"}[annotation]
