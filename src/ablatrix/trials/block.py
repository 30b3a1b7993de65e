"""One block: trials measured side by side. Its input is a value and its output are records.

A cold block runs its trials one after the other, each alone. In a hot block every trial's process is built, checked
and paused; then they take turns in short bursts, one awake at a time, in a new random order each round.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from ablatrix.canonical import content_id
from ablatrix.records.model import GpuNoise
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import Study
from ablatrix.trials.channel import ChannelClosed, ChannelTimeout, Message
from ablatrix.trials.environment import NoiseProbe, utc_now
from ablatrix.trials.interrupt import Interrupted
from ablatrix.trials.limits import describe_ending
from ablatrix.trials.requests import FINISH, burst_request, warm_up_request
from ablatrix.trials.server import Worker, WorkloadServer

Notice = Callable[[Trial | None, str], None]


@dataclass(frozen=True)
class BlockInput:
    """What a block needs, as plain values: it can be run wherever a workload server is.

    Attributes:
        trials: The block's trials in planned order, each with its cell.
        threads: Threads of a run.
        cpus: Numbers of the CPUs that every worker runs on.
        hot_cache: Directory of the study's shared compile cache.
        tag_caches: Directory that holds a cache for each ``cache_tag``.
        scratch: Directory for private caches, work directories and logs; emptied when a trial ends.
    """

    study: Study
    trials: tuple[tuple[Trial, Cell], ...]
    threads: int
    cpus: tuple[int, ...]
    hot_cache: Path
    tag_caches: Path
    scratch: Path


@dataclass
class Outcome:
    """What became of one trial: the worker's result, completed by what only the runner sees."""

    trial: Trial
    cell: Cell
    time_utc: str
    result: dict[str, Any]
    wall_s: float = 0.0
    noise: dict[str, Any] = field(default_factory=dict)
    warm_up_ms: list[float] = field(default_factory=list)
    bursts_ms: list[list[float]] = field(default_factory=list)
    rewarming_ms: list[list[float]] = field(default_factory=list)


def run_cold(block: BlockInput, trial: Trial, cell: Cell, server: WorkloadServer) -> Outcome:
    """Run one cold trial alone. When it is interrupted its outcome says so."""
    turn = Turn(block, trial, cell, server)
    try:
        turn.build(block.study.protocol.cold.timeout_s)
    except Interrupted:
        turn.abandon(Status.INTERRUPTED)
    finally:
        turn.abandon(Status.CRASHED)
    return turn.outcome


def run_hot(block: BlockInput, server: WorkloadServer, notice: Notice) -> list[Outcome]:
    """Build, check and pause every trial, let them take turns, and return all outcomes in planned order.

    An interrupt leaves every unfinished trial ``interrupted``; the caller sees it in the outcomes.
    """
    protocol = block.study.protocol.hot
    turns: list[Turn] = []
    try:
        for trial, cell in block.trials:
            notice(trial, "hot: building")
            turn = Turn(block, trial, cell, server)
            turns.append(turn)
            turn.build(protocol.timeout_s)
        awake = [turn for turn in turns if turn.alive]
        order = random.Random(content_id({"seed": block.study.seed, "block": block.trials[0][0].block_id}))
        for turn in order.sample(awake, len(awake)):
            notice(turn.trial, "hot: warming up")
            turn.take(warm_up_request(protocol))
        for number in range(protocol.rounds):
            awake = [turn for turn in turns if turn.alive]
            notice(None, f"hot: round {number + 1} of {protocol.rounds}")
            for turn in order.sample(awake, len(awake)):
                turn.take(burst_request(protocol))
        for turn in turns:
            turn.finish()
    except Interrupted:
        for turn in turns:
            turn.abandon(Status.INTERRUPTED)
    finally:
        for turn in turns:
            turn.abandon(Status.CRASHED)
    return [turn.outcome for turn in turns]


class Turn:
    """One trial's process within its block."""

    def __init__(self, block: BlockInput, trial: Trial, cell: Cell, server: WorkloadServer) -> None:
        self.trial = trial
        self.outcome = Outcome(trial, cell, utc_now(), {})
        self._place = block.scratch / f"{trial.trial_id}"
        shutil.rmtree(self._place, ignore_errors=True)
        (self._place / "work").mkdir(parents=True)
        self._before = NoiseProbe.read()
        self._awake_left = 0.0
        self._paused = False
        self._worker: Worker | None = server.start(_task(block, trial, cell, self._place), self._place / "log")

    @property
    def alive(self) -> bool:
        """Whether the process can take turns."""
        return self._worker is not None

    def build(self, timeout_s: float) -> None:
        """Let the worker build and check. A cold one is done then; a hot one is paused."""
        self._awake_left = timeout_s
        message = self._await(timeout_s)
        if message is None:
            return
        if message["event"] == "ready":
            self._pause()
        else:
            self._close(message)

    def take(self, request: Message) -> None:
        """Wake the worker for one request and pause it again."""
        worker = self._worker
        if worker is None:
            return
        started = monotonic()
        self._paused = False
        worker.resume()
        worker.send(request)
        message = self._await(self._awake_left)
        self._awake_left -= monotonic() - started
        if message is None:
            return
        if message["event"] == "warm_up":
            self.outcome.warm_up_ms = message["ms"]
        elif message["event"] == "burst":
            self.outcome.rewarming_ms.append(message["rewarming_ms"])
            self.outcome.bursts_ms.append(message["ms"])
        else:  # it failed while running
            self._close(message)
            return
        self._pause()

    def finish(self) -> None:
        """Ask for the result of a hot trial."""
        worker = self._worker
        if worker is None:
            return
        self._paused = False
        worker.resume()
        worker.send(FINISH)
        message = self._await(self._awake_left)
        if message is not None:
            self._close(message)

    def abandon(self, reason: str) -> None:
        """End a process that is still there, for a reason that is the trial's status."""
        if self._worker is not None:
            self._lost(reason)

    def _await(self, timeout_s: float) -> Message | None:
        """Return the worker's next message, or record how it was lost and return None."""
        assert self._worker is not None
        started = monotonic()
        try:
            return self._worker.receive(max(0.0, timeout_s))
        except ChannelTimeout:
            self._lost(Status.TIMEOUT)
        except ChannelClosed:
            self._lost(None)
        finally:
            self.outcome.wall_s += monotonic() - started
        return None

    def _pause(self) -> None:
        assert self._worker is not None
        self._paused = self._worker.pause()
        if not self._paused:
            self._lost(None)

    def _lost(self, killed_for: str | None) -> None:
        """Record a worker that ends without a result."""
        assert self._worker is not None
        worker, self._worker = self._worker, None
        ending = worker.end(kill=killed_for is not None or self._paused)
        status, error = describe_ending(ending, worker.stage, killed_for)
        if killed_for == Status.CRASHED:
            error["message"] = "ended by the runner after an error of its own"
        self.outcome.result = {"status": status, "error": {**error, "output_tail": worker.output_tail()}}
        self._tidy(worker)

    def _close(self, message: Message) -> None:
        """Take a worker's result and wait for its end."""
        assert self._worker is not None
        worker, self._worker = self._worker, None
        worker.end(kill=True)
        self.outcome.result = message
        if message["error"] is not None:
            message["error"]["output_tail"] = worker.output_tail()
        self._tidy(worker)

    def _tidy(self, worker: Worker) -> None:
        self.outcome.result |= {"process": worker.process, "spawned_because": worker.hazard}
        told = self.outcome.result.get("gpu")
        gpu = None if told is None else GpuNoise.model_validate(told["noise"])
        self.outcome.noise = self._before.until(NoiseProbe.read(), gpu).model_dump()
        shutil.rmtree(self._place, ignore_errors=True)


def _task(block: BlockInput, trial: Trial, cell: Cell, place: Path) -> Message:
    """Return the worker's task: plain values only."""
    study = block.study
    cold = trial.mode == "cold"
    tag = cell.knobs.get("cache_tag", "private")
    private = place / "cache" if tag == "private" else block.tag_caches / f"{tag}-{cell.cell_id}"
    return {
        "mode": trial.mode,
        "role": trial.role,
        "compiler": cell.compiler,
        "device": study.device,
        "knobs": dict(cell.knobs),
        "threads": block.threads,
        "seed": study.seed,
        "checks": study.checks.model_dump(),
        "cache_dir": str(private if cold else block.hot_cache),
        "publish_dir": str(block.hot_cache) if cold and tag == "private" and cell.knobs else None,
        "work_dir": str(place / "work"),
        "memory_limit_mb": study.protocol.memory_limit_mb,
        "cpus": list(block.cpus),
    }
