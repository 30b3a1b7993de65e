"""The outcome of one trial as the runner sees it; its record is made from this."""

from __future__ import annotations

from dataclasses import dataclass

from ablatrix.records.build import BuildFacts
from ablatrix.records.layout import Layout
from ablatrix.records.noise import Noise
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.messages import Process, TrialResult


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one trial: the worker's result, completed by what only the runner sees.

    Attributes:
        time_utc: When it began.
        process: How its process was started.
        spawned_because: What made a fork unsafe, None for a forked process.
        layout: How the layout of its process was drawn, None where there was no process.
        wall_s: Machine time of the trial.
        noise: Counters of the machine over the trial, None where there was no process.
        warm_up_ms: The first iterations of a hot trial.
        bursts_ms: The iterations that count, burst by burst.
        rewarming_ms: The iterations before them.
        build: The build of its compiler, None where the study has none.
    """

    trial: Trial
    cell: Cell
    time_utc: str
    result: TrialResult
    process: Process = "forked"
    spawned_because: str | None = None
    layout: Layout | None = None
    wall_s: float = 0.0
    noise: Noise | None = None
    warm_up_ms: tuple[float, ...] = ()
    bursts_ms: tuple[tuple[float, ...], ...] = ()
    rewarming_ms: tuple[tuple[float, ...], ...] = ()
    build: BuildFacts | None = None
