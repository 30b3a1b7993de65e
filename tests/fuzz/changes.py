"""Random changes of a document: of its values, where it can be parsed, and of its bytes."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

NASTY: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 2**64, 10**400, 1e308, -1e308, 5e-324, 0.1, "", " ", "0", "off", "NaN",
    "\x00", "\x1b[2J", "\u202e", "\ud800", "a\nb", "a,b", "'\"", "$x$", "$", "\\input{x}", "=1+1", "<b>x</b>",
    "../../x", "/etc/passwd", "\U0001f600", "e\u0301", "a" * 70_000, "9999-12-31T23:59:59+14:00", "yesterday",
    "1.1000000000", [], {}, [[]], {"": {}}, [None] * 50, {"a": [1, {"b": "c"}]},
)  # fmt: skip
"""Values that readers meet seldom: of other types, at the ends of ranges, and texts that mean something elsewhere."""
TOKENS = (
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"'", b"\\", b"\n", b"\r\n", b"\t", b"&a ", b"*a", b"<<: ", b"- ", b"? ",
    b"!!python/object ", b"%", b"#", b"NaN", b"Infinity", b"1e999", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80",
)  # fmt: skip
"""What means something to a parser."""
Place = tuple[Any, Any]
"""A map or list, and the key or index in it."""


def changed(rng: random.Random, content: bytes, form: str) -> bytes:
    """Return the content with one to three random changes, the most of them of values.

    Args:
        rng: Where chance comes from.
        content: The document.
        form: ``json`` (one value), ``lines`` (a JSON value a line) or ``text`` (bytes alone are changed).
    """
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        in_values = form != "text" and rng.random() < 0.8
        content = _with_other_value(rng, content, form) if in_values else _with_other_bytes(rng, content)
    return content


def with_other_value(rng: random.Random, document: Any) -> Any:
    """Return a copy of a value of maps and lists in which one place is changed, removed or doubled."""
    whole = [copy.deepcopy(document)]
    places = [*_places(whole)]
    holder, key = rng.choice(places)
    kind = rng.randrange(6)
    if kind == 0 and len(places) > 1:
        del holder[key]
    elif kind == 1:
        other, at = rng.choice(places)
        holder[key] = copy.deepcopy(other[at])
    elif kind == 2 and isinstance(holder, dict):
        holder[str(rng.choice(NASTY))[:200]] = holder.pop(key)
    elif kind == 3 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
        holder[key] *= rng.choice((-1, 0, 2, 1e6, 1e300))
    else:
        holder[key] = copy.deepcopy(rng.choice(NASTY))
    return whole[0] if whole else None


def _with_other_value(rng: random.Random, content: bytes, form: str) -> bytes:
    lines = content.split(b"\n") if form == "lines" else [content]
    number = rng.randrange(len(lines))
    try:
        document = json.loads(lines[number])
    except (ValueError, RecursionError):
        return _with_other_bytes(rng, content)
    ascii_alone = rng.random() < 0.9
    text = json.dumps(with_other_value(rng, document), ensure_ascii=ascii_alone)
    lines[number] = text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _with_other_bytes(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice((0, 1, 1, 2, 8, 100)))
    middle = rng.choice(
        (b"", rng.choice(TOKENS), rng.choice(TOKENS) * rng.choice((2, 60, 3000)), rng.randbytes(end - start),
         content[start:end] * 2, content[rng.randrange(len(content) + 1) :][:50])
    )  # fmt: skip
    return content[:start] + middle + content[end:]


def _places(value: Any) -> list[Place]:
    """Return each place of a value; a level that has many is as likely as one that has few."""
    found: list[Place] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found
