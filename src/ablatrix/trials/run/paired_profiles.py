"""One block of hot trials whose processes, when all are at their end, take turns once more under a profiler."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ablatrix.canonical import content_id
from ablatrix.compilers.profiling import KernelProfile
from ablatrix.errors import TrialError
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.client import WorkloadServer
from ablatrix.trials.messages import (
    AnyTask,
    FinishRequest,
    Interrupted,
    NodeWork,
    ProfileReport,
    ProfileTask,
    Ready,
    Request,
    TrialTask,
    burst_request,
    warm_up_request,
)
from ablatrix.trials.results import Outcome
from ablatrix.trials.run.block import BlockInput, Notice, ServerOf, Turn

if TYPE_CHECKING:
    from ablatrix.study.model import HotProtocol

TurnT = TypeVar("TurnT", bound=Turn)
Undisturbed: TypeAlias = Callable[[], AbstractContextManager[None]]

MOST_TIMES = 3
"""Rounds at most, as a multiple of those that the study says: where a run is short they cost little beside starting the
processes that take them, and say more."""


@dataclass(frozen=True, kw_only=True)
class PairedProfiles:
    """What became of a block.

    Attributes:
        outcomes: Of the trials, in planned order.
        profiles: The profile of each one's process; None where it has none.
        nodes: What each node of the graph computes; empty where that was not asked for.
    """

    outcomes: tuple[Outcome, ...]
    profiles: tuple[KernelProfile | None, ...]
    nodes: tuple[NodeWork, ...]


class ProfileTurn(Turn):
    """A trial's process that is profiled behind the trial's end; kernels are mapped to nodes if that is asked for."""

    def __init__(
        self, block: BlockInput, trial: Trial, cell: Cell, server: WorkloadServer, *, mapped: bool = True
    ) -> None:
        self.profile: KernelProfile | None = None
        self.nodes: tuple[NodeWork, ...] = ()
        self._mapped = mapped
        super().__init__(block, trial, cell, server)

    def order(self, task: TrialTask) -> AnyTask:
        """Return what the worker is asked to do with a trial's task."""
        return ProfileTask(trial=task, mapped=self._mapped)

    def begin_profile(self, timeout_s: float) -> None:
        """End the trial, and let its process load the program under the profiler."""
        self._awake_left = timeout_s
        self.take_profiled(FinishRequest())

    def take_profiled(self, request: Request) -> None:
        """Wake the worker for one request under the profiler, and pause it again."""
        if self._worker is None:
            return
        message = self._ask(request)
        if isinstance(message, Ready):
            self._pause()
        else:
            self._close(message)

    def finish(self) -> None:
        """Ask for the profile, and for the result behind it."""
        if self._worker is None:
            return
        message = self._ask(FinishRequest())
        if isinstance(message, ProfileReport):
            self.profile, self.nodes = message.profile, message.nodes
            message = self._await(self._awake_left)
        self._close(message)


def run_profiled(
    block: BlockInput,
    server: ServerOf,
    notice: Notice,
    *,
    mapped: bool = True,
    fill_s: float = 0.0,
    undisturbed: Undisturbed = nullcontext,
) -> PairedProfiles:
    """Build all trials, let them take turns, first as trials and then under the profiler, and return what they say.

    Args:
        block: The trials.
        server: Returns what forks the worker of a cell.
        notice: Notified of what happens.
        mapped: Whether profiles say which nodes each kernel computes.
        fill_s: See `run_filled`; of the rounds of trials and of those under the profiler, each.
        undisturbed: Entered while processes take turns.

    Raises:
        Interrupted: The user asked to stop.
    """
    protocol = block.study.protocol.hot
    order = _order_of(block)

    def begin(trial: Trial, cell: Cell) -> ProfileTurn:
        return ProfileTurn(block, trial, cell, server(cell), mapped=mapped)

    with _built(block, begin, notice) as turns:
        with undisturbed():
            _take_rounds(protocol, turns, ProfileTurn.take, order, notice, fill_s)
        for turn in turns:
            notice(turn.trial, "hot: loading the profiler")
            turn.begin_profile(protocol.timeout_s)
        with undisturbed():
            _take_rounds(protocol, turns, ProfileTurn.take_profiled, order, notice, fill_s)
        for turn in turns:
            turn.finish()
    return PairedProfiles(
        outcomes=tuple(turn.outcome for turn in turns),
        profiles=tuple(turn.profile for turn in turns),
        nodes=next((turn.nodes for turn in turns if turn.nodes), ()),
    )


def run_filled(
    block: BlockInput,
    server: ServerOf,
    notice: Notice,
    *,
    fill_s: float,
    undisturbed: Undisturbed = nullcontext,
) -> list[Outcome]:
    """Build all trials, let them take turns, and return their outcomes.

    Args:
        block: The trials.
        server: Returns what forks the worker of a cell.
        notice: Notified of what happens.
        fill_s: Rounds go on for so long, up to `MOST_TIMES` as many as the study says.
        undisturbed: Entered while trials take turns.

    Raises:
        Interrupted: The user asked to stop.
    """
    with _built(block, lambda trial, cell: Turn(block, trial, cell, server(cell)), notice) as turns:
        with undisturbed():
            _take_rounds(block.study.protocol.hot, turns, Turn.take, _order_of(block), notice, fill_s)
        for turn in turns:
            turn.finish()
    return [turn.outcome for turn in turns]


def _order_of(block: BlockInput) -> random.Random:
    return random.Random(content_id({"seed": block.study.seed, "profiled": block.trials[0][0].block_id}))


@contextmanager
def _built(block: BlockInput, begin: Callable[[Trial, Cell], TurnT], notice: Notice) -> Iterator[list[TurnT]]:
    """Build all trials of a block, and leave none of their processes behind, whatever ends it."""
    turns: list[TurnT] = []
    try:
        for trial, cell in block.trials:
            notice(trial, "hot: building")
            turns.append(begin(trial, cell))
            turns[-1].build(block.study.protocol.hot.timeout_s)
        yield turns
    except Interrupted:
        for turn in turns:
            turn.abandon(Status.INTERRUPTED)
        raise
    finally:
        for turn in turns:
            turn.abandon(Status.CRASHED)


def _take_rounds(
    protocol: HotProtocol,
    turns: Sequence[TurnT],
    take: Callable[[TurnT, Request], None],
    order: random.Random,
    notice: Notice,
    fill_s: float,
) -> None:
    """Warm all up, then let them take turns, in a new random order each round; no further rounds where one is gone."""
    for turn in order.sample(turns, len(turns)):
        take(turn, warm_up_request(protocol))
    began, number, most = monotonic(), 0, MOST_TIMES * protocol.rounds
    while number < protocol.rounds or (
        number < most and monotonic() - began < fill_s and all(turn.alive for turn in turns)
    ):
        number += 1
        notice(None, f"hot: round {number}")
        for turn in order.sample(turns, len(turns)):
            take(turn, burst_request(protocol))


def look_at_kernels(block: BlockInput, server: ServerOf) -> KernelProfile:
    """Return the profile of the only trial of a block without rounds: its kernels, and the digest of its code.

    Raises:
        TrialError: It has no profile.
    """
    ((trial, cell),) = block.trials
    turn = ProfileTurn(block, trial, cell, server(cell))
    try:
        turn.build(block.study.protocol.hot.timeout_s)
        turn.begin_profile(block.study.protocol.hot.timeout_s)
        turn.finish()
    finally:
        turn.abandon(Status.CRASHED)
    if turn.profile is None:
        error = turn.outcome.result.error
        raise TrialError(f"{cell.compiler} was not profiled: {error.message if error else turn.outcome.result.status}")
    return turn.profile
