"""Every message survives its way to JSON and back exactly, and a damaged one is a typed error."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry
from ablatrix.errors import TrialError
from ablatrix.study.model import Checks
from ablatrix.trials.messages.answers import ANSWER, BurstSamples, PassReport, Ready, StageBegun, WarmUpSamples
from ablatrix.trials.messages.channel import Channel, ChannelClosed, ChannelGarbled, open_pair
from ablatrix.trials.messages.message import Message, decode, encode
from ablatrix.trials.messages.orders import (
    ORDER,
    REPLY,
    SPAWN_ORDER,
    EndOrder,
    Failed,
    Loading,
    LoadOrder,
    PauseOrder,
    ResumeOrder,
    Serving,
    SpawnedServer,
    SpawnedWorker,
    Started,
    StartOrder,
    WorkerState,
)
from ablatrix.trials.messages.requests import REQUEST, BurstRequest, FinishRequest, WarmUpRequest
from ablatrix.trials.messages.result import TrialResult
from ablatrix.trials.messages.task import PassTask, PlainTask, PrepareTask, ProfileTask, TrialTask
from tests.trials.conftest import make_task

KINDS: dict[type[Message], TypeAdapter[Any]] = {
    **dict.fromkeys((StageBegun, Ready, WarmUpSamples, BurstSamples, PassReport, TrialResult), ANSWER),
    **dict.fromkeys((WarmUpRequest, BurstRequest, FinishRequest), REQUEST),
    **dict.fromkeys((LoadOrder, StartOrder, PauseOrder, ResumeOrder, EndOrder), ORDER),
    **dict.fromkeys((Serving, Loading, Started, WorkerState, Failed), REPLY),
    **dict.fromkeys((SpawnedServer, SpawnedWorker), SPAWN_ORDER),
    **{kind: TypeAdapter(kind) for kind in (TrialTask, PrepareTask, PlainTask, ProfileTask, PassTask)},
}
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 2**63),
    float: st.floats(min_value=0, max_value=1e12, allow_nan=False, allow_infinity=False),
    str: st.text(max_size=8),
    bool: st.booleans(),
    type(None): st.none(),
    Path: st.text("ab./ é", max_size=8).map(Path),
    Checks: st.builds(Checks, input_sets=st.integers(1, 100), rms_factor=st.floats(0.5, 9), rms_floor=st.floats(0, 1)),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return what makes values of an annotation: what stands in messages, not more."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if origin is Annotated:
        return values_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of([values_of(one) for one in arguments])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return st.tuples(*map(values_of, arguments))
    if origin in {list, tuple}:
        return st.lists(values_of(arguments[0]), max_size=2).map(origin)
    if origin in {dict, Mapping}:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=2)
    hints = get_type_hints(kind, include_extras=True)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind.model_fields)
    return st.fixed_dictionaries({name: values_of(hints[name]) for name in names}).map(lambda made: kind(**made))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_message_through_json_is_unchanged(kind: type[Message], data: st.DataObject) -> None:
    message = data.draw(values_of(kind))
    there = decode(encode(message), KINDS[kind])
    assert repr(there) == repr(message)  # as precise as numbers are, and true for nan


@given(samples=st.lists(st.floats(), max_size=20).map(tuple))
def test_samples_through_json_are_bit_identical(samples: tuple[float, ...]) -> None:
    there = decode(encode(BurstSamples(rewarming_ms=samples, ms=samples)), ANSWER)
    assert isinstance(there, BurstSamples)
    assert [value.hex() for value in there.ms] == [value.hex() for value in samples]


@pytest.mark.parametrize("entry", SHIPPED.values(), ids=lambda entry: entry.name)
def test_task_with_any_catalogue_entry_survives_json(entry: CompilerEntry, tmp_path: Path) -> None:
    order = StartOrder(task=make_task(tmp_path, entry=entry, knobs=entry.defaults()))
    assert decode(encode(order), ORDER) == order


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda order: order.pop("task"), "start.task"),
        (lambda order: order["task"].pop("seed"), "start.task.trial.seed"),
        (lambda order: order["task"].update(threads="1"), "start.task.trial.threads"),
        (lambda order: order["task"].update(mode="warm"), "start.task.trial.mode"),
        (lambda order: order["task"].update(knobs=["fusion"]), "start.task.trial.knobs"),
        (lambda order: order["task"].update(colour="red"), "start.task.trial.colour"),
        (lambda order: order["task"]["entry"].pop("adapter"), "start.task.trial.entry.adapter"),
        (lambda order: order["task"]["entry"].update(colour="red"), "start.task.trial.entry.colour"),
        (lambda order: order["task"]["checks"].update(input_sets=0), "start.task.trial.checks.input_sets"),
    ],
)
def test_message_that_is_damaged_is_refused_with_field(
    damage: Callable[[dict[str, Any]], None], field: str, tmp_path: Path
) -> None:
    order = json.loads(encode(StartOrder(task=make_task(tmp_path))))
    damage(order)
    with pytest.raises(TrialError, match=f"what was received is not a message: field '{field}': "):
        decode(json.dumps(order).encode(), ORDER)


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b"{}", b'{"do": "dance"}', b"\xff"])
def test_message_of_invalid_form_is_refused(data: bytes) -> None:
    with pytest.raises(TrialError, match="what was received is not a message: "):
        decode(data, REQUEST)


@given(data=st.binary(max_size=200))
def test_message_from_any_bytes_is_valid_or_typed_error(data: bytes) -> None:
    try:
        decode(data, ANSWER)
    except TrialError as error:
        assert str(error).startswith("what was received is not a message: ")


def test_channel_with_unexpected_message_refuses_it() -> None:
    ours, theirs = open_pair()
    other = Channel(theirs)
    ours.send(Ready())
    with pytest.raises(ChannelGarbled, match=r"what was received is not a message: .*'do'"):
        other.receive(REQUEST, 5)
    ours.close()
    with pytest.raises(ChannelClosed, match="the other end is gone"):
        other.receive(REQUEST, 5)
    other.close()
