"""Messages from a worker to the runner: each stage as it begins, an answer to each request, then the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.compilers.passes import ObservedPasses
from ablatrix.compilers.profiling.kernels import KernelProfile
from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.result import TrialResult


@dataclass(frozen=True, kw_only=True)
class StageBegun(Message):
    """A stage begins. Should the worker end without a result, the last one says where."""

    event: Literal["stage"] = "stage"
    stage: str


@dataclass(frozen=True, kw_only=True)
class Ready(Message):
    """A hot trial is built and checked, or has done what was asked under the profiler, and waits for requests."""

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


@dataclass(frozen=True, kw_only=True)
class NodeWork(Message):
    """What a node of the graph computes, at the sizes that are timed.

    Attributes:
        operation: Its name.
        region: Block of the model.
        reads, writes: The values.
        value_bytes: Bytes of each of them, by the value's number.
        flops: Floating-point operations of a product, a convolution or attention; 0 of anything else.
        is_view: Whether it computes nothing.
    """

    operation: str
    region: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    value_bytes: dict[int, int]
    flops: int
    is_view: bool


@dataclass(frozen=True, kw_only=True)
class ProfileReport(Message):
    """A profile, at the end of its rounds.

    Attributes:
        profile: What the compiler's profiler says.
        nodes: What the nodes of the graph compute.
    """

    event: Literal["profile"] = "profile"
    profile: KernelProfile
    nodes: tuple[NodeWork, ...]


@dataclass(frozen=True, kw_only=True)
class PassReport(Message):
    """Which passes ran.

    Attributes:
        observed: All their runs.
    """

    event: Literal["passes"] = "passes"
    observed: ObservedPasses


Answer = Ready | WarmUpSamples | BurstSamples | ProfileReport | PassReport | TrialResult
ANSWER: TypeAdapter[StageBegun | Answer] = TypeAdapter(Annotated[StageBegun | Answer, Field(discriminator="event")])
