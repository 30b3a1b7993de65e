"""Messages between the runner, the fork servers and the workers: frozen values, with one way to JSON and back.

One field of each message (``kind``, ``do``, ``event``, ``reply`` or ``role``) says which message it is; unions are read
by that field. Numbers are preserved to the last bit.
"""

from __future__ import annotations

from typing import ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import to_json

from ablatrix.errors import TrialError


class Message:
    """Base of all messages, which are frozen dataclasses: no unknown field, and no value is converted to fit."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """Return a message as JSON."""
    return to_json(message, inf_nan_mode="constants")


def decode(data: bytes, kind: TypeAdapter[M]) -> M:
    """Return the message that bytes hold.

    Args:
        data: JSON, as ``encode`` makes it.
        kind: Which messages are expected.

    Raises:
        TrialError: The bytes hold no such message; the first field that does not fit is named.
    """
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        where = f"field '{field}': " if field else ""
        given = repr(first["input"])[:100]
        raise TrialError(f"what was received is not a message: {where}{first['msg']}, given {given}") from None
