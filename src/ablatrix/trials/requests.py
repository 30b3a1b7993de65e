"""What a hot trial's worker is asked for, as the protocol of a study says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablatrix.study.model import HotProtocol
    from ablatrix.trials.channel import Message

FINISH: Message = {"do": "finish"}


def warm_up_request(protocol: HotProtocol) -> Message:
    """Return the request for the series that warm-up is found in."""
    return {"do": "warm_up", "ms": protocol.warm_up_ms}


def burst_request(protocol: HotProtocol) -> Message:
    """Return the request for one burst."""
    return {
        "do": "burst",
        "rewarm": protocol.rewarm_iterations,
        "ms": protocol.burst_ms,
        "iterations": protocol.burst_iterations,
    }
