"""What a hot trial's worker is asked for, as the protocol of a study says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.trials.messages.message import Message

if TYPE_CHECKING:
    from ablatrix.study.model import HotProtocol


@dataclass(frozen=True, kw_only=True)
class WarmUpRequest(Message):
    """Run the series that warm-up is found in.

    Attributes:
        ms: Least time of the series.
    """

    do: Literal["warm_up"] = "warm_up"
    ms: float


@dataclass(frozen=True, kw_only=True)
class BurstRequest(Message):
    """Run one burst.

    Attributes:
        rewarm: Most iterations that re-warm it.
        ms: Least counted time.
        iterations: Most counted iterations.
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
    """Return the request for the series that warm-up is found in."""
    return WarmUpRequest(ms=protocol.warm_up_ms)


def burst_request(protocol: HotProtocol) -> BurstRequest:
    """Return the request for one burst."""
    return BurstRequest(rewarm=protocol.rewarm_iterations, ms=protocol.burst_ms, iterations=protocol.burst_iterations)
