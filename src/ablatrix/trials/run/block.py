"""One block: trials measured side by side. Its input is a value and its output are records.

A cold block runs its trials one after the other, each alone. In a hot block every trial's process is built, checked
and paused; then they take turns in short bursts, one awake at a time, in a new random order each round.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from ablatrix.canonical import content_id
from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.records.layout import Layout
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import Study
from ablatrix.trials.client import Worker, WorkloadServer
from ablatrix.trials.host import NoiseProbe, describe_ending, utc_now
from ablatrix.trials.messages import (
    Answer,
    AnyTask,
    BurstSamples,
    ChannelClosed,
    ChannelGarbled,
    ChannelTimeout,
    FinishRequest,
    Interrupted,
    Ready,
    Request,
    TrialResult,
    TrialTask,
    WarmUpSamples,
    burst_request,
    warm_up_request,
)
from ablatrix.trials.results import Outcome
from ablatrix.trials.run.task_making import trial_task

_log = logging.getLogger(__name__)

Notice = Callable[[Trial | None, str], None]
ServerOf = Callable[[Cell], WorkloadServer]
PRIVATE = "private"
"""Level of the knob ``cache_tag`` of which each cold trial has an empty cache of its own."""


@dataclass(frozen=True, kw_only=True)
class BlockInput:
    """What a block needs, as plain values: it can be run wherever a workload server is.

    Attributes:
        catalogue: Has the compilers of the cells.
        trials: The block's trials in planned order, each with its cell.
        threads: Threads of a run.
        cpus: Numbers of the CPUs that every worker runs on.
        hot_cache: Directory that holds a cache for each cell: its hot trials find what its own trials built, and
            nothing else.
        tag_caches: Directory that holds a cache for each ``cache_tag``.
        scratch: Directory for private caches, work directories and logs; emptied when a trial ends.
        missing_types: Why a compiler cannot take the workload of a cell, whose type it does not have, or why its build
            does not have the cell's configuration, by the cell's id.
        entries: The compiler of a cell as it is in the cell's build, by the cell's id; the catalogue's where there is
            none.
        watched: Processes of the host whose CPU time is read with the noise of each trial: those of a cluster.
    """

    study: Study
    catalogue: Catalogue
    trials: tuple[tuple[Trial, Cell], ...]
    threads: int
    cpus: tuple[int, ...]
    hot_cache: Path
    tag_caches: Path
    scratch: Path
    missing_types: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, CompilerEntry] = field(default_factory=dict)
    watched: tuple[int, ...] = ()


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


def run_probes(block: BlockInput, server: ServerOf, at_once: int, notice: Callable[[Trial], None]) -> Iterator[Outcome]:
    """Build and check each trial, several beside each other, and yield their outcomes in planned order.

    Their times say nothing; what they build does. An interrupt leaves every unfinished trial ``interrupted``.

    Args:
        block: What to run.
        server: Returns what forks the worker of a cell.
        at_once: How many of them are alive at once.
        notice: Called with each trial as it begins.
    """
    waiting: deque[Turn] = deque()
    left = deque(block.trials)
    timeout_s = block.study.protocol.cold.timeout_s
    try:
        while left or waiting:
            while left and len(waiting) < at_once:
                trial, cell = left.popleft()
                notice(trial)
                waiting.append(Turn(block, trial, cell, server(cell)))
            waiting[0].build(timeout_s)
            yield waiting.popleft().outcome
    except Interrupted:
        for turn in waiting:
            turn.abandon(Status.INTERRUPTED)
        yield from (turn.outcome for turn in waiting)
    finally:
        for turn in waiting:
            turn.abandon(Status.CRASHED)


def run_hot(
    block: BlockInput,
    server: ServerOf,
    notice: Notice,
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> list[Outcome]:
    """Build, check and pause every trial, let them take turns, and return all outcomes in planned order.

    An interrupt leaves every unfinished trial ``interrupted``; the caller sees it in the outcomes.

    Args:
        block: What to run.
        server: Returns what forks the worker of a cell: another one for each build.
        notice: Notified of what happens.
        undisturbed: Entered when all trials are built, and left when all have been timed.
    """
    protocol = block.study.protocol.hot
    turns: list[Turn] = []
    try:
        for trial, cell in block.trials:
            notice(trial, "hot: building")
            turn = Turn(block, trial, cell, server(cell))
            turns.append(turn)
            turn.build(protocol.timeout_s)
        with undisturbed():
            _take_turns(block, turns, notice)
        for turn in turns:
            turn.finish()
    except Interrupted:
        for turn in turns:
            turn.abandon(Status.INTERRUPTED)
    finally:
        for turn in turns:
            turn.abandon(Status.CRASHED)
    return [turn.outcome for turn in turns]


def _take_turns(block: BlockInput, turns: Sequence[Turn], notice: Notice) -> None:
    """Warm up every trial that is alive, then let them run their bursts, in a new random order each round."""
    protocol = block.study.protocol.hot
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


class Turn:
    """One trial's process within its block.

    Attributes:
        bursts_ms: The bursts that it has run so far.
    """

    def __init__(self, block: BlockInput, trial: Trial, cell: Cell, server: WorkloadServer) -> None:
        self.trial = trial
        self.bursts_ms: list[tuple[float, ...]] = []
        self._cell = cell
        self._began = utc_now()
        self._wall_s = 0.0
        self._warm_up_ms: tuple[float, ...] = ()
        self._rewarming_ms: list[tuple[float, ...]] = []
        self._outcome: Outcome | None = None
        self._directory = block.scratch / f"{trial.trial_id}"
        shutil.rmtree(self._directory, ignore_errors=True)
        (self._directory / "work").mkdir(parents=True)
        self._watched = block.watched
        self._before = NoiseProbe.read(watched=block.watched)
        self._awake_left = 0.0
        self._paused = False
        task = block_task(block, trial, cell, self._directory)
        self._sampling, self._padding_seed = block.study.protocol.layout, task.padding_seed
        self._worker: Worker | None = server.start(self.order(task), self._directory / "log")

    def order(self, task: TrialTask) -> AnyTask:
        """Return what the worker is asked to do with a trial's task."""
        return task

    @property
    def alive(self) -> bool:
        """Whether the process can take turns."""
        return self._worker is not None

    @property
    def outcome(self) -> Outcome:
        """The outcome of the trial; there is none while its process is alive."""
        assert self._outcome is not None
        return self._outcome

    def build(self, timeout_s: float) -> None:
        """Let the worker build and check. A cold one is done then; a hot one is paused."""
        self._awake_left = timeout_s
        message = self._await(timeout_s)
        if isinstance(message, Ready):
            self._pause()
        else:
            self._close(message)

    def take(self, request: Request) -> None:
        """Wake the worker for one request and pause it again."""
        if self._worker is None:
            return
        message = self._ask(request)
        if isinstance(message, WarmUpSamples):
            self._warm_up_ms = message.ms
        elif isinstance(message, BurstSamples):
            self._rewarming_ms.append(message.rewarming_ms)
            self.bursts_ms.append(message.ms)
        else:  # it failed while running
            self._close(message)
            return
        self._pause()

    def finish(self) -> None:
        """Ask for the result of a hot trial."""
        if self._worker is not None:
            self._close(self._ask(FinishRequest()))

    def abandon(self, reason: Status) -> None:
        """End a process that is still there; ``reason`` becomes the status of its trial."""
        if self._worker is not None:
            self._lost(reason)

    def _ask(self, request: Request) -> Answer | None:
        """Wake the worker for one request, and return its answer as `_await` does."""
        worker = self._worker
        assert worker is not None
        started, stopped_s = monotonic(), worker.stopped_s
        self._paused = False
        worker.resume()
        worker.send(request)
        message = self._await(self._awake_left)
        self._awake_left -= max(0.0, monotonic() - started - (worker.stopped_s - stopped_s))
        return message

    def _await(self, timeout_s: float) -> Answer | None:
        """Return the worker's next message, or record how it was lost and return None."""
        assert self._worker is not None
        started = monotonic()
        try:
            try:
                return self._worker.receive(max(0.0, timeout_s))
            finally:
                self._wall_s += monotonic() - started
        except ChannelTimeout:
            self._lost(Status.TIMEOUT)
        except ChannelGarbled as error:
            self._lost(None, str(error))
        except ChannelClosed:
            self._lost(None)
        return None

    def _pause(self) -> None:
        assert self._worker is not None
        self._paused = self._worker.pause()
        if not self._paused:
            self._lost(None)

    def _lost(self, killed_for: Status | None, because: str | None = None) -> None:
        """Record a worker that ends without a result, ``because`` of something that the ending does not show."""
        assert self._worker is not None
        worker, self._worker = self._worker, None
        ending = worker.end(kill=killed_for is not None or self._paused)
        status, error = describe_ending(ending, worker.stage, killed_for)
        message = "ended by the runner after an error of its own" if killed_for is Status.CRASHED else error.message
        message = message if because is None else f"{message}; before that, {because}"
        _log.warning("worker %d of trial %s is lost: %s: %s", worker.pid, self.trial.trial_id, status, message)
        self._settle(worker, TrialResult(status=status, error=error.model_copy(update={"message": message})))

    def _close(self, message: Answer | None) -> None:
        """Take a worker's result and wait for its end; None means that it is lost already."""
        if message is None:
            return
        if not isinstance(message, TrialResult):
            self._lost(None, f"it sent '{message.event}', which was not requested")
            return
        assert self._worker is not None
        worker, self._worker = self._worker, None
        worker.end(kill=True)
        self._settle(worker, message)

    def _settle(self, worker: Worker, result: TrialResult) -> None:
        """Keep the outcome of the trial, and clean up after its process."""
        if result.error is not None:
            error = result.error.model_copy(update={"output_tail": worker.output_tail()})
            result = replace(result, error=error)
        gpu = None if result.gpu is None else result.gpu.noise
        self._outcome = Outcome(
            trial=self.trial,
            cell=self._cell,
            time_utc=self._began,
            result=result,
            process=worker.process,
            spawned_because=worker.hazard,
            layout=Layout(
                sampling=self._sampling,
                padding_seed=self._padding_seed,
                server=worker.server.identity if worker.process == "forked" else None,
            ),
            wall_s=self._wall_s,
            noise=self._before.until(NoiseProbe.read(watched=self._watched), gpu, worker.stopped_s),
            warm_up_ms=self._warm_up_ms,
            bursts_ms=tuple(self.bursts_ms),
            rewarming_ms=tuple(self._rewarming_ms),
        )
        shutil.rmtree(self._directory, ignore_errors=True)


def block_task(block: BlockInput, trial: Trial, cell: Cell, directory: Path) -> TrialTask:
    """Return a worker's task, with caches as the mode and the knobs ask for them.

    Args:
        block: The trial's block.
        trial: Which trial.
        cell: Its cell.
        directory: The trial's private directory.
    """
    cold = trial.mode == "cold"
    tag = cell.knobs.get("cache_tag", PRIVATE)
    private = directory / "cache" if tag == PRIVATE else tag_cache(block.tag_caches, cell)
    shared = block.hot_cache / cell.cell_id
    return trial_task(
        block.study,
        block.catalogue,
        trial,
        cell,
        padded=block.study.protocol.pads_workers,
        threads=block.threads,
        cpus=None if trial.role == "probe" else block.cpus,
        memory_limit_mb=block.study.protocol.memory_limit_mb,
        cache_dir=private if cold else shared,
        publish_dir=shared if cold and tag == PRIVATE and cell.knobs else None,
        work_dir=directory / "work",
        missing_type=block.missing_types.get(cell.cell_id, ""),
        entry=block.entries.get(cell.cell_id),
    )


def tag_cache(caches: Path, cell: Cell) -> Path:
    """Return the directory of the named cache of a cell, below that of all of them."""
    return caches / f"{cell.knobs['cache_tag']}-{cell.cell_id}"
