"""The ids of all records as the page stores them: in the canonical order, shortened as far as they stay unique."""

import base64
from typing import Any

import polars as pl

WHOLE_IDS = 100_000  # the ids of more records than this are shortened as far as they stay unique
SHORTEST_ID = 8


def packed_ids(ids: pl.Series) -> dict[str, Any]:
    """Return the ids of records in order, shortened as far as they stay unique.

    ``width`` is how many characters of each id are kept. Hexadecimal ids, which all runs write, are packed as bytes in
    base64; others are a list.
    """
    width = _width(ids)
    cut = ids.str.slice(0, width)
    whole = int(ids.str.len_chars().max() or 0)  # type: ignore[arg-type]
    text = "".join(cut.to_list())
    facts = {"count": len(ids), "width": width, "whole": whole}
    are_bytes = width % 2 == 0 and len(text) == width * len(ids)
    if raw := _bytes(text) if are_bytes else None:
        return facts | {"packed": base64.b64encode(raw).decode()}
    return facts | {"listed": cut.to_list()}


def _width(ids: pl.Series) -> int:
    longest = int(ids.str.len_chars().max() or 0)  # type: ignore[arg-type]
    if len(ids) <= WHOLE_IDS:
        return longest
    distinct = ids.n_unique()
    lengths = range(SHORTEST_ID, longest, 2)
    return next((length for length in lengths if ids.str.slice(0, length).n_unique() == distinct), longest)


def _bytes(text: str) -> bytes | None:
    """Return the bytes that a text of hexadecimal digits encodes, None for any other text."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if raw.hex() == text else None  # capitals and spaces would be lost
