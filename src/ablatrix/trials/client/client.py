"""The runner's side of the fork servers and workers."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import IO

from ablatrix.builds import Build
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import TrialError
from ablatrix.interpreter import interpreter
from ablatrix.records.status import Status
from ablatrix.trials.client.replies import ProgramLoadError, await_message, await_reply, give
from ablatrix.trials.host import DEAD, STOPPED, Ending, group_bytes_above, state_of
from ablatrix.trials.messages import (
    ANSWER,
    TIMED_REQUESTS,
    Answer,
    AnyTask,
    Channel,
    ChannelClosed,
    ChannelTimeout,
    EndOrder,
    Importing,
    Interrupt,
    Loading,
    LoadOrder,
    Outfit,
    PauseOrder,
    Process,
    Request,
    ResumeOrder,
    Serving,
    StageBegun,
    Started,
    StartOrder,
    WorkerState,
    open_pair,
)
from ablatrix.version import PROTOCOL

_log = logging.getLogger(__name__)

DEATH_CHECK_S = 0.5
LATE_S = 2.0
"""A look that comes so much later than it should have come was not late for load: this process was stopped."""
OUTPUT_TAIL = 4000
VARIABLES = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""Keep a model's libraries from the network, unless the environment of a run has them otherwise."""


class ForkServer:
    """A process that has imported torch and some compilers. Use as a context: leaving it ends every descendant.

    Attributes:
        identity: Id of this one server: its descendants that are forks inherit its address-space layout.
    """

    def __init__(
        self,
        compilers: Sequence[CompilerEntry],
        log: Path,
        interrupt: Interrupt,
        environment: Mapping[str, str] | None = None,
        build: Build | None = None,
    ) -> None:
        """Start it; it imports while this process goes on. ``await_ready`` waits for that.

        Args:
            compilers: The compilers to have imported.
            log: File that gets whatever the process prints.
            interrupt: Says when to stop waiting.
            environment: Environment variables, beside those of this process.
            build: The build whose interpreter and environment it has; None for those of this process.
        """
        self.interrupt = interrupt
        self.identity = secrets.token_hex(8)
        self._log = log
        self._begun = self._ready = False
        self._children: list[Channel] = []
        self._channel, theirs = open_pair()
        words = ("-m", "ablatrix.trials.fork_server.serve", str(theirs.fileno()))
        command = interpreter(*words) if build is None else build.command_line(*words)
        inherited = {**OFFLINE, **os.environ, **VARIABLES, **(environment or {})}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env=inherited if build is None else build.variables(inherited),
                start_new_session=True,
            )
        theirs.close()
        with suppress(ChannelClosed):  # one that is gone is noticed by whoever waits for it
            self._channel.send(Outfit(compilers=tuple(compilers)))

    def __enter__(self) -> ForkServer:
        self.await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def await_ready(self) -> None:
        """Wait until it has imported everything.

        Raises:
            TrialError: It did not start; the message has the reason.
        """
        if self._ready:
            return
        try:
            self._await_begun()
            await_message(self._channel, Serving)
        except TrialError as error:
            self.close()
            raise TrialError(f"the fork server did not start: {error}; see {self._log}") from None
        self._ready = True

    def stop_starting(self) -> None:
        """Stop it, and the servers that it has forked, until ``go_on``; nothing may be asked of it meanwhile.

        Raises:
            TrialError: It is gone.
        """
        self._await_begun()  # before that, one that is stopped would stay for ever if this process were killed
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End the process and all that it started."""
        for channel in self._children:
            channel.close()
        self._channel.close()
        if not self._ready:  # while it imports it does not notice that the channel is closed
            self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
            return
        self._process.kill()
        self._process.wait()

    def load(self, directory: Path) -> WorkloadServer:
        """Fork a server that has a prepared program loaded.

        Raises:
            TrialError: The server did not start, or the program cannot be loaded.
        """
        return self.begin_load(directory).finish()

    def begin_load(self, directory: Path) -> LoadingServer:
        """Order a server that has a prepared program loaded, as soon as this one is ready, and wait for nothing.

        Raises:
            TrialError: The server is gone.
        """
        ours, theirs = open_pair()
        self._children.append(ours)
        try:
            self._channel.send(LoadOrder(directory=directory), [theirs.fileno()])
        finally:
            theirs.close()
        return LoadingServer(self, self._channel, ours, directory)

    def without_program(self) -> WorkloadServer:
        """Return this process as one that forks workers which need no program.

        Raises:
            TrialError: The server did not start.
        """
        self.await_ready()
        return WorkloadServer(self._channel, self.interrupt, self.identity)

    def _await_begun(self) -> None:
        if not self._begun:
            protocol = await_message(self._channel, Importing).protocol
            if protocol != PROTOCOL:
                raise TrialError(
                    f"its ablatrix speaks protocol {protocol or 'of no number'}, and this one {PROTOCOL}; install the "
                    "same version of ablatrix in both"
                )
            self._begun = True

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to the servers that it has forked; workers have groups of their own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@dataclass(frozen=True)
class LoadingServer:
    """A server for one workload that was ordered; nothing else may be ordered of its parent before it is there."""

    parent: ForkServer
    orders: Channel
    channel: Channel
    directory: Path

    def finish(self) -> WorkloadServer:
        """Wait until the program is loaded, and return the server.

        Raises:
            TrialError: The parent did not start, or the program cannot be loaded.
        """
        self.parent.await_ready()
        await_reply(self.orders, "load", Loading)
        try:
            await_message(self.channel, Serving)
        except TrialError as error:
            message = f"{self.directory}: the prepared program cannot be loaded: {error}"
            raise ProgramLoadError(message, self.directory) from None
        return WorkloadServer(self.channel, self.parent.interrupt, self.parent.identity)


@dataclass
class WorkloadServer:
    """A process that forks workers of one workload.

    Attributes:
        identity: Id of the fork server that it is a fork of.
        spawns: Whether a worker was a new interpreter, since a fork was not safe.
        live: Process ids of its workers.
    """

    channel: Channel
    interrupt: Interrupt
    identity: str
    spawns: bool = False
    live: list[int] = field(default_factory=list)

    def start(self, task: AnyTask, log: Path) -> Worker:
        """Start a worker on a task, by a fork where that is safe; what it prints goes to ``log``."""
        ours, theirs = open_pair()
        with log.open("wb") as output:
            started = give(self.channel, StartOrder(task=task), Started, [theirs.fileno(), output.fileno()])
        theirs.close()
        self.live.append(started.pid)
        self.spawns = self.spawns or started.process == "spawned"
        _log.debug("worker %d started (%s), task: %s", started.pid, started.process, task.kind)
        return Worker(
            pid=started.pid,
            channel=ours,
            server=self,
            log=log,
            process=started.process,
            hazard=started.hazard,
            limit_bytes=None if task.memory_limit_mb is None else task.memory_limit_mb * 2**20,
        )


@dataclass(kw_only=True)
class Worker:
    """One trial's process.

    Attributes:
        process: ``forked``, or ``spawned`` where a fork was not safe.
        hazard: What made a fork unsafe, None for a forked process.
        limit_bytes: Memory that its process group may hold, None for no limit.
        stage: The last stage that it reported.
        stopped_s: For how long it was seen stopped by others, or the runner was, while its messages were waited for.
    """

    pid: int
    channel: Channel
    server: WorkloadServer
    log: Path
    process: Process = "forked"
    hazard: str | None = None
    limit_bytes: int | None = None
    stage: str | None = None
    stopped_s: float = 0.0
    _timed: bool = False
    _ended_for: Ending = field(default_factory=Ending)

    def send(self, request: Request) -> None:
        """Send a request; a worker that is gone is noticed by the next ``receive``."""
        self._timed = isinstance(request, TIMED_REQUESTS)
        with suppress(ChannelClosed):
            self.channel.send(request)

    def receive(self, timeout_s: float) -> Answer:
        """Return the worker's next message that is not about a stage.

        Meanwhile its memory is watched, but never during a burst.

        Raises:
            ChannelClosed: It ended, or holds more memory than it may; ``end`` says which.
            ChannelGarbled: What it sent is no message of a worker.
            ChannelTimeout: It did not answer in time.
            Interrupted: The user asked to stop.
        """
        deadline = monotonic() + timeout_s
        while True:
            deadline += self._wait(deadline, timeout_s)
            message, _ = self.channel.receive(ANSWER, 0)
            if not isinstance(message, StageBegun):
                return message
            self.stage = message.stage

    def pause(self) -> bool:
        """Stop the process group; return whether that was confirmed."""
        return give(self.server.channel, PauseOrder(pid=self.pid), WorkerState).state == "stopped"

    def resume(self) -> bool:
        """Let the process group go on; return whether that was confirmed."""
        return give(self.server.channel, ResumeOrder(pid=self.pid), WorkerState).state == "running"

    def end(self, *, kill: bool) -> Ending:
        """Wait for the end of the process group (killing it first when asked to) and return how it ended.

        One that held too much memory is killed for that, and the ending says so.
        """
        self.server.live.remove(self.pid)
        self.channel.close()
        kill = kill or self._ended_for.killed_for is not None
        order = EndOrder(pid=self.pid, kill=kill, live=tuple(self.server.live))
        state = give(self.server.channel, order, WorkerState)
        return replace(self._ended_for, signal=state.signal, exit_code=state.exit_code, forced=state.forced)

    def output_tail(self) -> str | None:
        """Return the end of what the process printed, None when it printed nothing."""
        try:
            with self.log.open("rb") as stream:
                return _tail(stream) or None
        except OSError:
            return None

    def _wait(self, deadline: float, timeout_s: float) -> float:
        """Wait for a message; notice a death even when a process that was left behind keeps the channel open.

        It wakes twice a second, looks at the memory then, and whether somebody stopped the worker. A limit of time does
        not count what this process slept while it was stopped itself: the worker may have been, too.

        Returns:
            For how long this process was stopped, which is added to the deadline.
        """
        slept = 0.0
        while True:
            left = deadline + slept - monotonic()
            began, due = monotonic(), min(max(0.0, left), DEATH_CHECK_S)
            try:
                self.server.interrupt.wait(self.channel, due)
            except ChannelTimeout:
                slept += self._note_late(began, due)
                state = state_of(self.pid)
                if state in DEAD:
                    raise ChannelClosed(f"worker {self.pid} ended") from None
                if state in STOPPED:
                    self.stopped_s += DEATH_CHECK_S
                self._check_memory()
                if deadline + slept - monotonic() <= 0:
                    raise ChannelTimeout(f"worker {self.pid}: no message within {timeout_s:.1f} s") from None
                continue
            return slept + self._note_late(began, due)

    def _note_late(self, began: float, due: float) -> float:
        """Return, and add to what was stopped, for how long this process did not come to look; 0 for a short while."""
        late = monotonic() - began - due
        if late < LATE_S:
            return 0.0
        self.stopped_s += late
        return late

    def _check_memory(self) -> None:
        if self.limit_bytes is None or self._timed:
            return
        held = group_bytes_above(self.pid, self.limit_bytes)
        if held is not None:
            message = (
                f"it held {held / 2**20:.0f} MiB of memory, shared memory included; "
                f"protocol.memory_limit_mb allows {self.limit_bytes / 2**20:.0f}"
            )
            self._ended_for = Ending(killed_for=Status.OUT_OF_MEMORY, message=message)
            raise ChannelClosed(f"worker {self.pid}: {message}")


def _tail(stream: IO[bytes]) -> str:
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - OUTPUT_TAIL))
    return stream.read().decode("utf-8", errors="replace")
