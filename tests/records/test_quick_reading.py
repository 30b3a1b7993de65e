"""The quick way to read a line: the same records as the slow one, and nothing accepted that the slow one refuses."""

import json
import math
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from ablatrix.errors import RecordError
from ablatrix.records.journal import record_line
from ablatrix.records.model import Record
from ablatrix.records.schema import read_line, read_quickly
from tests.synthetic import Plant, make_records

RECORDS = make_records(
    workloads=["attention"], blocks=1, plants=[Plant("crashed", "attention", "hot", {"fusion": "on"})]
)
LINES = [record_line(record) for record in RECORDS]
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(["[]", "{}", "1e999", "NaN", '":', '" ', "-Infinity"]), st.just({}), st.just([1.5]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in [(*path, key), *places(item, (*path, key))]]


def test_every_kind_of_line_is_read_quickly_and_alike() -> None:
    for line in LINES:
        assert read_quickly(line.encode()) == read_line(line).record


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_value_is_accepted_only_where_the_slow_way_accepts_it(data: st.DataObject) -> None:
    record = json.loads(data.draw(st.sampled_from(LINES)))
    *way, last = data.draw(st.sampled_from(places(record)))
    holder = record
    for step in way:
        holder = holder[step]
    holder[last] = data.draw(VALUES)
    line = json.dumps(record, separators=data.draw(st.sampled_from([(",", ":"), (", ", ": ")])))
    found = read_quickly(line.encode())
    if found is not None:
        assert read_line(line).record == found


@pytest.mark.parametrize("again", ['"final":true', '"final" :true', '"final"\t:true', '"study":":"', '"study":"\\":"'])
@pytest.mark.parametrize("part", ['{"schema_version"', '"noise":{', '"knobs":{', '"parameters":{', '"inputs":[{'])
def test_a_key_that_stands_twice_is_never_accepted(part: str, again: str) -> None:
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


def test_no_number_of_a_record_may_be_infinite() -> None:
    def numbers(annotation: Any, metadata: list[Any]) -> list[Any]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [n for f in annotation.model_fields.values() for n in numbers(f.annotation, f.metadata)]
        if annotation is float:
            return [(annotation, metadata)]
        if hasattr(annotation, "__metadata__"):
            return numbers(annotation.__origin__, [*metadata, *annotation.__metadata__])
        whole = metadata if get_origin(annotation) in (UnionType, None) else []
        return [n for argument in get_args(annotation) for n in numbers(argument, whole)]

    found = numbers(Record, [])
    assert len(found) > 40
    for kind, metadata in found:
        adapter: TypeAdapter[float] = TypeAdapter(Annotated[kind, *metadata, "any"])
        with pytest.raises(ValidationError):
            adapter.validate_python(math.inf)
