"""One block of ordinary hot trials and of profiles of the same configurations, which take turns with them.

Whatever disturbs the machine disturbs both alike; and a profile's processes are others than those of trials.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

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
    TrialTask,
    burst_request,
    warm_up_request,
)
from ablatrix.trials.results import Outcome
from ablatrix.trials.run.block import BlockInput, Notice, ServerOf, Turn

MOST_TIMES = 3
"""Rounds at most, as a multiple of those that the study says: where a run is short they cost little beside starting the
processes that take them, and say more."""


@dataclass(frozen=True, kw_only=True)
class PairedProfiles:
    """What became of a block.

    Attributes:
        outcomes: Of the trials, in planned order.
        profiled: Of the processes that profiled, in planned order; their times are no trial's.
        profiles: The profile of each of these; None where it has none.
        nodes: What each node of the graph computes; empty where no profile came to its end.
    """

    outcomes: tuple[Outcome, ...]
    profiled: tuple[Outcome, ...]
    profiles: tuple[KernelProfile | None, ...]
    nodes: tuple[NodeWork, ...]


class ProfileTurn(Turn):
    """A process that profiles, within a block; kernels are mapped to nodes where that is asked for."""

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

    def finish(self) -> None:
        """Ask for the profile, and for the result behind it."""
        worker = self._worker
        if worker is None:
            return
        self._paused = False
        worker.resume()
        worker.send(FinishRequest())
        message = self._await(self._awake_left)
        if isinstance(message, ProfileReport):
            self.profile, self.nodes = message.profile, message.nodes
            message = self._await(self._awake_left)
        self._close(message)


def run_profiled(
    block: BlockInput,
    profiled: Sequence[tuple[Trial, Cell]],
    server: ServerOf,
    notice: Notice,
    *,
    mapped: bool = True,
    fill_s: float = 0.0,
) -> PairedProfiles:
    """Build all trials and profiles, let them take turns, and return what they say.

    Args:
        block: The trials.
        profiled: The configurations to profile, each with a trial that no record is made of.
        server: Returns what forks the worker of a cell.
        notice: Notified of what happens.
        mapped: Whether profiles say which nodes each kernel computes.
        fill_s: Rounds go on for so long, up to `MOST_TIMES` as many as the study says.

    Raises:
        Interrupted: The user asked to stop.
    """
    protocol = block.study.protocol.hot
    trials: list[Turn] = []
    profiles: list[ProfileTurn] = []
    try:
        for trial, cell in block.trials:
            notice(trial, "hot: building")
            trials.append(Turn(block, trial, cell, server(cell)))
            trials[-1].build(protocol.timeout_s)
        for trial, cell in profiled:
            notice(trial, "hot: building")
            profiles.append(ProfileTurn(block, trial, cell, server(cell), mapped=mapped))
            profiles[-1].build(protocol.timeout_s)
        turns: list[Turn] = [*trials, *profiles]
        order = random.Random(content_id({"seed": block.study.seed, "profiled": block.trials[0][0].block_id}))
        for turn in order.sample(turns, len(turns)):
            turn.take(warm_up_request(protocol))
        began, number = monotonic(), 0
        most = MOST_TIMES * protocol.rounds
        while number < protocol.rounds or (number < most and monotonic() - began < fill_s and _all_alive(turns)):
            number += 1
            notice(None, f"hot: round {number}")
            for turn in order.sample(turns, len(turns)):
                turn.take(burst_request(protocol))
        for turn in turns:
            turn.finish()
    except Interrupted:
        for turn in (*trials, *profiles):
            turn.abandon(Status.INTERRUPTED)
        raise
    finally:
        for turn in (*trials, *profiles):
            turn.abandon(Status.CRASHED)
    return PairedProfiles(
        outcomes=tuple(turn.outcome for turn in trials),
        profiled=tuple(turn.outcome for turn in profiles),
        profiles=tuple(turn.profile for turn in profiles),
        nodes=next((turn.nodes for turn in profiles if turn.nodes), ()),
    )


def _all_alive(turns: Sequence[Turn]) -> bool:
    return all(one.alive for one in turns)


def look_at_kernels(block: BlockInput, server: ServerOf) -> KernelProfile:
    """Return the profile of the only configuration of a block without rounds: its kernels, and the digest of its code.

    Raises:
        TrialError: It has no profile.
    """
    ((trial, cell),) = block.trials
    turn = ProfileTurn(block, trial, cell, server(cell))
    try:
        turn.build(block.study.protocol.hot.timeout_s)
        turn.finish()
    finally:
        turn.abandon(Status.CRASHED)
    if turn.profile is None:
        error = turn.outcome.result.error
        raise TrialError(f"{cell.compiler} was not profiled: {error.message if error else turn.outcome.result.status}")
    return turn.profile
