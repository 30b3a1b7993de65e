"""Canonical JSON and content ids: the same value has the same id on every machine."""

import hashlib
import json
from typing import Any

ID_LENGTH = 16


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a plain value: sorted keys, no spaces, UTF-8, no NaN or Infinity.

    Raises:
        ValueError: The value holds a number that is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_bytes(data: bytes | memoryview) -> str:
    """Return the SHA-256 of bytes in hexadecimal (64 characters)."""
    return hashlib.sha256(data).hexdigest()


def digest_value(value: Any) -> str:
    """Return the SHA-256 of a plain value's canonical JSON."""
    return digest_bytes(canonical_json(value).encode())


def content_id(value: Any) -> str:
    """Return a short content id (16 hexadecimal characters) of a plain value."""
    return digest_value(value)[:ID_LENGTH]
