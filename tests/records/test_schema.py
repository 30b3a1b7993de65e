"""The schema's contract: what a line may be, what is refused, and how the message reads."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ablatrix.errors import RecordError
from ablatrix.records.fast_reader import QuickReader
from ablatrix.records.journal import record_line
from ablatrix.records.model import SCHEMA_VERSION
from ablatrix.records.schema import Migration, read_line, record_schema_text, validate_line
from ablatrix.records.status import Status
from tests.synthetic import broken, make_records

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "schemas" / f"record-{SCHEMA_VERSION}.json"
RECORDS = make_records(workloads=["attention"], blocks=1)
LINE = record_line(RECORDS[0])


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    data = json.loads(LINE)
    change(data)
    return json.dumps(data)


def written_in(version: str) -> dict[str, Any]:
    """Return the line as an older version would have written it: with the fields of its frozen schema alone."""
    schema = json.loads((ROOT / "schemas" / f"record-{version}.json").read_text(encoding="utf-8"))

    def known(value: Any, rule: dict[str, Any]) -> Any:
        for one in (rule, *rule.get("anyOf", ())):
            part = schema["$defs"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
            if isinstance(value, dict) and "properties" in part:
                fields = part["properties"]
                return {name: known(held, fields[name]) for name, held in value.items() if name in fields}
        return value

    old: dict[str, Any] = known(json.loads(LINE), schema) | {"schema_version": version}
    jsonschema.validate(old, schema)
    return old


def test_schema_when_frozen_equals_generated_one() -> None:
    assert FROZEN.is_file(), f"no frozen schema for version {SCHEMA_VERSION}: write record_schema_text() to {FROZEN}"
    assert FROZEN.read_text(encoding="utf-8") == record_schema_text(), (
        f"the record model and {FROZEN.name} differ: raise SCHEMA_VERSION in ablatrix/records/model.py "
        "(minor for an "
        "added field, knob or level; major for anything else), write record_schema_text() to "
        "schemas/record-<new>.json "
        f"and keep the old file"
    )


def test_line_of_1_0_without_source_is_read_with_null() -> None:
    old = written_in("1.0")
    assert not {"source", "source_digest", "oracle"} & old["workload"].keys()
    assert "timed_by" not in old["runtime"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.0"
    assert (record.workload.source, record.workload.source_digest) == (None, None)
    assert record.runtime is not None
    assert record.runtime.timed_by is None


def test_line_of_1_2_without_layout_is_read_with_null() -> None:
    old = written_in("1.2")
    assert "layout" not in old["meta"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.2"
    assert record.meta.layout is None
    assert RECORDS[0].meta.layout is not None


def test_line_of_1_3_without_tokens_is_read_with_null() -> None:
    old = written_in("1.3")
    assert "tokens" not in old["workload"]
    assert "memory_speed" not in old["meta"]["machine"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.3"
    assert (record.workload.tokens, record.meta.machine.memory_speed) == (None, None)
    assert record.correctness is not None
    assert record.correctness.generated_tokens is None


def test_line_of_1_1_without_device_is_read_with_null() -> None:
    old = written_in("1.1")
    assert not {"device", "run_time_knobs"} & old["config"].keys()
    assert not {"gpu"} & old["meta"]["machine"].keys() | {"gpu"} & old["meta"]["noise"].keys()
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.1"
    assert (record.config.device, record.config.run_time_knobs, record.workload.oracle) == (None, None, None)
    assert (record.meta.machine.gpu, record.meta.noise.gpu) == (None, None)


def test_line_of_1_2_without_other_time_is_read_with_null() -> None:
    old = written_in("1.2")
    assert "compiler_digest" not in old["config"]
    assert "other_ms" not in old["runtime"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.2"
    assert record.runtime is not None
    assert (record.config.compiler_digest, record.runtime.other_ms) == (None, None)


def test_line_of_1_2_without_limits_is_read_with_null() -> None:
    old = written_in("1.2")
    unknown = ("worst_ratio", "allowed_over_eager", "ill_conditioned", "undetermined", "eager_wrong")
    assert not set(unknown) & old["correctness"].keys()
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.2"
    assert record.correctness is not None
    assert [getattr(record.correctness, name) for name in unknown] == [None] * 5


def test_line_of_1_2_without_stage_plan_is_read_with_null() -> None:
    old = written_in("1.2")
    assert not {"stage_plan", "primary_knobs"} & old["config"].keys()
    assert "replicate" not in old["meta"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.2"
    assert (record.config.stage_plan, record.config.primary_knobs, record.meta.replicate) == (None, None, None)


def test_line_of_1_3_without_axes_is_read_with_none() -> None:
    old = written_in("1.3")
    assert not {"base", "axes", "registry_name"} & old["workload"].keys()
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.3"
    assert (record.workload.base, record.workload.axes, record.workload.registry_name) == (None, [], None)


def test_line_of_1_4_without_place_is_read_with_null() -> None:
    old = written_in("1.4")
    assert "place" not in old["meta"]
    record = validate_line(json.dumps(old))
    assert record.schema_version == "1.4"
    assert record.meta.place is None
    assert RECORDS[0].meta.place is not None


@pytest.mark.parametrize("status", list(Status))
def test_line_of_every_status_is_valid_by_model_and_frozen_schema(status: Status) -> None:
    schema = json.loads(FROZEN.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for record in (RECORDS[0], RECORDS[-1]):
        made = record if status == "ok" else broken(record, status)
        line = record_line(made)
        assert validate_line(line) == made
        jsonschema.validate(json.loads(line), schema)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (LINE[:-40], "not valid JSON"),
        ("", "not valid JSON"),
        ("[1]", "a record is a JSON object"),
        ("[" * 100_000, "not valid JSON"),
        (LINE.replace('"wall_s":1.5', '"wall_s":NaN'), "NaN is not finite"),
        (LINE.replace('"wall_s":1.5', '"wall_s":-Infinity'), "-Infinity is not finite"),
        (LINE.replace('"wall_s":1.5', '"wall_s":1e999'), "1e999 is not finite"),
        (LINE.replace('"wall_s":1.5', '"wall_s":1.5,"wall_s":2.5'), "'wall_s' stands twice"),
        (
            LINE.replace('"wall_s":1.5', '"wall_s":-1.5'),
            "'wall_s': Input should be greater than or equal to 0, got -1.5",
        ),
        (
            LINE.replace('"wall_s":1.5', '"wall_s":"1.5"'),
            "'wall_s': Input should be a valid number, got '1.5'",
        ),
        (changed(lambda data: data.pop("final")), "'final': Field required"),
        (
            changed(lambda data: data["meta"].update(host="x")),
            "'meta.host': Extra inputs are not permitted, got 'x'",
        ),
        (changed(lambda data: data.update(status="fine")), "'status': Input should be 'ok', "),
        (changed(lambda data: data.update(schema_version="2.0")), f"version 2.0 is newer than {SCHEMA_VERSION}"),
        (changed(lambda data: data.update(schema_version="0.9")), "no migration from version 0.9"),
        (changed(lambda data: data.update(schema_version="1")), "should be 'major.minor'"),
        (changed(lambda data: data.pop("schema_version")), "should be 'major.minor'"),
    ],
)
def test_line_that_is_wrong_is_refused_with_location_rule_and_value(text: str, rule: str) -> None:
    with pytest.raises(RecordError, match=re.escape(rule)) as caught:
        validate_line(text, "results.jsonl:14")
    assert str(caught.value).startswith("results.jsonl:14: ")


def test_line_with_several_faults_reports_all_at_once() -> None:
    def break_two(data: dict[str, Any]) -> None:
        data["attempt"] = -1
        data["workload"]["inputs"][0]["dtype"] = 32

    with pytest.raises(RecordError) as caught:
        validate_line(changed(break_two), "r:1")
    assert [line.split(":")[2].strip() for line in str(caught.value).splitlines()] == [
        "field 'attempt'",
        "field 'workload.inputs.0.dtype'",
    ]


def test_line_of_newer_minor_version_is_read_with_unknown_fields_named() -> None:
    def add(data: dict[str, Any]) -> None:
        data["schema_version"] = "1.7"
        data["energy_j"] = 3.0
        data["meta"]["machine"]["numa"] = 2
        data["workload"]["inputs"][0]["layout"] = "nchw"

    line = read_line(changed(add))
    assert line.ignored == ("meta.machine.numa", "workload.inputs.0.layout", "energy_j")
    assert line.record == RECORDS[0].model_copy(update={"schema_version": "1.7"})
    assert "energy_j" not in line.data


def test_line_of_newer_minor_version_must_keep_known_rules() -> None:
    with pytest.raises(RecordError, match="'attempt'"):
        validate_line(changed(lambda data: data.update(schema_version="1.7", attempt="one", more=1)))


def test_line_of_older_version_is_read_through_migrations_in_order() -> None:
    def no_wall_time(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"wall_s": data.pop("wall_ms") / 1e3}

    def no_cell(data: dict[str, Any]) -> dict[str, Any]:
        return data | {"cell_id": data.pop("cell")}

    def make_old(data: dict[str, Any]) -> None:
        data["schema_version"] = "0.8"
        data["wall_ms"] = data.pop("wall_s") * 1e3
        data["cell"] = data.pop("cell_id")

    migrations = {"0.8": Migration("0.9", no_wall_time), "0.9": Migration(SCHEMA_VERSION, no_cell)}
    record = validate_line(changed(make_old), "r:1", migrations)
    assert record == RECORDS[0].model_copy(update={"schema_version": "0.8"})
    with pytest.raises(RecordError, match=r"r:1: is no valid line of version 0\.8: KeyError"):
        validate_line(changed(lambda data: data.update(schema_version="0.8")), "r:1", migrations)


def test_path_with_zero_character_is_refused_by_both_readers() -> None:
    text = changed(lambda data: data["workload"].update(source="\0.py:make"))
    with pytest.raises(RecordError, match=r"'workload\.source': Value error, has a zero character"):
        validate_line(text)
    assert QuickReader().read(text.replace(": ", ":").encode()) is None
