"""What an adapter reports, as plain values: numbers of other libraries become Python's, anything else is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any

from ablatrix.compilers.adapter import CompileFacts
from ablatrix.errors import CompilerError

COUNTS = ("generated_calls", "generated_kernels", "compiler_planned_bytes")
DIGEST_LENGTH = 64


def plain_value(value: Any, what: str) -> Any:
    """Return a value made of None, booleans, text, finite numbers, lists and mappings of these by text.

    Args:
        value: As an adapter gave it; numpy's numbers are taken, too.
        what: What it is, for messages.

    Raises:
        CompilerError: It holds something else.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: plain_value(one, f"{what}['{name}']") for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(one, f"{what}[{index}]") for index, one in enumerate(value)]
    raise CompilerError(
        f"{what} is {value!r}, of type {type(value).__name__}; it must be plain: None, text, a finite number, a list "
        "or a mapping whose names are text"
    )


def plain_facts(facts: CompileFacts, compiler: str) -> CompileFacts:
    """Return the facts of an executable as plain values.

    Raises:
        CompilerError: The digest is none, or a figure is not a count; the message names it.
    """
    where = f"compiler '{compiler}': its facts: "
    held = {one.name: plain_value(getattr(facts, one.name), where + one.name) for one in fields(facts)}
    digest = held["artifact_digest"]
    if not isinstance(digest, str) or len(digest) != DIGEST_LENGTH or set(digest) - set("0123456789abcdef"):
        raise CompilerError(
            f"{where}artifact_digest must be a SHA-256 in {DIGEST_LENGTH} hexadecimal digits (digest_bytes and "
            f"digest_value return one), but it is {digest!r}"
        )
    for name in COUNTS:
        count = held[name]
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
            raise CompilerError(f"{where}{name} must be a whole number, 0 or more, or None, but it is {count!r}")
    for name, kind in (("estimator", int | float), ("pass_ms", int | float), ("reasons", str)):
        for key, value in (held[name] or {}).items():
            if not isinstance(value, kind):
                raise CompilerError(f"{where}{name}['{key}'] must be {_word(kind)}, but it is {value!r}")
    return replace(facts, **held)


def _word(kind: Any) -> str:
    return "text" if kind is str else "a number"
