"""Which records a number was made of: each record has a place in one order, and a number names ranges of places.

The order puts trials of one configuration side by side, so that what a number was made of is a handful of ranges even
among a million records.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.outcome import IS_OK

WHOLE_IDS = 100_000  # ids of more records than these are cut to what tells them apart
SHORTEST_ID = 8

Places = NDArray[np.int64]


class Sources:
    """The order of all records of a page.

    Attributes:
        trials: The rows in that order, with a column ``place``; only the columns that were asked for.
    """

    def __init__(self, trials: pl.DataFrame, order: Sequence[str], columns: Iterable[str]) -> None:
        keys = [*order, "status", "run", "position", "record_id"]
        wanted = list(dict.fromkeys((*keys, *columns)))
        held = trials.lazy().select(wanted)
        text = [name for name in order if trials.schema[name] == pl.Categorical]
        # Categories are sorted as text: their own order is the one in which they were met.
        held = held.with_columns(pl.col([*text, "status"]).cast(pl.String), is_ok=IS_OK)
        by = [*order, "is_ok", "status", "run", "position", "record_id"]
        falling = [name == "is_ok" for name in by]
        self.trials = held.sort(by, descending=falling, nulls_last=False).collect().with_row_index("place")

    def where(self, condition: pl.Expr) -> str:
        """Return the ranges of the records that meet a condition."""
        return written(self.trials.lazy().filter(condition).select("place").collect()["place"].to_numpy())

    def packed(self) -> dict[str, Any]:
        """Return the ids of all records in order, as small as they can be told apart.

        ``width`` is how many characters of each id are kept. Hexadecimal ids, which all runs write, are packed as bytes
        in base64; others are a list.
        """
        ids = self.trials["record_id"]
        width = self._width(ids)
        cut = ids.str.slice(0, width)
        whole = int(ids.str.len_chars().max() or 0)  # type: ignore[arg-type]
        text = "".join(cut.to_list())
        facts = {"count": len(ids), "width": width, "whole": whole}
        are_bytes = width % 2 == 0 and len(text) == width * len(ids)
        if raw := _bytes(text) if are_bytes else None:
            return facts | {"packed": base64.b64encode(raw).decode()}
        return facts | {"listed": cut.to_list()}

    @staticmethod
    def _width(ids: pl.Series) -> int:
        longest = int(ids.str.len_chars().max() or 0)  # type: ignore[arg-type]
        if len(ids) <= WHOLE_IDS:
            return longest
        distinct = ids.n_unique()
        lengths = range(SHORTEST_ID, longest, 2)
        return next((length for length in lengths if ids.str.slice(0, length).n_unique() == distinct), longest)


def _bytes(text: str) -> bytes | None:
    """Return what a text of hexadecimal digits stands for, None for any other text."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if raw.hex() == text else None  # capitals and spaces would be lost


def written(places: Places) -> str:
    """Return ascending places as ranges: ``0-4,7``."""
    if not len(places):
        return ""
    places = np.sort(places)
    cuts = np.flatnonzero(np.diff(places) > 1)
    firsts, lasts = [int(places[0]), *places[cuts + 1].tolist()], [*places[cuts].tolist(), int(places[-1])]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(firsts, lasts, strict=True))


def joined(ranges: Iterable[str]) -> str:
    """Return the union of ranges."""
    merged: list[list[int]] = []
    for first, last in sorted(span for one in ranges for span in _spans(one)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in merged)


def size(ranges: str) -> int:
    """Return how many places ranges hold."""
    return sum(last - first + 1 for first, last in _spans(ranges))


def _spans(ranges: str) -> Iterator[tuple[int, int]]:
    for part in ranges.split(","):
        if part:
            first, _, last = part.partition("-")
            yield int(first), int(last or first)
