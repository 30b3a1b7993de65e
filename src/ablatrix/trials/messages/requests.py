"""Requests to the worker of a hot trial, made from the protocol of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.trials.messages.message import Message

if TYPE_CHECKING:
    from ablatrix.study.model import HotProtocol


@dataclass(frozen=True, kw_only=True)
class WarmUpRequest(Message):
    """Run the series in which the warm-up is identified.

    Attributes:
        ms: Time of the series in milliseconds, at least.
    """

    do: Literal["warm_up"] = "warm_up"
    ms: float


@dataclass(frozen=True, kw_only=True)
class BurstRequest(Message):
    """Run one burst.

    Attributes:
        rewarm: Iterations that re-warm it, at most.
        ms: Counted time in milliseconds, at least.
        iterations: Counted iterations, at most.
    """

    do: Literal["burst"] = "burst"
    rewarm: int
    ms: float
    iterations: int


@dataclass(frozen=True, kw_only=True)
class FinishRequest(Message):
    """Check once more, and report the result."""

    do: Literal["finish"] = "finish"


Request = WarmUpRequest | BurstRequest | FinishRequest
REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])
TIMED_REQUESTS = (WarmUpRequest, BurstRequest)


def warm_up_request(protocol: HotProtocol) -> WarmUpRequest:
    """Return the request for the series in which the warm-up is identified."""
    return WarmUpRequest(ms=protocol.warm_up_ms)


def burst_request(protocol: HotProtocol) -> BurstRequest:
    """Return the request for one burst."""
    return BurstRequest(rewarm=protocol.rewarm_iterations, ms=protocol.burst_ms, iterations=protocol.burst_iterations)
