"""Many lines of one version, read several times quicker than `read_line` does, and as strictly.

Trials repeat much: the machine, the workload, the configuration. A stretch of a line that is byte for byte one that was
validated before is not validated again; the rest of the line always is, and so is every new stretch.
"""

import functools
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import create_model

from ablatrix.records.model import SCHEMA_VERSION, Meta, Part, Record

META = ("versions", "machine"), ("threads", "environment", "process", "spawned_because", "cpus")
TOP = ("workload", "config")
CUTS = ((b',"versions":', b',"noise":'), (b',"threads":', b',"seed":'), (b',"workload":', b',"plan":'))
"""Where each stretch begins, and the key of a field that every record must have, with which it ends."""
ANCHORS = tuple(end[1:] for _, end in CUTS)


def _model(name: str, of: type[Part], fields: Iterator[str] | tuple[str, ...], **others: Any) -> type[Part]:
    chosen: dict[str, Any] = {field: (of.model_fields[field].annotation, of.model_fields[field]) for field in fields}
    return create_model(name, __base__=Part, **(chosen | others))


STRETCHES = (_model("Place", Meta, META[0]), _model("Process", Meta, META[1]), _model("Subject", Record, TOP))
OWN_META = _model("OwnMeta", Meta, (name for name in Meta.model_fields if name not in {*META[0], *META[1]}))
OWN = _model("Own", Record, (name for name in Record.model_fields if name not in {*TOP, "meta"}), meta=(OWN_META, ...))


class QuickLine:
    """One line that holds, in two parts.

    Attributes:
        own: A record as far as ``shared`` does not have it (or all of it).
        shared: ``meta``, ``workload`` and ``config``, the former without what is in ``own``: field -> value. Lines that
            share them have the same object.
    """

    __slots__ = ("own", "shared")

    def __init__(self, own: Part, shared: dict[str, Any]) -> None:
        self.own = own
        self.shared = shared


def whole_line(record: Record) -> QuickLine:
    """Return a record as a line that shares nothing with others."""
    return QuickLine(record, {"meta": record.meta.__dict__, "workload": record.workload, "config": record.config})


class QuickReader:
    """Reads lines and remembers the stretches that they share."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, ...], dict[str, Any]] = {}

    def read(self, line: bytes) -> QuickLine | None:
        """Return a line that holds.

        Returns:
            None where only `read_line` can tell: a fault, which it names, or a line of another version.
        """
        if b"\\" not in line and (found := self._read_in_stretches(line)) is not None:
            return found
        record = _validated(Record, line)
        return whole_line(record) if isinstance(record, Record) and record.schema_version == SCHEMA_VERSION else None

    def _read_in_stretches(self, line: bytes) -> QuickLine | None:
        stretches = []
        kept = []
        place = 0
        for begin, end in CUTS:
            first = line.find(begin, place)
            last = line.find(end, first)
            if first < 0 or last < 0:
                return None
            kept.append(line[place:first])
            stretches.append(line[first:last])
            place = last
        text = b"".join([*kept, line[place:]])
        own = _validated(OWN, text)
        # A stretch is whole in itself, so its fields stand beside the key that ends it. That key stands once in the
        # rest, without an escape: it is the one that the record must have, and the stretch is where it belongs.
        if own is None or own.schema_version != SCHEMA_VERSION or any(text.count(key) != 1 for key in ANCHORS):  # type: ignore[attr-defined]
            return None
        key = tuple(stretches)
        shared = self._known.get(key)
        if shared is None:
            parts = [
                _validated(model, b"{" + stretch[1:] + b"}")
                for model, stretch in zip(STRETCHES, stretches, strict=True)
            ]
            if None in parts:
                return None
            meta, process, subject = (vars(part) for part in parts)
            shared = self._known[key] = {"meta": meta | process, **subject}
        return QuickLine(own, shared)


def _validated(model: type[Part], text: bytes) -> Part | None:
    """Return what a text holds; None when it breaks a rule, or may hold a key twice."""
    try:
        # NaN, Infinity and what is beyond float64 become numbers that are not finite, which every field refuses.
        part = model.model_validate_json(text, strict=True)
    except ValueError:
        return None
    # That parser keeps the last of two equal keys. In the text a key ends with `":`, as long as no space stands
    # between, and else only a text that begins with a colon or holds a quote has it: so equal counts leave no room
    # for a second key.
    spaced = b'" ' in text or b"\t" in text or b"\r" in text
    return None if spaced or text.count(b'":') != _count_keys(part) else part


def _count_keys(part: Part) -> int:
    count = len(part.__pydantic_fields_set__)
    values = part.__dict__
    for name in _holders(type(part)):
        value = values[name]
        if isinstance(value, Part):
            count += _count_keys(value)
        elif isinstance(value, dict):
            count += len(value)
        elif value is not None:
            count += sum(map(_count_keys, value))
    return count


@functools.cache
def _holders(model: type[Part]) -> tuple[str, ...]:
    """Return the fields of a part whose values can hold keys of their own: parts, lists of parts, maps."""

    def holds(annotation: Any) -> bool:
        if isinstance(annotation, type) and issubclass(annotation, Part):
            return True
        return get_origin(annotation) is dict or any(map(holds, get_args(annotation)))

    return tuple(name for name, field in model.model_fields.items() if holds(field.annotation))
