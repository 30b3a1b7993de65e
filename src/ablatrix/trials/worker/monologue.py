"""A trial that runs alone, in this process: it plays its own runner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, PhaseClock
from ablatrix.trials.messages import (
    Answer,
    BurstSamples,
    FinishRequest,
    Request,
    StageBegun,
    WarmUpSamples,
    burst_request,
    warm_up_request,
)
from ablatrix.trials.worker.execution import run_trial

if TYPE_CHECKING:
    from ablatrix.study.model import HotProtocol
    from ablatrix.trials.messages import TrialResult, TrialTask
    from ablatrix.workloads.program import Program


class Monologue:
    """Plays the runner for a trial that runs alone: warm up, one burst, finish."""

    def __init__(self, protocol: HotProtocol) -> None:
        self._requests: list[Request] = [warm_up_request(protocol), burst_request(protocol), FinishRequest()]

    def send(self, message: StageBegun | Answer) -> None:
        """Print a message of the trial."""
        samples = list(message.ms) if isinstance(message, WarmUpSamples | BurstSamples) else ""
        sys.stderr.write(f"{message.event}: {samples}\n")

    def receive(self) -> Request:
        """Return the next request."""
        return self._requests.pop(0)


def run_here(
    task: TrialTask,
    compiler: Compiler,
    program: Program,
    protocol: HotProtocol,
    on_error: Callable[[BaseException], None] | None,
    dump: Path | None = None,
) -> TrialResult:
    """Run a trial in this process and return its result; a hot one does its warm-up and one burst by itself.

    Only here may a compiler be asked for a dump: a measured trial never has one.

    Args:
        task: What to do; its limits are not set.
        compiler: Its adapter, with all imports done.
        program: As prepared.
        protocol: How long warm-up and burst are.
        on_error: Called with the error that ended the trial, before that becomes part of the result.
        dump: Directory for the compiler's stages of each task, for a person to read.
    """

    def look(error: BaseException) -> None:
        if not isinstance(error, Exception):  # a key press ends this process, not only the trial
            raise error
        if on_error is not None:
            on_error(error)

    return run_trial(Monologue(protocol), task, compiler, program, PhaseClock(), look, dump)
