"""Orders to a fork server, its replies, and orders to a new interpreter that is started instead of a fork."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.task import Task

Process = Literal["forked", "spawned"]


@dataclass(frozen=True, kw_only=True)
class Outfit(Message):
    """The compilers that a fork server has to import; the first message to it."""

    compilers: tuple[CompilerEntry, ...]


OUTFIT: TypeAdapter[Outfit] = TypeAdapter(Outfit)


@dataclass(frozen=True, kw_only=True)
class LoadOrder(Message):
    """Start a server that has a prepared program loaded; its channel is the descriptor that comes along."""

    do: Literal["load"] = "load"
    directory: Path


@dataclass(frozen=True, kw_only=True)
class StartOrder(Message):
    """Start a worker on a task; its channel and its log are the descriptors that come along."""

    do: Literal["start"] = "start"
    task: Task


@dataclass(frozen=True, kw_only=True)
class PauseOrder(Message):
    """Stop a worker and all that it started."""

    do: Literal["pause"] = "pause"
    pid: int


@dataclass(frozen=True, kw_only=True)
class ResumeOrder(Message):
    """Let a worker and all that it started go on."""

    do: Literal["resume"] = "resume"
    pid: int


@dataclass(frozen=True, kw_only=True)
class EndOrder(Message):
    """Wait for a worker's end, and end whatever it left behind.

    Attributes:
        kill: End it first.
        live: Workers that stay.
    """

    do: Literal["end"] = "end"
    pid: int
    kill: bool
    live: tuple[int, ...]


Order = LoadOrder | StartOrder | PauseOrder | ResumeOrder | EndOrder
ORDER: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])


@dataclass(frozen=True, kw_only=True)
class Importing(Message):
    """A fork server is there, and imports: from now on it ends when the runner does.

    The first message of any server, whatever ablatrix it is of; its form never changes.

    Attributes:
        protocol: Number of the messages that it speaks; 0 for one that says none.
    """

    reply: Literal["importing"] = "importing"
    protocol: int = 0


@dataclass(frozen=True, kw_only=True)
class Serving(Message):
    """A server is ready for orders.

    Attributes:
        threads: Names of its threads.
    """

    reply: Literal["serving"] = "serving"
    threads: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Loading(Message):
    """A server for a workload was started; it reports on its own channel when it is ready."""

    reply: Literal["loading"] = "loading"
    pid: int


@dataclass(frozen=True, kw_only=True)
class Started(Message):
    """A worker was started.

    Attributes:
        process: How it was started.
        hazard: What made a fork unsafe, None for a forked process.
    """

    reply: Literal["started"] = "started"
    pid: int
    process: Process
    hazard: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerState(Message):
    """What a worker is doing.

    Attributes:
        state: ``gone``: it is no longer a child of the server.
        signal: The signal that ended it, None when it exited by itself.
        exit_code: Its exit code, None when a signal ended it.
        strays: Processes that it had left behind and that were killed.
        forced: Whether the server ended it unasked, since it did not end by itself in time.
    """

    reply: Literal["state"] = "state"
    state: Literal["stopped", "running", "ended", "gone"]
    signal: int | None = None
    exit_code: int | None = None
    strays: int = 0
    forced: bool = False


@dataclass(frozen=True, kw_only=True)
class Failed(Message):
    """An order could not be followed."""

    reply: Literal["failed"] = "failed"
    error: str


Reply = Importing | Serving | Loading | Started | WorkerState | Failed
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="reply")])


@dataclass(frozen=True, kw_only=True)
class SpawnedServer(Message):
    """Serve one workload in a new interpreter, and start each worker in a new interpreter, too.

    Attributes:
        directory: The prepared program.
        hazard: Why nothing is forked.
    """

    role: Literal["server"] = "server"
    directory: Path
    hazard: str


@dataclass(frozen=True, kw_only=True)
class SpawnedWorker(Message):
    """Do a task in a new interpreter.

    Attributes:
        directory: The prepared program, None where the task needs none.
    """

    role: Literal["worker"] = "worker"
    task: Task
    directory: Path | None


SpawnOrder = SpawnedServer | SpawnedWorker
SPAWN_ORDER: TypeAdapter[SpawnOrder] = TypeAdapter(Annotated[SpawnOrder, Field(discriminator="role")])
