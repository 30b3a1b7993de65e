"""The quick way to read a line: the same records as the slow one, and nothing accepted that the slow one refuses."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.errors import RecordError
from ablatrix.records.fast_reader import ANCHORS, QuickReader
from ablatrix.records.journal import record_line
from ablatrix.records.model import Meta, Record
from ablatrix.records.part import ChosenStage, StagePlan
from ablatrix.records.schema import read_line
from tests.synthetic import Plant, make_records

RECORDS = make_records(
    workloads=["attention"], blocks=1, plants=[Plant("crashed", "attention", "hot", {"fusion": "on"})]
)
LINES = [record_line(record) for record in RECORDS]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["[]", "{}", "1e999", "NaN", '":', '" ', "-Infinity"]), st.just({}), st.just([1.5]),
)  # fmt: skip


def read_quickly(line: bytes) -> dict[str, Any] | None:
    """Return the plain values of a line, put together again."""
    reader = QuickReader()
    found = reader.read(line)
    again = reader.read(line)
    if found is None or again is None:
        assert found is again is None
        return None
    assert again.own == found.own
    if "workload" not in found.own:
        assert again.shared is found.shared
    return found.own | found.shared | {"meta": found.shared["meta"] | found.own["meta"]}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*path, key), *places(item, (*path, key))]]


def test_quick_reader_on_every_kind_of_line_agrees_with_slow_one() -> None:
    for line in LINES:
        assert read_quickly(line.encode()) == read_line(line).record.model_dump(mode="json")


@pytest.mark.parametrize("chosen", [None, ChosenStage(design="full_factorial")])
def test_quick_reader_reads_a_stage_without_what_few_stages_have(chosen: ChosenStage | None) -> None:
    plan = StagePlan(number=0, kind="factorial", knobs=["fusion"], levels=[["off"]], centre={}, chosen=chosen)
    config = RECORDS[0].config.model_copy(update={"stage_plan": plan})
    line = record_line(RECORDS[0].model_copy(update={"config": config}))
    assert ('"chosen"' in line) == (chosen is not None)
    assert read_quickly(line.encode()) == read_line(line).record.model_dump(mode="json")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_quick_reader_accepts_changed_value_only_where_slow_one_does(data: st.DataObject) -> None:
    record = json.loads(data.draw(st.sampled_from(LINES)))
    *way, last = data.draw(st.sampled_from(places(record)))
    holder = record
    for step in way:
        holder = holder[step]
    holder[last] = data.draw(VALUES)
    line = json.dumps(record, separators=data.draw(st.sampled_from([(",", ":"), (", ", ": ")])))
    found = read_quickly(line.encode())
    if found is not None:
        assert read_line(line).record.model_dump(mode="json") == found


@pytest.mark.parametrize("again", ['"final":true', '"final" :true', '"final"\t:true', '"study":":"', '"study":"\\":"'])
@pytest.mark.parametrize("part", ['{"schema_version"', '"noise":{', '"knobs":{', '"parameters":{', '"inputs":[{'])
def test_quick_reader_never_accepts_repeated_key(part: str, again: str) -> None:
    line = LINES[0].replace(part, part.replace("{", "{" + again + "," + again + ",", 1), 1)
    assert line != LINES[0]
    assert read_quickly(line.encode()) is None
    for key in ("host", "fusion", "width", "name"):
        doubled = LINES[0].replace(f'"{key}":', f'"{key}":null,"{key}":', 1)
        assert read_quickly(doubled.encode()) is None
        with pytest.raises(RecordError, match="stands twice"):
            read_line(doubled)
    spaced = LINES[0].replace('"host":', '"host" :"x","host":', 1).replace('"study":"synthetic"', '"study":":x"')
    assert read_quickly(spaced.encode()) is None


@pytest.mark.parametrize("written", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity"])
def test_quick_reader_never_accepts_infinite_number(written: str) -> None:
    for line in (LINES[0], LINES[-1]):
        record = json.loads(line)
        for *way, last in places(record):
            holder = record
            for step in way:
                holder = holder[step]
            if isinstance(holder[last], float):
                kept, holder[last] = holder[last], "here"
                text = json.dumps(record, separators=(",", ":")).replace('"here"', written)
                assert read_quickly(text.encode()) is None
                holder[last] = kept


def test_quick_reader_does_not_reuse_segment_at_other_location() -> None:
    reader = QuickReader()
    assert reader.read(LINES[0].encode()) is not None
    line = LINES[0].rstrip("\n")
    machine = line[line.index(',"versions":') : line.index(',"noise":')]
    moved = line.replace(machine, "")
    for at in ('"OMP_NUM_THREADS":"2"', '"steal_ms":0.0', '"study":"synthetic"'):
        assert reader.read(moved.replace(at, at + machine, 1).encode()) is None
    hidden = moved.replace('"noise":', '"n\\u006fise":').replace(
        '"OMP_NUM_THREADS":"2"', '"A":"2"' + machine + ',"noise":"2"'
    )
    assert reader.read(hidden.encode()) is None
    with pytest.raises(RecordError):
        read_line(hidden)


def test_quick_reader_field_order_matches_model() -> None:
    fields, meta = list(Record.model_fields), list(Meta.model_fields)
    assert fields[fields.index("workload") :][:3] == ["workload", "config", "plan"]
    assert meta[meta.index("versions") :][:4] == ["versions", "machine", "place", "noise"]
    threads = ["threads", "environment", "process", "spawned_because", "cpus", "settings_in_force"]
    assert meta[meta.index("threads") :][:7] == [*threads, "seed"]
    for line in LINES:  # read in stretches: what lines share is no line's own
        found = QuickReader().read(line.encode())
        assert found is not None
        assert fields == [name for name in fields if name in found.own or name in ("workload", "config")]
        assert found.own["meta"].keys() == set(meta) - {"versions", "machine", "place", *threads}


def test_quick_reader_segment_end_keys_each_name_one_field() -> None:
    """The reader takes such a key for that field: no other part may have one of that name."""
    schema = Record.model_json_schema()
    fields = [name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", {})]
    assert [fields.count(name) for name in sorted(ANCHORS)] == [1, 1, 1]


@pytest.mark.parametrize("key", sorted(ANCHORS))
def test_quick_reader_leaves_map_with_segment_end_key_to_slow_one(key: str) -> None:
    line = next(line for line in LINES if '"reasons":{}' in line)
    named = line.replace('"reasons":{}', f'"reasons":{{"{key}":"none"}}')
    assert read_line(named).record.status
    found = QuickReader().read(named.encode())
    assert found is not None and "workload" in found.own  # read as a whole
