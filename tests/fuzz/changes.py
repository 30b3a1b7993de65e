"""Random changes of a document: of its values, where it can be parsed, and of its bytes.

A seed is parsed once a document: that copies it, too, and every change of a value is made in place.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tests.fuzz.values import SPECIAL, TEXTS

Form = Literal["json", "lines", "values", "text", "zip"]
"""How a content can be parsed: one JSON value; a JSON value a line; a value that is changed as one, for a reader of
YAML (see `tests.fuzz.values`); bytes alone; a zip."""
NASTY: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 2**64, 10**400, 1e308, -1e308, 5e-324, 0.1, "", " ", "0", "off", "NaN",
    "\x00", "\x1b[2J", "\u202e", "\ud800", "a\nb", "a,b", "'\"", "$x$", "$", "\\input{x}", "=1+1", "<b>x</b>", "*",
    "../../x", "/etc/passwd", "\U0001f600", "e\u0301", "9999-12-31T23:59:59+14:00", "yesterday", "{0.__class__}", "%s",
    "1.1000000000", [], {}, [[]], {"": {}}, [None] * 50, {"a": [1, {"b": "c"}]}, "a" * 300, float("inf"), float("nan"),
)  # fmt: skip
"""Values that readers meet seldom: of other types, at the ends of ranges, and texts that mean something elsewhere."""
LONG = ("a" * 70_000, [0] * 3000, {f"k{n}": n for n in range(2000)})
"""Values that take long to write and to read: one in a few hundred documents has one."""
TOKENS = (
    b"{", b"}", b"[", b"]", b":", b",", b'"', b"'", b"\\", b"\n", b"\r\n", b"\t", b"&a ", b"*a", b"<<: ", b"- ", b"? ",
    b"!!python/object ", b"%", b"#", b"NaN", b"Infinity", b"1e999", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80",
    b'"a":1,', b'"\\u0061":', b"| \n", b"> \n", b"!!set ", b"!!omap ", b"--- ", b"...\n", b"2026-01-01", b"~", b"=1+1,",
)  # fmt: skip
"""What means something to a parser."""
SEPARATORS = ((",", ":"), (",", ":"), (",", ":"), (", ", ": "), (" ,", "\t:"))
FIELDS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
"""What a number in the head of a zip's member is made."""
Place = tuple[Any, Any]
"""A map or list, and the key or index in it."""


def changed(rng: random.Random, content: bytes, form: Form, others: Sequence[bytes] = ()) -> bytes:
    """Return the content with one to three random changes, the most of them of values.

    Args:
        rng: Where chance comes from.
        content: The document.
        form: How it can be parsed.
        others: Documents of the same reader, of which parts may be taken.
    """
    count = rng.choice((1, 1, 1, 2, 3))
    in_values = {"values": count, "text": 0, "zip": 0}.get(form)
    if in_values is None:
        in_values = sum(rng.random() < 0.8 for _ in range(count))
    if in_values:
        content = _with_other_values(rng, content, form, others, in_values)
    change = _with_other_field if form == "zip" and rng.random() < 0.6 else _with_other_bytes
    for _ in range(count - in_values):
        content = change(rng, content)
    return content


def change_value(rng: random.Random, document: Any, draw: Callable[[], Any]) -> Any:
    """Change, remove or double one place of a value of maps and lists, in place, and return it.

    Args:
        rng: Where chance comes from.
        document: The value.
        draw: Returns another document, or the same one anew.
    """
    whole = [document]
    places = _places(whole)
    holder, key = rng.choice(places)
    value = holder[key]
    kind = rng.randrange(10)
    if kind == 0 and holder is not whole:
        del holder[key]
    elif kind == 1:
        holder[key] = _fresh(rng.choice(places), whole)
    elif kind == 2 and isinstance(holder, dict):
        holder[_other_key(rng, places)] = holder.pop(key)
    elif kind == 3 and isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = value * rng.choice((-1, 0, 2, 0.5, 1e6, 1e300) if abs(value) < 1e9 else (-1, 0))
    elif kind == 4:
        _splice(rng, holder, key, draw())
    elif kind == 5 and isinstance(holder, list) and holder is not whole:
        holder.insert(rng.randrange(len(holder) + 1), _fresh((holder, key), whole))
    elif kind == 6 and isinstance(value, str):
        holder[key] = _other_text(rng, value)
    elif kind == 7 and isinstance(holder, dict):
        holder[_other_key(rng, places)] = _nasty(rng)
    else:
        holder[key] = _nasty(rng)
    return whole[0]


def _with_other_values(rng: random.Random, content: bytes, form: Form, others: Sequence[bytes], count: int) -> bytes:
    lines = content.split(b"\n") if form == "lines" else [content]
    number = rng.randrange(max(1, len(lines) - (not lines[-1])))
    try:
        document = json.loads(lines[number])
    except (ValueError, RecursionError):
        return _with_other_bytes(rng, content)

    def draw() -> Any:
        other = rng.choice(others or (content,))
        return json.loads(rng.choice(other.split(b"\n")[:-1] or [other]) if form == "lines" else other)

    for _ in range(count):
        document = change_value(rng, document, draw)
    if form == "values":
        document = _with_special(rng, document)
    is_ascii = form == "values" or rng.random() < 0.9
    text = json.dumps(document, ensure_ascii=is_ascii, separators=rng.choice(SEPARATORS))
    lines[number] = text.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _with_special(rng: random.Random, document: Any) -> Any:
    """Put a value that YAML has and JSON has not into some documents, and a long one into few."""
    chance = rng.random()
    if chance > 0.9:
        whole = [document]
        holder, key = rng.choice(_places(whole))
        holder[key] = {SPECIAL: rng.choice(TEXTS)}
        document = whole[0]
    return document


def _nasty(rng: random.Random) -> Any:
    if rng.random() < 0.002:
        return _copy(rng.choice(LONG))
    return _copy(rng.choice(NASTY))


def _fresh(place: Place, whole: list[Any]) -> Any:
    """Return a copy of the value of a place, of nothing else than texts and numbers."""
    holder, key = place
    return _copy(holder[key]) if holder is not whole else None


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_copy(one) for one in value]
    return value


def _splice(rng: random.Random, holder: Any, key: Any, other: Any) -> None:
    """Put what another document has in a place of that name, if it has one, else in any place."""
    places = _places([other])
    named = [(one, name) for one, name in places if name == key and isinstance(key, str)]
    source, name = rng.choice(named or places)
    holder[key] = source[name]


def _other_key(rng: random.Random, places: Sequence[Place]) -> str:
    keys = [key for _, key in places if isinstance(key, str)]
    if keys and rng.random() < 0.6:
        return str(rng.choice(keys))
    return str(rng.choice(NASTY))[:200]


def _other_text(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    kind = rng.randrange(5)
    if kind == 0:
        return text[:place]
    if kind == 1:
        return text[:place] + str(rng.choice(NASTY))[:300] + text[place:]
    if kind == 2:
        return text.swapcase()
    if kind == 3:
        return text[place:] + text[:place]
    return text * 2


def _with_other_bytes(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice((0, 1, 1, 2, 8, 100)))
    kind = rng.randrange(6)
    if kind == 0:
        middle = b""
    elif kind == 1:
        middle = rng.choice(TOKENS)
    elif kind == 2:
        middle = rng.choice(TOKENS) * (3000 if rng.random() < 0.005 else rng.choice((2, 3, 60)))
    elif kind == 3:
        middle = rng.randbytes(end - start)
    elif kind == 4:
        middle = content[start:end] * 2
    else:
        middle = content[rng.randrange(len(content) + 1) :][:50]
    return content[:start] + middle + content[end:]


def _with_other_field(rng: random.Random, content: bytes) -> bytes:
    """Change a number in one of the heads of a zip: sizes, offsets, methods, flags, counts."""
    heads = [at for at in range(len(content) - 3) if content[at : at + 2] == b"PK"]
    if not heads:
        return _with_other_bytes(rng, content)
    place = rng.choice(heads) + rng.randrange(4, 46)
    format_, mask = rng.choice((("<B", 0xFF), ("<H", 0xFFFF), ("<I", 0xFFFFFFFF)))
    field = struct.pack(format_, rng.choice(FIELDS) & mask)
    return content[:place] + field + content[place + len(field) :]


def _places(value: Any) -> list[Place]:
    """Return each place of a value; a level that has many is as likely as one that has few."""
    found: list[Place] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found
