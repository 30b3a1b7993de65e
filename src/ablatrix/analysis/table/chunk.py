"""A stretch of lines -> a frame: what can be done with records piece by piece, in any process."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ablatrix.analysis.table.columns import COLUMNS, MAPS, TYPES, Kind
from ablatrix.canonical import canonical_json, digest_bytes
from ablatrix.errors import RecordError
from ablatrix.records.fast_reader import META, TOP, QuickLine, QuickReader, whole_line
from ablatrix.records.journal import BLOCK_BYTES, read_encoded
from ablatrix.records.schema import LONGEST_LINE

FINAL, OFFSET, SHARED_MAP = " final", " offset", " map "  # no column of a record begins with a space
CHUNK_BYTES = 8 * 2**20
MOST_SHARED = 10_000
"""Parts that lines share and that are remembered: a study of a thousand hosts has a part for each host and cell."""


@dataclass(frozen=True)
class Stretch:
    """Whole lines of a file: its bytes from ``start`` up to ``end``."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """What a stretch holds.

    Attributes:
        frame: A row a line, in order. A map that many rows share is canonical JSON in one column, ``SHARED_MAP`` and
            its prefix. `FINAL` and `OFFSET` (where the line begins in the file) serve the choice of rows.
        ignored: Fields of a newer minor version that were ignored, each with its count of lines.
        digest: SHA-256 of the stretch's bytes.
    """

    frame: pl.DataFrame
    ignored: Mapping[str, int]
    digest: str


def cut(path: Path, whole_bytes: int) -> Iterator[Stretch]:
    """Yield the stretches, each about `CHUNK_BYTES` long, that make up a file's whole lines.

    Raises:
        RecordError: A line is longer than that of any record.
    """
    start = 0
    with path.open("rb") as file:
        while start < whole_bytes:
            file.seek(min(start + CHUNK_BYTES, whole_bytes) - 1)
            if len(file.readline(LONGEST_LINE + 1)) > LONGEST_LINE:
                raise RecordError(f"{path}: a line of more than {LONGEST_LINE} bytes, which no record has")
            yield Stretch(path, start, file.tell())
            start = file.tell()


class ChunkReader:
    """Reads stretches, and remembers what lines share: stretches of text, and the columns made from them."""

    def __init__(self) -> None:
        self._lines = QuickReader()
        self._indices: dict[int, int] = {}
        self._held: list[dict[str, Any]] = []  # kept alive, so that no other object gets its id
        self._shared = pl.DataFrame()

    def read(self, stretch: Stretch) -> Chunk:
        """Validate every line of a stretch and return them as columns.

        Raises:
            RecordError: The file cannot be read, or a line breaks the schema (``file:line`` leads the message).
        """
        if len(self._held) > MOST_SHARED:
            self._lines, self._indices, self._held, self._shared = QuickReader(), {}, [], pl.DataFrame()
        try:
            with stretch.path.open("rb") as file:
                file.seek(stretch.start)
                content = file.read(stretch.end - stretch.start)
        except OSError as error:
            raise RecordError(f"{stretch.path}: records cannot be read: {error.strerror}") from error
        lines = content.removesuffix(b"\n").split(b"\n")
        ignored: Counter[str] = Counter()
        indices: list[int] = []
        own = _columns(self._own(lines, stretch, indices, ignored), OWN_LAYOUT)
        if self._shared.height < len(self._held):
            new = pl.DataFrame(_columns(self._held[self._shared.height :], SHARED_LAYOUT))
            self._shared = self._shared.vstack(new)
        offsets = stretch.start + np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
        columns = [pl.Series(OFFSET, offsets, pl.Int64()), *own, *self._shared[indices].get_columns()]
        return Chunk(pl.DataFrame(columns), ignored, digest_bytes(content))

    def _own(
        self, lines: Sequence[bytes], stretch: Stretch, indices: list[int], ignored: Counter[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what is each line's own, and append the index of what it shares to ``indices``."""
        for number, text in enumerate(lines):
            line = self._lines.read(text) or _read_slowly(text, stretch, number, ignored)
            index = self._indices.setdefault(id(line.shared), len(self._held))
            if index == len(self._held):
                self._held.append(line.shared)
            indices.append(index)
            yield line.own


def _read_slowly(line: bytes, stretch: Stretch, index: int, ignored: Counter[str]) -> QuickLine:
    try:
        valid = read_encoded(line, "")
    except RecordError:
        # Counting the lines before it costs a pass over the file, so it is done for a fault only.
        read_encoded(line, f"{stretch.path}:{_lines_before(stretch) + index + 1}")
        raise
    ignored.update(valid.ignored)
    return whole_line(valid.record.model_dump(mode="json"))


def _lines_before(stretch: Stretch) -> int:
    count = 0
    with stretch.path.open("rb") as file:
        while file.tell() < stretch.start:
            count += file.read(min(BLOCK_BYTES, stretch.start - file.tell())).count(b"\n")
    return count


FieldPath = tuple[str, ...]
SHARED = {("meta", field) for fields in META for field in fields} | {(field,) for field in TOP}


def _is_shared(path: FieldPath) -> bool:
    return path[:1] in SHARED or path[:2] in SHARED


class _Layout:
    """Which columns are made of a line's own part, or of what lines share."""

    def __init__(self, shared: bool) -> None:
        columns = [column for column in COLUMNS if _is_shared(column.path) == shared]
        maps = [group for group in MAPS if _is_shared(group.path) == shared]
        final: dict[str, tuple[FieldPath, Kind]] = {} if shared else {FINAL: (("final",), "yes_no")}
        self.values = final | {column.name: (column.path, column.kind) for column in columns if column.kind != "json"}
        self.texts = {column.name: column.path for column in columns if column.kind == "json"}
        self.texts |= {SHARED_MAP + group.prefix: group.path for group in maps if not group.varies}
        self.varying = {group.prefix: group.path for group in maps if group.varies}
        paths = [*(path for path, _ in self.values.values()), *self.texts.values(), *self.varying.values()]
        # Parts of a record that columns are made from; a part comes after the one that holds it.
        self.parts = sorted({path[:depth] for path in paths for depth in range(len(path))})
        self.fields = {part: [path[-1] for path, _ in self.values.values() if path[:-1] == part] for part in self.parts}
        for path in self.varying.values():
            self.fields[path[:-1]].append(path[-1])


OWN_LAYOUT, SHARED_LAYOUT = _Layout(shared=False), _Layout(shared=True)


def _columns(records: Iterable[Mapping[str, Any]], layout: _Layout) -> list[pl.Series]:
    """Return records as columns. Each is split up at once, while the processor's cache still holds it."""
    holders = [(layout.parts.index(part[:-1]), part[-1]) for part in layout.parts if part]
    takers = [
        (itemgetter(*fields, fields[0]), (None,) * len(fields), list[tuple[Any, ...]]())
        if fields
        else (None, (), list[tuple[Any, ...]]())
        for fields in layout.fields.values()
    ]
    shared = [(layout.parts.index(path[:-1]), path[-1], _SharedTexts()) for path in layout.texts.values()]
    for record in records:
        parts: list[Mapping[str, Any] | None] = [record]
        for holder, field in holders:
            held = parts[holder]
            parts.append(None if held is None else held[field])
        for held, (take, nothing, rows) in zip(parts, takers, strict=True):
            if take is not None:
                rows.append(nothing if held is None else take(held))
        for part, field, texts in shared:
            held = parts[part]
            texts.append(None if held is None else held[field])
    taken = {
        (*part, field): values
        for part, (_, _, rows) in zip(layout.parts, takers, strict=True)
        for field, values in zip(layout.fields[part], zip(*rows, strict=False), strict=False)
    }
    columns = [series(name, taken[path], kind) for name, (path, kind) in layout.values.items()]
    columns += [series(name, texts.texts, "json") for name, (_, _, texts) in zip(layout.texts, shared, strict=True)]
    for prefix, path in layout.varying.items():
        maps = [entry or {} for entry in taken[path]]
        columns += [
            series(prefix + key, [entry.get(key) for entry in maps], "real") for key in sorted(set().union(*maps))
        ]
    return columns


class _SharedTexts:
    """Canonical JSON of values, made once for equal ones."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self._made: dict[str, str | None] = {"None": None}

    def append(self, value: Any) -> None:
        look = repr(value)  # unlike equality this distinguishes 1, 1.0 and True
        if look not in self._made:
            self._made[look] = canonical_json(value)
        self.texts.append(self._made[look])


def series(name: str, values: Sequence[Any], kind: Kind) -> pl.Series:
    """Return values of records as a column.

    Raises:
        RecordError: A whole number needs more than 64 bits.
    """
    if kind == "reals":
        return _lists(name, values)
    try:
        return pl.Series(name, values, TYPES[kind])
    except (OverflowError, TypeError) as error:
        largest = max((value for value in values if isinstance(value, int)), key=abs, default=None)
        raise RecordError(
            f"column {name!r}: the table's whole numbers have 64 bits, but a record has {largest}; "
            "correct that record or remove it"
        ) from error


def _lists(name: str, values: Sequence[Sequence[float] | None]) -> pl.Series:
    """Return lists of numbers as a column: all numbers as one column that is then cut, far faster than list by list."""
    flat = pl.Series(name, list(chain.from_iterable(filter(None, values))), pl.Float64())
    index = np.arange(len(values))
    rows = pl.Series("row", np.repeat(index, [len(numbers or ()) for numbers in values]))
    cut = pl.DataFrame([rows, flat]).group_by("row", maintain_order=True).agg(name)
    filled = pl.DataFrame({"row": index}).join(cut, on="row", how="left", maintain_order="left")
    empty = pl.Series([numbers is not None and not numbers for numbers in values], dtype=pl.Boolean())
    return filled.select(pl.when(empty).then(pl.lit([], TYPES["reals"])).otherwise(name).alias(name))[name]
