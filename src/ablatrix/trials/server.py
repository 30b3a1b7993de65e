"""The runner's side of the fork servers and workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO

from ablatrix.errors import TrialError
from ablatrix.records.status import Status
from ablatrix.trials.channel import Channel, ChannelClosed, ChannelTimeout, Message, open_pair
from ablatrix.trials.interrupt import Interrupt
from ablatrix.trials.linux import is_dead
from ablatrix.trials.memory import group_bytes_above

START_TIMEOUT_S = 300.0
REPLY_TIMEOUT_S = 60.0
DEATH_CHECK_S = 0.5
OUTPUT_TAIL = 4000
VARIABLES = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "HF_HUB_OFFLINE": "1"}
TIMED_REQUESTS = frozenset({"warm_up", "burst"})


class ForkServer:
    """A process that has imported torch and some compilers. Use as a context: leaving it ends every descendant."""

    def __init__(
        self, adapters: Sequence[str], log: Path, interrupt: Interrupt, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it.

        Args:
            adapters: ``module:class`` of each compiler adapter to have imported.
            log: File that gets whatever the process prints.
            interrupt: Tells when to give up waiting.
            environment: Variables that it has beside those of this process.

        Raises:
            TrialError: It did not start; the message has the reason.
        """
        self.interrupt = interrupt
        self._children: list[Channel] = []
        self._channel, theirs = open_pair()
        command = [sys.executable, "-m", "ablatrix.trials.zygote", str(theirs.fileno()), *adapters]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **VARIABLES, **(environment or {})},
                start_new_session=True,
            )
        theirs.close()
        try:
            reply, _ = self._channel.receive(START_TIMEOUT_S)
        except TrialError as error:
            self.close()
            raise TrialError(f"the fork server did not start: {error}; see {log}") from None
        if "error" in reply:
            self.close()
            raise TrialError(f"the fork server did not start: {reply['error']}; see {log}")

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started."""
        for channel in self._children:
            channel.close()
        self._channel.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
            return
        self._process.kill()
        self._process.wait()

    def load(self, directory: Path) -> WorkloadServer:
        """Fork a server that has a prepared program loaded.

        Raises:
            TrialError: The program cannot be loaded.
        """
        ours, theirs = open_pair()
        request(self._channel, {"do": "load", "directory": str(directory)}, [theirs.fileno()])
        theirs.close()
        self._children.append(ours)
        reply, _ = ours.receive(START_TIMEOUT_S)
        if "error" in reply:
            raise TrialError(f"{directory}: the prepared program cannot be loaded: {reply['error']}")
        return WorkloadServer(ours, self.interrupt)

    def without_program(self) -> WorkloadServer:
        """Return this process as one that forks workers which need no program."""
        return WorkloadServer(self._channel, self.interrupt)


@dataclass
class WorkloadServer:
    """A process that forks workers of one workload."""

    channel: Channel
    interrupt: Interrupt
    live: list[int] = field(default_factory=list)

    def start(self, task: Message, log: Path) -> Worker:
        """Start a worker on a task, by a fork where that is safe; what it prints goes to ``log``."""
        ours, theirs = open_pair()
        with log.open("wb") as output:
            reply = request(self.channel, {"do": "trial", "task": task}, [theirs.fileno(), output.fileno()])
        theirs.close()
        self.live.append(reply["pid"])
        limit_mb = task.get("memory_limit_mb")
        limit = None if limit_mb is None else limit_mb * 2**20
        return Worker(reply["pid"], ours, self, log, reply["process"], reply["hazard"], limit)


@dataclass
class Worker:
    """One trial's process.

    Attributes:
        process: ``forked``, or ``spawned`` where a fork was not safe.
        hazard: What made a fork unsafe, None for a forked process.
        limit_bytes: Memory that its process group may hold, None for no limit.
        stage: The last stage that it reported.
    """

    pid: int
    channel: Channel
    server: WorkloadServer
    log: Path
    process: str = "forked"
    hazard: str | None = None
    limit_bytes: int | None = None
    stage: str | None = None
    _timed: bool = False
    _ended_for: Message = field(default_factory=dict)

    def send(self, message: Message) -> None:
        """Send a request; a worker that is gone is noticed by the next ``receive``."""
        self._timed = message["do"] in TIMED_REQUESTS
        with suppress(ChannelClosed):
            self.channel.send(message)

    def receive(self, timeout_s: float) -> Message:
        """Return the worker's next message that is not about a stage.

        Meanwhile its memory is watched, but never during a burst.

        Raises:
            ChannelClosed: It ended, or holds more memory than it may; ``end`` tells which.
            ChannelTimeout: It did not answer in time.
            Interrupted: The user asked to stop.
        """
        deadline = monotonic() + timeout_s
        while True:
            self._wait(deadline, timeout_s)
            message, _ = self.channel.receive(0)
            if message["event"] != "stage":
                return message
            self.stage = message["stage"]

    def pause(self) -> bool:
        """Stop the process group; return whether that was confirmed."""
        return bool(self._ask("pause")["state"] == "stopped")

    def resume(self) -> bool:
        """Let the process group go on; return whether that was confirmed."""
        return bool(self._ask("resume")["state"] == "running")

    def end(self, *, kill: bool) -> Message:
        """Wait for the end of the process group (killing it first when asked to) and return how it ended.

        For one that held too much memory the answer has ``killed_for`` and a ``message``.
        """
        self.server.live.remove(self.pid)
        self.channel.close()
        kill = kill or bool(self._ended_for)
        message = {"do": "end", "pid": self.pid, "kill": kill, "live": self.server.live}
        return {**request(self.server.channel, message), **self._ended_for}

    def output_tail(self) -> str | None:
        """Return the end of what the process printed, None when it printed nothing."""
        try:
            with self.log.open("rb") as stream:
                return _tail(stream) or None
        except OSError:
            return None

    def _wait(self, deadline: float, timeout_s: float) -> None:
        """Wait for a message; notice a death even when a process that was left behind keeps the channel open.

        It wakes twice a second, and looks at the memory then.
        """
        while True:
            left = deadline - monotonic()
            try:
                return self.server.interrupt.wait(self.channel, min(max(0.0, left), DEATH_CHECK_S))
            except ChannelTimeout:
                if is_dead(self.pid):
                    raise ChannelClosed(f"worker {self.pid} ended") from None
                self._check_memory()
                if left <= DEATH_CHECK_S:
                    raise ChannelTimeout(f"worker {self.pid}: no message within {timeout_s:.1f} s") from None

    def _check_memory(self) -> None:
        if self.limit_bytes is None or self._timed:
            return
        held = group_bytes_above(self.pid, self.limit_bytes)
        if held is not None:
            message = (
                f"it held {held / 2**20:.0f} MiB of memory, shared memory included; "
                f"protocol.memory_limit_mb allows {self.limit_bytes / 2**20:.0f}"
            )
            self._ended_for = {"killed_for": Status.OUT_OF_MEMORY, "message": message}
            raise ChannelClosed(f"worker {self.pid}: {message}")

    def _ask(self, what: str) -> Message:
        return request(self.server.channel, {"do": what, "pid": self.pid})


def request(channel: Channel, message: Message, descriptors: Sequence[int] = ()) -> Message:
    """Send a request to a fork server and return its reply.

    Raises:
        TrialError: The server is gone or answered with an error.
    """
    channel.send(message, descriptors)
    try:
        reply, _ = channel.receive(REPLY_TIMEOUT_S)
    except ChannelTimeout:
        raise TrialError(f"the fork server did not answer '{message['do']}' within {REPLY_TIMEOUT_S:.0f} s") from None
    if "error" in reply:
        raise TrialError(f"the fork server failed on '{message['do']}': {reply['error']}")
    return reply


def _tail(stream: IO[bytes]) -> str:
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - OUTPUT_TAIL))
    return stream.read().decode("utf-8", errors="replace")
