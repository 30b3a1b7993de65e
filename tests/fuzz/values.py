"""Values in the place of YAML: a reader of YAML gets what its parser would give, a hundred times as fast.

Parsing takes ruamel.yaml some 30 microseconds a byte, and nearly all of the time of a reader. What comes after it (the
models, names, rules, and lines of messages) is tried with documents that are written as JSON, in which
``{"!yaml": "2026-01-01"}`` stands for what YAML has and JSON has not. `as_yaml` is the same document as YAML;
the parser itself is tried by the readers of text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ablatrix.documents import bounded_yaml

SPECIAL = "!yaml"
TEXTS = (
    "2026-01-01", "2026-01-01T00:00:00Z", "2026-02-30", "{1: a}", "{null: a}", "{[a, b]: c}", "{1.5: b}", "{a: 1, ? b}",
    "0o17", "0x1f", "1_000", ".inf", "-.inf", ".nan", "~", "{true: 1}", "&a [b]", "{<<: {a: 1}, b: 2}", "{a: 1, a: 2}",
    "{2026-01-01: a}", "{{a: 1}: b}", "1e3", "+1", "'2'", "00:10", "=", "<<", "0x_", "!x y", "!!set {a, b}", "[[[]]]",
)  # fmt: skip
"""What YAML has beyond JSON: other keys, times, other numbers, and what is refused."""
_MARKED = re.compile(r'\{\s*"!yaml"\s*:\s*("(?:[^"\\]|\\.)*")\s*\}')
_PAIR = re.compile(r"\\ud([89ab][0-9a-f]{2})\\ud([c-f][0-9a-f]{2})")


def as_yaml(content: bytes) -> bytes:
    """Return a document of values as YAML, with nothing in the place of what YAML alone has."""
    text = _MARKED.sub(lambda found: str(json.loads(found[1])), content.decode())
    # JSON writes a character beyond 16 bits as two halves, which are none in YAML.
    return _PAIR.sub(lambda found: f"\\U{_character(found):08x}", text).encode()


def _character(found: re.Match[str]) -> int:
    high, low = (int("d" + half, 16) for half in found.groups())
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)


@contextmanager
def values_for_yaml() -> Iterator[None]:
    """Have documents of values read where YAML is expected."""
    held = bounded_yaml.bounded_parser
    bounded_yaml.bounded_parser = _Parser  # type: ignore[assignment]
    try:
        yield
    finally:
        bounded_yaml.bounded_parser = held


class _Parser:
    """Reads a document of values; see `values_for_yaml`."""

    def load(self, text: str) -> Any:
        """Return the value, without the lines of its parts."""
        return json.loads(text, parse_constant=str, object_hook=_own_value)


def _own_value(found: dict[str, Any]) -> Any:
    special = found.get(SPECIAL)
    return _parsed(special) if isinstance(special, str) and len(found) == 1 else found


@cache
def _parsed(text: str) -> Any:
    return _REAL().load(f"[{text}]")[0]


_REAL = bounded_yaml.bounded_parser
