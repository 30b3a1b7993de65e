"""The turns of a hot trial: it warms up and runs bursts on request, and pauses in between."""

from __future__ import annotations

from typing import Literal, Protocol

from ablatrix.compilers.adapter import BoundRun, WatchesDevice
from ablatrix.trials.messages import (
    Answer,
    BurstSamples,
    FinishRequest,
    Ready,
    Request,
    StageBegun,
    WarmUpRequest,
    WarmUpSamples,
)
from ablatrix.trials.worker.timing import rewarm_count, time_burst, timer_of, warm_up

MAX_WARM_UP_ITERATIONS = 100  # finding change points costs time that grows with their square


class Talk(Protocol):
    """What a trial needs from its runner."""

    def send(self, message: StageBegun | Answer) -> None:
        """Send a message to the runner."""

    def receive(self) -> Request:
        """Return the runner's next request."""


def take_turns(talk: Talk, bound: BoundRun) -> Literal["runner", "program", "device"]:
    """Warm up and run bursts as the runner asks, until it asks to finish; return what read the clock."""
    timed, by = timer_of(bound)
    device = bound if isinstance(bound, WatchesDevice) else None
    talk.send(Ready())
    iteration_ms = 0.0
    while True:
        request = talk.receive()
        answer: Answer
        if isinstance(request, FinishRequest):
            return by
        if isinstance(request, WarmUpRequest):
            series = warm_up(timed, request.ms, MAX_WARM_UP_ITERATIONS)
            iteration_ms = min(series)
            answer = WarmUpSamples(ms=tuple(series))
        else:
            rewarm = rewarm_count(request.rewarm, request.ms, iteration_ms)
            rewarming, counted = time_burst(timed, rewarm, request.ms, request.iterations)
            answer = BurstSamples(rewarming_ms=tuple(rewarming), ms=tuple(counted))
        if device is not None:
            device.look()
        talk.send(answer)
