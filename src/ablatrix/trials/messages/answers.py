"""Messages from a worker to the runner: each stage as it begins, an answer to each request, then the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.result import TrialResult


@dataclass(frozen=True, kw_only=True)
class StageBegun(Message):
    """A stage begins. Should the worker end without a result, the last one says where."""

    event: Literal["stage"] = "stage"
    stage: str


@dataclass(frozen=True, kw_only=True)
class Ready(Message):
    """A hot trial is built and checked, and waits for requests."""

    event: Literal["ready"] = "ready"


@dataclass(frozen=True, kw_only=True)
class WarmUpSamples(Message):
    """The first iterations, in milliseconds, in order."""

    event: Literal["warm_up"] = "warm_up"
    ms: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class BurstSamples(Message):
    """The iterations of one burst, in milliseconds, in order: those that re-warmed it and those that count."""

    event: Literal["burst"] = "burst"
    rewarming_ms: tuple[float, ...]
    ms: tuple[float, ...]


Answer = Ready | WarmUpSamples | BurstSamples | TrialResult
ANSWER: TypeAdapter[StageBegun | Answer] = TypeAdapter(Annotated[StageBegun | Answer, Field(discriminator="event")])
