"""Many lines of one version, read several times quicker than `read_line` does, and as strictly.

Trials repeat much: the machine, the workload, the configuration. A stretch of a line that is byte for byte one that was
validated before is not validated again; the rest of the line always is, and so is every new stretch. What comes out are
plain values: the rules are the record's, but an object for each part would cost as much again as checking it.
"""

import math
import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, create_model
from typing_extensions import TypedDict

from ablatrix.records.model import SCHEMA_VERSION, Meta, Record
from ablatrix.records.part import Part
from ablatrix.records.status import STATUSES, Status

META = (
    ("versions", "machine", "place"),
    ("threads", "environment", "process", "spawned_because", "cpus", "settings_in_force"),
)
TOP = ("workload", "config")
CUTS = ((b',"versions":', b',"noise":'), (b',"threads":', b',"seed":'), (b',"workload":', b',"plan":'))
"""Where each stretch begins, and the key of a field that every record must have, with which it ends.

Lines have their fields in the model's order: `Meta` must have each group of `META` side by side, in this order and with
the field that ends it behind it, and `Record` those of `TOP`."""
ANCHORS = frozenset(end[2:-2].decode() for _, end in CUTS)

Values = dict[str, Any]
Holders = tuple[tuple[str, Any], ...]


class QuickLine:
    """One line that holds, in two parts, both as plain values.

    Attributes:
        own: A record as far as ``shared`` does not have it (or all of it).
        shared: ``meta``, ``workload`` and ``config``, the former without what is in ``own``: field -> value. Lines that
            share them have the same object.
    """

    __slots__ = ("own", "shared")

    def __init__(self, own: Values, shared: Values) -> None:
        self.own = own
        self.shared = shared


def whole_line(record: Values) -> QuickLine:
    """Return the values of a record as a line that shares nothing with others."""
    return QuickLine(record, {"meta": record["meta"], "workload": record["workload"], "config": record["config"]})


class QuickReader:
    """Reads lines and remembers the stretches that they share."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], Values] = {}
        self._last = [b"\0"] * len(CUTS)

    def read(self, line: bytes) -> QuickLine | None:
        """Return a line that holds.

        Returns:
            None where only `read_line` can decide: a fault, which it names, a line of another version, or one with
            a field left to its default.
        """
        if b"\\" not in line and (found := self._read_in_stretches(line)) is not None:
            return found
        record = WHOLE(line)
        return whole_line(record) if record is not None and record["schema_version"] == SCHEMA_VERSION else None

    def _read_in_stretches(self, line: bytes) -> QuickLine | None:
        stretches = []
        kept = []
        start = 0
        for (begin, end), before in zip(CUTS, self._last, strict=True):
            first = line.find(begin, start)
            last = first + len(before)
            # Mostly the stretch is that of the line before, and comparing is quicker than searching.
            if not (line.startswith(before, first) and line.startswith(end, last)):
                last = line.find(end, first)
            if first < 0 or last < 0:
                return None
            kept.append(line[start:first])
            stretches.append(line[first:last])
            start = last
        self._last = stretches
        text = b"".join([*kept, line[start:]])
        own = OWN(text)
        # A stretch is whole in itself, so its fields stand beside the key that ends it. Without an escape only a key
        # reads as one, no map of the rest has one of that name, and no other part has: it is the one that the record
        # must have, and the stretch is where it belongs.
        if own is None or own["schema_version"] != SCHEMA_VERSION:
            return None
        key = tuple(stretches)
        shared = self._known.get(key)
        if shared is None:
            parts = [read(b"{" + stretch[1:] + b"}") for read, stretch in zip(STRETCHES, stretches, strict=True)]
            if None in parts:
                return None
            meta, process, subject = (part or {} for part in parts)
            shared = self._known[key] = {"meta": meta | process, **subject}
        return QuickLine(own, shared)


def _reader(fields: Mapping[str, Any], refused: frozenset[str] = frozenset()) -> Callable[[bytes], Values | None]:
    """Return what reads the text of an object with these fields (annotations by name) and no others.

    It returns None when the text breaks a rule, or may hold a key twice, or has a map with a key that is refused.
    """
    validate = TypeAdapter(_plain_object(fields)).validator.validate_json
    holders = _holders(fields)

    def read(text: bytes) -> Values | None:
        try:
            # NaN, Infinity and what is beyond float64 become numbers that are not finite, which every field refuses.
            values: Values = validate(text, strict=True)
        except ValueError:
            return None
        # That parser keeps the last of two equal keys. In the text a key ends with `":`, as long as no space stands
        # between, and else only a text that begins with a colon or holds a quote has it: so equal counts leave no room
        # for a second key.
        spaced = b'" ' in text or b"\t" in text or b"\r" in text
        return None if spaced or text.count(b'":') != _count_keys(values, holders, refused) else values

    return read


def _fields(of: type[Part]) -> dict[str, Any]:
    """Return the annotation of each field, with its constraints. Defaults are omitted: every field must be there."""
    return {
        name: Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        for name, field in of.model_fields.items()
    }


def _plain_object(fields: Mapping[str, Any], omitted: frozenset[str] = frozenset()) -> Any:
    """Return the type of a dictionary that has these fields and no others; those of ``omitted`` need not be there."""
    plain = {name: _plain(annotation) for name, annotation in fields.items()}
    made = TypedDict("made", {name: NotRequired[one] if name in omitted else one for name, one in plain.items()})  # type: ignore[misc]
    made.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return made


def _plain(annotation: Any) -> Any:
    """Return an annotation with the same rules whose values are plain: a dictionary instead of each part."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return _plain_object(_fields(annotation), annotation.omitted_if_null)
    if annotation is Status:
        return Literal[STATUSES]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(_plain(inner[0]), *inner[1:])]
    if origin in (Union, types.UnionType):
        return Union[tuple(map(_plain, inner))]  # noqa: UP007
    return origin[tuple(map(_plain, inner))] if origin in (list, dict) else annotation


def _count_keys(values: Values, holders: Holders, refused: frozenset[str]) -> float:
    """Return how many keys an object has in all; NaN, which equals no count, when a map has a key that is refused."""
    count: float = len(values)
    for name, inner in holders:
        value = values.get(name)
        if value is None:
            continue
        if inner is None:
            count += len(value) if refused.isdisjoint(value) else math.nan
        elif type(value) is dict:
            count += _count_keys(value, inner, refused)
        else:
            count += sum(_count_keys(item, inner, refused) for item in value)
    return count


def _holders(fields: Mapping[str, Any]) -> Holders:
    """Return the fields whose values have keys of their own: parts (and lists of them) with theirs; maps with None."""

    def held(annotation: Any) -> list[Holders | None]:
        if isinstance(annotation, type) and issubclass(annotation, Part):
            return [_holders(_fields(annotation))]
        if get_origin(annotation) is dict:
            return [None]
        return [found for one in get_args(annotation) for found in held(one)]

    return tuple((name, found[0]) for name, annotation in fields.items() if (found := held(annotation)))


_RECORD, _META = _fields(Record), _fields(Meta)
_OWN_META: dict[str, Any] = {name: (_META[name], ...) for name in _META if name not in {*META[0], *META[1]}}
WHOLE = _reader(_RECORD)
OWN = _reader(
    {name: _RECORD[name] for name in _RECORD if name not in TOP}
    | {"meta": create_model("OwnMeta", __base__=Part, **_OWN_META)},
    ANCHORS,
)
STRETCHES = (
    *(_reader({name: _META[name] for name in fields}) for fields in META),
    _reader({name: _RECORD[name] for name in TOP}),
)
