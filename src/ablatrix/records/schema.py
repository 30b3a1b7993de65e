"""Versions of the record schema: JSON Schema as text, validation of one line, doors for older versions."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import ValidationError

from ablatrix.errors import RecordError
from ablatrix.foreign_text import many_values
from ablatrix.records.model import SCHEMA_VERSION, Record

JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHOWN_VALUE_LENGTH = 80
LONGEST_PART = 6  # digits of a version's part
LONGEST_LINE = 16 * 2**20
"""Bytes of the longest line that is read; records have some ten thousand."""
SHORT_LINE = 100_000
"""Bytes up to which a line has no more values than can be read, whatever it has."""
MOST_FAULTS = 100
"""Faults of a line that are named one by one."""


@dataclass(frozen=True)
class Migration:
    """One step from an older version towards the present one.

    Attributes:
        to: The version that the step leads to, ``major.minor``.
        change: Takes the line's object (free to be changed) and returns it in the shape of ``to``. A field
            that the old version lacks becomes null, never a guess.
    """

    to: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


def _without_source(data: dict[str, Any]) -> dict[str, Any]:
    """1.0 knew the workloads of registries alone, and the runner timed everything."""
    workload = data.get("workload")
    if isinstance(workload, dict):
        workload |= {"source": None, "source_digest": None}
    runtime = data.get("runtime")
    if isinstance(runtime, dict):
        runtime |= {"timed_by": None}
    return data


def _without_device(data: dict[str, Any]) -> dict[str, Any]:
    """1.1 knew no device but the CPU, and did not say so; nor what a knob acts on, nor the oracle's type."""
    config, meta, workload = data.get("config"), data.get("meta"), data.get("workload")
    if isinstance(config, dict):
        config |= {"device": None, "run_time_knobs": None}
    if isinstance(workload, dict):
        workload |= {"oracle": None}
    for part in ("machine", "noise"):
        if isinstance(meta, dict) and isinstance(meta.get(part), dict):
            meta[part] |= {"gpu": None}
    return data


def _without_origins(data: dict[str, Any]) -> dict[str, Any]:
    """1.2 said less of process, compiler and stage, left out time of compiling in no phase, and judged RMS alone."""
    parts = (data.get(name) for name in ("meta", "config", "runtime", "correctness"))
    meta, config, runtime, correctness = parts
    if isinstance(meta, dict):
        meta |= {"layout": None, "replicate": None, "settings_in_force": {}}
        if isinstance(meta.get("machine"), dict):
            meta["machine"] |= {"isa": None, "os": None}
    if isinstance(config, dict):
        config |= {**dict.fromkeys(("compiler_digest", "stage_plan", "primary_knobs", "departures")), "settings": {}}
    if isinstance(runtime, dict):
        runtime |= {"other_ms": None}
    if isinstance(correctness, dict):
        unknown = ("worst_ratio", "allowed_over_eager", "ill_conditioned", "undetermined", "eager_wrong")
        correctness |= dict.fromkeys((*unknown, "tolerance_by"))
    return data


def _without_new_facts(data: dict[str, Any]) -> dict[str, Any]:
    """1.3 said nothing of types, tokens, the memory's speed, axes, and a name that the study gives to a workload."""
    absent = {
        "workload": ("dtype", "tokens", "base", "registry_name"),
        "correctness": ("float_distance", "generated_tokens", "generated_ties"),
    }
    for part, names in absent.items():
        held = data.get(part)
        if isinstance(held, dict):
            held |= dict.fromkeys(names)
    if isinstance(data.get("workload"), dict):
        data["workload"] |= {"axes": []}
    meta = data.get("meta")
    if isinstance(meta, dict) and isinstance(meta.get("machine"), dict):
        meta["machine"] |= {"memory_speed": None}
    return data


def _without_place(data: dict[str, Any]) -> dict[str, Any]:
    """1.4 did not say on which of several hosts a trial ran, nor what a cluster took of it."""
    if isinstance(data.get("meta"), dict):
        data["meta"] |= {"place": None}
        if isinstance(data["meta"].get("noise"), dict):
            data["meta"]["noise"] |= {"cluster_cpu_s": None}
    return data


def _without_stops(data: dict[str, Any]) -> dict[str, Any]:
    """1.5 did not say whether others had stopped a trial's process."""
    meta = data.get("meta")
    if isinstance(meta, dict) and isinstance(meta.get("noise"), dict):
        meta["noise"] |= {"stopped_ms": None}
    return data


MIGRATIONS: Mapping[str, Migration] = {
    "1.0": Migration("1.1", _without_source),
    "1.1": Migration("1.2", _without_device),
    "1.2": Migration("1.3", _without_origins),
    "1.3": Migration("1.4", _without_new_facts),
    "1.4": Migration("1.5", _without_place),
    "1.5": Migration("1.6", _without_stops),
}
"""Version that a line was written in -> the step away from it. 1.0 is the first version."""


@dataclass(frozen=True)
class ValidLine:
    """One line that holds.

    Attributes:
        record: The record. Its ``schema_version`` is the version that the line was written in.
        data: The same as plain values, in today's shape.
        ignored: Fields of a newer minor version that this version does not know, as dotted paths.
    """

    record: Record
    data: dict[str, Any]
    ignored: tuple[str, ...]


def record_schema_text() -> str:
    """Return the JSON Schema of a record of this version: the same text on every machine."""
    schema = Record.model_json_schema()
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    schema = {"$schema": JSON_SCHEMA_DIALECT, "$id": f"ablatrix/record-{SCHEMA_VERSION}", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def validate_line(text: str, location: str = "record", migrations: Mapping[str, Migration] = MIGRATIONS) -> Record:
    """Return the record that one line holds; see `read_line` for what is accepted and what is raised."""
    return read_line(text, location, migrations).record


def read_line(text: str, location: str = "record", migrations: Mapping[str, Migration] = MIGRATIONS) -> ValidLine:
    """Validate one line against the schema.

    A newer minor version is accepted and its unknown fields are ignored (and named in the answer); an older
    version goes through ``migrations``.

    Args:
        text: The line, with or without its newline.
        location: Where it is (``results.jsonl:14``), for messages.
        migrations: Steps from older versions.

    Raises:
        RecordError: The line is no JSON object by RFC 8259 (NaN, Infinity and duplicate keys included), its
            version is a newer major one or an older one without a migration, it has more values than any record, or a
            field breaks its rule. One line of the message for each fault: location, field, rule, value.
    """
    excess = many_values(text.encode("utf-8", "surrogatepass")) if len(text) > SHORT_LINE else None
    if excess is not None:
        raise RecordError(f"{location}: {excess}, which no record does; it was not read")
    data = parse_object(text, location)
    written = data.get("schema_version")
    version = _version(written, location)
    present = _version(SCHEMA_VERSION, location)
    if version[0] > present[0]:
        raise RecordError(
            f"{location}: field 'schema_version': version {written} is newer than {SCHEMA_VERSION}, which this "
            "ablatrix "
            f"reads, and its major number differs; read it with a newer ablatrix"
        )
    if version < present:
        data = _migrate(data, str(written), location, migrations)
    ignored: tuple[str, ...] = ()
    if version > present:
        ignored = _drop_unknown(data)
    try:
        record = Record.model_validate(data, strict=True)
    except ValidationError as error:
        raise RecordError("\n".join(f"{location}: {fault}" for fault in _faults(error))) from None
    return ValidLine(record, data, ignored)


def parse_object(text: str, location: str) -> dict[str, Any]:
    """Return the JSON object of one line by RFC 8259.

    Raises:
        RecordError: The text is something else, or holds NaN, Infinity, a number beyond float64, or a key
            twice.
    """

    def refuse(name: str) -> NoReturn:
        raise RecordError(f"{location}: number {name} is not finite, which JSON does not have; missing is null")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    def unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise RecordError(f"{location}: field {key!r} stands twice in one object; which one holds is unknown")
            result[key] = value
        return result

    try:
        value = json.loads(text, parse_constant=refuse, parse_float=finite, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{location}: not valid JSON: {error}; the line is {_shown(text)}") from None
    if "\\u" in text and not _is_text(value):
        raise RecordError(f"{location}: a text has half of a surrogate pair, which is no character")
    if not isinstance(value, dict):
        raise RecordError(f"{location}: a record is a JSON object, but the line is {_shown(text)}")
    return value


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _version(written: Any, location: str) -> tuple[int, int]:
    parts = written.split(".") if isinstance(written, str) else []
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < LONGEST_PART for part in parts):
        raise RecordError(
            f"{location}: field 'schema_version': should be 'major.minor' such as {SCHEMA_VERSION!r}, got "
            f"{_shown(written)}"
        )
    return int(parts[0]), int(parts[1])


def _migrate(data: dict[str, Any], written: str, location: str, migrations: Mapping[str, Migration]) -> dict[str, Any]:
    version = written
    passed: list[str] = []
    while version != SCHEMA_VERSION:
        step = migrations.get(version)
        if step is None or version in passed:
            known = ", ".join(sorted(migrations)) or "none"
            raise RecordError(
                f"{location}: field 'schema_version': no migration from version {version} to {SCHEMA_VERSION}; "
                f"versions that have one: {known}"
            )
        passed.append(version)
        try:
            data = step.change(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise RecordError(f"{location}: is no valid line of version {version}: {error!r}") from error
        version = step.to
    data["schema_version"] = written
    return data


def _drop_unknown(data: dict[str, Any]) -> tuple[str, ...]:
    """Remove the fields that the model does not know, and return their paths."""
    try:
        Record.model_validate(data, strict=True)
    except ValidationError as error:
        if error.error_count() > MOST_FAULTS:
            return ()  # who validates it next says so
        unknown = [fault["loc"] for fault in error.errors() if fault["type"] == "extra_forbidden"]
    else:
        return ()
    for path in unknown:
        holder: Any = data
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]
    return tuple(_dotted(path) for path in unknown)


def _faults(error: ValidationError) -> list[str]:
    if error.error_count() > MOST_FAULTS:
        return [f"it has {error.error_count()} faults, more than can be named"]
    return [
        f"field '{_dotted(fault['loc'])}': {fault['msg']}"
        + ("" if fault["type"] == "missing" else f", got {_shown(fault['input'])}")
        for fault in error.errors(include_url=False)
    ]


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in path)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_VALUE_LENGTH else text[: SHOWN_VALUE_LENGTH - 3] + "..."
